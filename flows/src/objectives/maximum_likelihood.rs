//! Maximum likelihood: the mean negative log-density of the rows.

use super::chunks;
use crate::density::Density;
use crate::error::Result;
use crate::flow::Flow;
use crate::objective::{Batch, Gradients, Objective, Offender, flat_gradients};
use crate::params::{Params, to_f64};
use crate::workers::Workers;
use candle_core::Tensor;
use rand::RngCore;

/// Rows of one chunk of an evaluation.
const EVALUATION_ROWS: usize = 512;

/// −Σ wᵢ log p(xᵢ | cᵢ) / Σ wᵢ in nats, with the preparation's log-volume included.
#[derive(Debug, Clone, Copy)]
pub struct MaximumLikelihood<'a> {
    flow: &'a Flow,
    workers: &'a Workers,
}

impl<'a> MaximumLikelihood<'a> {
    /// The loss of a flow, computed by these workers.
    pub fn new(flow: &'a Flow, workers: &'a Workers) -> Self {
        Self { flow, workers }
    }

    /// log p(xᵢ) in the units of the data, `[n]`.
    fn log_prob(&self, batch: &Batch) -> Result<Tensor> {
        let log_prob = self.flow.log_prob(&batch.points, batch.context.as_ref())?;
        match &batch.log_det {
            Some(log_det) => Ok((log_prob + log_det)?),
            None => Ok(log_prob),
        }
    }

    /// Σ wᵢ log p(xᵢ) as a scalar tensor.
    fn weighted_sum(&self, batch: &Batch) -> Result<Tensor> {
        let log_prob = self.log_prob(batch)?;
        match &batch.weights {
            Some(weights) => Ok((log_prob * weights)?.sum_all()?),
            None => Ok(log_prob.sum_all()?),
        }
    }
}

impl Objective for MaximumLikelihood<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<(f64, Gradients)> {
        let scale = -1.0 / chunks::total_weight(batch)?;
        chunks::sum(self.workers, batch.rows()?, params, |rows| {
            let loss = self.weighted_sum(&batch.narrow(rows.start, rows.len())?)?;
            let loss = loss.affine(scale, 0.0)?;
            Ok((to_f64(&loss)?[0], flat_gradients(&loss.backward()?, params)?))
        })
    }

    fn row_losses(
        &self,
        _params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        let chunks = self.workers.map_chunks(batch.rows()?, EVALUATION_ROWS, |rows| {
            to_f64(&self.log_prob(&batch.narrow(rows.start, rows.len())?)?.neg()?)
        })?;
        Ok(chunks.concat())
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        let found = |layer: &str, row| Some(Offender { layer: layer.to_owned(), row });
        let mut points = batch.points.detach();
        if let Some(row) = first_non_finite(&points)? {
            return Ok(found("input", row));
        }
        for layer in self.flow.transform().layers() {
            let mapped = layer.transform.forward(&points, batch.context.as_ref())?;
            points = mapped.points.detach();
            let rows = [first_non_finite(&points)?, first_non_finite(&mapped.log_det)?];
            if let Some(row) = rows.into_iter().flatten().min() {
                return Ok(found(&layer.name, row));
            }
        }
        let log_prob = self.flow.base().log_prob(&points, batch.context.as_ref())?;
        Ok(first_non_finite(&log_prob)?.and_then(|row| found("base", row)))
    }
}

/// The first row with an entry that is not finite.
fn first_non_finite(tensor: &Tensor) -> Result<Option<usize>> {
    let rows = tensor.dim(0)?.max(1);
    let values = to_f64(tensor)?;
    let width = (values.len() / rows).max(1);
    Ok(values.iter().position(|v| !v.is_finite()).map(|i| i / width))
}
