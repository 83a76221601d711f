//! The noise levels of a diffusion, and the coordinates in which it keeps its variance.

use crate::error::{Error, Result};
use crate::paths::Coefficients;
use serde::{Deserialize, Serialize};

/// Noise levels σ(t) = σ₀ (σ₁/σ₀)ᵗ from the smallest, σ₀ at t = 0, to the largest, σ₁ at t = 1.
///
/// Levels are in standard deviations of the data. With σ = tan θ noise keeps the variance 1 + σ₀² of
/// x_σ₀ in the coordinates
///
/// y = (cos θ · x + sin θ · ε) / cos θ₀ = x_σ cos θ / cos θ₀
///
/// in which y = x_σ₀ at t = 0, so that a diffusion is a path like those of
/// [`paths`](crate::paths): whatever its schedule, in these coordinates the field that carries its
/// points is y′ = θ′ F(y, t), where F is the mean of ∂y/∂θ (Salimans and Ho 2022, *Progressive
/// Distillation*, appendix D; Karras et al. 2022, *Elucidating the Design Space*, section 5).
///
/// # Example
/// ```
/// use diffeo_flows::score::NoiseLevels;
/// let levels = NoiseLevels { smallest: 0.01, largest: 10.0 };
/// assert!((levels.at(2.0 / 3.0) - 1.0).abs() < 1e-12);
/// assert!((levels.time_of(1.0) - 2.0 / 3.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseLevels {
    /// σ₀: the density that is modelled is that of the data with this much noise.
    #[serde(default = "smallest")]
    pub smallest: f64,
    /// σ₁: with this much noise the data are taken for a Gaussian.
    #[serde(default = "largest")]
    pub largest: f64,
}

fn smallest() -> f64 {
    0.01
}

fn largest() -> f64 {
    20.0
}

impl Default for NoiseLevels {
    fn default() -> Self {
        Self { smallest: smallest(), largest: largest() }
    }
}

impl NoiseLevels {
    /// Fails unless 0 < σ₀ < σ₁.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        let Self { smallest, largest } = *self;
        if smallest > 0.0 && largest.is_finite() && smallest < largest {
            return Ok(());
        }
        Err(Error::config(
            "noise levels",
            format!("from {smallest} to {largest}"),
            "give two positive numbers, the smaller one first, for instance 0.01 and 20",
        ))
    }

    /// ln(σ₁/σ₀)
    pub(crate) fn log_ratio(&self) -> f64 {
        (self.largest / self.smallest).ln()
    }

    /// σ(t)
    #[must_use]
    pub fn at(&self, t: f64) -> f64 {
        self.smallest * (t * self.log_ratio()).exp()
    }

    /// The time of a level: t with σ(t) = `level`.
    #[must_use]
    pub fn time_of(&self, level: f64) -> f64 {
        (level / self.smallest).ln() / self.log_ratio()
    }

    /// The time of a level of the range; the ends take what rounding puts beside them.
    ///
    /// # Errors
    /// [`Error::Config`] for a level outside the range.
    pub fn time_within(&self, level: f64) -> Result<f64> {
        let t = self.time_of(level);
        if (-1e-9..=1.0 + 1e-9).contains(&t) {
            return Ok(t.clamp(0.0, 1.0));
        }
        let Self { smallest, largest } = *self;
        let problem = format!("{level} lies outside the trained levels");
        let remedy = format!("give a level from {smallest} to {largest}, in standard deviations");
        Err(Error::config("noise level", problem, remedy))
    }

    /// θ′(t) with tan θ = σ.
    #[must_use]
    pub fn rate(&self, t: f64) -> f64 {
        let level = self.at(t);
        self.log_ratio() * level / level.mul_add(level, 1.0)
    }

    /// √(1 + σ₀²) = 1 / cos θ₀, the standard deviation of y at all times.
    #[must_use]
    pub fn latent_deviation(&self) -> f64 {
        self.smallest.hypot(1.0)
    }

    /// cos θ and sin θ at time t.
    pub(crate) fn turn(&self, t: f64) -> (f64, f64) {
        let level = self.at(t);
        let length = level.hypot(1.0);
        (1.0 / length, level / length)
    }

    /// y = α x + σ ε and its derivative with respect to t.
    #[must_use]
    pub fn coefficients(&self, t: f64) -> Coefficients {
        let ((cos, sin), rate, stretch) = (self.turn(t), self.rate(t), self.latent_deviation());
        Coefficients {
            alpha: stretch * cos,
            sigma: stretch * sin,
            alpha_dot: -stretch * rate * sin,
            sigma_dot: stretch * rate * cos,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVELS: NoiseLevels = NoiseLevels { smallest: 0.02, largest: 8.0 };

    #[test]
    fn coefficients_start_at_the_noisy_data_and_their_derivatives_are_those_of_time() {
        let start = LEVELS.coefficients(0.0);
        assert!((start.alpha - 1.0).abs() < 1e-14 && (start.sigma - 0.02).abs() < 1e-14);
        for t in [0.0, 0.3, 0.9] {
            let (c, h) = (LEVELS.coefficients(t), 1e-6);
            let (before, after) = (LEVELS.coefficients(t - h), LEVELS.coefficients(t + h));
            assert!((c.sigma / c.alpha / LEVELS.at(t) - 1.0).abs() < 1e-12);
            assert!((c.alpha_dot - (after.alpha - before.alpha) / (2.0 * h)).abs() < 1e-8);
            assert!((c.sigma_dot - (after.sigma - before.sigma) / (2.0 * h)).abs() < 1e-8);
        }
    }

    #[test]
    fn levels_that_are_no_range_are_refused() {
        for (smallest, largest) in [(0.0, 1.0), (1.0, 1.0), (0.1, f64::INFINITY), (f64::NAN, 1.0)] {
            assert!(NoiseLevels { smallest, largest }.check().is_err());
        }
        assert!(LEVELS.time_within(8.0).is_ok() && LEVELS.time_within(8.1).is_err());
    }
}
