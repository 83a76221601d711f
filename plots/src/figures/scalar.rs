//! Draws a function of the plane.

use super::backdrop::outlines;
use super::density::readable_on;
use super::heat::{LEAST, heat, robust_size};
use super::look::{Look, label_setter, look_setters};
use super::plane::{Plane, missing};
use crate::axes::ColourBar;
use crate::stats::{Interval, quantile, usable};
use crate::{Colour, Figure, Grid, Result, Scene};

/// Share of the values beyond either end of the colours of unsigned values.
const RARE: f64 = 0.005;

/// A heat map of signed values, as a divergence, a curl or a log-determinant: two hues that meet
/// in a neutral colour at zero, on equal axes.
///
/// The colours end at the 99 % quantile of the size of the values, unless told where; a pointed
/// end of the colour bar says that there are values beyond. Missing values show the paper.
///
/// # Example
/// ```
/// use diffeo_plots::{Figure, Grid, ScalarMap};
/// let node = |k: usize| -3.0 + 6.0 * k as f64 / 40.0;
/// let values: Vec<f64> = (0..41 * 41).map(|k| node(k % 41) * node(k / 41).cos()).collect();
/// let grid = Grid::new(&values, [41, 41], (-3.0, 3.0), (-3.0, 3.0))?;
/// let figure = ScalarMap::new(grid).title("divergence at t = 0.5").value_label("div v");
/// assert!(figure.scene()?.svg()?.contains("div v"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScalarMap {
    grid: Grid,
    density: Option<Grid>,
    limit: Option<f64>,
    unsigned: bool,
    value_label: String,
    labels: [String; 2],
    look: Look,
}

impl ScalarMap {
    /// A map of the values of `grid`.
    pub fn new(grid: Grid) -> Self {
        Self {
            grid,
            density: None,
            limit: None,
            unsigned: false,
            value_label: String::new(),
            labels: <[String; 2]>::default(),
            look: Look::default(),
        }
    }

    /// A density whose contours around 50, 80 and 95 % of the mass lie over the map.
    #[must_use]
    pub fn density(mut self, density: Grid) -> Self {
        self.density = Some(density);
        self
    }

    /// Size of the values where the colours end, as several maps share it to be compared; one that
    /// is not positive is ignored.
    #[must_use]
    pub fn limit(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Colours from the lowest to the highest value, where zero is a value as any other; but for the
    /// rarest hundredth, which lies beyond pointed ends. A limit is ignored then.
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }

    /// Name of the values, beside the colour bar.
    #[must_use]
    pub fn value_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.value_label);
        self
    }

    label_setter!();

    look_setters!(width: "520 by default");

    /// The colour bar, with zero in the middle of its range.
    fn bar(&self) -> ColourBar<'_> {
        if self.unsigned {
            return self.unsigned_bar();
        }
        let robust = robust_size(self.grid.known());
        let given = self.limit.filter(|&limit| usable(limit));
        let limit = [given, Some(robust)].into_iter().flatten().find(|&limit| limit > LEAST);
        let limit = limit.unwrap_or(1.0);
        let range = Interval { low: -limit, high: limit };
        let beyond = [self.grid.known().any(|v| v < -limit), self.grid.known().any(|v| v > limit)];
        let theme = &self.look.theme;
        ColourBar { beyond, ..ColourBar::new(theme, theme.signed(), range, &self.value_label) }
    }

    /// An ink that can be read on the shades where the density is.
    fn ink_over(&self, density: &Grid, bar: &ColourBar<'_>) -> Colour {
        let ([x, y], [nx, ny]) = (self.grid.ranges(), density.size());
        let (mut sum, mut weights) = (0.0, 0.0);
        for (i, j) in (0..ny).flat_map(|j| (0..nx).map(move |i| (i, j))) {
            let [a, b] = density.place(i as f64, j as f64);
            let (s, t) = (x.fraction(a).clamp(0.0, 1.0), y.fraction(b).clamp(0.0, 1.0));
            if let (Some(value), weight) = (self.grid.known_at(s, t), density.node(i, j)) {
                (sum, weights) = (sum + weight * bar.range.fraction(value), weights + weight);
            }
        }
        let mean = if weights > 0.0 { sum / weights } else { 0.0 };
        readable_on(bar.ramp.at(mean)).with_alpha(0.7)
    }

    /// The colour bar of values without a middle.
    fn unsigned_bar(&self) -> ColourBar<'_> {
        let mut values: Vec<f64> = self.grid.known().collect();
        values.sort_by(f64::total_cmp);
        let ends = [0.0, RARE, 1.0 - RARE, 1.0].map(|share| quantile(&values, share));
        let range = Interval::widened(ends[1], ends[2]);
        let beyond = [ends[0] < range.low, ends[3] > range.high];
        let theme = &self.look.theme;
        ColourBar { beyond, ..ColourBar::new(theme, theme.shades(), range, &self.value_label) }
    }
}

impl Figure for ScalarMap {
    fn scene(&self) -> Result<Scene> {
        let (bar, theme) = (self.bar(), &self.look.theme);
        let mut plane = Plane::new(&self.look, &self.labels, self.grid.ranges(), true, bar);
        plane.remark = missing(self.grid.skipped(), self.grid.values().len(), "values");
        let (mut scene, view) = plane.place()?;
        heat(&mut scene, theme, &view, &self.grid, &plane.bar);
        if let Some(density) = &self.density {
            let signed = theme.ink.with_alpha(0.55);
            let ink = if self.unsigned { self.ink_over(density, &plane.bar) } else { signed };
            outlines(&mut scene, &view, density, ink);
        }
        plane.frame(&mut scene, view.area);
        Ok(scene)
    }
}
