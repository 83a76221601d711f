//! Draws one-dimensional densities over a histogram of the data.

use super::look::{Look, look_setters};
use super::sheet::{Sheet, Table};
use crate::axes::{Axis, Panel, Swatch, View};
use crate::draw::scene::{Pen, Scene};
use crate::stats::histogram::{Histogram, bins};
use crate::stats::region::{above, level};
use crate::stats::{Interval, usable};
use crate::{Colour, Figure, PlotError, Points, Result};

/// Height of the marks of the rug.
const RUG: f64 = 6.0;
/// Most marks of the rug.
const RUG_MARKS: usize = 1500;

/// Opacities of the widest and of the narrowest highest-density region.
const REGIONS: [f64; 2] = [0.10, 0.34];

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
    masses: Vec<f64>,
    depth: Option<f64>,
    look: Look,
    label: String,
}

/// A share of the mass, its colour, and the pieces of the curve above the region.
type Region = (f64, Colour, Vec<Vec<[f64; 2]>>);

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
            masses: Vec::new(),
            depth: None,
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

    /// Shades the highest-density regions of the first curve that hold these shares of its mass,
    /// between 0 and 1; others are ignored.
    #[must_use]
    pub fn regions(mut self, masses: &[f64]) -> Self {
        self.masses = masses.iter().copied().filter(|m| *m > 0.0 && *m < 1.0).collect();
        self.masses.sort_by(f64::total_cmp);
        self
    }

    /// Draws the logarithm of the density, down to `depth` nats below its highest value; a depth that
    /// is not positive is ignored.
    #[must_use]
    pub fn logarithmic(mut self, depth: f64) -> Self {
        self.depth = Some(depth).filter(|depth| usable(*depth) && *depth > 0.0);
        self
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

    fn ranges(&self) -> Result<(Interval, Option<Histogram>, Heights)> {
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
        let curve = points().map(|p| p.1).filter(|&v| usable(v)).fold(0.0, f64::max);
        let top = curve.max(histogram.as_ref().map_or(0.0, Histogram::highest));
        // The floor is that of the curve, whose tails the logarithm is there to show.
        let peak = if curve > 0.0 { curve } else { top };
        let floor = self.depth.filter(|_| top > 0.0).map(|depth| peak.ln() - depth);
        let range = match floor {
            Some(low) => Interval { low, high: top.ln() + 0.05 * (top.ln() - low) },
            None => Interval { low: 0.0, high: if top > 0.0 { 1.06 * top } else { 1.0 } },
        };
        Ok((x, histogram, Heights { logarithmic: floor.is_some(), range }))
    }

    fn rug(&self, scene: &mut Scene, view: &View) {
        let Some(data) = &self.data else { return };
        let pen = Pen::solid(self.look.theme.data.with_alpha(0.35), 0.6);
        let (area, every) = (view.area, data.len().div_ceil(RUG_MARKS));
        let y = area.bottom();
        for value in data.column(0).step_by(every) {
            let [x, _] = view.point([value, 0.0]);
            if area.contains([x, y]) {
                scene.line(vec![[x, y - RUG], [x, y]], pen);
            }
        }
    }

    /// Each region of the first curve: its share of the mass, its colour, and the curve above it.
    fn shaded(&self) -> Vec<Region> {
        let Some(curve) = self.curves.first().filter(|curve| !curve.points.is_empty()) else {
            return Vec::new();
        };
        let points: Vec<(f64, f64)> =
            curve.points.iter().copied().filter(|p| usable(p.0) && usable(p.1)).collect();
        let steps = self.masses.len().saturating_sub(1).max(1) as f64;
        let region = |(i, &mass): (usize, &f64)| {
            let alpha = REGIONS[1] + (REGIONS[0] - REGIONS[1]) * i as f64 / steps;
            let ink = self.look.theme.tint(self.pen(0).colour, alpha);
            Some((mass, ink, above(&points, level(&points, mass)?)))
        };
        self.masses.iter().enumerate().filter_map(region).collect()
    }

    fn draw_regions(&self, scene: &mut Scene, view: &View, heights: &Heights) {
        // The widest first, below the others.
        for (_, ink, pieces) in self.shaded().into_iter().rev() {
            for piece in pieces {
                let (Some(first), Some(last)) = (piece.first(), piece.last()) else { continue };
                let floor = |x: f64| view.point([x, heights.range.low]);
                let mut corners = vec![floor(first[0])];
                corners.extend(piece.iter().map(|&[x, p]| view.point([x, heights.at(p)])));
                corners.push(floor(last[0]));
                scene.polygon(corners, ink);
            }
        }
    }

    /// The line around the histogram.
    fn data_pen(&self) -> Pen {
        let theme = &self.look.theme;
        Pen::solid(theme.tint(theme.data, 0.6), if self.masses.is_empty() { 0.9 } else { 1.2 })
    }

    /// The histogram is an outline over regions: a fill would change the colours of both.
    fn data_fill(&self) -> Option<Colour> {
        let theme = &self.look.theme;
        self.masses.is_empty().then(|| theme.tint(theme.data, 0.22))
    }

    fn legend(&self, has_data: bool) -> Vec<(Swatch, String)> {
        let mut legend = Vec::new();
        if has_data {
            let swatch = self.data_fill().map_or(Swatch::Line(self.data_pen()), Swatch::Area);
            legend.push((swatch, "data".to_owned()));
        }
        let named = self.curves.iter().enumerate();
        legend.extend(named.map(|(i, c)| (Swatch::Line(self.pen(i)), c.name.clone())));
        let regions = self.shaded().into_iter();
        legend.extend(regions.map(|(mass, ink, _)| {
            (Swatch::Area(ink), format!("{} %", (1000.0 * mass).round() / 10.0))
        }));
        legend.retain(|(_, name)| !name.trim().is_empty());
        legend
    }
}

/// How densities stand on the y axis.
#[derive(Clone, Copy, Debug)]
struct Heights {
    logarithmic: bool,
    range: Interval,
}

impl Heights {
    /// The height of a density; the floor for one whose logarithm lies below.
    fn at(&self, density: f64) -> f64 {
        if self.logarithmic { density.ln().max(self.range.low) } else { density }
    }

    fn axis(&self) -> Axis {
        Axis::new(self.range, if self.logarithmic { "log density (nats)" } else { "density" })
    }
}

impl Figure for DensityCurve {
    fn scene(&self) -> Result<Scene> {
        let (x, histogram, heights) = self.ranges()?;
        let theme = &self.look.theme;
        let panel = Panel::new(theme, Axis::new(x, &self.label), heights.axis());
        let is_shaded = !self.masses.is_empty();
        let remark = if is_shaded { "shaded: highest-density regions" } else { "" };
        let heading = self.look.heading(self.legend(histogram.is_some()), remark.to_owned());
        let sheet = Sheet::new(heading, self.look.width_or(520.0));
        let table =
            Table { cells: vec![Some(panel.clone())], columns: 1, shapes: vec![0.6], even: false };
        let (mut scene, areas) = sheet.place(&table)?;
        let Some(&area) = areas.first() else { return Ok(scene) };
        let view = panel.view(area);
        let place = |[x, p]: [f64; 2]| view.point([x, heights.at(p)]);
        panel.grid(&mut scene, area);
        self.draw_regions(&mut scene, &view, &heights);
        if let Some(histogram) = &histogram {
            let outline: Vec<_> = histogram.outline().into_iter().map(place).collect();
            if let Some(fill) = self.data_fill() {
                scene.polygon(outline.clone(), fill);
            }
            scene.line_in(&area.grown(1.0), &outline, self.data_pen());
        }
        self.rug(&mut scene, &view);
        for (i, curve) in self.curves.iter().enumerate().rev() {
            let line: Vec<_> = curve.points.iter().map(|&(x, p)| place([x, p])).collect();
            scene.line_in(&area, &line, self.pen(i));
        }
        panel.frame(&mut scene, area);
        Ok(scene)
    }
}
