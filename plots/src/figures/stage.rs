//! Holds one stage of a process in the plane.

use super::same_scale;
use crate::stats::{Interval, quantile, usable};
use crate::{Grid, PlotError, Points, Result};

/// One stage of a flow or a diffusion: lines, samples, and points or a density to show faintly
/// behind them, all in the plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    pub(super) name: String,
    pub(super) lines: Vec<Vec<[f64; 2]>>,
    pub(super) points: Vec<[f64; 2]>,
    /// Points and a number between 0 and 1 for the colour of each.
    pub(super) coloured: Vec<([f64; 2], f64)>,
    pub(super) samples: Option<Points>,
    pub(super) density: Option<Grid>,
    pub(super) labels: Option<[String; 2]>,
}

impl Stage {
    /// An empty stage with a name, as in "latent" or "t = 0.5".
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Lines as sequences of points; the i-th line of every stage has the same colour.
    #[must_use]
    pub fn lines(mut self, lines: Vec<Vec<[f64; 2]>>) -> Self {
        self.lines = lines;
        self
    }

    /// Points to show behind the lines.
    #[must_use]
    pub fn points(mut self, points: Vec<[f64; 2]>) -> Self {
        self.points = points;
        self
    }

    /// Points to show over lines, which are grey then, each in the colour of a number between 0 and 1:
    /// the same number for the same point of every stage shows where it goes.
    #[must_use]
    pub fn coloured(mut self, points: Vec<([f64; 2], f64)>) -> Self {
        self.coloured = points;
        self
    }

    /// Samples to show over everything in the colour of models, by their first two columns.
    #[must_use]
    pub fn samples(mut self, samples: Points) -> Self {
        self.samples = Some(samples);
        self
    }

    /// Names of the axes of this stage, where they are not those of all.
    #[must_use]
    pub fn labels(mut self, x: &str, y: &str) -> Self {
        self.labels = Some([x, y].map(String::from));
        self
    }

    /// A density to shade in grey behind everything.
    #[must_use]
    pub fn density(mut self, density: Grid) -> Self {
        self.density = Some(density);
        self
    }

    /// Square axes that hold the bulk of points and lines.
    pub(super) fn ranges(&self) -> Result<[Interval; 2]> {
        let axis = |k: usize| {
            let mut sides = [Vec::new(), Vec::new()];
            sides[0].extend(self.points.iter().map(|p| p[k]).filter(|&v| usable(v)));
            sides[0].extend(self.coloured.iter().map(|(p, _)| p[k]).filter(|&v| usable(v)));
            sides[0].extend(self.samples.iter().flat_map(|samples| samples.column(k)));
            sides[1].extend(self.lines.iter().flatten().map(|p| p[k]).filter(|&v| usable(v)));
            let mut range: Option<Interval> = None;
            for (values, tail) in sides.iter_mut().zip([0.003, 0.01]) {
                values.sort_by(f64::total_cmp);
                if values.is_empty() {
                    continue;
                }
                let all = Interval::widened(quantile(values, 0.0), quantile(values, 1.0));
                let bulk = Interval::widened(quantile(values, tail), quantile(values, 1.0 - tail));
                let side = if all.span() <= 1.5 * bulk.span() { all } else { bulk };
                range = Some(range.map_or(side, |r| r.union(&side)));
            }
            let behind = self.density.as_ref().map(|density| density.ranges()[k]);
            range.or(behind).ok_or(PlotError::Empty { what: "a stage of the flow" })
        };
        let (x, y) = same_scale(axis(0)?.padded(0.05), axis(1)?.padded(0.05), 1.0);
        Ok([x, y])
    }
}

/// A square grid of lines to carry through a flow: first `lines` upright ones, then as many level
/// ones, from −`half` to `half`, with `points` points each.
///
/// # Example
/// ```
/// let grid = diffeo_plots::latent_grid(3.0, 7, 50);
/// assert_eq!((grid.len(), grid[0].len(), grid[0][0]), (14, 50, [-3.0, -3.0]));
/// ```
pub fn latent_grid(half: f64, lines: usize, points: usize) -> Vec<Vec<[f64; 2]>> {
    let place =
        |k: usize, n: usize| half * (2.0 * k as f64 / n.saturating_sub(1).max(1) as f64 - 1.0);
    let along = |i: usize| (0..points).map(move |k| (place(i, lines), place(k, points)));
    let upright = (0..lines).map(|i| along(i).map(|(fixed, free)| [fixed, free]).collect());
    let level = (0..lines).map(|i| along(i).map(|(fixed, free)| [free, fixed]).collect());
    upright.chain(level).collect()
}
