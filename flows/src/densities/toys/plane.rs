//! Defines what a toy has to provide.

use rand::RngCore;
use std::fmt::Debug;

/// A point of the plane.
pub(super) type Point = [f64; 2];

/// A normalised density on the plane.
pub(super) trait PlaneDensity: Debug + Send + Sync {
    /// log p(x), nats, of a point that is finite; −∞ where p is 0 or too small for a number.
    fn log_prob(&self, x: Point) -> f64;

    /// Draws one point, with the functions of [`draw`](super::draw) and `libm` alone, so that a seed
    /// gives the same bits on every platform.
    fn sample(&self, rng: &mut dyn RngCore) -> Point;
}

/// ln Σ exp(tⱼ), and −∞ when all terms are.
pub(super) fn log_sum_exp<const N: usize>(terms: [f64; N]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_infinite() {
        return largest;
    }
    largest + terms.iter().map(|t| (t - largest).exp()).sum::<f64>().ln()
}
