//! Paths from a data point to a latent point, and what moving along them means for the density.

#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use std::f64::consts::FRAC_PI_2;

/// A path x_t = α(t) x + σ(t) z from a data point x at t = 0 to a latent point z at t = 1.
///
/// A point on it moves with the velocity u = α′(t) x + σ′(t) z. The mean v(t, y) of u over the
/// pairs whose path passes y at time t is a field that carries the data to the latent points.
///
/// # Example
/// ```
/// use diffeo_flows::paths::Path;
/// let c = Path::Straight.coefficients(0.25);
/// assert_eq!((c.alpha, c.sigma, c.alpha_dot, c.sigma_dot), (0.75, 0.25, -1.0, 1.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// α = 1 − t, σ = t: Lipman et al. 2023, *Flow Matching for Generative Modeling*; Liu et al.
    /// 2023, *Flow Straight and Fast*.
    #[default]
    Straight,
    /// α = cos(πt/2), σ = sin(πt/2), which keeps the variance of data of variance 1: Albergo and
    /// Vanden-Eijnden 2023, *Building Normalizing Flows with Stochastic Interpolants*; Salimans
    /// and Ho 2022, *Progressive Distillation for Fast Sampling of Diffusion Models*.
    VariancePreserving,
}

/// α, σ and their derivatives at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Coefficients {
    /// The share α of the data point.
    pub alpha: f64,
    /// The share σ of the latent point.
    pub sigma: f64,
    /// α′.
    pub alpha_dot: f64,
    /// σ′.
    pub sigma_dot: f64,
}

impl Path {
    /// The coefficients at time t, for t in [0, 1].
    #[must_use]
    pub fn coefficients(self, t: f64) -> Coefficients {
        match self {
            Self::Straight => {
                Coefficients { alpha: 1.0 - t, sigma: t, alpha_dot: -1.0, sigma_dot: 1.0 }
            }
            Self::VariancePreserving => {
                let (sin, cos) = (FRAC_PI_2 * t).sin_cos();
                Coefficients {
                    alpha: cos,
                    sigma: sin,
                    alpha_dot: -FRAC_PI_2 * sin,
                    sigma_dot: FRAC_PI_2 * cos,
                }
            }
        }
    }
}

impl Coefficients {
    /// α σ′ − α′ σ, positive where the share of the latent point grows.
    fn turn(self) -> f64 {
        self.alpha * self.sigma_dot - self.alpha_dot * self.sigma
    }
}

/// The score ∇log p_t(x) of the points on the path, from their velocity: x, v `[n, d]` → `[n, d]`.
///
/// With E[z | x_t] = −σ s (Tweedie) and x_t = α E[x | x_t] + σ E[z | x_t], the velocity
/// v = α′ E[x | x_t] + σ′ E[z | x_t] gives
///
/// s = (α′ x_t − α v) / (σ (α σ′ − α′ σ))
///
/// At t = 1 this is −x, the score of a standard normal.
///
/// Valid for latent points that are standard normal and drawn independently of the data, and for
/// the mean velocity over all pairs: with pairs from optimal transport the identity does not hold.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::paths::{Path, score_from_velocity};
/// // Standard normal data stay so on this path: no velocity, score −x.
/// let x = Tensor::new(&[[0.5]], &Device::Cpu)?;
/// let score = score_from_velocity(Path::VariancePreserving, 0.3, &x, &x.zeros_like()?)?;
/// assert!((score.to_vec2::<f64>()?[0][0] + 0.5).abs() < 1e-15);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`] at t = 0, where the score is that of the data and the velocity says nothing
/// about it; [`Error::Shape`] when the shapes differ.
pub fn score_from_velocity(path: Path, t: f64, x: &Tensor, v: &Tensor) -> Result<Tensor> {
    let c = inside(path, t)?;
    if c.sigma < f64::EPSILON {
        let problem = format!("at t = {t} a velocity does not determine a score");
        return Err(Error::config("t", problem, "take a time above 0, for instance 1e-3"));
    }
    let scale = 1.0 / (c.sigma * c.turn());
    combined(x, c.alpha_dot * scale, v, -c.alpha * scale)
}

/// The velocity of the points on the path, from their score: x, s `[n, d]` → `[n, d]`.
///
/// v = (α′ x_t − σ (α σ′ − α′ σ) s) / α
///
/// Solved from [`score_from_velocity`], and valid where it is.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::paths::{Path, score_from_velocity, velocity_from_score};
/// let (x, v) = (Tensor::new(&[[0.5]], &Device::Cpu)?, Tensor::new(&[[2.0]], &Device::Cpu)?);
/// let score = score_from_velocity(Path::Straight, 0.3, &x, &v)?;
/// let back = velocity_from_score(Path::Straight, 0.3, &x, &score)?;
/// assert!((back.to_vec2::<f64>()?[0][0] - 2.0).abs() < 1e-14);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`] at t = 1, where the score is −x whatever the velocity; [`Error::Shape`] when
/// the shapes differ.
pub fn velocity_from_score(path: Path, t: f64, x: &Tensor, s: &Tensor) -> Result<Tensor> {
    let c = inside(path, t)?;
    if c.alpha < f64::EPSILON {
        let problem = format!("at t = {t} a score does not determine a velocity");
        return Err(Error::config("t", problem, "take a time below 1, for instance 0.999"));
    }
    combined(x, c.alpha_dot / c.alpha, s, -c.sigma * c.turn() / c.alpha)
}

/// The coefficients at a time of [0, 1].
fn inside(path: Path, t: f64) -> Result<Coefficients> {
    if (0.0..=1.0).contains(&t) {
        return Ok(path.coefficients(t));
    }
    Err(Error::config("t", format!("{t} is not on the path"), "give a time between 0 and 1"))
}

/// a x + b y
fn combined(x: &Tensor, a: f64, y: &Tensor, b: f64) -> Result<Tensor> {
    if x.shape() != y.shape() {
        return Err(Error::shape("a velocity or a score", format!("{:?}", x.dims()), y.dims()));
    }
    Ok((x.affine(a, 0.0)? + y.affine(b, 0.0)?)?)
}
