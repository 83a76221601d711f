//! Draws one-dimensional densities over a histogram of the data.

use super::look::{Look, look_setters};
use super::sheet::{Sheet, Table};
use crate::axes::{Axis, Panel, Swatch, View};
use crate::draw::scene::{Pen, Scene};
use crate::stats::histogram::{Histogram, bins};
use crate::stats::{Interval, usable};
use crate::{Figure, PlotError, Points, Result};

/// Height of the marks of the rug.
const RUG: f64 = 6.0;
/// Most marks of the rug.
const RUG_MARKS: usize = 1500;

/// A density curve over the histogram of the data and a rug of its values.
///
/// # Example
/// ```
/// use diffeo_plots::{DensityCurve, Figure};
/// let curve: Vec<(f64, f64)> = (-30..=30)
///     .map(|k| f64::from(k) / 10.0)
///     .map(|x| (x, (-0.5 * x * x).exp() / 2.5066))
///     .collect();
/// let figure = DensityCurve::new("model", &curve).data(&[-0.3, 0.1, 1.2])?.label("x");
/// assert!(figure.scene()?.svg()?.contains("model"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DensityCurve {
    curves: Vec<Curve>,
    data: Option<Points>,
    look: Look,
    label: String,
}

/// A named curve of points `(x, density)`.
#[derive(Clone, Debug)]
struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
    reference: bool,
}

impl Curve {
    fn new(name: &str, points: &[(f64, f64)], reference: bool) -> Self {
        Self { name: name.to_owned(), points: points.to_vec(), reference }
    }
}

impl DensityCurve {
    /// A curve of points `(x, density)` in increasing x; points that are not finite break it.
    pub fn new(name: &str, points: &[(f64, f64)]) -> Self {
        Self {
            curves: vec![Curve::new(name, points, false)],
            data: None,
            look: Look::default(),
            label: String::new(),
        }
    }

    /// A dashed curve, as the true density where it is known.
    #[must_use]
    pub fn reference(mut self, name: &str, points: &[(f64, f64)]) -> Self {
        self.curves.push(Curve::new(name, points, true));
        self
    }

    /// Another curve of the same standing; several are told apart by colours of the theme's map.
    #[must_use]
    pub fn curve(mut self, name: &str, points: &[(f64, f64)]) -> Self {
        self.curves.push(Curve::new(name, points, false));
        self
    }

    /// The data `[n]`, shown as histogram and rug; values that are not finite are left out.
    ///
    /// # Errors
    /// [`PlotError::Empty`] when no value is left.
    pub fn data<T: Copy + Into<f64>>(mut self, values: &[T]) -> Result<Self> {
        self.data = Some(Points::new(values, 1)?);
        Ok(self)
    }

    /// Name of the column.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.label);
        self
    }

    look_setters!(width: "520 by default");

    fn pen(&self, curve: usize) -> Pen {
        let (theme, width) = (&self.look.theme, self.look.theme.line_width);
        if self.curves[curve].reference {
            return Pen::dashed(theme.ink, 0.8 * width, 5.0, 3.5);
        }
        let solid = |curves: &[Curve]| curves.iter().filter(|c| !c.reference).count();
        let colour = match (solid(&self.curves[..curve]), solid(&self.curves)) {
            (_, 1) => theme.model,
            // The lightest end of the map is hard to see on white.
            (before, all) => theme.colour_map.at(0.85 * before as f64 / (all - 1) as f64),
        };
        Pen::solid(colour, 1.25 * width)
    }

    fn ranges(&self) -> Result<(Interval, Option<Histogram>, f64)> {
        let points = || self.curves.iter().flat_map(|curve| &curve.points).copied();
        let x = Interval::covering(points().filter(|p| usable(p.1)).map(|p| p.0));
        let bulk = self.data.as_ref().and_then(|d| d.bulk(0, 0.002));
        let x = match (x, bulk) {
            (Some(a), Some(b)) => a.union(&b),
            (a, b) => a.or(b).ok_or(PlotError::Empty { what: "the curve" })?,
        };
        let histogram = self.data.as_ref().map(|data| {
            let number = bins(data.column(0), &x);
            Histogram::new(data.column(0), x, number)
        });
        let top = points().map(|p| p.1).filter(|&v| usable(v)).fold(0.0, f64::max);
        let top = top.max(histogram.as_ref().map_or(0.0, Histogram::highest));
        Ok((x, histogram, if top > 0.0 { 1.06 * top } else { 1.0 }))
    }

    fn rug(&self, scene: &mut Scene, view: &View) {
        let Some(data) = &self.data else { return };
        let pen = Pen::solid(self.look.theme.data.with_alpha(0.35), 0.6);
        let (area, every) = (view.area, data.len().div_ceil(RUG_MARKS));
        for value in data.column(0).step_by(every) {
            let [x, y] = view.point([value, 0.0]);
            if area.contains([x, y]) {
                scene.line(vec![[x, y - RUG], [x, y]], pen);
            }
        }
    }
}

impl Figure for DensityCurve {
    fn scene(&self) -> Result<Scene> {
        let (x, histogram, top) = self.ranges()?;
        let theme = &self.look.theme;
        let fill = theme.tint(theme.data, 0.22);
        let named = self.curves.iter().enumerate();
        let mut legend: Vec<_> =
            named.map(|(i, curve)| (Swatch::Line(self.pen(i)), curve.name.clone())).collect();
        if histogram.is_some() {
            legend.insert(0, (Swatch::Area(fill), "data".to_owned()));
        }
        let y = Interval { low: 0.0, high: top };
        let panel = Panel::new(theme, Axis::new(x, &self.label), Axis::new(y, "density"));
        let heading = self.look.heading(legend, String::new());
        let sheet = Sheet::new(heading, self.look.width.unwrap_or(520.0));
        let table = Table { cells: vec![Some(panel.clone())], columns: 1, shapes: vec![0.6] };
        let (mut scene, areas) = sheet.place(&table)?;
        let Some(&area) = areas.first() else { return Ok(scene) };
        let view = panel.view(area);
        panel.grid(&mut scene, area);
        if let Some(histogram) = &histogram {
            let outline = view.points(&histogram.outline());
            scene.polygon(outline.clone(), fill);
            scene.line_in(&area.grown(1.0), &outline, Pen::solid(theme.tint(theme.data, 0.6), 0.9));
        }
        self.rug(&mut scene, &view);
        for (i, curve) in self.curves.iter().enumerate().rev() {
            let line: Vec<_> = curve.points.iter().map(|&(x, y)| view.point([x, y])).collect();
            scene.line_in(&area, &line, self.pen(i));
        }
        panel.frame(&mut scene, area);
        Ok(scene)
    }
}
