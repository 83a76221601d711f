//! Losses of a batch, chunk by chunk.

use crate::error::Result;
use crate::objective::{Batch, Gradients};
use crate::params::{Params, to_f64};
use crate::workers::Workers;
use std::ops::Range;

/// Rows of one chunk of a training step: enough to keep candle's operations efficient, few enough
/// to let two threads share a common batch.
const TRAINING_ROWS: usize = 256;

/// A share of a loss, and its gradient.
pub(super) type Part = (f64, Gradients);

/// The loss of all rows and its gradient, added in the order of the chunks.
pub(super) fn sum(
    workers: &Workers,
    rows: usize,
    params: &Params,
    chunk: impl Fn(Range<usize>) -> Result<Part> + Sync,
) -> Result<Part> {
    let mut parts = workers.map_chunks(rows, TRAINING_ROWS, chunk)?.into_iter();
    let first = parts.next().unwrap_or_else(|| (f64::NAN, vec![0.0; params.count()]));
    Ok(parts.fold(first, |(loss, mut sum), (part, gradients)| {
        sum.iter_mut().zip(&gradients).for_each(|(s, g)| *s += g);
        (loss + part, sum)
    }))
}

/// Σ wᵢ, or the number of rows.
pub(super) fn total_weight(batch: &Batch) -> Result<f64> {
    match &batch.weights {
        Some(weights) => Ok(to_f64(weights)?.iter().sum()),
        None => Ok(batch.rows()? as f64),
    }
}
