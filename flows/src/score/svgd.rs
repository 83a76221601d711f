//! Stein variational gradient descent: particles that become a sample together.

#[cfg(test)]
mod tests;

use super::target::Target;
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::transform::check_points;
use candle_core::{Device, Tensor};

/// Keeps AdaGrad from dividing by 0.
const FUDGE: f64 = 1e-12;

/// How far particles move along their direction φ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepRule {
    /// ε φ, in squared units of x.
    Fixed(f64),
    /// ε φ / √(Σ φ²) of each coordinate, summed over the steps so far: the first step is ε long in
    /// every coordinate, in units of x (Duchi, Hazan and Singer 2011, *Adaptive subgradient
    /// methods*).
    AdaGrad(f64),
}

/// How many steps particles take, and of which length.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SteinDescent {
    /// Number of steps.
    pub steps: usize,
    /// Length of a step.
    pub rule: StepRule,
}

/// Moves particles `[n, d]` down KL(q‖p) in the steepest direction of a kernel's space of fields.
///
/// φ(xᵢ) = (1/n) Σⱼ [k(xⱼ, xᵢ) s(xⱼ) + ∇_{xⱼ} k(xⱼ, xᵢ)],  k(x, y) = exp(−‖x − y‖² / ℓ²)
///
/// The first term pulls to where p is large, the second keeps particles apart. ℓ² is
/// [`median_squared_distance`] / ln n, taken anew at each step. No randomness: the same start gives
/// the same end. A single particle climbs along the score to a mode. In `f64`, the target seeing
/// points of the dtype of `start`; cost n² d a step.
///
/// By Stein's identity φ vanishes where the particles are a sample of p. Particles understate
/// variances in many dimensions.
///
/// Liu and Wang 2016, *Stein Variational Gradient Descent: A General Purpose Bayesian Inference
/// Algorithm*.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::score::{FromScore, SteinDescent, StepRule, stein_variational};
/// let normal = FromScore::new(1, |x: &Tensor| Ok(x.affine(-1.0, 3.0)?));
/// let start = Tensor::arange(0f64, 20.0, &Device::Cpu)?.affine(0.01, 0.0)?.unsqueeze(1)?;
/// let config = SteinDescent { steps: 500, rule: StepRule::AdaGrad(0.5) };
/// let x = stein_variational(&normal, &start, config)?;
/// assert!((x.mean_all()?.to_scalar::<f64>()? - 3.0).abs() < 0.1);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] unless `start` has the target's width, [`Error::Config`] for a step that is not
/// positive, [`Error::Data`] with step and row at the first particle that is not finite.
pub fn stein_variational(
    target: &dyn Target,
    start: &Tensor,
    config: SteinDescent,
) -> Result<Tensor> {
    check_points("stein_variational", start, target.features())?;
    let (StepRule::Fixed(length) | StepRule::AdaGrad(length)) = config.rule;
    if !(length.is_finite() && length > 0.0) {
        return Err(Error::config("step", format!("{length}"), "give a positive number"));
    }
    let d = target.features();
    let place = |rows: &[f64]| -> Result<Tensor> {
        let tensor = Tensor::from_slice(rows, start.shape(), &Device::Cpu)?;
        Ok(tensor.to_dtype(start.dtype())?.to_device(start.device())?)
    };
    let mut rows = to_f64(start)?;
    let mut squares = vec![0.0; rows.len()];
    for step in 0..config.steps {
        check(&rows, d, step)?;
        let score = to_f64(&target.score(&place(&rows)?)?)?;
        let direction = direction(&rows, &score, d);
        for ((x, phi), square) in rows.iter_mut().zip(direction).zip(&mut squares) {
            *square += phi * phi;
            *x += match config.rule {
                StepRule::Fixed(length) => length * phi,
                StepRule::AdaGrad(length) => length * phi / (square.sqrt() + FUDGE),
            };
        }
    }
    check(&rows, d, config.steps)?;
    place(&rows)
}

fn check(rows: &[f64], d: usize, step: usize) -> Result<()> {
    let Some(k) = rows.iter().position(|x| !x.is_finite()) else { return Ok(()) };
    let problem = format!("row {} is not finite at step {step}", k / d);
    Err(Error::data("stein_variational", problem, "take smaller steps, or look at the score there"))
}

/// φ at every particle, row-major.
fn direction(rows: &[f64], score: &[f64], d: usize) -> Vec<f64> {
    let n = rows.len() / d;
    let squared_length = match median_squared_distance(rows, d) {
        median if median > 0.0 => median / (n as f64).ln(),
        _ => 1.0,
    };
    let mut phi = score.to_vec();
    for i in 0..n {
        for j in 0..i {
            let (x, y) = (&rows[i * d..(i + 1) * d], &rows[j * d..(j + 1) * d]);
            let k = (-squared_distance(x, y) / squared_length).exp();
            for c in 0..d {
                let apart = 2.0 * k / squared_length * (x[c] - y[c]);
                phi[i * d + c] += k * score[j * d + c] + apart;
                phi[j * d + c] += k * score[i * d + c] - apart;
            }
        }
    }
    phi.into_iter().map(|value| value / n as f64).collect()
}

pub(super) fn squared_distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The median of ‖xᵢ − xⱼ‖² over all pairs of rows, row-major `[n, d]`; 0 for fewer than two.
///
/// The usual scale of a kernel (Gretton et al. 2012, *A Kernel Two-Sample Test*). Of an even number
/// of pairs the upper of the two in the middle. Memory for n²/2 numbers.
///
/// # Example
/// ```
/// use diffeo_flows::score::median_squared_distance;
/// // Distances 1, 3 and 4 between points of the line.
/// assert_eq!(median_squared_distance(&[0.0, 1.0, 4.0], 1), 9.0);
/// ```
pub fn median_squared_distance(rows: &[f64], features: usize) -> f64 {
    let points: Vec<&[f64]> = rows.chunks_exact(features.max(1)).collect();
    let pairs = points.iter().enumerate();
    let mut distances: Vec<f64> =
        pairs.flat_map(|(i, x)| points[..i].iter().map(|y| squared_distance(x, y))).collect();
    let middle = distances.len() / 2;
    match distances.get(middle) {
        Some(_) => *distances.select_nth_unstable_by(middle, f64::total_cmp).1,
        None => 0.0,
    }
}
