//! Optimiser steps of maximum likelihood, fused from the rows to the weights.

use super::optimizer::{Factors, Vectors, accumulate, square_norm, step};
use super::program::{Program, Workspace};
use super::table::{Table, first, tiles};
use super::tile::{Column, ROWS};
use crate::error::Result;
use crate::train::{Moving, Steps, Update};
use crate::workers::Workers;
use rand::RngCore;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// The fewest rows of a chunk, and the most chunks of a batch: each has a gradient of its own, so
/// that the sum does not depend on the number of threads.
const CHUNK_ROWS: usize = 2 * ROWS;
const CHUNKS: usize = 16;

/// The chunks of a batch: their sizes depend on the number of rows alone.
pub(super) fn chunks(rows: usize) -> Vec<Range<usize>> {
    let size = rows.div_ceil(CHUNKS).next_multiple_of(ROWS).max(CHUNK_ROWS);
    (0..rows).step_by(size).map(|start| start..rows.min(start + size)).collect()
}

/// What one chunk came to.
#[derive(Debug, Default)]
struct Chunk {
    loss: f64,
    gradient: Vec<f32>,
}

/// Losses and gradients of batches of a table, in buffers that stay.
#[derive(Debug)]
pub(super) struct Gradients<'a> {
    program: &'a Program,
    workers: &'a Workers,
    chunks: Vec<Mutex<Chunk>>,
    /// One for each thread at work.
    workspaces: Mutex<Vec<Workspace>>,
    /// The sum over the chunks.
    pub(super) sum: Vec<f32>,
}

impl<'a> Gradients<'a> {
    pub(super) fn new(program: &'a Program, workers: &'a Workers) -> Self {
        let sum = vec![0.0; program.length()];
        Self { program, workers, chunks: Vec::new(), workspaces: Mutex::default(), sum }
    }

    /// −Σ wᵢ log p(xᵢ) / Σ wᵢ over these rows of the table; its gradient is left in `sum`.
    pub(super) fn run(&mut self, theta: &[f32], table: &Table, rows: &[u32]) -> Result<f64> {
        let ranges = chunks(rows.len());
        let total: f64 = rows.iter().map(|row| f64::from(table.weight(*row as usize))).sum();
        let scale = (-1.0 / total) as f32;
        self.chunks.resize_with(self.chunks.len().max(ranges.len()), Mutex::default);
        let this = &*self;
        this.workers.for_each(ranges.len(), |i| {
            let mut chunk = lock(&this.chunks[i]);
            let work = lock(&this.workspaces).pop();
            let mut work = work.unwrap_or_else(|| this.program.workspace(true));
            chunk.run(this.program, theta, (table, &rows[ranges[i].clone()]), scale, &mut work);
            lock(&this.workspaces).push(work);
        });
        let level = self.program.level();
        let mut loss = 0.0;
        for (i, chunk) in self.chunks[..ranges.len()].iter().enumerate() {
            let chunk = lock(chunk);
            loss += chunk.loss;
            if i == 0 {
                self.sum.copy_from_slice(&chunk.gradient);
            } else {
                accumulate(level, &chunk.gradient, &mut self.sum);
            }
        }
        self.program.finish(theta, &mut self.sum);
        Ok(loss)
    }
}

/// What a thread left behind is overwritten, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Chunk {
    fn run(
        &mut self,
        program: &Program,
        theta: &[f32],
        (table, rows): (&Table, &[u32]),
        scale: f32,
        work: &mut Workspace,
    ) {
        self.loss = 0.0;
        self.gradient.clear();
        self.gradient.resize(program.length(), 0.0);
        for tile in tiles(0..rows.len()) {
            let rows = &rows[tile];
            table.fill(rows.iter().map(|row| *row as usize), work);
            work.d_log_det = Column::ZERO;
            for (d, row) in work.d_log_det.0.iter_mut().zip(rows) {
                *d = scale * table.weight(*row as usize);
            }
            program.log_prob_and_gradients(theta, work, &mut self.gradient);
            let log_prob = first(&work.log_det, rows.len()).iter().zip(rows);
            let weighted = log_prob.zip(&work.d_log_det.0).map(|((log_prob, row), d)| {
                f64::from(*d) * f64::from(log_prob + table.log_det(*row as usize))
            });
            self.loss += weighted.sum::<f64>();
        }
    }
}

/// Training in single precision.
#[derive(Debug)]
pub(super) struct FastSteps<'a> {
    gradients: Gradients<'a>,
    table: Table,
    vectors: Vectors,
    taken: usize,
}

impl<'a> FastSteps<'a> {
    pub(super) fn new(
        program: &'a Program,
        workers: &'a Workers,
        table: Table,
        decayed: &[bool],
    ) -> Self {
        let decayed = decayed.iter().map(|decays| f32::from(u8::from(*decays))).collect();
        let vectors = Vectors { decayed, ..Vectors::default() };
        Self { gradients: Gradients::new(program, workers), table, vectors, taken: 0 }
    }
}

impl Steps for FastSteps<'_> {
    fn load(&mut self, moving: &Moving) -> Result<()> {
        let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
        self.vectors = Vectors {
            weights: single(&moving.weights),
            average: single(&moving.average),
            first: single(&moving.optimizer.first),
            second: single(&moving.optimizer.second),
            decayed: std::mem::take(&mut self.vectors.decayed),
        };
        self.taken = moving.optimizer.steps;
        Ok(())
    }

    fn store(&self, moving: &mut Moving) {
        let count = self.gradients.program.parameters();
        let double = |values: &[f32]| values[..count].iter().map(|v| f64::from(*v)).collect();
        moving.weights = double(&self.vectors.weights);
        moving.average = double(&self.vectors.average);
        moving.optimizer.first = double(&self.vectors.first);
        moving.optimizer.second = double(&self.vectors.second);
        moving.optimizer.steps = self.taken;
    }

    fn step(&mut self, rows: &[u32], update: &Update, _: &mut dyn RngCore) -> Result<Option<f64>> {
        let Self { gradients, table, vectors, taken } = self;
        let program = gradients.program;
        vectors.weights.resize(program.length(), 0.0);
        program.prepare(&mut vectors.weights);
        let loss = gradients.run(&vectors.weights, table, rows)?;
        let gradient = &gradients.sum[..program.parameters()];
        let norm = square_norm(program.level(), gradient).sqrt();
        if !(loss.is_finite() && norm.is_finite()) {
            return Ok(None);
        }
        *taken += 1;
        step(program.level(), vectors, gradient, Factors::new(update, *taken, norm));
        Ok(Some(loss))
    }
}
