//! Uniform densities on some of the equal square cells of a square.
//!
//! p(x) = 1 / (number of cells · side²) on half-open cells, 0 elsewhere.

use super::draw;
use super::plane::{PlaneDensity, Point};
use super::toy::ToyInfo;
use rand::RngCore;

/// The cells (i, j), i + j even, of side 2 of [−4, 4)²: log p = −ln 32 on them.
pub(super) const CHECKERBOARD: ToyInfo = ToyInfo {
    name: "checkerboard",
    summary: "the 8 black squares of a 4 by 4 board",
    window: [[-4.5, 4.5], [-4.5, 4.5]],
    build: || Box::new(Cells::new(4, 2.0, |i, j| (i + j) % 2 == 0)),
};

/// Sierpinski's carpet after 3 divisions: the 512 cells of side ¼ of [−27/8, 27/8)² whose indices
/// have in no ternary place a 1 in both.
pub(super) const CARPET: ToyInfo = ToyInfo {
    name: "carpet",
    summary: "Sierpinski's carpet, three times divided",
    window: [[-3.6, 3.6], [-3.6, 3.6]],
    build: || {
        let middle = |i: usize, place: usize| i / place % 3 == 1;
        let hole = move |i, j| [1, 3, 9].iter().any(|&place| middle(i, place) && middle(j, place));
        Box::new(Cells::new(27, 0.25, move |i, j| !hole(i, j)))
    },
};

#[derive(Debug)]
struct Cells {
    /// Cells along one side of the square.
    across: usize,
    side: f64,
    chosen: Vec<[usize; 2]>,
    /// Whether cell (i, j) is chosen, at i · across + j.
    inside: Vec<bool>,
}

impl Cells {
    fn new(across: usize, side: f64, choose: impl Fn(usize, usize) -> bool) -> Self {
        let all = (0..across).flat_map(|i| (0..across).map(move |j| [i, j]));
        let inside: Vec<bool> = all.clone().map(|[i, j]| choose(i, j)).collect();
        let chosen = all.zip(&inside).filter(|(_, inside)| **inside).map(|(cell, _)| cell);
        Self { across, side, chosen: chosen.collect(), inside }
    }

    /// Where the square begins.
    fn low(&self) -> f64 {
        -0.5 * self.side * self.across as f64
    }

    /// The cell along one axis, by way of half cells: their number is exact, as the side is a power
    /// of 2.
    fn index(&self, x: f64) -> Option<usize> {
        let halves = (2.0 * x / self.side).floor() + self.across as f64;
        (halves >= 0.0 && halves < 2.0 * self.across as f64).then_some(halves as usize / 2)
    }
}

impl PlaneDensity for Cells {
    fn log_prob(&self, x: Point) -> f64 {
        match (self.index(x[0]), self.index(x[1])) {
            (Some(i), Some(j)) if self.inside[i * self.across + j] => {
                -(self.chosen.len() as f64 * self.side * self.side).ln()
            }
            _ => f64::NEG_INFINITY,
        }
    }

    fn sample(&self, rng: &mut dyn RngCore) -> Point {
        let cell = self.chosen[draw::index(self.chosen.len(), rng)];
        cell.map(|i| self.low() + self.side * (i as f64 + coarse_unit(rng)))
    }
}

/// A number uniform among the multiples of 2⁻¹⁹ in [0, 1).
///
/// Coordinates made of it are exact in `f32`, so rounding never moves a sample out of its cell.
fn coarse_unit(rng: &mut dyn RngCore) -> f64 {
    f64::from(rng.next_u32() >> 13) / f64::from(1u32 << 19)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::densities::{Toy, checks};

    #[test]
    fn corners_belong_to_the_cell_above_right() {
        let toy = Toy::named("checkerboard").unwrap();
        let on = |x: Point| toy.log_prob_at(x).is_finite();
        assert!(on([-4.0, -4.0]) && on([-2.0, -2.0]) && on([0.0, 0.0]) && on([2.0, 2.0]));
        assert!(!on([4.0, 4.0]) && !on([-2.0, -4.0]) && !on([0.0, 2.0]) && !on([0.0, -1e-300]));
        assert!((toy.log_prob_at([3.9, 3.9]) + 32f64.ln()).abs() < 1e-14);
    }

    #[test]
    fn the_carpet_has_its_holes() {
        let toy = Toy::named("carpet").unwrap();
        assert!((toy.log_prob_at([-3.3, -3.3]) + 32f64.ln()).abs() < 1e-14);
        for hole in [[0.0, 0.0], [1.1, 1.1], [-2.25, 0.0], [-3.0, -3.0]] {
            assert!(toy.log_prob_at(hole).is_infinite(), "{hole:?}");
        }
    }

    #[test]
    fn samples_keep_their_cell_in_f32() {
        for name in ["checkerboard", "carpet"] {
            let toy = Toy::named(name).unwrap();
            for [x, y] in toy.sample_points(20_000, &mut checks::rng()) {
                assert!(f64::from(x as f32).to_bits() == x.to_bits());
                assert!(toy.log_prob_at([x, y]).is_finite());
            }
        }
    }
}
