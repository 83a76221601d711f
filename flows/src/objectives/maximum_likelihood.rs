//! Maximum likelihood: the mean negative log-density of the rows.

use super::rows::{each, first_non_finite, mean_and_gradients};
use crate::density::Density;
use crate::error::Result;
use crate::flow::Flow;
use crate::objective::{Batch, Gradients, Objective, Offender};
use crate::params::Params;
use crate::transform::{Direction, detached};
use crate::workers::Workers;
use candle_core::Tensor;
use rand::RngCore;
use std::ops::Range;

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

    /// −log p(xᵢ) of these rows in the units of the data, `[n]`.
    fn losses(&self, batch: &Batch, rows: Range<usize>) -> Result<Tensor> {
        let batch = batch.narrow(rows.start, rows.len())?;
        loss(&batch, self.flow.log_prob(&batch.points, batch.context.as_ref())?)
    }
}

/// −log p(xᵢ) in the units of the data, `[n]`, from that in the flow's own.
fn loss(batch: &Batch, log_prob: Tensor) -> Result<Tensor> {
    match &batch.log_det {
        Some(log_det) => Ok((log_prob + log_det)?.neg()?),
        None => Ok(log_prob.neg()?),
    }
}

impl Objective for MaximumLikelihood<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<(f64, Gradients)> {
        mean_and_gradients(self.workers, params, batch, |rows| self.losses(batch, rows))
    }

    fn row_losses(
        &self,
        _params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        each(self.workers, batch, |rows| {
            let batch = batch.narrow(rows.start, rows.len())?;
            // NaN for a row that the solver cannot follow: for the trainer a loss that is not finite.
            loss(&batch, self.flow.log_prob_detached(&batch.points, batch.context.as_ref())?)
        })
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        let found = |layer: &str, row| Some(Offender { layer: layer.to_owned(), row });
        let mut points = batch.points.detach();
        if let Some(row) = first_non_finite(&points)? {
            return Ok(found("input", row));
        }
        for layer in self.flow.transform().layers() {
            let (map, context) = (layer.transform.as_ref(), batch.context.as_ref());
            let mapped = detached(map, &points, context, Direction::Forward)?;
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
