//! Langevin dynamics: samples from a score, with or without a correction.

#[cfg(test)]
mod tests;
mod walk;

use self::walk::Walk;
use super::target::Target;
use crate::error::Result;
use crate::metrics::Estimate;
use crate::params::to_f64;
use candle_core::Tensor;
use rand::{Rng, RngCore};

/// How long chains run, and in which steps.
///
/// # Example
/// ```
/// use diffeo_flows::score::Langevin;
/// let config = Langevin::new(0.05, 200).keeping(50);
/// assert_eq!((config.step_size, config.keep_every), (0.05, Some(50)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Langevin {
    /// Time h of a step, squared units of x: noise has the standard deviation √(2h).
    pub step_size: f64,
    /// Number of steps.
    pub steps: usize,
    /// Keep the points after every so many steps; none by default.
    pub keep_every: Option<usize>,
}

impl Langevin {
    /// `steps` steps of size `step_size`, of which the last points are kept.
    pub fn new(step_size: f64, steps: usize) -> Self {
        Self { step_size, steps, keep_every: None }
    }

    /// The same, with the points after every `steps` steps.
    #[must_use]
    pub fn keeping(self, steps: usize) -> Self {
        Self { keep_every: Some(steps), ..self }
    }
}

/// What chains, one a row, have come to.
#[derive(Debug, Clone)]
pub struct Chains {
    /// The points after the last step, `[n, d]`.
    pub last: Tensor,
    /// The points after every so many steps, `[n, d]` each.
    pub kept: Vec<Tensor>,
    /// Share of the proposals taken, its standard error that of independent chains; of an
    /// adjusted chain alone.
    pub acceptance: Option<Estimate>,
}

/// Chains x′ = x + h s(x) + √(2h) z, with z standard normal, one from each row of `start` `[n, d]`.
///
/// The Euler–Maruyama discretisation of dx = ∇log p dt + √2 dw, whose stationary density is p.
/// Without the noise it is [gradient flow](crate::calculus::gradient_flow) of −log p. The chain
/// itself is stationary at a density off by O(h), for a Gaussian by [`unadjusted_variance`], and
/// runs away where the score grows faster than linearly.
///
/// Chains are calculated in `f64`; the target sees points of the dtype of `start`, and so are the
/// results. Each step draws n d normal numbers, row by row.
///
/// Roberts and Tweedie 1996, *Exponential convergence of Langevin distributions and their discrete
/// approximations*.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::rng::{Stream, generator};
/// use diffeo_flows::score::{FromScore, Langevin, unadjusted_langevin};
/// let normal = FromScore::new(1, |x: &Tensor| Ok(x.neg()?));
/// let start = Tensor::zeros((1000, 1), candle_core::DType::F64, &Device::Cpu)?;
/// let rng = &mut generator(0, Stream::Sample, 0);
/// let chains = unadjusted_langevin(&normal, &start, Langevin::new(0.1, 100), rng)?;
/// let square = chains.last.sqr()?.mean_all()?.to_scalar::<f64>()?;
/// assert!((square - 1.0 / 0.95).abs() < 0.2); // unadjusted_variance(1.0, 0.1)
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) unless `start` has the target's width,
/// [`Error::Config`](crate::Error::Config) for a step size that is not positive or no steps between
/// kept points, [`Error::Data`](crate::Error::Data) with step and row at the first point that is not
/// finite.
pub fn unadjusted_langevin(
    target: &dyn Target,
    start: &Tensor,
    config: Langevin,
    rng: &mut dyn RngCore,
) -> Result<Chains> {
    let mut walk = Walk::new("unadjusted_langevin", target, start, config)?;
    for step in 1..=config.steps {
        let score = to_f64(&target.score(&walk.points()?)?)?;
        walk.rows = walk.proposal(&score, rng);
        walk.check(step, &walk.rows)?;
        walk.keep(step)?;
    }
    walk.finish(None)
}

/// Chains whose stationary density is the target: each Langevin step is a proposal, taken with the
/// probability min(1, p(x′) q(x | x′) / (p(x) q(x′ | x))), q(y | x) = N(y; x + h s(x), 2h I).
///
/// The ratio makes the chain reversible with respect to p at any step size (Metropolis et al. 1953;
/// Hastings 1970). Small steps explore slowly, large ones are refused: in many dimensions the best
/// share of proposals taken is 0.574 (Roberts and Rosenthal 1998, *Optimal scaling of discrete
/// approximations to Langevin diffusions*). Proposals of density 0 are refused. Each step draws n d
/// normal numbers, then n uniform ones.
///
/// Roberts and Tweedie 1996, as [`unadjusted_langevin`], which also says how numbers are held.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::rng::{Stream, generator};
/// use diffeo_flows::score::{FromLogProb, Langevin, metropolis_adjusted_langevin};
/// let target = FromLogProb::new(1, |x: &Tensor| Ok(x.powf(4.0)?.sum(1)?.neg()?));
/// let start = Tensor::zeros((200, 1), DType::F64, &Device::Cpu)?;
/// let rng = &mut generator(0, Stream::Sample, 0);
/// let chains = metropolis_adjusted_langevin(&target, &start, Langevin::new(0.1, 50), rng)?;
/// assert!(chains.acceptance.is_some_and(|rate| rate.mean > 0.5));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// As [`unadjusted_langevin`]; [`Error::Config`](crate::Error::Config) from a target that knows its
/// score alone, and [`Error::Data`](crate::Error::Data) for a start of density 0.
pub fn metropolis_adjusted_langevin(
    target: &dyn Target,
    start: &Tensor,
    config: Langevin,
    rng: &mut dyn RngCore,
) -> Result<Chains> {
    let mut walk = Walk::new("metropolis_adjusted_langevin", target, start, config)?;
    let (n, d) = (walk.n, walk.d);
    let (mut log_prob, mut score) = walk.evaluate(target, &walk.rows)?;
    walk.check(0, &log_prob)?;
    walk.check(0, &score)?;
    let mut taken = vec![0.0; n];
    for step in 1..=config.steps {
        let proposal = walk.proposal(&score, rng);
        walk.check(step, &proposal)?;
        let (new_log_prob, new_score) = walk.evaluate(target, &proposal)?;
        for row in 0..n {
            let uniform = rng.random::<f64>();
            let at = row * d..(row + 1) * d;
            let (there, slope) = (new_log_prob[row], &new_score[at.clone()]);
            if there.is_infinite() && there < 0.0 {
                continue;
            }
            if !there.is_finite() || slope.iter().any(|s| !s.is_finite()) {
                return Err(walk.lost(step, row));
            }
            let old = &walk.rows[at.clone()];
            let new = &proposal[at.clone()];
            let back = walk.log_transition(new, slope, old);
            let forth = walk.log_transition(old, &score[at.clone()], new);
            if uniform.ln() < there - log_prob[row] + back - forth {
                walk.rows[at.clone()].copy_from_slice(new);
                score[at].copy_from_slice(slope);
                log_prob[row] = there;
                taken[row] += 1.0 / config.steps as f64;
            }
        }
        walk.keep(step)?;
    }
    walk.finish((config.steps > 0).then(|| Estimate::of(&taken, None)))
}

/// The variance at which [`unadjusted_langevin`] is stationary for N(0, σ²): 2h / (1 − (1 − h/σ²)²),
/// which is σ² / (1 − h/(2σ²)); infinite from h = 2σ² on.
///
/// Both arguments are in squared units of x. Roberts and Tweedie 1996.
///
/// # Example
/// ```
/// use diffeo_flows::score::unadjusted_variance;
/// assert!((unadjusted_variance(1.0, 0.5) - 4.0 / 3.0).abs() < 1e-12);
/// assert!(unadjusted_variance(1.0, 2.0).is_infinite());
/// ```
pub fn unadjusted_variance(variance: f64, step_size: f64) -> f64 {
    let contraction = 1.0 - 0.5 * step_size / variance;
    if contraction > 0.0 { variance / contraction } else { f64::INFINITY }
}
