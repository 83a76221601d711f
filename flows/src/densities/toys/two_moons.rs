//! Two sickles that face each other, cut out of a ring.
//!
//! p(x) = exp(−½ ((‖x‖ − 2)/0.2)²) [exp(−½ ((x₁ − 2)/0.3)²) + exp(−½ ((x₁ + 2)/0.3)²)] / Z.

use super::draw;
use super::plane::{PlaneDensity, Point, log_sum_exp};
use super::rings::on_ring;
use super::toy::ToyInfo;
use rand::RngCore;

pub(super) const TWO_MOONS: ToyInfo = ToyInfo {
    name: "two-moons",
    summary: "2 sickles that face each other",
    window: [[-3.0, 3.0], [-3.0, 3.0]],
    build: || Box::new(TwoMoons),
};

const RADIUS: f64 = 2.0;
const RING_SD: f64 = 0.2;
const SICKLE_SD: f64 = 0.3;
/// ln Z, by the midpoint rule in polar coordinates. The integrand is smooth and periodic in the
/// angle, and vanishes at both ends in the radius, so the rule converges exponentially: 200 × 200
/// and 400 × 400 points agree to the last digit.
const LOG_NORMALISER: f64 = 0.804_214_448_632_12;

#[derive(Debug)]
struct TwoMoons;

fn exponent(deviation: f64, sd: f64) -> f64 {
    let z = deviation / sd;
    -0.5 * z * z
}

impl PlaneDensity for TwoMoons {
    fn log_prob(&self, x: Point) -> f64 {
        let ring = exponent(libm::hypot(x[0], x[1]) - RADIUS, RING_SD);
        let sickles = [exponent(x[0] - RADIUS, SICKLE_SD), exponent(x[0] + RADIUS, SICKLE_SD)];
        ring + log_sum_exp(sickles) - LOG_NORMALISER
    }

    /// By rejection from the ring; about 3 of 10 points are kept.
    fn sample(&self, rng: &mut dyn RngCore) -> Point {
        loop {
            let x = on_ring(RADIUS, RING_SD, rng);
            let right = libm::exp(exponent(x[0] - RADIUS, SICKLE_SD));
            let left = libm::exp(exponent(x[0] + RADIUS, SICKLE_SD));
            // The sum is at most 1 + 3e-39, which is 1.
            if draw::unit(rng) < right + left {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn normaliser_is_the_integral() {
        let (n, high) = (300u32, 5.0);
        let h = high / f64::from(n);
        let mut sum = 0.0;
        for i in 0..n {
            let r = (f64::from(i) + 0.5) * h;
            for j in 0..n {
                let x = draw::turn([r, 0.0], TAU * f64::from(j) / f64::from(n));
                sum += r * (TwoMoons.log_prob(x) + LOG_NORMALISER).exp();
            }
        }
        let log_integral = (sum * h * TAU / f64::from(n)).ln();
        assert!((log_integral - LOG_NORMALISER).abs() < 1e-13, "{log_integral}");
    }
}
