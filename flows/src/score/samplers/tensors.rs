//! Walkers as tensors: the reference tier of the samplers.

use super::{Move, Sampler, Walkers, not_finite};
use crate::draws::{BLOCK, Draws};
use crate::error::Result;
use crate::field::VectorField;
use crate::objectives::noise_levels;
use crate::params::to_f64;
use crate::score::{NoiseLevels, NoisePrediction};
use candle_core::{Device, Tensor};
use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Walks latent points z ~ N(0, (1 + σ₀²) I) `[n, d]` to data by a field that is a diffusion's
/// [`ProbabilityFlow`](crate::score::ProbabilityFlow); `after` sees each step's number, from 0 at
/// the start, its level and the points x_σ `[n, d]`.
///
/// The noise of a row depends on the generator and the row's place alone.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::fields::LinearField;
/// use diffeo_flows::rng::{Stream, generator};
/// use diffeo_flows::score::{NoiseLevels, ProbabilityFlow, Sampler, SamplerKind, walk};
/// // The score of N(0, I) data.
/// let zero = LinearField::new(&Tensor::new(&[[0.0]], &Device::Cpu)?)?;
/// let field = ProbabilityFlow::new(zero, NoiseLevels::default())?;
/// let z = Tensor::new(&[[0.4], [-1.3]], &Device::Cpu)?;
/// let sampler = Sampler::new(SamplerKind::ProbabilityFlow);
/// let rng = &mut generator(0, Stream::Sample, 0);
/// let x = walk(&field, &sampler, &z, None, rng, |_, _, _| Ok(()))?;
/// // z, up to the error of the steps.
/// assert!((x.to_vec2::<f64>()?[0][0] - 0.4).abs() < 1e-3);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) for a field that is no diffusion's, settings that cannot be used, or steps that
/// lead to points that are not finite; [`Error::Shape`](crate::Error::Shape) when a shape does not fit.
pub fn walk(
    field: &dyn VectorField,
    sampler: &Sampler,
    latent: &Tensor,
    context: Option<&Tensor>,
    rng: &mut dyn RngCore,
    mut after: impl FnMut(usize, f64, &Tensor) -> Result<()>,
) -> Result<Tensor> {
    sampler.check()?;
    let levels = noise_levels(field)?;
    let blocks = latent.dim(0)?.div_ceil(BLOCK);
    let draws = Draws::new(rng);
    let mut walkers = Tensors {
        field,
        levels,
        context,
        points: start(latent, sampler, &levels)?,
        predicted: [latent.zeros_like()?, latent.zeros_like()?],
        generators: (0..blocks).map(|block| draws.latent(block)).collect(),
    };
    let at = sampler.levels(&levels);
    sampler.run(&levels, &mut walkers, |step, walkers| after(step, at[step], &walkers.points))?;
    if to_f64(&walkers.points)?.iter().all(|v| v.is_finite()) {
        return Ok(walkers.points);
    }
    Err(not_finite())
}

/// What latent points are multiplied by to be the points a sampler starts from.
pub(crate) fn start_scale(sampler: &Sampler, levels: &NoiseLevels) -> f64 {
    let first = sampler.levels(levels)[0];
    1.0 / levels.coefficients(levels.time_of(first).clamp(0.0, 1.0)).alpha
}

fn start(latent: &Tensor, sampler: &Sampler, levels: &NoiseLevels) -> Result<Tensor> {
    Ok(latent.detach().affine(start_scale(sampler, levels), 0.0)?)
}

#[derive(Debug)]
struct Tensors<'a> {
    field: &'a dyn VectorField,
    levels: NoiseLevels,
    context: Option<&'a Tensor>,
    points: Tensor,
    /// The last prediction and the one before.
    predicted: [Tensor; 2],
    /// One for each block of rows.
    generators: Vec<ChaCha8Rng>,
}

impl Walkers for Tensors<'_> {
    fn predict(&mut self, level: f64) -> Result<()> {
        let t = self.levels.time_within(level)?;
        let y = self.points.affine(self.levels.coefficients(t).alpha, 0.0)?;
        let velocity = self.field.velocity(t, &y, self.context)?.detach();
        let c = NoisePrediction::at(&self.levels, t);
        self.predicted.swap(0, 1);
        self.predicted[0] = (y.affine(c.point, 0.0)? + velocity.affine(c.velocity, 0.0)?)?;
        Ok(())
    }

    fn advance(&mut self, by: Move) -> Result<()> {
        let [last, before] = &self.predicted;
        self.points = (&self.points + last.affine(by.predicted, 0.0)?)?;
        if by.before != 0.0 {
            self.points = (&self.points + before.affine(by.before, 0.0)?)?;
        }
        if by.fresh != 0.0 {
            let (n, d) = self.points.dims2()?;
            let mut values = vec![0.0f64; n * d];
            for (values, rng) in values.chunks_mut(BLOCK * d).zip(&mut self.generators) {
                for value in values {
                    *value = StandardNormal.sample(rng);
                }
            }
            let fresh = Tensor::from_vec(values, (n, d), &Device::Cpu)?
                .to_dtype(self.points.dtype())?
                .to_device(self.points.device())?;
            self.points = (&self.points + fresh.affine(by.fresh, 0.0)?)?;
        }
        Ok(())
    }
}
