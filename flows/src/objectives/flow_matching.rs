//! Flow matching: regression of a field on the velocities of paths from data to latent points.

#[cfg(test)]
mod tests;

use super::rows::{each, mean_and_gradients, offender_of_field};
use crate::config::Matching;
use crate::density::Density;
use crate::draws::{BLOCK, Draws};
use crate::error::Result;
use crate::field::VectorField;
use crate::objective::{Batch, Gradients, Objective, Offender};
use crate::params::{Params, to_f64};
use crate::workers::Workers;
use candle_core::{Device, Tensor};
use rand::RngCore;
use std::ops::Range;

/// Σ wᵢ |v(tᵢ, αxᵢ + σzᵢ | cᵢ) − (α′xᵢ + σ′zᵢ)|² / Σ wᵢ, with z ~ N(0, I), or of another base, and one time for each row.
///
/// The times of a batch are spread evenly from one random start, so that together they leave no gap;
/// each is uniform over [0, 1), or a power of such a number. The field of least loss is the mean velocity of the paths, which
/// carries the data to N(0, I); no differential equation is solved. The log-volume of a preparation
/// does not enter: the loss is in the space the field works in.
///
/// Lipman et al. 2023, *Flow Matching for Generative Modeling*, with paths from data to latent.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::config::Matching;
/// use diffeo_flows::fields::{FieldConfig, TimeForm, TimeMlp};
/// use diffeo_flows::nets::{Activation, LastLayer};
/// use diffeo_flows::objective::{Batch, Objective};
/// use diffeo_flows::objectives::FlowMatching;
/// use diffeo_flows::pairing::Pairing;
/// use diffeo_flows::rng::{Stream, generator};
/// use diffeo_flows::{Params, Workers};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let config = FieldConfig {
///     hidden: vec![16],
///     activation: Activation::Silu,
///     time: TimeForm::ConcatSquash,
///     potential: false,
/// };
/// let field = TimeMlp::new(params.scope("field"), 2, 0, &config, LastLayer::Zero)?;
/// let workers = Workers::new(1)?;
/// let matching = Matching { pairing: Pairing::OptimalTransport, ..Matching::default() };
/// let objective = FlowMatching::new(&field, matching, &workers);
/// let batch = Batch::new(Tensor::zeros((100, 2), DType::F32, &Device::Cpu)?);
/// let rng = &mut generator(0, Stream::Objective, 0);
/// let (loss, gradients) = objective.loss_and_gradients(&params, &batch, rng)?;
/// assert!(loss > 0.0 && gradients.len() == params.count());
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FlowMatching<'a> {
    field: &'a dyn VectorField,
    matching: Matching,
    base: Option<&'a dyn Density>,
    workers: &'a Workers,
}

/// The random numbers of a batch, on the paths they belong to: all row-major, in `f64`.
struct OnPaths {
    times: Vec<f64>,
    /// x_t
    points: Vec<f64>,
    /// The velocities u of the paths.
    targets: Vec<f64>,
}

impl<'a> FlowMatching<'a> {
    /// The loss of a field on these paths, between points paired so, computed by these workers.
    pub fn new(field: &'a dyn VectorField, matching: Matching, workers: &'a Workers) -> Self {
        Self { field, matching, base: None, workers }
    }

    /// The same with latent points drawn from this density in place of N(0, I).
    #[must_use]
    pub fn with_base(self, base: &'a dyn Density) -> Self {
        Self { base: Some(base), ..self }
    }

    /// Draws for each row a time and a latent point, then pairs.
    fn draw(&self, batch: &Batch, rng: &mut dyn RngCore) -> Result<OnPaths> {
        let (n, d) = batch.points.dims2()?;
        let x = to_f64(&batch.points)?;
        let draws = Draws::new(rng);
        let times = times(&self.matching, draws, n);
        let z = match self.base {
            None => latent(draws, n, d),
            Some(base) => latent_of(base, draws, n)?,
        };
        let pairs = self.matching.pairing.pair(&x, &z, d, rng)?;
        let (mut points, mut targets) = (Vec::with_capacity(n * d), Vec::with_capacity(n * d));
        for ((t, x), pair) in times.iter().zip(x.chunks_exact(d)).zip(pairs) {
            let c = self.matching.path.coefficients(*t);
            let z = &z[pair as usize * d..][..d];
            points.extend(x.iter().zip(z).map(|(x, z)| c.alpha * x + c.sigma * z));
            targets.extend(x.iter().zip(z).map(|(x, z)| c.alpha_dot * x + c.sigma_dot * z));
        }
        Ok(OnPaths { times, points, targets })
    }

    /// |v − u|² of these rows, `[n]`.
    fn losses(&self, batch: &Batch, drawn: &OnPaths, rows: Range<usize>) -> Result<Tensor> {
        let (d, n) = (batch.points.dim(1)?, rows.len());
        let tensor = |values: &[f64], shape: &[usize]| -> Result<Tensor> {
            let tensor = Tensor::from_slice(values, shape, &Device::Cpu)?;
            Ok(tensor.to_dtype(batch.points.dtype())?.to_device(batch.points.device())?)
        };
        let entries = rows.start * d..rows.end * d;
        let points = tensor(&drawn.points[entries.clone()], &[n, d])?;
        let targets = tensor(&drawn.targets[entries], &[n, d])?;
        let times = tensor(&drawn.times[rows.clone()], &[n])?;
        let context = batch.context.as_ref().map(|c| c.narrow(0, rows.start, n)).transpose()?;
        let velocity = self.field.velocity_at(&times, &points, context.as_ref())?;
        Ok((velocity - targets)?.sqr()?.sum(1)?)
    }
}

/// The times of the rows of a batch.
pub(crate) fn times(matching: &Matching, draws: Draws, n: usize) -> Vec<f64> {
    let start = draws.uniform();
    (0..n).map(|row| matching.time(start, row, n)).collect()
}

/// The share of one row of n: those of a batch are spread evenly over [0, 1) from one start.
pub(crate) fn spread(start: f64, row: usize, n: usize) -> f64 {
    (start + row as f64 / n as f64).fract()
}

/// Standard normal points of a batch, `[n, d]` row-major.
pub(crate) fn latent(draws: Draws, n: usize, d: usize) -> Vec<f64> {
    let mut values = vec![0.0; n * d];
    for (block, values) in values.chunks_mut((BLOCK * d).max(1)).enumerate() {
        draws.normal(block, values);
    }
    values
}

/// Points of a batch drawn from a base, `[n, d]` row-major.
pub(crate) fn latent_of(base: &dyn Density, draws: Draws, n: usize) -> Result<Vec<f64>> {
    let mut values = Vec::with_capacity(n * base.features());
    for (block, start) in (0..n).step_by(BLOCK).enumerate() {
        let z = base.sample(BLOCK.min(n - start), None, &mut draws.latent(block))?;
        values.extend(to_f64(&z)?);
    }
    Ok(values)
}

impl Objective for FlowMatching<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, Gradients)> {
        let drawn = self.draw(batch, rng)?;
        mean_and_gradients(self.workers, params, batch, |rows| self.losses(batch, &drawn, rows))
    }

    fn row_losses(
        &self,
        _params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        let drawn = self.draw(batch, rng)?;
        each(self.workers, batch, |rows| self.losses(batch, &drawn, rows))
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        offender_of_field(self.field, batch)
    }
}
