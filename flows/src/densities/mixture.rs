//! Mixtures of normal distributions with diagonal covariance.

use super::expectation_maximisation::{Settings, fit};
use super::placement::Placement;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::params::{Buffer, Init, Scope, to_f64, write};
use crate::transform::check_points;
use candle_core::{DType, Tensor, Var};
use candle_nn::ops::log_softmax;
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

/// The most rows that the start is fitted to.
const START_ROWS: usize = 20_000;

/// A trainable mixture of M normal distributions with diagonal covariance.
///
/// log p(x) = ln Σₖ wₖ N(x; μₖ, diag exp(2 sₖ)), w = softmax(a).
///
/// Parameters: `logits` a `[1, M]`, `means` μ and `log_scales` s `[M, d]`. x has their dtype, and
/// samples are placed beside them. They start at equal weights, standard normal means and unit
/// scales; [`Density::initialise`] replaces that by a fit to at most 20,000 rows by
/// [expectation maximisation](crate::densities::expectation_maximisation), once: the flag that says
/// so is saved with the model. A context is ignored. Cost: n·M·d, in time and memory.
///
/// # Example
/// ```
/// use candle_core::{DType, Device};
/// use diffeo_flows::densities::{GaussianMixture, Toy};
/// use diffeo_flows::rng::{Stream, generator};
/// use diffeo_flows::{Density, Params};
/// let mut params = Params::new(DType::F64, &Device::Cpu, 0);
/// let density = GaussianMixture::new(params.scope("base"), 2, 8)?;
/// let x = Toy::named("eight-gaussians")?.sample(2000, None, &mut generator(0, Stream::Sample, 0))?;
/// density.initialise(&x, &mut generator(0, Stream::Mixture, 0))?;
/// assert!(density.log_prob(&x, None)?.mean_all()?.to_scalar::<f64>()? > -2.0);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct GaussianMixture {
    features: usize,
    logits: Var,
    means: Var,
    log_scales: Var,
    initialised: Buffer,
}

impl GaussianMixture {
    /// A mixture of `components` distributions of `features` features.
    ///
    /// # Errors
    /// [`Error::Config`] without components, or when a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize, components: usize) -> Result<Self> {
        if components == 0 {
            return Err(Error::config("components", "a mixture of none", "give at least 1"));
        }
        let flag = Tensor::zeros(1, DType::U8, scope.device())?;
        let shape = (components, features);
        Ok(Self {
            features,
            logits: scope.variable("logits", (1, components), Init::Constant(0.0))?,
            means: scope.variable("means", shape, Init::Normal(1.0))?,
            log_scales: scope.variable("log_scales", shape, Init::Constant(0.0))?,
            initialised: scope.buffer("initialised", &flag)?,
        })
    }

    /// ln wₖ N(x; μₖ, …), `[n, M]`.
    fn log_terms(&self, x: &Tensor) -> Result<Tensor> {
        let precision = self.log_scales.neg()?.exp()?.unsqueeze(0)?;
        let z =
            x.unsqueeze(1)?.broadcast_sub(&self.means.unsqueeze(0)?)?.broadcast_mul(&precision)?;
        let log_weights = log_softmax(self.logits.as_tensor(), 1)?;
        let log_volumes = self.log_scales.sum(1)?.unsqueeze(0)?;
        let constants =
            (log_weights - log_volumes)?.affine(1.0, -0.5 * self.features as f64 * TAU.ln())?;
        Ok(z.sqr()?.sum(2)?.affine(-0.5, 0.0)?.broadcast_add(&constants)?)
    }
}

impl Density for GaussianMixture {
    fn features(&self) -> usize {
        self.features
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("GaussianMixture::log_prob", x, self.features)?;
        log_sum_exp(&self.log_terms(x)?)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let d = self.features;
        let weights: Vec<f64> = to_f64(&log_softmax(&self.logits.as_detached_tensor(), 1)?)?
            .into_iter()
            .map(f64::exp)
            .collect();
        let (means, log_scales) = (to_f64(&self.means)?, to_f64(&self.log_scales)?);
        let mut values = Vec::with_capacity(n * d);
        for _ in 0..n {
            let k = pick(&weights, rng);
            for i in k * d..(k + 1) * d {
                values.push(means[i] + log_scales[i].exp() * rng.sample::<f64, _>(StandardNormal));
            }
        }
        Placement::of(&self.means).tensor(values, (n, d))
    }

    fn initialise(&self, x: &Tensor, rng: &mut dyn RngCore) -> Result<()> {
        check_points("GaussianMixture::initialise", x, self.features)?;
        if self.initialised.tensor().to_vec1::<u8>()?[0] == 1 {
            return Ok(());
        }
        let rows = subset(to_f64(x)?, self.features, rng);
        let mixture = fit(&rows, self.features, &Settings::new(self.logits.elem_count()), rng)?;
        let logs = |values: &[f64]| values.iter().map(|v| v.ln()).collect::<Vec<_>>();
        write(&self.logits, &logs(&mixture.weights))?;
        write(&self.means, &mixture.means)?;
        write(&self.log_scales, &logs(&mixture.scales))?;
        self.initialised.set(&Tensor::ones(1, DType::U8, self.means.device())?)
    }
}

/// ln Σⱼ exp tᵢⱼ of each row; −∞ and no gradient where all terms are −∞, NaN where one is.
fn log_sum_exp(terms: &Tensor) -> Result<Tensor> {
    let largest = terms.detach().max_keepdim(1)?;
    let usable = largest.gt(f64::NEG_INFINITY)?;
    // Masked before the mathematics, so that neither ∞ − ∞ nor the gradient of ln 0 is formed.
    let zero = terms.zeros_like()?;
    let safe = usable.broadcast_as(terms.shape())?.where_cond(terms, &zero)?;
    let largest = usable.where_cond(&largest, &largest.zeros_like()?)?;
    let sum = (safe.broadcast_sub(&largest)?.exp()?.sum_keepdim(1)?.log()? + largest)?;
    let unusable = terms.detach().sum_keepdim(1)?;
    Ok(usable.where_cond(&sum, &unusable)?.squeeze(1)?)
}

/// An index drawn with these probabilities.
fn pick(weights: &[f64], rng: &mut dyn RngCore) -> usize {
    let mut rest = rng.random::<f64>();
    let drawn = weights.iter().position(|w| {
        rest -= w;
        rest < 0.0
    });
    drawn.unwrap_or(weights.len() - 1)
}

/// At most [`START_ROWS`] of the rows, drawn without replacement, in their order.
fn subset(rows: Vec<f64>, d: usize, rng: &mut dyn RngCore) -> Vec<f64> {
    let n = rows.len() / d;
    if n <= START_ROWS {
        return rows;
    }
    let mut chosen = rand::seq::index::sample(rng, n, START_ROWS).into_vec();
    chosen.sort_unstable();
    chosen.into_iter().flat_map(|i| &rows[i * d..(i + 1) * d]).copied().collect()
}

#[cfg(test)]
mod tests;
