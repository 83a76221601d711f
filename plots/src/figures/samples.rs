//! Draws samples of the data beside samples of models.

use super::cloud::{cloud, is_shaded};
use super::look::{Look, label_setter, look_setters};
use super::sheet::{Sheet, Table};
use crate::axes::ticks::whole;
use crate::axes::{Axis, Panel};
use crate::stats::Interval;
use crate::{Figure, PlotError, Points, Result, Scene};

/// Most panels in one row.
const COLUMNS: usize = 3;

/// Scatter panels of data and models on the same axes and scale.
///
/// Above 50 000 points a panel shows a shaded histogram instead of dots.
///
/// # Example
/// ```
/// use diffeo_plots::{Figure, Points, Samples};
/// let data = Points::new(&[0.0, 0.0, 1.0, 1.0, 2.0, 0.5], 2)?;
/// let model = Points::new(&[0.1, 0.2, 0.9, 1.1, 2.1, 0.4], 2)?;
/// let figure = Samples::new("data", data).beside("model", model).labels("x₁", "x₂");
/// assert!(figure.picture()?.width() > 1000);
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Samples {
    panels: Vec<(String, Points)>,
    columns: [usize; 2],
    equal_aspect: bool,
    axes: [Option<(f64, f64)>; 2],
    look: Look,
    labels: [String; 2],
}

impl Samples {
    /// A first panel, in the colour of data.
    pub fn new(name: &str, data: Points) -> Self {
        Self {
            panels: vec![(name.to_owned(), data)],
            columns: [0, 1],
            equal_aspect: false,
            axes: [None; 2],
            look: Look::default(),
            labels: [String::new(), String::new()],
        }
    }

    /// One more panel, in the colour of models.
    #[must_use]
    pub fn beside(mut self, name: &str, samples: Points) -> Self {
        self.panels.push((name.to_owned(), samples));
        self
    }

    /// The two columns to draw, counted from 0; the first two by default.
    #[must_use]
    pub fn columns(mut self, x: usize, y: usize) -> Self {
        self.columns = [x, y];
        self
    }

    label_setter!();

    /// One unit of x as long as one unit of y.
    #[must_use]
    pub fn equal_aspect(mut self) -> Self {
        self.equal_aspect = true;
        self
    }

    look_setters!(width: "360 a panel by default");

    /// The ends of the axes of the two columns, where they are known, as those of an angle.
    #[must_use]
    pub fn axes(mut self, x: Option<(f64, f64)>, y: Option<(f64, f64)>) -> Self {
        self.axes = [x, y];
        self
    }

    /// The range of the axis that shows a column of the tables.
    fn axis(&self, axis: usize) -> Result<Interval> {
        match self.axes[axis] {
            Some((low, high)) => Interval::new(["x", "y"][axis], low, high),
            None => self.range(self.columns[axis]),
        }
    }

    /// The common range of a column: all of the data, the bulk of the models.
    fn range(&self, column: usize) -> Result<Interval> {
        let mut common: Option<Interval> = None;
        for (i, (_, points)) in self.panels.iter().enumerate() {
            let tail = if i == 0 { 0.001 } else { 0.005 };
            let range = points.bulk(column, tail).ok_or(PlotError::Size {
                what: "features of the samples",
                expected: column + 1,
                got: points.features(),
            })?;
            common = Some(common.map_or(range, |c| c.union(&range)));
        }
        Ok(common.ok_or(PlotError::Empty { what: "the samples" })?.padded(0.05))
    }

    /// How many samples the axes leave out, in words.
    fn remark(&self, x: &Interval, y: &Interval) -> String {
        let outside = self.panels.iter().filter_map(|(name, points)| {
            let inside = |p: &[f64; 2]| x.contains(p[0]) && y.contains(p[1]);
            let plane = points.plane(self.columns[0], self.columns[1]);
            let count = plane.filter(|p| !inside(p)).count();
            let (count_text, all) = (whole(count as f64), whole(points.len() as f64));
            (count > 0).then(|| format!("{name}: {count_text} of {all} outside the axes"))
        });
        outside.collect::<Vec<_>>().join("; ")
    }
}

impl Figure for Samples {
    fn scene(&self) -> Result<Scene> {
        let (mut x, mut y) = (self.axis(0)?, self.axis(1)?);
        let shape = if self.equal_aspect { (y.span() / x.span()).clamp(0.4, 1.6) } else { 0.9 };
        if self.equal_aspect {
            (x, y) = super::same_scale(x, y, shape);
        }
        let columns = self.panels.len().min(COLUMNS);
        let theme = &self.look.theme;
        let cells = self.panels.iter().enumerate().map(|(i, (name, points))| {
            let last_row = i + columns >= self.panels.len();
            let (x, y) = (Axis::new(x, &self.labels[0]), Axis::new(y, &self.labels[1]));
            let x = if last_row { x } else { Axis { name: String::new(), ..x }.bare() };
            let y = if i % columns == 0 { y } else { Axis { name: String::new(), ..y }.bare() };
            let title = format!("{name}  (n = {})", whole(points.len() as f64));
            Some(Panel { title, same_scale: self.equal_aspect, ..Panel::new(theme, x, y) })
        });
        let table = Table { cells: cells.collect(), columns, shapes: vec![shape], even: false };
        let remark = self.remark(&x, &y);
        let heading = self.look.heading(vec![], remark);
        let width = self.look.width_or(40.0 + 340.0 * columns as f64);
        let (mut scene, areas) = Sheet::new(heading, width).place(&table)?;
        for (i, (panel, (&area, (_, points)))) in
            table.cells.iter().flatten().zip(areas.iter().zip(&self.panels)).enumerate()
        {
            let colour = if i == 0 { theme.data } else { theme.model };
            let plane = points.plane(self.columns[0], self.columns[1]);
            let view = panel.view(area);
            if !is_shaded(points.len()) {
                panel.grid(&mut scene, area);
            }
            cloud(&mut scene, theme, &view, plane, points.len(), colour);
            panel.frame(&mut scene, area);
        }
        Ok(scene)
    }
}
