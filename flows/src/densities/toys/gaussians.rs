//! Equal mixtures of isotropic normal distributions.
//!
//! p(x) = (1/K) Σₖ N(x; cₖ, s² I).

use super::draw;
use super::plane::{PlaneDensity, Point};
use super::toy::ToyInfo;
use rand::RngCore;
use std::f64::consts::TAU;

/// Eight, of standard deviation 0.2, on the circle of radius 2, the first at (2, 0).
pub(super) const EIGHT_GAUSSIANS: ToyInfo = ToyInfo {
    name: "eight-gaussians",
    summary: "8 round Gaussians on a circle",
    window: [[-3.0, 3.0], [-3.0, 3.0]],
    build: || {
        let corner = |k: u32| draw::turn([2.0, 0.0], TAU * f64::from(k) / 8.0);
        Box::new(Gaussians::new((0..8).map(corner).collect(), 0.2))
    },
};

/// 5 × 5, of standard deviation 0.12, at 0.75 (i − j, i + j) for i, j from −2 to 2.
pub(super) const DIAMOND: ToyInfo = ToyInfo {
    name: "diamond",
    summary: "25 round Gaussians on a grid that stands on its corner",
    window: [[-3.6, 3.6], [-3.6, 3.6]],
    build: || {
        let steps = || (-2..=2).map(f64::from);
        let centres = steps().flat_map(|i| steps().map(move |j| [0.75 * (i - j), 0.75 * (i + j)]));
        Box::new(Gaussians::new(centres.collect(), 0.12))
    },
};

/// Components are searched in groups of this size, which the compiler turns into vectors.
const LANES: usize = 8;
/// A component that is e⁻⁴⁵ times the largest, or less, is left out: 10⁵ of them change nothing.
const NEGLIGIBLE: f64 = 45.0;

/// An equal mixture of isotropic normal distributions, few or thousands.
#[derive(Debug)]
pub(super) struct Gaussians {
    centres: Vec<Point>,
    /// First coordinates, filled up with ∞ to whole groups.
    xs: Vec<f64>,
    ys: Vec<f64>,
    sd: f64,
}

impl Gaussians {
    pub(super) fn new(centres: Vec<Point>, sd: f64) -> Self {
        let filled = centres.len().next_multiple_of(LANES);
        let coordinate = |i: usize| {
            let mut values: Vec<f64> = centres.iter().map(|centre| centre[i]).collect();
            values.resize(filled, f64::INFINITY);
            values
        };
        Self { xs: coordinate(0), ys: coordinate(1), centres, sd }
    }

    /// Squared distances to a group of centres.
    fn squared_distances(x: Point, xs: &[f64], ys: &[f64]) -> [f64; LANES] {
        let mut result = [f64::INFINITY; LANES];
        for ((result, cx), cy) in result.iter_mut().zip(xs).zip(ys) {
            let (dx, dy) = (x[0] - cx, x[1] - cy);
            *result = dx * dx + dy * dy;
        }
        result
    }

    fn groups(&self) -> impl Iterator<Item = (&[f64], &[f64])> {
        self.xs.chunks_exact(LANES).zip(self.ys.chunks_exact(LANES))
    }
}

impl PlaneDensity for Gaussians {
    fn log_prob(&self, x: Point) -> f64 {
        let mut least = [f64::INFINITY; LANES];
        for (xs, ys) in self.groups() {
            let distances = Self::squared_distances(x, xs, ys);
            for (least, distance) in least.iter_mut().zip(distances) {
                *least = if distance < *least { distance } else { *least };
            }
        }
        let least = least.into_iter().fold(f64::INFINITY, f64::min);
        if least.is_infinite() {
            return f64::NEG_INFINITY;
        }
        let precision = 0.5 / (self.sd * self.sd);
        let reach = least + NEGLIGIBLE / precision;
        let mut sum = 0.0;
        for (xs, ys) in self.groups() {
            for distance in Self::squared_distances(x, xs, ys) {
                if distance < reach || distance <= least {
                    sum += ((least - distance) * precision).exp();
                }
            }
        }
        let components = self.centres.len() as f64;
        sum.ln() - least * precision - (components * TAU * self.sd * self.sd).ln()
    }

    fn sample(&self, rng: &mut dyn RngCore) -> Point {
        draw::around(self.centres[draw::index(self.centres.len(), rng)], self.sd, rng)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by its definition, summed in the same units.
    fn naive(gaussians: &Gaussians, x: Point) -> f64 {
        let s = gaussians.sd;
        let exponents: Vec<f64> = gaussians
            .centres
            .iter()
            .map(|c| -((x[0] - c[0]).powi(2) + (x[1] - c[1]).powi(2)) / (2.0 * s * s))
            .collect();
        let largest = exponents.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = exponents.iter().map(|e| (e - largest).exp()).sum();
        largest + (sum / exponents.len() as f64).ln() - (TAU * s * s).ln()
    }

    #[test]
    fn leaving_out_components_changes_nothing() {
        let centres =
            (0..1203).map(|i| draw::turn([0.003 * f64::from(i), 0.0], 0.01 * f64::from(i)));
        let many = Gaussians::new(centres.collect(), 0.1);
        for i in 0..400 {
            let x = draw::turn([0.02 * f64::from(i), 0.0], f64::from(i));
            let (got, expected) = (many.log_prob(x), naive(&many, x));
            assert!(
                (got - expected).abs() < 1e-12 * expected.abs().max(1.0),
                "{x:?} {got} {expected}"
            );
        }
        for x in [[1e3, -1e3], [1e6, 0.0], [-1e9, 1e8]] {
            let (got, expected) = (many.log_prob(x), naive(&many, x));
            assert!((got - expected).abs() < 1e-12 * expected.abs(), "{x:?} {got} {expected}");
        }
        assert!(many.log_prob([1e200, 0.0]).is_infinite());
    }

    #[test]
    fn one_is_a_normal_distribution() {
        let one = Gaussians::new(vec![[1.0, -1.0]], 0.5);
        let expected = -(TAU * 0.25).ln() - (0.09 + 0.04) / 0.5;
        assert!((one.log_prob([1.3, -1.2]) - expected).abs() < 1e-13);
    }
}
