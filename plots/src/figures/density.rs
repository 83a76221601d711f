//! Draws a density of the plane as a heat map with highest-density contours.

use super::contour_labels::{Contours, Line};
use super::look::{Look, label_setter, look_setters};
use super::plane::{Plane, check_planar, shaded};
use crate::axes::ColourBar;
use crate::stats::contour::contour;
use crate::stats::{Interval, usable};
use crate::{Colour, Figure, Grid, Points, Result, Scene};

/// Share of the mass where the density may be higher than the colours reach: a few places with much
/// more than all others, as where a fit is pinched, would leave the rest in one shade.
const ABOVE: f64 = 0.02;
/// The colours reach up to the highest density where that is at most so many times higher.
const LITTLE: f64 = 1.25;

/// A heat map of a density with contours around its highest-density regions, axes in data units
/// and a colour bar.
///
/// The colours end at the density that 2 % of the mass exceed where the highest is much higher; the
/// colour bar then has a pointed end.
///
/// # Example
/// ```
/// use diffeo_plots::{DensityMap, Figure, Grid};
/// let node = |k: usize| -3.0 + 6.0 * k as f64 / 40.0;
/// let log_density: Vec<f64> =
///     (0..41 * 41).map(|k| -0.5 * (node(k % 41).powi(2) + node(k / 41).powi(2))).collect();
/// let grid = Grid::from_log_density(&log_density, [41, 41], (-3.0, 3.0), (-3.0, 3.0))?;
/// let figure = DensityMap::new(grid).title("standard normal").labels("x₁", "x₂").equal_aspect();
/// assert!(figure.scene()?.svg()?.contains("standard normal"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DensityMap {
    grid: Grid,
    points: Option<Points>,
    masses: Vec<f64>,
    highest: Option<f64>,
    equal_aspect: bool,
    depth: Option<f64>,
    look: Look,
    labels: [String; 2],
    value_label: Option<String>,
}

impl DensityMap {
    /// A map of `grid` with contours around 50, 80 and 95 % of the mass.
    pub fn new(grid: Grid) -> Self {
        Self {
            grid,
            points: None,
            masses: vec![0.5, 0.8, 0.95],
            highest: None,
            equal_aspect: false,
            depth: None,
            look: Look::default(),
            labels: <[String; 2]>::default(),
            value_label: None,
        }
    }

    label_setter!();

    /// Name of the values, beside the colour bar; "density" or "log density (nats)" by default.
    #[must_use]
    pub fn value_label(mut self, label: &str) -> Self {
        self.value_label = Some(label.to_owned());
        self
    }

    /// Colours by the logarithm of the density, down to `depth` nats below its highest value; what is
    /// lower has the darkest colour. A depth that is not positive is ignored.
    #[must_use]
    pub fn logarithmic(mut self, depth: f64) -> Self {
        self.depth = Some(depth).filter(|depth| usable(*depth) && *depth > 0.0);
        self
    }

    /// Shares of the mass to draw contours around, between 0 and 1; others are ignored.
    #[must_use]
    pub fn contours(mut self, masses: &[f64]) -> Self {
        self.masses = masses.iter().copied().filter(|m| *m > 0.0 && *m < 1.0).collect();
        self
    }

    /// The value at the top of the colour bar, for maps to be compared, as the frames of a film; by
    /// default the largest value, or the one that 2 % of the mass exceed where that is much less.
    #[must_use]
    pub fn up_to(mut self, value: f64) -> Self {
        self.highest = Some(value).filter(|v| v.is_finite() && *v > 0.0);
        self
    }

    /// One unit of x as long as one unit of y, unless that makes the axes very flat or tall.
    #[must_use]
    pub fn equal_aspect(mut self) -> Self {
        self.equal_aspect = true;
        self
    }

    /// Samples to show as faint dots over the map, by their first two columns.
    #[must_use]
    pub fn points(mut self, points: Points) -> Self {
        self.points = Some(points);
        self
    }

    look_setters!(width: "520 by default");

    /// The values that have colours, and how a density becomes one of them.
    fn shown(&self) -> Result<(Grid, Interval, impl Fn(f64) -> f64 + use<>)> {
        let all = Interval::covering(self.grid.values().iter().copied());
        let all = all.unwrap_or(Interval { low: 0.0, high: 1.0 });
        let robust = self.depth.is_none().then(|| self.grid.mass_level(ABOVE)).flatten();
        let robust = robust.filter(|top| LITTLE * top < all.high).unwrap_or(all.high);
        let all = Interval { high: self.highest.unwrap_or(robust), ..all };
        let top = all.high.max(0.0);
        let depth = self.depth.filter(|_| top > 0.0);
        let floor = depth.map(|depth| top.ln() - depth);
        let value = move |density: f64| match floor {
            // Also the floor where the logarithm is −∞ or no number.
            Some(floor) => density.ln().max(floor),
            None => density,
        };
        match (depth, floor) {
            (Some(depth), Some(floor)) => {
                let range = Interval { low: floor, high: floor + depth };
                Ok((self.grid.mapped(value)?, range, value))
            }
            _ if all.low >= 0.0 => Ok((self.grid.clone(), Interval { low: 0.0, ..all }, value)),
            _ => Ok((self.grid.clone(), all, value)),
        }
    }

    /// The colour bar, which points to where there are values below its logarithms.
    fn bar(&self, range: Interval) -> ColourBar<'_> {
        let theme = &self.look.theme;
        let lowest = self.grid.values().iter().copied().fold(f64::INFINITY, f64::min);
        let below = self.depth.is_some() && lowest.ln().max(f64::MIN) < range.low;
        let is_own = self.depth.is_none() && self.highest.is_none();
        let above = is_own && self.grid.values().iter().any(|v| *v > range.high);
        let own = if self.depth.is_some() { "log density (nats)" } else { "density" };
        let name = self.value_label.as_deref().unwrap_or(own);
        ColourBar { beyond: [below, above], ..ColourBar::new(theme, theme.shades(), range, name) }
    }

    /// What the contours are, also where there is no room for their labels.
    fn remark(&self) -> String {
        let share = |mass: &f64| percent(*mass).replace(" %", "");
        let shares: Vec<String> = self.masses.iter().map(share).collect();
        match shares.split_last() {
            Some((last, [])) => format!("contour around {last} % of the mass"),
            Some((last, rest)) => {
                format!("contours around {} and {last} % of the mass", rest.join(", "))
            }
            None => String::new(),
        }
    }

    fn levels(
        &self,
        range: Interval,
        value: impl Fn(f64) -> f64,
    ) -> Vec<(String, Colour, Vec<Line>)> {
        let mut levels = Vec::new();
        for &mass in &self.masses {
            let Some(level) = self.grid.mass_level(mass) else { continue };
            let ink = readable_on(self.look.theme.colour_map.at(range.fraction(value(level))));
            levels.push((percent(mass), ink, contour(&self.grid, level)));
        }
        levels
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (1000.0 * share).round() / 10.0)
}

/// White on dark colours, nearly black on light ones.
pub(super) fn readable_on(colour: Colour) -> Colour {
    let [r, g, b] = colour.rgb.map(f64::from);
    let light = 0.2126 * r + 0.7152 * g + 0.0722 * b > 150.0;
    Colour::hex(if light { 0x10_14_18 } else { 0xFF_FF_FF })
}

impl Figure for DensityMap {
    fn scene(&self) -> Result<Scene> {
        check_planar(self.points.as_ref())?;
        let (theme, (grid, range, value)) = (&self.look.theme, self.shown()?);
        let bar = self.bar(range);
        let mut plane =
            Plane::new(&self.look, &self.labels, self.grid.ranges(), self.equal_aspect, bar);
        plane.remark = self.remark();
        let (mut scene, view) = plane.place()?;
        let area = view.area;
        let shade = plane.bar.shader();
        scene.image(area, shaded(&area, |u, v| shade(grid.at(u, v))));
        if let Some(points) = &self.points {
            let dots = points.plane(0, 1).take(5000).map(|p| view.point(p));
            scene.dots_in(&area, dots, 1.0, Colour::hex(0xFF_FF_FF).with_alpha(0.35));
        }
        let mut contours = Contours::new(area, theme.tick_size);
        for (label, ink, lines) in self.levels(range, value) {
            let lines: Vec<Line> = lines.iter().map(|line| view.points(line)).collect();
            contours.add(label, ink, &lines);
        }
        contours.draw(&mut scene);
        plane.frame(&mut scene, area);
        Ok(scene)
    }
}
