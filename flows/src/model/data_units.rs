//! A density of the prepared space, in data units.

use super::{CHUNK_ROWS, Model};
use crate::density::Density;
use crate::error::{Error, Result};
use crate::preparation::Preparation;
use crate::transform::check_points;
use candle_core::{DType, Tensor};
use rand::RngCore;
use std::ops::Range;

/// Standard deviations from the mean beyond which the density is 0.
pub(super) const FAR_AWAY: f64 = 1e12;

/// A density of the prepared space, in data units.
#[derive(Debug)]
pub(super) struct InDataUnits<'a> {
    pub(super) preparation: &'a Preparation,
    pub(super) density: &'a dyn Density,
}

impl Model {
    /// Joins what `part` makes of chunks of n rows and of their context.
    fn in_chunks(
        n: usize,
        context: Option<&Tensor>,
        mut part: impl FnMut(Range<usize>, Option<&Tensor>) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let parts = (0..n).step_by(CHUNK_ROWS).map(|start| {
            let rows = start..n.min(start + CHUNK_ROWS);
            let given = context.map(|c| c.narrow(0, start, rows.len())).transpose()?;
            part(rows, given.as_ref())
        });
        Ok(Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)?)
    }
}

/// Fails unless a context has n rows.
fn check_rows(n: usize, context: Option<&Tensor>) -> Result<()> {
    match context {
        Some(context) if context.dims().first() != Some(&n) => {
            Err(Error::shape("Model", format!("a context of {n} rows"), context.dims()))
        }
        _ => Ok(()),
    }
}

/// On the tier of [`Model::with_engine`], in chunks, outside any gradient.
impl Density for Model {
    fn features(&self) -> usize {
        self.spec.columns.len()
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("Model::log_prob", x, self.features())?;
        check_rows(x.dim(0)?, context)?;
        let density = self.density()?;
        let model = InDataUnits { preparation: &self.preparation, density: density.as_ref() };
        let x = x.detach();
        Self::in_chunks(x.dim(0)?, context, |rows, given| {
            let points = x.narrow(0, rows.start, rows.len())?;
            Ok(model.log_prob(&points, given)?.detach())
        })
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        check_rows(n, context)?;
        let density = self.density()?;
        let model = InDataUnits { preparation: &self.preparation, density: density.as_ref() };
        Self::in_chunks(n, context, |rows, given| {
            Ok(model.sample(rows.len(), given, &mut *rng)?.detach())
        })
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
