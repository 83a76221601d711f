//! Draws all pairs of columns of data and model.

use super::look::{Look, look_setters};
use super::sheet::{Sheet, Table};
use crate::axes::{Axis, Heading, Panel, Swatch, View};
use crate::draw::scene::{Pen, Scene};
use crate::stats::Interval;
use crate::stats::contour::contour;
use crate::stats::histogram::{Histogram, bins, plane};
use crate::stats::uniform::distribution;
use crate::{Colour, Figure, PlotError, Points, Result};

/// Most columns drawn.
const MOST: usize = 8;
/// Most data points drawn in one panel.
const DOTS: usize = 2000;
/// Cells of the two-dimensional histograms along either axis, and their smoothing in cells.
const CELLS: usize = 48;
const BLUR: f64 = 1.8;
/// Masses inside the contours.
const MASSES: [f64; 2] = [0.5, 0.95];

/// A corner plot: histograms of every column on the diagonal, contours around 50 and 95 % of the
/// mass of every pair below it, data and model in their colours.
///
/// At most 8 columns are drawn, and a remark says so: of data beside a model those whose distributions
/// are farthest apart, of data alone the first.
///
/// # Example
/// ```
/// use diffeo_plots::{Corner, Figure, Points};
/// let rows: Vec<f32> = (0..300).map(|k| (k * 37 % 101) as f32 + (k % 3) as f32).collect();
/// let data = Points::new(&rows, 3)?;
/// let figure = Corner::new(&["mass", "age", "λ"], data.clone())?.model(data)?.title("stars");
/// assert!(figure.scene()?.svg()?.contains("λ"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Corner {
    names: Vec<String>,
    data: Points,
    model: Option<Points>,
    axes: Vec<Option<(f64, f64)>>,
    look: Look,
}

/// The largest distance between the distributions of a column in two tables.
fn apart(a: &Points, b: &Points, column: usize) -> f64 {
    let sorted = |points: &Points| {
        let mut values: Vec<f64> = points.column(column).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (a, b) = (sorted(a), sorted(b));
    let away = |x: &f64| (distribution(&a, *x) - distribution(&b, *x)).abs();
    a.iter().chain(&b).map(away).fold(0.0, f64::max)
}

impl Corner {
    /// Takes the data and a name for each of its columns.
    ///
    /// # Errors
    /// [`PlotError::Size`] when there are not as many names as columns.
    pub fn new<S: AsRef<str>>(names: &[S], data: Points) -> Result<Self> {
        if names.len() != data.features() {
            let (expected, got) = (data.features(), names.len());
            return Err(PlotError::Size { what: "column names", expected, got });
        }
        let names = names.iter().map(|n| n.as_ref().to_owned()).collect();
        let axes = vec![None; data.features()];
        Ok(Self { names, data, model: None, axes, look: Look::default() })
    }

    /// Samples of the model, with the columns of the data.
    ///
    /// # Errors
    /// [`PlotError::Size`] when the number of columns differs.
    pub fn model(mut self, samples: Points) -> Result<Self> {
        if samples.features() != self.data.features() {
            let (expected, got) = (self.data.features(), samples.features());
            return Err(PlotError::Size { what: "columns of the model", expected, got });
        }
        self.model = Some(samples);
        Ok(self)
    }

    /// The ends of the axes of a column, where they are known, as those of an angle; a column that there
    /// is none of is ignored.
    #[must_use]
    pub fn axis(mut self, column: usize, low: f64, high: f64) -> Self {
        if let Some(axis) = self.axes.get_mut(column) {
            *axis = Some((low, high));
        }
        self
    }

    look_setters!(width: "by default it grows with the number of columns");

    /// The columns to draw, in their order.
    fn drawn(&self) -> Vec<usize> {
        let all = self.data.features();
        let mut order: Vec<usize> = (0..all).collect();
        if let (Some(model), true) = (&self.model, all > MOST) {
            let apart: Vec<f64> = (0..all).map(|j| apart(&self.data, model, j)).collect();
            order.sort_by(|&a, &b| apart[b].total_cmp(&apart[a]));
        }
        order.truncate(MOST);
        order.sort_unstable();
        order
    }

    fn layers(&self) -> impl Iterator<Item = (&Points, Colour)> {
        let model = self.model.iter().map(|points| (points, self.look.theme.model));
        std::iter::once((&self.data, self.look.theme.data)).chain(model)
    }

    fn range(&self, column: usize) -> Result<Interval> {
        if let Some((low, high)) = self.axes[column] {
            return Interval::new("a column", low, high);
        }
        let mut range = self.data.bulk(column, 0.002);
        if let Some(model) = self.model.as_ref().and_then(|m| m.bulk(column, 0.005)) {
            range = range.map(|r| r.union(&model));
        }
        Ok(range.ok_or(PlotError::Empty { what: "a column" })?.padded(0.04))
    }

    fn marginals(&self, column: usize, range: Interval) -> Vec<(Histogram, Colour)> {
        let number = bins(self.data.column(column), &range).clamp(10, 40);
        let one = |(points, colour): (&Points, Colour)| {
            (Histogram::new(points.column(column), range, number), colour)
        };
        self.layers().map(one).collect()
    }

    fn pair(&self, scene: &mut Scene, view: &View, [i, j]: [usize; 2], ranges: [Interval; 2]) {
        let every = self.data.len().div_ceil(DOTS).max(1);
        let dots = self.data.plane(i, j).step_by(every).map(|p| view.point(p));
        scene.dots_in(&view.area, dots, 0.8, self.look.theme.data.with_alpha(0.18));
        for (points, colour) in self.layers() {
            let Some(grid) = plane(points.plane(i, j), ranges, CELLS, BLUR) else { continue };
            for (mass, width) in MASSES.into_iter().zip([1.5, 1.0]) {
                let level = grid.mass_level(mass).unwrap_or(f64::INFINITY);
                for line in contour(&grid, level) {
                    scene.line_in(&view.area, &view.points(&line), Pen::solid(colour, width));
                }
            }
        }
    }

    fn marginal(&self, scene: &mut Scene, view: &View, histograms: &[(Histogram, Colour)]) {
        for (i, (histogram, colour)) in histograms.iter().enumerate() {
            let outline = view.points(&histogram.outline());
            if i == 0 {
                scene.polygon(outline.clone(), self.look.theme.tint(*colour, 0.2));
            }
            scene.line_in(&view.area.grown(1.0), &outline, Pen::solid(*colour, 1.2));
        }
    }

    fn cell(
        &self,
        [row, column]: [usize; 2],
        drawn: &[usize],
        ranges: &[Interval],
        top: f64,
    ) -> Option<Panel<'_>> {
        if column > row {
            return None;
        }
        let named = |axis: usize, shown: bool| {
            let name = if shown { self.names[drawn[axis]].as_str() } else { "" };
            let axis = Axis::new(ranges[axis], name);
            if shown { axis } else { axis.bare() }
        };
        let x = named(column, row + 1 == drawn.len());
        let y = if row == column {
            Axis::new(Interval { low: 0.0, high: top }, "").unticked()
        } else {
            named(row, column == 0)
        };
        Some(Panel::new(&self.look.theme, x, y))
    }

    fn heading(&self) -> Heading<'_> {
        let (theme, all) = (&self.look.theme, self.data.features());
        let mut legend = vec![(Swatch::Line(Pen::solid(theme.data, 1.6)), "data".to_owned())];
        if self.model.is_some() {
            legend.push((Swatch::Line(Pen::solid(theme.model, 1.6)), "model".to_owned()));
        }
        let mut remark = String::new();
        if all > 1 {
            remark.push_str("contours around 50 % and 95 % of the mass");
        }
        if all > MOST {
            let which = match self.model {
                Some(_) => format!("the {MOST} of {all} columns that differ most"),
                None => format!("first {MOST} of {all} columns"),
            };
            remark = format!("{which}; {remark}");
        }
        self.look.heading(legend, remark)
    }
}

impl Figure for Corner {
    fn scene(&self) -> Result<Scene> {
        let drawn = self.drawn();
        let d = drawn.len();
        let ranges: Vec<Interval> = drawn.iter().map(|&j| self.range(j)).collect::<Result<_>>()?;
        let marginals = drawn.iter().zip(&ranges).map(|(&j, range)| self.marginals(j, *range));
        let marginals: Vec<_> = marginals.collect();
        let highest = |j: usize| marginals[j].iter().map(|(h, _)| h.highest()).fold(0.0, f64::max);
        let top = |j: usize| if highest(j) > 0.0 { 1.1 * highest(j) } else { 1.0 };
        let cell = |k: usize| self.cell([k / d, k % d], &drawn, &ranges, top(k / d));
        let cells = (0..d * d).map(cell);
        let table = Table { cells: cells.collect(), columns: d, shapes: vec![1.0], even: true };
        let width = self.look.width_or(80.0 + (560.0 / d as f64).clamp(125.0, 200.0) * d as f64);
        let sheet = Sheet::new(self.heading(), width);
        let (mut scene, areas) = sheet.place(&table)?;
        for (k, (cell, &area)) in table.cells.iter().zip(&areas).enumerate() {
            let (Some(panel), row, column) = (cell, k / d, k % d) else { continue };
            let view = panel.view(area);
            if row == column {
                self.marginal(&mut scene, &view, &marginals[row]);
            } else {
                self.pair(
                    &mut scene,
                    &view,
                    [drawn[column], drawn[row]],
                    [ranges[column], ranges[row]],
                );
            }
            panel.frame(&mut scene, area);
        }
        Ok(scene)
    }
}
