//! Optimiser steps, fused from the rows to the weights.

use super::optimizer::{Factors, Vectors, accumulate, square_norm, step};
use super::simd::Level;
use super::table::{Table, tiles};
use super::team::{Job, Team};
use super::tile::ROWS;
use crate::error::{Error, Result};
use crate::train::{Moving, Steps, Update};
use rand::RngCore;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most chunks of a batch: each has a gradient of its own, so that the sum does not depend on
/// the number of threads.
const CHUNKS: usize = 16;

/// The chunks of a batch: their sizes depend on the number of rows alone.
fn chunks(rows: usize, fewest: usize) -> Vec<Range<usize>> {
    let size = rows.div_ceil(CHUNKS).next_multiple_of(ROWS).max(fewest);
    (0..rows).step_by(size).map(|start| start..rows.min(start + size)).collect()
}

/// A loss that tiles of rows add up to, with its gradient.
pub(super) trait TileLoss: Debug + Send + Sync + 'static {
    /// What one thread works in.
    type Work: Debug + Send;
    /// The fewest rows of a chunk, a multiple of [`ROWS`]: more where a gradient of its own costs
    /// more than its rows.
    const FEWEST_ROWS: usize;

    /// The instructions to use.
    fn level(&self) -> Level;

    /// Trainable scalars.
    fn parameters(&self) -> usize;

    /// Trainable scalars and those prepared from them.
    fn length(&self) -> usize;

    /// Prepares what depends on the parameters alone.
    fn prepare(&self, theta: &mut [f32]);

    /// Turns the gradients of what was prepared into those of the parameters.
    fn finish(&self, theta: &[f32], gradient: &mut [f32]);

    /// Room for one thread.
    fn work(&self) -> Self::Work;

    /// Draws what the rows of a batch have in common.
    fn draw(&mut self, table: &Table, rows: &[u32], rng: &mut dyn RngCore) -> Result<()>;

    /// The tile's part of the loss; adds that of the gradient.
    fn run(
        &self,
        theta: &[f32],
        tile: &Tile,
        work: &mut Self::Work,
        gradient: &mut [f32],
    ) -> Result<f64>;
}

/// Up to [`ROWS`] rows of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile<'a> {
    pub(super) table: &'a Table,
    /// Their numbers in the table.
    pub(super) rows: &'a [u32],
    /// The place of the first of them in the batch, a multiple of [`ROWS`].
    pub(super) first: usize,
    /// Rows of the batch.
    pub(super) batch: usize,
    /// 1 / Σ wᵢ over the batch.
    pub(super) scale: f32,
}

impl Tile<'_> {
    /// The shares wᵢ / Σ w of the rows in the loss.
    pub(super) fn shares(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        self.rows.iter().map(|row| self.scale * self.table.weight(*row as usize))
    }

    /// The numbers of the rows in the table.
    pub(super) fn numbers(&self) -> impl ExactSizeIterator<Item = usize> + Clone + '_ {
        self.rows.iter().map(|row| *row as usize)
    }
}

/// What one chunk came to.
#[derive(Debug, Default)]
struct Chunk {
    loss: f64,
    gradient: Vec<f32>,
    failure: Option<Error>,
}

/// A batch to be differentiated, chunk by chunk, and the buffers that stay from step to step.
#[derive(Debug)]
struct BatchJob<L: TileLoss> {
    loss: L,
    table: Table,
    /// The parameters, and what is prepared from them.
    theta: Vec<f32>,
    /// The rows of the batch.
    rows: Vec<u32>,
    ranges: Vec<Range<usize>>,
    /// 1 / Σ wᵢ
    scale: f32,
    chunks: Vec<Mutex<Chunk>>,
    /// One for each thread at work.
    works: Mutex<Vec<L::Work>>,
}

/// What a thread left behind is overwritten, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<L: TileLoss> Job for BatchJob<L> {
    fn run(&self, piece: usize) {
        let mut chunk = lock(&self.chunks[piece]);
        let work = lock(&self.works).pop();
        let mut work = work.unwrap_or_else(|| self.loss.work());
        chunk.failure = chunk.run(self, self.ranges[piece].clone(), &mut work).err();
        lock(&self.works).push(work);
    }
}

impl<L: TileLoss> BatchJob<L> {
    fn take(&mut self, rows: &[u32], rng: &mut dyn RngCore) -> Result<usize> {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.ranges = chunks(rows.len(), L::FEWEST_ROWS);
        self.chunks.resize_with(self.chunks.len().max(self.ranges.len()), Mutex::default);
        let total: f64 = rows.iter().map(|row| f64::from(self.table.weight(*row as usize))).sum();
        // Rows without weight have no mean; their loss and gradient are 0.
        self.scale = if total > 0.0 { (1.0 / total) as f32 } else { 0.0 };
        self.loss.prepare(&mut self.theta);
        self.loss.draw(&self.table, rows, rng)?;
        Ok(self.ranges.len())
    }

    /// The loss, and its gradient in `sum`: chunks in their order.
    fn collect(&self, sum: &mut [f32]) -> Result<f64> {
        if self.ranges.is_empty() {
            sum.fill(0.0);
            return Ok(f64::NAN);
        }
        let mut loss = 0.0;
        for (i, chunk) in self.chunks[..self.ranges.len()].iter().enumerate() {
            let mut chunk = lock(chunk);
            if let Some(failure) = chunk.failure.take() {
                return Err(failure);
            }
            loss += chunk.loss;
            if i == 0 {
                sum.copy_from_slice(&chunk.gradient);
            } else {
                accumulate(self.loss.level(), &chunk.gradient, sum);
            }
        }
        self.loss.finish(&self.theta, sum);
        Ok(loss)
    }
}

impl Chunk {
    fn run<L: TileLoss>(
        &mut self,
        job: &BatchJob<L>,
        range: Range<usize>,
        work: &mut L::Work,
    ) -> Result<()> {
        self.loss = 0.0;
        self.gradient.clear();
        self.gradient.resize(job.loss.length(), 0.0);
        for tile in tiles(range) {
            let tile = Tile {
                table: &job.table,
                rows: &job.rows[tile.clone()],
                first: tile.start,
                batch: job.rows.len(),
                scale: job.scale,
            };
            self.loss += job.loss.run(&job.theta, &tile, work, &mut self.gradient)?;
        }
        Ok(())
    }
}

/// Losses and gradients of batches of a table.
#[derive(Debug)]
pub(super) struct Gradients<L: TileLoss> {
    team: Team<BatchJob<L>>,
    level: Level,
    parameters: usize,
    length: usize,
    /// Of the last batch.
    pub(super) sum: Vec<f32>,
}

impl<L: TileLoss> Gradients<L> {
    /// For rows of this table, with parameters `theta`.
    pub(super) fn new(loss: L, table: Table, theta: Vec<f32>, threads: usize) -> Self {
        let (level, parameters, length) = (loss.level(), loss.parameters(), loss.length());
        let job = BatchJob {
            loss,
            table,
            theta,
            rows: Vec::new(),
            ranges: Vec::new(),
            scale: 0.0,
            chunks: Vec::new(),
            works: Mutex::default(),
        };
        let team = Team::new(job, threads.min(CHUNKS));
        Self { team, level, parameters, length, sum: vec![0.0; length] }
    }

    /// The loss of these rows of the table; its gradient is left in `sum`.
    pub(super) fn run(&mut self, rows: &[u32], rng: &mut dyn RngCore) -> Result<f64> {
        let pieces = self.team.job().take(rows, rng)?;
        self.team.run(pieces);
        self.team.job().collect(&mut self.sum)
    }

    /// The loss of all rows of the table, and its gradient with respect to the parameters.
    pub(super) fn run_all(&mut self, rng: &mut dyn RngCore) -> Result<(f64, Vec<f64>)> {
        let rows: Vec<u32> = (0..self.team.job().table.rows() as u32).collect();
        let loss = self.run(&rows, rng)?;
        Ok((loss, double(&self.sum[..self.parameters])))
    }
}

/// Training in single precision.
#[derive(Debug)]
pub(super) struct FastSteps<L: TileLoss> {
    gradients: Gradients<L>,
    vectors: Vectors,
    taken: usize,
}

impl<L: TileLoss> FastSteps<L> {
    pub(super) fn new(gradients: Gradients<L>, decayed: &[bool]) -> Self {
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

impl<L: TileLoss> Steps for FastSteps<L> {
    fn load(&mut self, moving: &Moving) -> Result<()> {
        let mut theta = single(&moving.weights);
        theta.resize(self.gradients.length, 0.0);
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
        let count = self.gradients.parameters;
        moving.weights = double(&self.gradients.team.job().theta[..count]);
        moving.average = double(&self.vectors.average);
        moving.optimizer.first = double(&self.vectors.first);
        moving.optimizer.second = double(&self.vectors.second);
        moving.optimizer.steps = self.taken;
    }

    fn step(
        &mut self,
        rows: &[u32],
        update: &Update,
        rng: &mut dyn RngCore,
    ) -> Result<Option<f64>> {
        let Self { gradients, vectors, taken } = self;
        let loss = gradients.run(rows, rng)?;
        let (level, count) = (gradients.level, gradients.parameters);
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
