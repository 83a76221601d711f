//! Holds a vector field on a regular lattice.

use super::interval::{Interval, usable};
use super::lattice::Lattice;
use super::quantile;
use crate::{Grid, PlotError, Result};

/// Places outside by less than this share of the range count as on the rim: lines step over it.
const OUTSIDE: f64 = 0.02;

/// Vectors on nx × ny nodes, the outermost nodes on the ends of the ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorGrid {
    lattice: Lattice,
    /// NaN where the vector cannot be drawn.
    vectors: Vec<[f64; 2]>,
    skipped: usize,
}

impl VectorGrid {
    /// Takes vectors in row-major order: `vectors[j * nx + i]` belongs to the `i`-th x and the
    /// `j`-th y, both increasing; `size` is `[nx, ny]`, each at least 2.
    ///
    /// A vector with an entry that is NaN, infinite or beyond ±1e152 is left out, and with it the
    /// cells around it, see [`VectorGrid::skipped`].
    ///
    /// # Errors
    /// [`PlotError::Size`] when the number of vectors is not nx · ny, [`PlotError::Range`] for an
    /// empty range, [`PlotError::Empty`] when no vector is finite.
    ///
    /// # Example
    /// ```
    /// use diffeo_plots::VectorGrid;
    /// let vectors = [[0.0_f32, 1.0], [1.0, 0.0], [f32::NAN, 0.0], [1.0, 1.0]];
    /// let field = VectorGrid::new(&vectors, [2, 2], (-1.0, 1.0), (0.0, 5.0))?;
    /// assert_eq!(field.skipped(), 1);
    /// # Ok::<(), diffeo_plots::PlotError>(())
    /// ```
    pub fn new<T: Copy + Into<f64>>(
        vectors: &[[T; 2]],
        size: [usize; 2],
        x: (f64, f64),
        y: (f64, f64),
    ) -> Result<Self> {
        let lattice = Lattice::new(size, x, y, vectors.len())?;
        let kept = |v: &[T; 2]| {
            let v = v.map(Into::into);
            if v.iter().all(|&c| usable(c)) { v } else { [f64::NAN; 2] }
        };
        let vectors: Vec<[f64; 2]> = vectors.iter().map(kept).collect();
        let skipped = vectors.iter().filter(|v| v[0].is_nan()).count();
        if skipped == vectors.len() {
            return Err(PlotError::Empty { what: "the vector field" });
        }
        Ok(Self { lattice, vectors, skipped })
    }

    /// Number of vectors left out because they were not finite.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Number of nodes along x and y.
    pub fn size(&self) -> [usize; 2] {
        [self.lattice.nx, self.lattice.ny]
    }

    pub(crate) fn ranges(&self) -> [Interval; 2] {
        [self.lattice.x, self.lattice.y]
    }

    /// The bilinear interpolant at fractions of both ranges; nothing beside a missing vector.
    pub(crate) fn at(&self, u: f64, v: f64) -> Option<[f64; 2]> {
        let mut sum = [0.0; 2];
        for (node, weight) in self.lattice.corners(u, v) {
            if weight > 0.0 {
                let [x, y] = self.vectors.get(node)?;
                (sum[0], sum[1]) = (sum[0] + weight * x, sum[1] + weight * y);
            }
        }
        sum[0].is_finite().then_some(sum)
    }

    /// The interpolant at a place in data units; nothing far outside.
    pub(crate) fn near(&self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        let (u, v) = (self.lattice.x.fraction(x), self.lattice.y.fraction(y));
        let close = -OUTSIDE..=1.0 + OUTSIDE;
        if close.contains(&u) && close.contains(&v) { self.at(u, v) } else { None }
    }

    /// The length of the difference to another field, at the nodes of this one.
    pub(crate) fn difference(&self, other: &Self) -> Result<Grid> {
        let Lattice { nx, ny, x, y } = self.lattice;
        let length = |k: usize| {
            let ([a, b], place) =
                (self.vectors[k], self.lattice.place((k % nx) as f64, (k / nx) as f64));
            other.near(place).map_or(f64::NAN, |[c, d]| (a - c).hypot(b - d))
        };
        let lengths: Vec<f64> = (0..nx * ny).map(length).collect();
        Grid::new(&lengths, [nx, ny], (x.low, x.high), (y.low, y.high))
    }

    /// The length that 95 % of the vectors do not exceed, or the greatest where that is zero or
    /// little more; and the greatest.
    pub(crate) fn robust_length(&self) -> (f64, f64) {
        let lengths = self.vectors.iter().map(|v| v[0].hypot(v[1])).filter(|l| l.is_finite());
        let mut sorted: Vec<f64> = lengths.collect();
        sorted.sort_by(f64::total_cmp);
        let (most, all) = (quantile(&sorted, 0.95), quantile(&sorted, 1.0));
        if 1.25 * most >= all || most <= 0.0 { (all, all) } else { (most, all) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_beside_a_missing_vector_are_missing() {
        let mut vectors = [[1.0, 2.0]; 9];
        vectors[8] = [f64::NAN, 0.0];
        let field = VectorGrid::new(&vectors, [3, 3], (0.0, 1.0), (0.0, 1.0)).unwrap();
        assert_eq!(field.at(0.25, 0.75), Some([1.0, 2.0]));
        assert_eq!(field.at(0.75, 0.75), None);
        assert_eq!(field.at(1.0, 0.5), Some([1.0, 2.0]));
    }

    #[test]
    fn one_huge_vector_does_not_set_the_scale() {
        let mut vectors = vec![[3.0, 4.0]; 100];
        let field = |v: &[[f64; 2]]| VectorGrid::new(v, [10, 10], (0.0, 1.0), (0.0, 1.0)).unwrap();
        assert_eq!(field(&vectors).robust_length(), (5.0, 5.0));
        vectors[3] = [1e9, 0.0];
        assert_eq!(field(&vectors).robust_length(), (5.0, 1e9));
        assert_eq!(field(&[[0.0; 2]; 100]).robust_length(), (0.0, 0.0));
    }

    #[test]
    fn wrong_sizes_and_nothing_finite_are_errors() {
        let unit = (0.0, 1.0);
        let new = |v: &[[f64; 2]], size| VectorGrid::new(v, size, unit, unit);
        assert!(matches!(new(&[[0.0; 2]; 3], [2, 2]), Err(PlotError::Size { .. })));
        assert!(matches!(new(&[[0.0; 2]], [1, 1]), Err(PlotError::Size { .. })));
        assert!(matches!(new(&[[f64::NAN; 2]; 4], [2, 2]), Err(PlotError::Empty { .. })));
    }
}
