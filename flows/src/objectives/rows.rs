//! What objectives that are means over rows share.

use crate::error::Result;
use crate::objective::{Batch, Gradients};
use crate::params::{Params, to_f64};
use crate::workers::Workers;
use candle_core::Tensor;
use std::ops::Range;

/// Rows of one chunk of a training step: enough to keep candle's operations efficient, few enough
/// to let two threads share a common batch.
const TRAINING_ROWS: usize = 256;
/// Rows of one chunk of an evaluation.
const EVALUATION_ROWS: usize = 512;

/// Σ wᵢ ℓᵢ / Σ wᵢ and its gradient, from `losses`, which gives ℓ `[n]` of a range of rows.
pub(super) fn mean_and_gradients(
    workers: &Workers,
    params: &Params,
    batch: &Batch,
    losses: impl Fn(Range<usize>) -> Result<Tensor> + Sync,
) -> Result<(f64, Gradients)> {
    let scale = 1.0 / total_weight(batch)?;
    let parts = workers.map_chunks(batch.rows()?, TRAINING_ROWS, |rows| {
        let mut losses = losses(rows.clone())?;
        if let Some(weights) = &batch.weights {
            losses = (losses * weights.narrow(0, rows.start, rows.len())?)?;
        }
        let loss = losses.sum_all()?.affine(scale, 0.0)?;
        Ok((to_f64(&loss)?[0], gradients(&loss, params)?))
    })?;
    let mut parts = parts.into_iter();
    let first = parts.next().unwrap_or_else(|| (f64::NAN, vec![0.0; params.count()]));
    Ok(parts.fold(first, |(loss, mut sum), (part, gradients)| {
        sum.iter_mut().zip(&gradients).for_each(|(s, g)| *s += g);
        (loss + part, sum)
    }))
}

/// ℓᵢ of all rows.
pub(super) fn each(
    workers: &Workers,
    batch: &Batch,
    losses: impl Fn(Range<usize>) -> Result<Tensor> + Sync,
) -> Result<Vec<f64>> {
    let chunks =
        workers.map_chunks(batch.rows()?, EVALUATION_ROWS, |rows| to_f64(&losses(rows)?))?;
    Ok(chunks.concat())
}

/// ∂loss/∂θ, in the order of [`Params::read_flat`].
fn gradients(loss: &Tensor, params: &Params) -> Result<Gradients> {
    let store = loss.backward()?;
    let mut gradients = Vec::with_capacity(params.count());
    for param in params.trainable() {
        match store.get(param.var()) {
            Some(gradient) => gradients.extend(to_f64(gradient)?),
            None => gradients.resize(gradients.len() + param.var().elem_count(), 0.0),
        }
    }
    Ok(gradients)
}

/// Σ wᵢ, or the number of rows.
fn total_weight(batch: &Batch) -> Result<f64> {
    match &batch.weights {
        Some(weights) => Ok(to_f64(weights)?.iter().sum()),
        None => Ok(batch.rows()? as f64),
    }
}

/// The first row with an entry that is not finite.
pub(super) fn first_non_finite(tensor: &Tensor) -> Result<Option<usize>> {
    let rows = tensor.dim(0)?.max(1);
    let values = to_f64(tensor)?;
    let width = (values.len() / rows).max(1);
    Ok(values.iter().position(|v| !v.is_finite()).map(|i| i / width))
}
