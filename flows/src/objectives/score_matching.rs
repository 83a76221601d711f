//! Score matching: regression on noise, and losses that need the score's own derivatives alone.

#[cfg(test)]
mod tests;

use super::flow_matching::{latent, spread};
use super::rows::{each, mean_and_gradients, offender_of_field};
use crate::calculus::Probe;
use crate::config::{ScoreMatching as Config, ScoreObjective};
use crate::draws::{BLOCK, Draws};
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::objective::{Batch, Gradients, Objective, Offender};
use crate::params::{Params, to_f64};
use crate::score::{LevelLaw, NoiseLevels, NoisePrediction};
use crate::workers::Workers;
use candle_core::{Device, Tensor};
use rand::RngCore;
use std::ops::Range;

/// Score matching over the noise levels of a field, one level for each row.
///
/// With x_σ = x + σε, ε̂ = −σ s(x_σ, σ) and w the weight of the level, the loss of a row is
///
/// | objective | loss | source |
/// |---|---|---|
/// | `dsm` | w \|ε̂ − ε\|² | Vincent 2011, *A Connection Between Score Matching and Denoising Autoencoders* |
/// | `ism` | w (\|ε̂\|² + 2σ² tr ∂s/∂x) | Hyvärinen 2005, *Estimation of Non-Normalized Statistical Models* |
/// | `ssm` | w ((vᵀε̂)² + 2σ² vᵀ(∂s/∂x)v) | Song et al. 2019, *Sliced Score Matching*, eq. 7 |
/// | `ssm-vr` | w (\|ε̂\|² + 2σ² vᵀ(∂s/∂x)v) | the same, eq. 8 |
///
/// with a probe v of signs. Their expectations differ by constants of the data, so that all are
/// least at ∇log p_σ. Levels of a batch are spread evenly from one random start.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::config::ScoreMatching;
/// use diffeo_flows::fields::{FieldConfig, TimeMlp};
/// use diffeo_flows::nets::LastLayer;
/// use diffeo_flows::objective::{Batch, Objective};
/// use diffeo_flows::objectives;
/// use diffeo_flows::rng::{Stream, generator};
/// use diffeo_flows::score::{NoiseLevels, ProbabilityFlow};
/// use diffeo_flows::{Params, Workers};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let config: FieldConfig = toml::from_str("hidden = [16]").unwrap();
/// let network = TimeMlp::new(params.scope("field"), 2, 0, &config, LastLayer::Zero)?;
/// let field = ProbabilityFlow::new(network, NoiseLevels::default())?;
/// let workers = Workers::new(1)?;
/// let objective = objectives::ScoreMatching::new(&field, ScoreMatching::default(), &workers)?;
/// let batch = Batch::new(Tensor::zeros((100, 2), DType::F32, &Device::Cpu)?);
/// let rng = &mut generator(0, Stream::Objective, 0);
/// let (loss, gradients) = objective.loss_and_gradients(&params, &batch, rng)?;
/// assert!(loss > 0.0 && gradients.len() == params.count());
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ScoreMatching<'a> {
    field: &'a dyn VectorField,
    objective: ScoreObjective,
    signs: &'static [f64],
    law: LevelLaw,
    workers: &'a Workers,
}

/// What is drawn for the rows of a batch: all row-major, in `f64`.
struct Noisy {
    times: Vec<f64>,
    weights: Vec<f64>,
    /// In the coordinates of the field, α x.
    points: Vec<f64>,
    noise: Vec<f64>,
    /// Empty where there are none.
    probes: Vec<f64>,
}

/// The noise levels of a field.
///
/// # Errors
/// [`Error::Config`] for a field that is not the probability flow of a diffusion.
pub(crate) fn noise_levels(field: &dyn VectorField) -> Result<NoiseLevels> {
    field.noise_levels().copied().ok_or_else(|| {
        let problem = "the field is not that of a diffusion";
        Error::config("objective", problem, "give its layer noise levels, as the recipe score has")
    })
}

impl<'a> ScoreMatching<'a> {
    /// The loss of a field over all its levels, computed by these workers.
    ///
    /// # Errors
    /// [`Error::Config`] for a field that is not a [`ProbabilityFlow`](crate::score::ProbabilityFlow).
    pub fn new(field: &'a dyn VectorField, config: Config, workers: &'a Workers) -> Result<Self> {
        let law = config.law(&noise_levels(field)?)?;
        Ok(Self { field, objective: config.objective, signs: config.signs(), law, workers })
    }

    /// The same at one noise level alone.
    ///
    /// # Errors
    /// [`Error::Config`] for a level outside those of the field.
    pub fn at_level(self, level: f64) -> Result<Self> {
        let law = LevelLaw::single(self.law.levels(), level)?;
        Ok(Self { law, ..self })
    }

    fn draw(&self, batch: &Batch, rng: &mut dyn RngCore) -> Result<Noisy> {
        let (n, d) = batch.points.dims2()?;
        let (x, draws) = (to_f64(&batch.points)?, Draws::new(rng));
        let noise = latent(draws, n, d);
        let start = draws.uniform();
        let (times, weights): (Vec<f64>, Vec<f64>) =
            (0..n).map(|row| self.law.at(spread(start, row, n))).unzip();
        let mut points = Vec::with_capacity(n * d);
        for (t, x) in times.iter().zip(x.chunks_exact(d)) {
            let alpha = self.law.levels().coefficients(*t).alpha;
            points.extend(x.iter().map(|x| alpha * x));
        }
        let mut probes = vec![0.0; if self.objective.is_sliced() { n * d } else { 0 }];
        for (block, probes) in probes.chunks_mut(BLOCK * d).enumerate() {
            draws.probes(Probe::Rademacher, block, d, probes);
        }
        Ok(Noisy { times, weights, points, noise, probes })
    }

    /// The losses of these rows, `[n]`: means over the signs of the noise.
    fn losses(&self, batch: &Batch, noisy: &Noisy, rows: Range<usize>) -> Result<Tensor> {
        let each = |sign: &f64| self.losses_of(batch, noisy, rows.clone(), *sign);
        let all: Vec<Tensor> = self.signs.iter().map(each).collect::<Result<_>>()?;
        Ok(Tensor::stack(&all, 0)?.mean(0)?)
    }

    /// The losses of these rows, `[n]`, with their noise times a sign.
    fn losses_of(
        &self,
        batch: &Batch,
        noisy: &Noisy,
        rows: Range<usize>,
        sign: f64,
    ) -> Result<Tensor> {
        let (d, n) = (batch.points.dim(1)?, rows.len());
        let tensor = |values: &[f64], shape: &[usize]| -> Result<Tensor> {
            let tensor = Tensor::from_slice(values, shape, &Device::Cpu)?;
            Ok(tensor.to_dtype(batch.points.dtype())?.to_device(batch.points.device())?)
        };
        let entries = rows.start * d..rows.end * d;
        let (levels, own) = (self.law.levels(), &noisy.times[rows.clone()]);
        let noise = tensor(&noisy.noise[entries.clone()], &[n, d])?.affine(sign, 0.0)?;
        let times = tensor(own, &[n])?;
        let context = batch.context.as_ref().map(|c| c.narrow(0, rows.start, n)).transpose()?;
        let column = |value: &dyn Fn(f64) -> f64| -> Result<Tensor> {
            tensor(&own.iter().map(|t| value(*t)).collect::<Vec<_>>(), &[n, 1])
        };
        let added = noise.broadcast_mul(&column(&|t| levels.coefficients(t).sigma)?)?;
        let points = (tensor(&noisy.points[entries.clone()], &[n, d])? + added)?;
        let of_point = column(&|t| NoisePrediction::at(levels, t).point)?;
        let of_velocity = column(&|t| NoisePrediction::at(levels, t).velocity)?;
        let predict = |velocity: &Tensor| -> Result<Tensor> {
            Ok((points.broadcast_mul(&of_point)? + velocity.broadcast_mul(&of_velocity)?)?)
        };
        let weights = tensor(&noisy.weights[rows], &[n])?;
        let losses = if self.objective == ScoreObjective::Denoising {
            let velocity = self.field.velocity_at(&times, &points, context.as_ref())?;
            (predict(&velocity)? - noise)?.sqr()?.sum(1)?
        } else {
            let probes = self.directions(noisy, entries, n, &points)?;
            let (velocity, along) =
                self.field.velocity_and_jvps_at(&times, &points, &probes, context.as_ref())?;
            let predicted = predict(&velocity)?;
            // ∂ε̂/∂x_σ v, through y = α x_σ.
            let slope = (probes.broadcast_mul(&of_point.unsqueeze(0)?)?
                + along.broadcast_mul(&of_velocity.unsqueeze(0)?)?)?;
            let slope = (slope * &probes)?.sum((0, 2))?;
            let scale = column(&|t| -2.0 * levels.coefficients(t).sigma)?.squeeze(1)?;
            let square = if self.objective == ScoreObjective::Sliced {
                (&predicted * probes.squeeze(0)?)?.sum(1)?.sqr()?
            } else {
                predicted.sqr()?.sum(1)?
            };
            (square + (slope * scale)?)?
        };
        Ok((losses * weights)?)
    }

    /// The tangents `[k, n, d]` along which derivatives are taken.
    fn directions(
        &self,
        noisy: &Noisy,
        entries: Range<usize>,
        n: usize,
        like: &Tensor,
    ) -> Result<Tensor> {
        let d = like.dim(1)?;
        if self.objective == ScoreObjective::Implicit {
            let unit = Tensor::eye(d, like.dtype(), like.device())?.unsqueeze(1)?;
            return Ok(unit.broadcast_as((d, n, d))?.contiguous()?);
        }
        let probes = Tensor::from_slice(&noisy.probes[entries], (1, n, d), &Device::Cpu)?;
        Ok(probes.to_dtype(like.dtype())?.to_device(like.device())?)
    }
}

impl Objective for ScoreMatching<'_> {
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
