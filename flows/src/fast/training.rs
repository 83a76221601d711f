//! Optimiser steps of maximum likelihood, fused from the rows to the weights.

use super::optimizer::{Factors, Vectors, accumulate, square_norm, step};
use super::program::{Program, Workspace};
use super::table::{Table, tiles};
use super::team::{Job, Team};
use super::tile::{Column, ROWS};
use crate::error::Result;
use crate::train::{Moving, Steps, Update};
use rand::RngCore;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A batch to be differentiated, chunk by chunk, and the buffers that stay from step to step.
#[derive(Debug)]
struct BatchJob {
    program: Arc<Program>,
    table: Table,
    /// The parameters, and what is prepared from them.
    theta: Vec<f32>,
    /// The rows of the batch.
    rows: Vec<u32>,
    ranges: Vec<Range<usize>>,
    /// −1 / Σ wᵢ
    scale: f32,
    chunks: Vec<Mutex<Chunk>>,
    /// One for each thread at work.
    workspaces: Mutex<Vec<Workspace>>,
}

/// What a thread left behind is overwritten, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Job for BatchJob {
    fn run(&self, piece: usize) {
        let mut chunk = lock(&self.chunks[piece]);
        let work = lock(&self.workspaces).pop();
        let mut work = work.unwrap_or_else(|| self.program.workspace(true));
        chunk.run(self, &self.rows[self.ranges[piece].clone()], &mut work);
        lock(&self.workspaces).push(work);
    }
}

impl BatchJob {
    fn take(&mut self, rows: &[u32]) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.ranges = chunks(rows.len());
        self.chunks.resize_with(self.chunks.len().max(self.ranges.len()), Mutex::default);
        let total: f64 = rows.iter().map(|row| f64::from(self.table.weight(*row as usize))).sum();
        self.scale = (-1.0 / total) as f32;
        self.program.prepare(&mut self.theta);
    }

    /// The loss, and its gradient in `sum`: chunks in their order.
    fn collect(&self, sum: &mut [f32]) -> f64 {
        if self.ranges.is_empty() {
            sum.fill(0.0);
            return f64::NAN;
        }
        let mut loss = 0.0;
        for (i, chunk) in self.chunks[..self.ranges.len()].iter().enumerate() {
            let chunk = lock(chunk);
            loss += chunk.loss;
            if i == 0 {
                sum.copy_from_slice(&chunk.gradient);
            } else {
                accumulate(self.program.level(), &chunk.gradient, sum);
            }
        }
        self.program.finish(&self.theta, sum);
        loss
    }
}

impl Chunk {
    fn run(&mut self, job: &BatchJob, rows: &[u32], work: &mut Workspace) {
        let BatchJob { program, table, theta, scale, .. } = job;
        self.loss = 0.0;
        self.gradient.clear();
        self.gradient.resize(program.length(), 0.0);
        for tile in tiles(0..rows.len()) {
            let rows = &rows[tile];
            table.fill(program.level(), rows.iter().map(|row| *row as usize), work);
            work.d_log_det = Column::ZERO;
            for (d, row) in work.d_log_det.0.iter_mut().zip(rows) {
                *d = scale * table.weight(*row as usize);
            }
            program.log_prob_and_gradients(theta, work, &mut self.gradient);
            let log_prob = work.log_det.0.iter().zip(rows);
            let weighted = log_prob.zip(&work.d_log_det.0).map(|((log_prob, row), d)| {
                f64::from(*d) * f64::from(log_prob + table.log_det(*row as usize))
            });
            self.loss += weighted.sum::<f64>();
        }
    }
}

/// Losses and gradients of batches of a table.
#[derive(Debug)]
pub(super) struct Gradients {
    program: Arc<Program>,
    team: Team<BatchJob>,
    /// Of the last batch.
    pub(super) sum: Vec<f32>,
}

impl Gradients {
    /// For rows of this table, with parameters `theta`.
    pub(super) fn new(
        program: &Arc<Program>,
        table: Table,
        theta: Vec<f32>,
        threads: usize,
    ) -> Self {
        let sum = vec![0.0; program.length()];
        let job = BatchJob {
            program: Arc::clone(program),
            table,
            theta,
            rows: Vec::new(),
            ranges: Vec::new(),
            scale: 0.0,
            chunks: Vec::new(),
            workspaces: Mutex::default(),
        };
        Self { program: Arc::clone(program), team: Team::new(job, threads.min(CHUNKS)), sum }
    }

    /// −Σ wᵢ log p(xᵢ) / Σ wᵢ over these rows of the table; its gradient is left in `sum`.
    pub(super) fn run(&mut self, rows: &[u32]) -> f64 {
        self.team.job().take(rows);
        self.team.run(chunks(rows.len()).len());
        self.team.job().collect(&mut self.sum)
    }
}

/// Training in single precision.
#[derive(Debug)]
pub(super) struct FastSteps {
    gradients: Gradients,
    vectors: Vectors,
    taken: usize,
}

impl FastSteps {
    pub(super) fn new(gradients: Gradients, decayed: &[bool]) -> Self {
        let decayed = decayed.iter().map(|decays| f32::from(u8::from(*decays))).collect();
        Self { gradients, vectors: Vectors { decayed, ..Vectors::default() }, taken: 0 }
    }
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

impl Steps for FastSteps {
    fn load(&mut self, moving: &Moving) -> Result<()> {
        let mut theta = single(&moving.weights);
        theta.resize(self.gradients.program.length(), 0.0);
        self.gradients.team.job().theta = theta;
        self.vectors = Vectors {
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
        moving.weights = double(&self.gradients.team.job().theta[..count]);
        moving.average = double(&self.vectors.average);
        moving.optimizer.first = double(&self.vectors.first);
        moving.optimizer.second = double(&self.vectors.second);
        moving.optimizer.steps = self.taken;
    }

    fn step(&mut self, rows: &[u32], update: &Update, _: &mut dyn RngCore) -> Result<Option<f64>> {
        let Self { gradients, vectors, taken } = self;
        let loss = gradients.run(rows);
        let (level, count) = (gradients.program.level(), gradients.program.parameters());
        let gradient = &gradients.sum[..count];
        let norm = square_norm(level, gradient).sqrt();
        if !(loss.is_finite() && norm.is_finite()) {
            return Ok(None);
        }
        *taken += 1;
        let weights = &mut gradients.team.job().theta[..count];
        step(level, weights, vectors, gradient, Factors::new(update, *taken, norm));
        Ok(Some(loss))
    }
}
