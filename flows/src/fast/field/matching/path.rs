//! What joins data to latent points.

use std::f64::consts::FRAC_PI_2;
use std::fmt::Debug;

/// How a point x and a latent point z are joined: x_t = α(t) x + σ(t) z, data at t = 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchingPath {
    /// α = 1 − t, σ = t: Lipman et al. 2023, *Flow Matching*; Liu et al. 2023, *Rectified Flow*.
    Straight,
    /// α = cos πt/2, σ = sin πt/2: Albergo and Vanden-Eijnden 2023, *Stochastic Interpolants*.
    VariancePreserving,
}

impl MatchingPath {
    /// α, σ, α′ and σ′ at time t.
    pub(super) fn coefficients(self, t: f64) -> [f64; 4] {
        match self {
            Self::Straight => [1.0 - t, t, -1.0, 1.0],
            Self::VariancePreserving => {
                let (sin, cos) = (FRAC_PI_2 * t).sin_cos();
                [cos, sin, -FRAC_PI_2 * sin, FRAC_PI_2 * cos]
            }
        }
    }
}

/// Decides which latent point of a batch belongs to which of its points.
pub trait Pairing: Debug + Send + Sync {
    /// Reorders the rows of `latent`, row-major `[n, d]`, for the rows of `points`.
    fn pair(&self, points: &[f32], latent: &mut [f32], features: usize);
}
