//! A density of the prepared space, in data units.

use super::Model;
use crate::density::Density;
use crate::error::Result;
use crate::preparation::Preparation;
use candle_core::{DType, Tensor};
use rand::RngCore;

/// Standard deviations from the mean beyond which the density is 0.
pub(super) const FAR_AWAY: f64 = 1e12;

/// A density of the prepared space, in data units.
#[derive(Debug)]
pub(super) struct InDataUnits<'a> {
    pub(super) preparation: &'a Preparation,
    pub(super) density: &'a dyn Density,
}

impl Model {
    fn in_data_units(&self) -> InDataUnits<'_> {
        InDataUnits { preparation: &self.preparation, density: &self.flow }
    }
}

impl Density for Model {
    fn features(&self) -> usize {
        self.spec.columns.len()
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        self.in_data_units().log_prob(x, context)
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        self.in_data_units().sample(n, context, rng)
    }
}

impl InDataUnits<'_> {
    pub(super) fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let mapped = self.preparation.forward(x)?;
        let context = self.preparation.context(context)?;
        // Masked before the mathematics: so far out every density is 0, and single precision NaN.
        let far = mapped.points.detach().abs()?.max_keepdim(1)?.gt(FAR_AWAY)?;
        let origin = mapped.points.zeros_like()?;
        let points = far.broadcast_as(origin.shape())?.where_cond(&origin, &mapped.points)?;
        let log_prob = self.density.log_prob(&points, context.as_ref())?;
        let log_prob = (log_prob.to_dtype(DType::F64)? + mapped.log_det)?;
        let nowhere = log_prob.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
        Ok(far.squeeze(1)?.where_cond(&nowhere, &log_prob)?)
    }

    pub(super) fn sample(
        &self,
        n: usize,
        context: Option<&Tensor>,
        rng: &mut dyn RngCore,
    ) -> Result<Tensor> {
        let context = self.preparation.context(context)?;
        let points = self.density.sample(n, context.as_ref(), rng)?;
        Ok(self.preparation.inverse(&points)?.points)
    }
}
