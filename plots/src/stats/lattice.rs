//! Places nodes evenly over a rectangle of the plane.

use super::interval::Interval;
use crate::{PlotError, Result};

/// nx × ny nodes in row-major order, the outermost on the ends of the ranges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lattice {
    pub(crate) nx: usize,
    pub(crate) ny: usize,
    pub(crate) x: Interval,
    pub(crate) y: Interval,
}

impl Lattice {
    /// Checks ranges and sizes against the number of values given.
    pub(crate) fn new(
        [nx, ny]: [usize; 2],
        x: (f64, f64),
        y: (f64, f64),
        got: usize,
    ) -> Result<Self> {
        let (x, y) = (Interval::new("x", x.0, x.1)?, Interval::new("y", y.0, y.1)?);
        for (what, got) in [("nodes along x", nx), ("nodes along y", ny)] {
            if got < 2 {
                return Err(PlotError::Size { what, expected: 2, got });
            }
        }
        let expected = nx.saturating_mul(ny);
        if got != expected {
            return Err(PlotError::Size { what: "grid values", expected, got });
        }
        Ok(Self { nx, ny, x, y })
    }

    /// The index of node `(i, j)`; nodes outside count as the nearest inside.
    pub(crate) fn index(&self, i: usize, j: usize) -> usize {
        j.min(self.ny - 1) * self.nx + i.min(self.nx - 1)
    }

    /// The place of a point given in units of cells.
    pub(crate) fn place(&self, i: f64, j: f64) -> [f64; 2] {
        [self.x.at(i / (self.nx - 1) as f64), self.y.at(j / (self.ny - 1) as f64)]
    }

    /// The nodes around a point given by fractions of both ranges, with their bilinear weights.
    pub(crate) fn corners(&self, u: f64, v: f64) -> [(usize, f64); 4] {
        let (s, t) =
            (u.clamp(0.0, 1.0) * (self.nx - 1) as f64, v.clamp(0.0, 1.0) * (self.ny - 1) as f64);
        let (i, j) = (s as usize, t as usize);
        let (s, t) = (s - i as f64, t - j as f64);
        [
            (self.index(i, j), (1.0 - t) * (1.0 - s)),
            (self.index(i + 1, j), (1.0 - t) * s),
            (self.index(i, j + 1), t * (1.0 - s)),
            (self.index(i + 1, j + 1), t * s),
        ]
    }
}
