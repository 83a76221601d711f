//! Mixtures of normal distributions with full covariance.

use super::BaseKind;
use super::expectation_maximisation::{Mixture, Settings, fit};
use super::placement::Placement;
use super::triangular::solve_upper;
use crate::cancel::Cancel;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::params::{Buffer, Init, Once, Scope, Weight, to_f64};
use crate::transform::check_points;
use candle_core::{DType, Device, Tensor};
use candle_nn::ops::log_softmax;
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// The most rows that the start is fitted to.
const START_ROWS: usize = 20_000;
/// The smallest standard deviation of a feature given those before it.
pub(crate) const NARROWEST: f64 = 1e-3;
/// The weight of the broad component, and its width in standard deviations of the rows.
pub(crate) const BROAD_WEIGHT: f64 = 1e-3;
const BROAD_WIDTH: f64 = 1.5;

/// A trainable mixture of M normal distributions with full covariance, and a fixed broad one beside
/// them.
///
/// log p(x) = ln Σₖ wₖ N(x; μₖ, Σₖ) = ln Σₖ exp(ln wₖ + Σⱼ ln Pₖⱼⱼ − ½ ‖(x − μₖ) Pₖ‖² − ½ d ln 2π),
/// with w = 0.999 softmax(a), Pₖ upper triangular and Pₖ Pₖᵀ = Σₖ⁻¹, over k = 1 … M; the broad
/// component has weight 0.001.
///
/// Parameters: `logits` a `[1, M]`, `means` μ `[M, d]`, `upper` `[M, d, d]`, of which P takes what
/// stands strictly above the diagonal, and `log_diagonal` b `[M, d]`, with
/// Pⱼⱼ = 1 / (10⁻³ + exp(−b)): nearly exp(b), and never above 1000, smoothly. 1/Pⱼⱼ is the standard
/// deviation of feature j given those before it, in the units of x, which are those of standardised
/// data in a flow. So no density exceeds (10³/√2π)ᵈ, and no repeated value draws the likelihood to
/// infinity.
///
/// The components start standard normal around random means; [`Density::initialise`] replaces that
/// by a fit of M components to at most 20,000 rows by
/// [expectation maximisation](crate::densities::expectation_maximisation), once: the flag that says
/// so is saved with the model. The broad component gets the means and 1.5 times the standard
/// deviations of all rows, N(0, 1.5² I) for standardised ones, and is not trained: it costs at most
/// 0.001 nats, and rows unlike those trained on do not fall off the ends of narrow components.
///
/// Rows further away than 10¹² (10¹⁰⁰ in `f64`), where the density is 0 in every dtype, have a
/// log-density of −∞ and no gradient.
///
/// x has the dtype of the parameters, and samples are placed beside them. A context is ignored: the
/// base of a conditional flow is the same for all contexts. Cost: n·M·d² in time, n·M·d in memory.
///
/// # Example
/// ```
/// use candle_core::{DType, Device};
/// use diffeo_flows::densities::{GaussianMixture, Toy};
/// use diffeo_flows::rng::{Stream, generator};
/// use diffeo_flows::{Cancel, Density, Params};
/// let mut params = Params::new(DType::F64, &Device::Cpu, 0);
/// let density = GaussianMixture::new(params.scope("base"), 2, 8)?;
/// let x = Toy::named("eight-gaussians")?.sample(2000, None, &mut generator(0, Stream::Sample, 0))?;
/// density.initialise(&x, &mut generator(0, Stream::Mixture, 0), &Cancel::new())?;
/// assert!(density.log_prob(&x, None)?.mean_all()?.to_scalar::<f64>()? > -2.0);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct GaussianMixture {
    features: usize,
    components: usize,
    logits: Weight,
    means: Weight,
    upper: Weight,
    log_diagonal: Weight,
    broad_mean: Buffer,
    broad_scale: Buffer,
    initialised: Once,
    strictly_upper: Tensor,
    identity: Tensor,
    /// `[M d, M]`, 1 where a column of all (x − μₖ) Pₖ is of component k.
    blocks: Tensor,
    /// `[d, M d]`, which makes M copies of a row.
    copies: Tensor,
}

/// Settings of a [`GaussianMixture`] base.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianMixtureConfig {
    /// Number of components.
    pub components: usize,
}

impl Kind for GaussianMixtureConfig {
    const NAME: &'static str = "gaussian-mixture";

    fn examples() -> Vec<Self> {
        vec![Self { components: 1 }, Self { components: 3 }]
    }
}

impl BaseKind for GaussianMixtureConfig {
    fn build(&self, scope: Scope, features: usize) -> Result<Box<dyn Density>> {
        Ok(Box::new(GaussianMixture::new(scope, features, self.components)?))
    }

    fn start(&self) -> String {
        match self.components {
            1 => "the initial normal distribution".to_owned(),
            count => format!("the initial mixture of {count} components"),
        }
    }
}

impl GaussianMixture {
    /// A mixture of `components` distributions of `features` features, and a broad one.
    ///
    /// # Errors
    /// [`Error::Config`] without components or features, or when a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize, components: usize) -> Result<Self> {
        if components == 0 || features == 0 {
            return Err(Error::config(
                "components",
                format!("{components} components of {features} features are no density"),
                "give at least one of each",
            ));
        }
        let (dtype, device) = (scope.dtype(), scope.device().clone());
        let (d, all) = (features, components);
        let broad_scale = Tensor::ones((1, d), dtype, &device)?.affine(BROAD_WIDTH, 0.0)?;
        let identity = Tensor::eye(d, dtype, &device)?;
        Ok(Self {
            features,
            components,
            logits: scope.variable("logits", (1, all), Init::Constant(0.0))?,
            means: scope.variable("means", (all, d), Init::Normal(1.0))?,
            upper: scope.variable("upper", (all, d, d), Init::Constant(0.0))?,
            log_diagonal: scope.variable(
                "log_diagonal",
                (all, d),
                Init::Constant(bounded_inverse(1.0)),
            )?,
            broad_mean: scope.buffer("broad_mean", &broad_scale.zeros_like()?)?,
            broad_scale: scope.buffer("broad_scale", &broad_scale)?,
            initialised: scope.once("initialised")?,
            blocks: blocks(all, (d, dtype, &device))?,
            copies: Tensor::cat(&vec![&identity; all], 1)?,
            strictly_upper: (Tensor::triu2(d, dtype, &device)? - &identity)?,
            identity,
        })
    }

    /// ln of all weighted components, `[n, M + 1]`, of finite rows.
    fn log_terms(&self, x: &Tensor) -> Result<Tensor> {
        let trained = self.log_components(x)?.affine(1.0, (1.0 - BROAD_WEIGHT).ln())?;
        let scale = self.broad_scale.tensor();
        let u = x.broadcast_sub(&self.broad_mean.tensor())?.broadcast_div(&scale)?;
        let constant = BROAD_WEIGHT.ln() - 0.5 * self.features as f64 * TAU.ln();
        let broad = u.sqr()?.sum_keepdim(1)?.affine(-0.5, constant)?;
        let broad = broad.broadcast_sub(&scale.log()?.sum_keepdim(1)?)?;
        Ok(Tensor::cat(&[&trained, &broad], 1)?)
    }

    /// ln softmax(a)ₖ N(x; μₖ, Σₖ), `[n, M]`.
    fn log_components(&self, x: &Tensor) -> Result<Tensor> {
        let (n, d, all) = (x.dim(0)?, self.features, self.components);
        let diagonal = bounded(&self.log_diagonal)?;
        let whitening = (self.upper.broadcast_mul(&self.strictly_upper)?
            + diagonal.unsqueeze(2)?.broadcast_mul(&self.identity)?)?;
        // Constants of all rows and sums as products: both gradients are slow in candle otherwise.
        let ones = Tensor::ones((n, 1), x.dtype(), x.device())?;
        let means = ones.matmul(&self.means.reshape((1, all * d))?)?;
        // (x − μ) P and not x P − μ P, which loses the digits of a narrow component off the centre;
        // products with 0 and 1 are exact.
        let away = (x.contiguous()?.matmul(&self.copies)? - means)?;
        let away = away.reshape((n, all, d))?.transpose(0, 1)?.contiguous()?;
        let u = away.matmul(&whitening)?.transpose(0, 1)?.contiguous()?.reshape((n, all * d))?;
        let squares = u.sqr()?.matmul(&self.blocks)?;
        let log_volumes = diagonal.log()?.sum(1)?.unsqueeze(0)?;
        let constants = (log_softmax(&self.logits, 1)? + log_volumes)?
            .affine(1.0, -0.5 * d as f64 * TAU.ln())?;
        Ok((ones.matmul(&constants)? - squares.affine(0.5, 0.0)?)?)
    }

    /// Writes a fitted mixture and the broad component beside it.
    fn start_at(&self, mixture: Mixture) -> Result<()> {
        let d = self.features;
        let Mixture { weights, means, whitenings, centre, spread, .. } = mixture;
        let device = self.means.device();
        self.broad_mean.set(&Tensor::from_vec(centre, (1, d), device)?)?;
        self.broad_scale
            .set(&Tensor::from_vec(spread, (1, d), device)?.affine(BROAD_WIDTH, 0.0)?)?;
        let diagonals = whitenings.chunks(d * d).flat_map(|p| p.iter().step_by(d + 1));
        let log_diagonal: Vec<f64> = diagonals.map(|p| bounded_inverse(p.recip())).collect();
        self.logits.write(&weights.iter().map(|w| w.ln()).collect::<Vec<_>>())?;
        self.means.write(&means)?;
        self.log_diagonal.write(&log_diagonal)?;
        self.upper.write(&strictly_upper(whitenings, d))
    }
}

impl Density for GaussianMixture {
    fn features(&self) -> usize {
        self.features
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("GaussianMixture::log_prob", x, self.features)?;
        // Masked before the mathematics, where ∞ − ∞ and ∞ · 0 would be NaN.
        let far = x.detach().abs()?.sum_keepdim(1)?.gt(far_away(x.dtype()))?;
        let near = far.broadcast_as(x.shape())?.where_cond(&x.zeros_like()?, x)?;
        let log_prob = log_sum_exp(&self.log_terms(&near)?)?;
        let nowhere = log_prob.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
        Ok(far.squeeze(1)?.where_cond(&nowhere, &log_prob)?)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let d = self.features;
        let weights: Vec<f64> =
            to_f64(&log_softmax(&self.logits.detach(), 1)?)?.into_iter().map(f64::exp).collect();
        let means = to_f64(&self.means)?;
        let mut whitenings = strictly_upper(to_f64(&self.upper)?, d);
        for (i, b) in to_f64(&self.log_diagonal)?.iter().enumerate() {
            whitenings[i * d + i % d] = (NARROWEST + (-b).exp()).recip();
        }
        let mut values = Vec::with_capacity(n * d);
        let (centre, spread) =
            (to_f64(&self.broad_mean.tensor())?, to_f64(&self.broad_scale.tensor())?);
        for _ in 0..n {
            let broad = rng.random::<f64>() < BROAD_WEIGHT;
            let k = pick(&weights, rng);
            let mut moved: Vec<f64> = (0..d).map(|_| rng.sample(StandardNormal)).collect();
            if broad {
                let scaled = moved.iter().zip(&spread).zip(&centre);
                values.extend(scaled.map(|((e, scale), mean)| mean + scale * e));
                continue;
            }
            solve_upper(&whitenings[k * d * d..][..d * d], &mut moved);
            values.extend(moved.iter().zip(&means[k * d..]).map(|(y, mean)| mean + y));
        }
        Placement::of(&self.means).tensor(values, (n, d))
    }

    fn initialise(&self, x: &Tensor, rng: &mut dyn RngCore, cancel: &Cancel) -> Result<()> {
        check_points("GaussianMixture::initialise", x, self.features)?;
        self.initialised.run(|| {
            let rows = subset(to_f64(x)?, self.features, rng);
            let settings = Settings { cancel: cancel.clone(), ..Settings::new(self.components) };
            self.start_at(fit(&rows, self.features, &settings, rng)?)
        })
    }
}

/// 1 / (10⁻³ + exp(−b))
fn bounded(log_diagonal: &Tensor) -> Result<Tensor> {
    Ok(log_diagonal.neg()?.exp()?.affine(1.0, NARROWEST)?.recip()?)
}

/// The b whose 10⁻³ + exp(−b) is that standard deviation, or hardly more than 10⁻³.
fn bounded_inverse(sd: f64) -> f64 {
    -(sd - NARROWEST).max(0.1 * NARROWEST).ln()
}

/// `[M, d, d]` with zeros on and below the diagonals.
fn strictly_upper(mut matrices: Vec<f64>, d: usize) -> Vec<f64> {
    for (i, row) in matrices.chunks_mut(d).enumerate() {
        row[..=i % d].fill(0.0);
    }
    matrices
}

/// A distance at which the density is 0, whose square is far from infinite.
pub(crate) fn far_away(dtype: DType) -> f64 {
    if dtype == DType::F64 { 1e100 } else { 1e12 }
}

/// Sums groups of d columns, as a product: `[m d, m]`.
fn blocks(m: usize, (d, dtype, device): (usize, DType, &Device)) -> Result<Tensor> {
    let each = Tensor::eye(m, dtype, device)?.unsqueeze(1)?.broadcast_as((m, d, m))?;
    Ok(each.reshape((m * d, m))?)
}

/// ln Σⱼ exp tᵢⱼ of each row; −∞ and no gradient where all terms are −∞, NaN where one is.
pub(super) fn log_sum_exp(terms: &Tensor) -> Result<Tensor> {
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
