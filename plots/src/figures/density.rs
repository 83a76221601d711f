//! Draws a density of the plane as a heat map with highest-density contours.

use super::contour_labels::{Contours, Line};
use super::look::{Look, label_setter, look_setters};
use super::plane::{Plane, check_planar, shaded};
use crate::axes::ColourBar;
use crate::stats::Interval;
use crate::stats::contour::contour;
use crate::{Colour, Figure, Grid, Points, Result, Scene};

/// A heat map of a density with contours around its highest-density regions, axes in data units
/// and a colour bar.
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
    look: Look,
    labels: [String; 2],
    value_label: String,
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
            look: Look::default(),
            labels: <[String; 2]>::default(),
            value_label: "density".to_owned(),
        }
    }

    label_setter!();

    /// Name of the values, beside the colour bar; "density" by default.
    #[must_use]
    pub fn value_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.value_label);
        self
    }

    /// Shares of the mass to draw contours around, between 0 and 1; others are ignored.
    #[must_use]
    pub fn contours(mut self, masses: &[f64]) -> Self {
        self.masses = masses.iter().copied().filter(|m| *m > 0.0 && *m < 1.0).collect();
        self
    }

    /// The value at the top of the colour bar, for maps to be compared, as the frames of a film; the
    /// largest value by default.
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

    /// Values of the colour bar: from zero, or the lowest value, to the highest.
    fn range(&self) -> Interval {
        let all = Interval::covering(self.grid.values().iter().copied());
        let all = all.unwrap_or(Interval { low: 0.0, high: 1.0 });
        let all = Interval { high: self.highest.unwrap_or(all.high), ..all };
        if all.low >= 0.0 { Interval { low: 0.0, ..all } } else { all }
    }

    fn levels(&self, range: Interval) -> Vec<(String, Colour, Vec<Line>)> {
        let mut levels = Vec::new();
        for &mass in &self.masses {
            let Some(level) = self.grid.mass_level(mass) else { continue };
            let ink = readable_on(self.look.theme.colour_map.at(range.fraction(level)));
            let percent = (100.0 * mass * 10.0).round() / 10.0;
            levels.push((format!("{percent} %"), ink, contour(&self.grid, level)));
        }
        levels
    }
}

/// White on dark colours, nearly black on light ones.
fn readable_on(colour: Colour) -> Colour {
    let [r, g, b] = colour.rgb.map(f64::from);
    let light = 0.2126 * r + 0.7152 * g + 0.0722 * b > 150.0;
    Colour::hex(if light { 0x10_14_18 } else { 0xFF_FF_FF })
}

impl Figure for DensityMap {
    fn scene(&self) -> Result<Scene> {
        check_planar(self.points.as_ref())?;
        let (theme, range) = (&self.look.theme, self.range());
        let bar = ColourBar::new(theme, theme.shades(), range, &self.value_label);
        let plane =
            Plane::new(&self.look, &self.labels, self.grid.ranges(), self.equal_aspect, bar);
        let (mut scene, view) = plane.place()?;
        let area = view.area;
        scene.image(area, shaded(&area, |u, v| plane.bar.colour(self.grid.at(u, v))));
        if let Some(points) = &self.points {
            let dots = points.plane(0, 1).take(5000).map(|p| view.point(p));
            scene.dots_in(&area, dots, 1.0, Colour::hex(0xFF_FF_FF).with_alpha(0.35));
        }
        let mut contours = Contours::new(area, theme.tick_size);
        for (label, ink, lines) in self.levels(range) {
            let lines: Vec<Line> = lines.iter().map(|line| view.points(line)).collect();
            contours.add(label, ink, &lines);
        }
        contours.draw(&mut scene);
        plane.frame(&mut scene, area);
        Ok(scene)
    }
}
