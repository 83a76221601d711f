//! Draws points carried through time.

use super::backdrop::{extent, outlines};
use super::look::{Look, label_setter, look_setters};
use super::plane::Plane;
use super::same_scale;
use crate::axes::ticks::whole;
use crate::axes::{ColourBar, Swatch, View};
use crate::draw::scene::Pen;
use crate::stats::{Interval, usable};
use crate::{Figure, Grid, PlotError, Points, Result, Scene};

/// Most paths drawn.
const MOST: usize = 500;
/// Colours along a path.
const COLOURS: f64 = 32.0;
const LINE_WIDTH: f64 = 1.0;
/// Radius of the dot at a start, and half the width of the diamond at an end.
const DOT: f64 = 1.9;
const DIAMOND: f64 = 3.0;
/// Width of the paper left around a diamond.
const HALO: f64 = 0.7;

/// Paths of points through time, as of a continuous flow: lines in the colours of the time, dots
/// where they start and diamonds where they end, on equal axes.
///
/// At most 500 paths are drawn, evenly picked, and a remark says so. A point that is not finite
/// breaks its path.
///
/// # Example
/// ```
/// use diffeo_plots::{Figure, Trajectories};
/// let spiral = |k: usize, s: usize| {
///     let (angle, radius) = (k as f64 + 0.05 * s as f64, 2.0 - 0.03 * s as f64);
///     [radius * angle.cos(), radius * angle.sin()]
/// };
/// let paths = (0..6).map(|k| (0..50).map(|s| spiral(k, s)).collect()).collect();
/// let figure = Trajectories::new(paths).times(1.0, 0.0).ends("latent (t = 1)", "data (t = 0)");
/// assert!(figure.scene()?.svg()?.contains("latent (t = 1)"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trajectories {
    paths: Vec<Vec<[f64; 2]>>,
    times: [f64; 2],
    ends: [String; 2],
    densities: [Option<Grid>; 2],
    time_label: String,
    labels: [String; 2],
    look: Look,
}

impl Trajectories {
    /// Paths from their first point in time to their last, at even steps of time from 0 to 1.
    pub fn new(paths: Vec<Vec<[f64; 2]>>) -> Self {
        Self {
            paths,
            times: [0.0, 1.0],
            ends: ["start", "end"].map(String::from),
            densities: [None, None],
            time_label: "t".to_owned(),
            labels: <[String; 2]>::default(),
            look: Look::default(),
        }
    }

    /// The times of the first and the last points; the first may be the greater.
    #[must_use]
    pub fn times(mut self, first: f64, last: f64) -> Self {
        self.times = [first, last];
        self
    }

    /// Names of the first and the last points, for the legend; "start" and "end" by default.
    #[must_use]
    pub fn ends(mut self, first: &str, last: &str) -> Self {
        self.ends = [first, last].map(String::from);
        self
    }

    /// A density whose contours around 50, 80 and 95 % of the mass lie behind the first points.
    #[must_use]
    pub fn start_density(mut self, density: Grid) -> Self {
        self.densities[0] = Some(density);
        self
    }

    /// A density whose contours around 50, 80 and 95 % of the mass lie behind the last points.
    #[must_use]
    pub fn end_density(mut self, density: Grid) -> Self {
        self.densities[1] = Some(density);
        self
    }

    /// Name of the time, beside the colour bar; "t" by default.
    #[must_use]
    pub fn time_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.time_label);
        self
    }

    label_setter!();

    look_setters!(width: "520 by default");

    /// The paths to draw.
    fn drawn(&self) -> impl Iterator<Item = &Vec<[f64; 2]>> {
        self.paths.iter().step_by(self.paths.len().div_ceil(MOST).max(1))
    }

    /// Equal axes that hold the bulk of all points and the outlines.
    fn ranges(&self) -> Result<[Interval; 2]> {
        let values: Vec<f64> = self.paths.iter().flatten().flatten().copied().collect();
        let bulk = |column| Points::new(&values, 2).ok()?.bulk(column, 0.002);
        let (Some(x), Some(y)) = (bulk(0), bulk(1)) else {
            return Err(PlotError::Empty { what: "the list of paths" });
        };
        let outlines = self.densities.iter().flatten().filter_map(extent);
        let (x, y) = outlines.fold((x, y), |(x, y), [a, b]| (x.union(&a), y.union(&b)));
        let (x, y) = (x.padded(0.05), y.padded(0.05));
        let shape = (y.span() / x.span()).clamp(0.5, 1.1);
        let (x, y) = same_scale(x, y, shape);
        Ok([x, y])
    }

    fn bar(&self) -> Result<ColourBar<'_>> {
        let [first, last] = self.times;
        let range = Interval::new("time", first.min(last), first.max(last))?;
        let theme = &self.look.theme;
        Ok(ColourBar::new(theme, theme.inks(), range, &self.time_label))
    }

    /// 1 for few paths, less the more there are.
    fn strength(&self) -> f64 {
        40.0 / self.paths.len().clamp(40, MOST) as f64
    }

    fn line(&self, scene: &mut Scene, view: &View, path: &[[f64; 2]], bar: &ColourBar<'_>) {
        let alpha = 0.85 * self.strength().powf(0.35);
        let pieces = path.len().saturating_sub(1);
        let shade = |piece: usize| {
            let done = (piece as f64 + 0.5) / pieces as f64;
            let time = self.times[0] + done * (self.times[1] - self.times[0]);
            (bar.range.fraction(time) * COLOURS).round()
        };
        let all: Vec<usize> = (0..pieces).collect();
        for run in all.chunk_by(|&a, &b| (shade(a) - shade(b)).abs() < 0.5) {
            let (first, last) = (run[0], run[0] + run.len());
            let ink = bar.ramp.at(shade(first) / COLOURS).with_alpha(alpha);
            let points = view.points(&path[first..=last]);
            scene.line_in(&view.area, &points, Pen::solid(ink, LINE_WIDTH));
        }
    }

    /// Draws the first and the last points of the paths.
    fn markers(&self, scene: &mut Scene, view: &View) {
        let theme = &self.look.theme;
        let seen = |p: Option<&[f64; 2]>| p.filter(|p| p.iter().all(|&v| usable(v))).copied();
        let starts = self.drawn().filter(|path| path.len() > 1).filter_map(|p| seen(p.first()));
        let starts: Vec<_> = starts.map(|p| view.point(p)).collect();
        let size = self.strength().powf(0.15);
        scene.dots_in(&view.area, starts, DOT * size, theme.muted);
        let ends = self.drawn().filter_map(|path| seen(path.last())).map(|p| view.point(p));
        for end in ends.filter(|&p| view.area.contains(p)) {
            scene.diamond(end, DIAMOND * size + HALO, theme.background);
            scene.diamond(end, DIAMOND * size, theme.model);
        }
    }
}

impl Figure for Trajectories {
    fn scene(&self) -> Result<Scene> {
        let (ranges, theme) = (self.ranges()?, &self.look.theme);
        let mut plane = Plane::new(&self.look, &self.labels, ranges, true, self.bar()?);
        let swatches = [Swatch::Dot(theme.muted), Swatch::Diamond(theme.model)];
        plane.legend = swatches.into_iter().zip(self.ends.clone()).collect();
        plane.legend.retain(|(_, name)| !name.trim().is_empty());
        let (drawn, all) = (self.drawn().count(), self.paths.len());
        if drawn < all {
            plane.remark = format!("{} of {} paths", whole(drawn as f64), whole(all as f64));
        }
        let (mut scene, view) = plane.place()?;
        for (density, ink) in self.densities.iter().zip([theme.muted, theme.model]) {
            if let Some(density) = density {
                outlines(&mut scene, &view, density, theme.tint(ink, 0.45));
            }
        }
        for path in self.drawn() {
            self.line(&mut scene, &view, path, &plane.bar);
        }
        self.markers(&mut scene, &view);
        plane.frame(&mut scene, view.area);
        Ok(scene)
    }
}
