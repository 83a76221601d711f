//! Places data in a box of space.

use crate::Grid;
use crate::stats::Interval;

/// Height of the box for a longest side of two.
const HEIGHT: f64 = 1.15;
/// Longest side of the floor for a shortest of one.
const FLATTEST: f64 = 2.0;
/// Height between floor and surface for a surface of height one, for contours to be seen.
const RAISED: f64 = 0.45;
/// Free height below and above the surface.
const MARGIN: f64 = 0.03;

/// The map from data units to a box around the origin whose floor has z zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space {
    /// Ranges of x, y and z along the edges of the box.
    pub(super) ranges: [Interval; 3],
    /// Half lengths of the floor.
    pub(super) half: [f64; 2],
    /// The range of the values themselves.
    pub(super) values: Interval,
}

impl Space {
    /// A box for a grid with values in `values`, its floor lower if it is to show contours.
    pub(super) fn new(grid: &Grid, values: Interval, raised: bool) -> Self {
        let [x, y] = grid.ranges();
        let ratio = (y.span() / x.span()).clamp(1.0 / FLATTEST, FLATTEST);
        let half = if ratio > 1.0 { [1.0 / ratio, 1.0] } else { [1.0, ratio] };
        let below = if raised { RAISED } else { MARGIN };
        let z = Interval {
            low: values.low - below * values.span(),
            high: values.high + MARGIN * values.span(),
        };
        Self { ranges: [x, y, z], half, values }
    }

    pub(super) fn place(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let side = |k: usize, v: f64| self.half[k] * (2.0 * self.ranges[k].fraction(v) - 1.0);
        [side(0, x), side(1, y), HEIGHT * self.ranges[2].fraction(z)]
    }

    /// A corner of the box: −1 or 1 along x and y, 0 or 1 along z.
    pub(super) fn corner(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        [x * self.half[0], y * self.half[1], z * HEIGHT]
    }
}
