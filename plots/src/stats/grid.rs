//! Holds a function on a regular lattice and the levels that enclose a given mass.

use super::interval::{Interval, usable};
use super::lattice::Lattice;
use crate::{PlotError, Result};

/// Values of a density, or of another function, on nx × ny nodes, the outermost nodes on the ends
/// of the ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    lattice: Lattice,
    values: Vec<f64>,
    missing: Vec<bool>,
    skipped: usize,
}

impl Grid {
    /// Takes densities in row-major order: `values[j * nx + i]` belongs to the `i`-th x and the
    /// `j`-th y, both increasing; `size` is `[nx, ny]`, each at least 2.
    ///
    /// Values that are NaN, infinite or beyond ±1e152 count as zero, see [`Grid::skipped`].
    ///
    /// # Errors
    /// [`PlotError::Size`] when the number of values is not nx · ny, [`PlotError::Range`] for an
    /// empty range, [`PlotError::Empty`] when no value is finite.
    ///
    /// # Example
    /// ```
    /// use diffeo_plots::Grid;
    /// let grid = Grid::new(&[0.0_f32, 1.0, 1.0, 4.0], [2, 2], (-1.0, 1.0), (0.0, 5.0))?;
    /// assert_eq!(grid.skipped(), 0);
    /// # Ok::<(), diffeo_plots::PlotError>(())
    /// ```
    pub fn new<T: Copy + Into<f64>>(
        values: &[T],
        size: [usize; 2],
        x: (f64, f64),
        y: (f64, f64),
    ) -> Result<Self> {
        let lattice = Lattice::new(size, x, y, values.len())?;
        let all: Vec<f64> = values.iter().map(|&v| v.into()).collect();
        let missing: Vec<bool> = all.iter().map(|&v| !usable(v)).collect();
        let skipped = missing.iter().filter(|&&m| m).count();
        if skipped == all.len() {
            return Err(PlotError::Empty { what: "the grid" });
        }
        let values = all.into_iter().map(|v| if usable(v) { v } else { 0.0 }).collect();
        Ok(Self { lattice, values, missing, skipped })
    }

    /// Takes log-densities in nats instead of densities; −∞ is a density of zero.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn from_log_density<T: Copy + Into<f64>>(
        log_density: &[T],
        size: [usize; 2],
        x: (f64, f64),
        y: (f64, f64),
    ) -> Result<Self> {
        let densities: Vec<f64> = log_density.iter().map(|&v| v.into().exp()).collect();
        Self::new(&densities, size, x, y)
    }

    /// The same lattice with this function of each value.
    pub(crate) fn mapped(&self, value: impl Fn(f64) -> f64) -> Result<Self> {
        let mapped: Vec<f64> = self.values.iter().map(|&v| value(v)).collect();
        let ends = |range: Interval| (range.low, range.high);
        Self::new(&mapped, self.size(), ends(self.lattice.x), ends(self.lattice.y))
    }

    /// Number of values replaced by zero because they were not finite.
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

    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The value of node `(i, j)`; nodes outside count as the nearest inside.
    pub(crate) fn node(&self, i: usize, j: usize) -> f64 {
        self.values.get(self.lattice.index(i, j)).copied().unwrap_or(0.0)
    }

    /// The place of a point given in units of cells.
    pub(crate) fn place(&self, i: f64, j: f64) -> [f64; 2] {
        self.lattice.place(i, j)
    }

    /// The bilinear interpolant at fractions of both ranges.
    pub(crate) fn at(&self, u: f64, v: f64) -> f64 {
        let value = |node: usize| self.values.get(node).copied().unwrap_or(0.0);
        self.lattice.corners(u, v).into_iter().map(|(node, weight)| weight * value(node)).sum()
    }

    /// The interpolant where no value around is missing.
    pub(crate) fn known_at(&self, u: f64, v: f64) -> Option<f64> {
        let gap = |node: usize| self.missing.get(node).copied().unwrap_or(true);
        let corners = self.lattice.corners(u, v);
        let known = !corners.into_iter().any(|(node, weight)| weight > 0.0 && gap(node));
        known.then(|| self.at(u, v))
    }

    /// The values that were not replaced.
    pub(crate) fn known(&self) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().zip(&self.missing).filter(|(_, missing)| !**missing).map(|(&v, _)| v)
    }

    /// The density level whose superlevel set holds the share `mass` of the whole sum.
    ///
    /// This is the edge of the highest-density region (Hyndman 1996, "Computing and graphing
    /// highest density regions"); nothing if the grid holds no mass.
    ///
    /// # Example
    /// ```
    /// use diffeo_plots::Grid;
    /// let grid = Grid::new(&[1.0, 1.0, 2.0, 4.0], [2, 2], (0.0, 1.0), (0.0, 1.0))?;
    /// assert_eq!(grid.mass_level(0.5), Some(4.0));
    /// # Ok::<(), diffeo_plots::PlotError>(())
    /// ```
    pub fn mass_level(&self, mass: f64) -> Option<f64> {
        let mut sorted: Vec<f64> = self.values.iter().copied().filter(|&v| v > 0.0).collect();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let wanted = mass * sorted.iter().sum::<f64>();
        let mut sum = 0.0;
        let reached = |&&value: &&f64| {
            sum += value;
            sum >= wanted
        };
        sorted.iter().find(reached).or(sorted.last()).copied().filter(|_| mass > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_half_mass_level_of_a_gaussian_is_half_its_peak() {
        // The superlevel set {p ≥ c · p(0)} of a standard normal in the plane holds 1 − c.
        let n = 201;
        let node = |k: usize| -5.0 + 10.0 * k as f64 / (n - 1) as f64;
        let density = |k: usize| (-0.5 * (node(k % n).powi(2) + node(k / n).powi(2))).exp();
        let values: Vec<f64> = (0..n * n).map(density).collect();
        let grid = Grid::new(&values, [n, n], (-5.0, 5.0), (-5.0, 5.0)).unwrap();
        for mass in [0.5, 0.8, 0.95] {
            let level = grid.mass_level(mass).unwrap();
            assert!((level / (1.0 - mass) - 1.0).abs() < 0.01, "{mass}: {level}");
        }
    }

    #[test]
    fn a_flat_zero_grid_has_no_levels() {
        let grid = Grid::new(&[0.0; 4], [2, 2], (0.0, 1.0), (0.0, 1.0)).unwrap();
        assert_eq!(grid.mass_level(0.5), None);
    }

    #[test]
    fn the_interpolant_meets_nodes_and_middles() {
        let grid = Grid::new(&[0.0, 1.0, 2.0, 3.0], [2, 2], (0.0, 1.0), (0.0, 1.0)).unwrap();
        for ((u, v), value) in [((0.0, 0.0), 0.0), ((1.0, 1.0), 3.0), ((0.5, 0.5), 1.5)] {
            assert!((grid.at(u, v) - value).abs() < 1e-12);
        }
    }

    #[test]
    fn wrong_sizes_and_nothing_finite_are_errors() {
        let unit = (0.0, 1.0);
        assert!(matches!(
            Grid::new(&[0.0; 3], [2, 2], unit, unit),
            Err(PlotError::Size { expected: 4, got: 3, .. })
        ));
        assert!(matches!(Grid::new(&[0.0; 2], [1, 2], unit, unit), Err(PlotError::Size { .. })));
        assert!(matches!(
            Grid::new(&[f64::NAN; 4], [2, 2], unit, unit),
            Err(PlotError::Empty { .. })
        ));
        assert_eq!(Grid::new(&[f64::NAN, 1.0, 1.0, 1.0], [2, 2], unit, unit).unwrap().skipped(), 1);
    }
}
