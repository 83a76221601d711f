//! Holds a table of samples.

use super::interval::{Interval, usable};
use super::quantile;
use crate::{PlotError, Result};

/// A table of samples `[n, d]` without the rows that cannot be drawn.
///
/// # Example
/// ```
/// use diffeo_plots::Points;
/// let points = Points::new(&[0.0_f32, 1.0, f32::NAN, 2.0, 3.0, 4.0], 2)?;
/// assert_eq!((points.len(), points.features(), points.skipped()), (2, 2, 1));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    values: Vec<f64>,
    features: usize,
    skipped: usize,
}

impl Points {
    /// Takes a row-major table `[n, d]` of `f32` or `f64`.
    ///
    /// Rows with an entry that is NaN, infinite or beyond ±1e152 are left out and counted.
    ///
    /// # Errors
    /// [`PlotError::Size`] when the length is no multiple of `features` or that is zero,
    /// [`PlotError::Empty`] when no row is left.
    pub fn new<T: Copy + Into<f64>>(rows: &[T], features: usize) -> Result<Self> {
        if features == 0 {
            return Err(PlotError::Size { what: "features", expected: 1, got: 0 });
        }
        if !rows.len().is_multiple_of(features) {
            let expected = rows.len().next_multiple_of(features);
            return Err(PlotError::Size { what: "entries of a table", expected, got: rows.len() });
        }
        let mut values = Vec::with_capacity(rows.len());
        let mut skipped = 0;
        for row in rows.chunks_exact(features) {
            if row.iter().all(|&v| usable(v.into())) {
                values.extend(row.iter().map(|&v| v.into()));
            } else {
                skipped += 1;
            }
        }
        if values.is_empty() {
            return Err(PlotError::Empty { what: "the table" });
        }
        Ok(Self { values, features, skipped })
    }

    /// Number of rows kept.
    pub fn len(&self) -> usize {
        self.values.len() / self.features
    }

    /// Whether no row was kept; never true for a table made by [`Points::new`].
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Number of columns.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of rows left out because an entry was not finite.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Column `j`, empty if there is none.
    pub(crate) fn column(&self, j: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        let stop = if j < self.features { usize::MAX } else { 0 };
        self.values.iter().skip(j).step_by(self.features).take(stop).copied()
    }

    /// Columns `i` and `j` as points of the plane.
    pub(crate) fn plane(&self, i: usize, j: usize) -> impl Iterator<Item = [f64; 2]> + Clone + '_ {
        self.column(i).zip(self.column(j)).map(|(x, y)| [x, y])
    }

    /// The range of column `j` without rare outliers: all of it if that is not much wider than
    /// the range between the quantiles `tail` and `1 − tail`.
    pub(crate) fn bulk(&self, j: usize, tail: f64) -> Option<Interval> {
        let all = Interval::covering(self.column(j))?;
        let mut sorted: Vec<f64> = self.column(j).collect();
        sorted.sort_by(f64::total_cmp);
        let inner = Interval::widened(quantile(&sorted, tail), quantile(&sorted, 1.0 - tail));
        Some(if all.span() <= 1.4 * inner.span() { all } else { inner })
    }
}
