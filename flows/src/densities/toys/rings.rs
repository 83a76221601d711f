//! Rings: normal in the distance from a centre, uniform in the direction.
//!
//! p(x) = Σₖ wₖ exp(−½ ((‖x − cₖ‖ − Rₖ)/s)²) / (2π mₖ), with
//! mₖ = ∫₀^∞ r exp(−½ ((r − Rₖ)/s)²) dr = s² exp(−½ (Rₖ/s)²) + Rₖ s √(π/2) (1 + erf(Rₖ / (s √2))).

use super::draw;
use super::plane::{PlaneDensity, Point, log_sum_exp};
use super::toy::ToyInfo;
use rand::RngCore;
use std::f64::consts::{FRAC_PI_2, SQRT_2, TAU};

/// Radii 0.75, 1.5, 2.25 and 3, s = 0.1, weights in proportion to the radii: equally bright.
pub(super) const RINGS: ToyInfo = ToyInfo {
    name: "rings",
    summary: "4 concentric rings, equally bright",
    window: [[-3.5, 3.5], [-3.5, 3.5]],
    build: || {
        let ring = |radius: f64| Ring::new([0.0, 0.0], radius, 0.1, radius / 7.5);
        Box::new(Rings([0.75, 1.5, 2.25, 3.0].map(ring)))
    },
};

/// Radii 1.5 and 3, s = 0.2, equal weights, as scikit-learn's `make_circles` has them.
pub(super) const CIRCLES: ToyInfo = ToyInfo {
    name: "circles",
    summary: "a circle in a circle of twice its size, as many points on each",
    window: [[-3.9, 3.9], [-3.9, 3.9]],
    build: || Box::new(Rings([1.5, 3.0].map(|radius| Ring::new([0.0, 0.0], radius, 0.2, 0.5)))),
};

/// Five of radius 0.9, s = 0.07, equal weights, at (−2, ½), (0, ½), (2, ½), (−1, −½), (1, −½).
pub(super) const OLYMPIC_RINGS: ToyInfo = ToyInfo {
    name: "olympic-rings",
    summary: "5 rings that overlap in two rows",
    window: [[-3.3, 3.3], [-1.8, 1.8]],
    build: || {
        let centres = [[-2.0, 0.5], [0.0, 0.5], [2.0, 0.5], [-1.0, -0.5], [1.0, -0.5]];
        Box::new(Rings(centres.map(|centre| Ring::new(centre, 0.9, 0.07, 0.2))))
    },
};

#[derive(Debug)]
struct Ring {
    centre: Point,
    radius: f64,
    sd: f64,
    weight: f64,
    /// ln w − ln 2πm.
    log_constant: f64,
}

impl Ring {
    fn new(centre: Point, radius: f64, sd: f64, weight: f64) -> Self {
        let log_constant = weight.ln() - (TAU * radial_mass(radius, sd)).ln();
        Self { centre, radius, sd, weight, log_constant }
    }

    fn log_term(&self, x: Point) -> f64 {
        let r = libm::hypot(x[0] - self.centre[0], x[1] - self.centre[1]);
        let z = (r - self.radius) / self.sd;
        self.log_constant - 0.5 * z * z
    }
}

#[derive(Debug)]
struct Rings<const N: usize>([Ring; N]);

impl<const N: usize> PlaneDensity for Rings<N> {
    fn log_prob(&self, x: Point) -> f64 {
        log_sum_exp(self.0.each_ref().map(|ring| ring.log_term(x)))
    }

    fn sample(&self, rng: &mut dyn RngCore) -> Point {
        let mut rest = draw::unit(rng);
        let drawn = self.0.iter().find(|ring| {
            rest -= ring.weight;
            rest < 0.0
        });
        // The weights may add up to a little less than 1.
        let ring = drawn.unwrap_or(&self.0[N - 1]);
        let [x, y] = on_ring(ring.radius, ring.sd, rng);
        [ring.centre[0] + x, ring.centre[1] + y]
    }
}

/// A point with density ∝ exp(−½ ((‖x‖ − R)/s)²).
pub(super) fn on_ring(radius: f64, sd: f64, rng: &mut dyn RngCore) -> Point {
    let r = distance(radius, sd, rng);
    draw::turn([r, 0.0], TAU * draw::unit(rng))
}

/// A number with density ∝ r exp(−½ ((r − R)/s)²) on r > 0, by rejection.
///
/// ln r ≤ ln R + (r − R)/R bounds it by a normal density of mean R + s²/R.
fn distance(radius: f64, sd: f64, rng: &mut dyn RngCore) -> f64 {
    loop {
        let r = radius + sd * sd / radius + sd * draw::normals(rng)[0];
        let ratio = r / radius;
        if draw::unit(rng) < ratio * libm::exp(1.0 - ratio) {
            return r;
        }
    }
}

/// ∫₀^∞ r exp(−½ ((r − R)/s)²) dr.
fn radial_mass(radius: f64, sd: f64) -> f64 {
    let z = radius / sd;
    sd * sd * (-0.5 * z * z).exp() + radius * sd * FRAC_PI_2.sqrt() * (1.0 + libm::erf(z / SQRT_2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::densities::checks;

    fn integral(f: impl Fn(f64) -> f64, high: f64, n: u32) -> f64 {
        let h = high / f64::from(n);
        (0..n).map(|i| f((f64::from(i) + 0.5) * h)).sum::<f64>() * h
    }

    fn bell(r: f64, radius: f64, sd: f64) -> f64 {
        (-0.5 * ((r - radius) / sd).powi(2)).exp()
    }

    #[test]
    fn radial_mass_matches_quadrature() {
        // The last ones have much of the bell on the other side of the centre.
        for (radius, sd) in [(3.0, 0.1), (1.0, 0.5), (0.2, 0.5)] {
            let expected = integral(|r| r * bell(r, radius, sd), radius + 12.0 * sd, 200_000);
            assert!((radial_mass(radius, sd) / expected - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn distances_have_their_mean_even_when_rejection_is_frequent() {
        let (radius, sd, n) = (0.2, 0.5, 100_000);
        let moment = |k| integral(|r| r.powi(k) * bell(r, radius, sd), 7.0, 200_000);
        let (mean, square) = (moment(2) / moment(1), moment(3) / moment(1));
        let mut rng = checks::rng();
        let got = (0..n).map(|_| distance(radius, sd, &mut rng)).sum::<f64>() / f64::from(n);
        let error = ((square - mean * mean) / f64::from(n)).sqrt();
        assert!((got - mean).abs() < 4.0 * error, "{got} {mean}");
    }
}
