//! What objectives that are means over rows share.

use crate::error::Result;
use crate::field::VectorField;
use crate::objective::{Batch, Gradients, Offender, flat_gradients};
use crate::params::{Params, to_f64};
use crate::workers::Workers;
use candle_core::{Device, Tensor};
use std::ops::Range;

/// Rows of one chunk of a training step: enough to keep candle's operations efficient, few enough
/// to let two threads share a common batch.
const TRAINING_ROWS: usize = 256;
/// Rows of one chunk of an evaluation.
const EVALUATION_ROWS: usize = 512;

/// Σ wᵢ ℓᵢ / Σ wᵢ and its gradient, 0 for rows without weight, from `losses`, which gives ℓ `[n]` of a range of rows.
pub(super) fn mean_and_gradients(
    workers: &Workers,
    params: &Params,
    batch: &Batch,
    losses: impl Fn(Range<usize>) -> Result<Tensor> + Sync,
) -> Result<(f64, Gradients)> {
    let scale = share(total_weight(batch)?);
    sum(workers, batch.rows()?, params, |rows| {
        let mut losses = losses(rows.clone())?;
        if let Some(weights) = &batch.weights {
            losses = (losses * weights.narrow(0, rows.start, rows.len())?)?;
        }
        let loss = losses.sum_all()?.affine(scale, 0.0)?;
        Ok((to_f64(&loss)?[0], flat_gradients(&loss.backward()?, params)?))
    })
}

/// The sum of what chunks of rows come to, in their order: shares of a loss and of its gradient.
pub(super) fn sum(
    workers: &Workers,
    rows: usize,
    params: &Params,
    chunk: impl Fn(Range<usize>) -> Result<(f64, Gradients)> + Sync,
) -> Result<(f64, Gradients)> {
    let mut parts = workers.map_chunks(rows, TRAINING_ROWS, chunk)?.into_iter();
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

/// 1 / Σ wᵢ, or 0 where rows without weight have no mean.
pub(super) fn share(total: f64) -> f64 {
    if total > 0.0 { total.recip() } else { 0.0 }
}

/// Σ wᵢ, or the number of rows.
pub(super) fn total_weight(batch: &Batch) -> Result<f64> {
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

/// The first row at which points, or the velocities of a field there at times spread over the rows, stop
/// being finite.
pub(super) fn offender_of_field(
    field: &dyn VectorField,
    batch: &Batch,
) -> Result<Option<Offender>> {
    let found = |layer: &str, row| Some(Offender { layer: layer.to_owned(), row });
    if let Some(row) = first_non_finite(&batch.points)? {
        return Ok(found("input", row));
    }
    let n = batch.rows()?;
    let times: Vec<f64> = (0..n).map(|row| (row as f64 + 0.5) / n as f64).collect();
    let times = Tensor::from_vec(times, n, &Device::Cpu)?
        .to_dtype(batch.points.dtype())?
        .to_device(batch.points.device())?;
    let velocity = field.velocity_at(&times, &batch.points, batch.context.as_ref())?;
    Ok(first_non_finite(&velocity)?.and_then(|row| found("field", row)))
}
