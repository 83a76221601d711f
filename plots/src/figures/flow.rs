//! Draws the stages of a process as panels: a grid carried from one space to another, or samples
//! that turn from noise into data.

use super::backdrop::{backdrop, highest};
use super::cloud::cloud;
use super::look::{Look, label_setter, look_setters};
use super::plane::check_planar;
use super::same_scale;
use super::stage::Stage;
use super::strip::{Cell, Strip, common_range, views};
use crate::axes::View;
use crate::draw::scene::{Pen, Scene};
use crate::stats::{Interval, usable};
use crate::{Colour, Figure, Grid, PlotError, Result};

/// Widths of the paper for one, two, three and four columns.
const WIDTHS: [f64; 4] = [420.0, 680.0, 810.0, 920.0];

/// Colours of points that have one each.
const SHADES: usize = 24;

/// Panels of the stages of a flow or a diffusion, from latent space to data space or back.
///
/// # Example
/// A latent grid before and after a flow:
/// ```
/// use diffeo_plots::{Figure, FlowStages, Stage, latent_grid};
/// let grid = latent_grid(3.0, 9, 60);
/// let bent = |line: &Vec<[f64; 2]>| line.iter().map(|&[x, y]| [x, y + 0.3 * x * x]).collect();
/// let image = grid.iter().map(bent).collect();
/// let figure = FlowStages::new(vec![
///     Stage::new("latent").lines(grid),
///     Stage::new("data").lines(image),
/// ]);
/// assert!(figure.picture()?.height() > 500);
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
/// A film strip of samples on their way from noise to data:
/// ```
/// use diffeo_plots::{Figure, FlowStages, Points, Stage};
/// let stage = |sigma: f64| {
///     let rows: Vec<f64> = (0..200).map(|k| sigma * f64::from(k * k).sin()).collect();
///     Ok(Stage::new(&format!("σ = {sigma}")).samples(Points::new(&rows, 2)?))
/// };
/// let stages = [3.0, 1.0, 0.3, 0.0].into_iter().map(stage).collect::<Result<_, _>>()?;
/// let figure = FlowStages::new(stages).axes((-3.0, 3.0), (-3.0, 3.0)).labels("x₁", "x₂");
/// assert!(figure.scene()?.svg()?.contains("σ = 0.3"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlowStages {
    stages: Vec<Stage>,
    common_axes: bool,
    axes: Option<[(f64, f64); 2]>,
    columns: Option<usize>,
    remark: String,
    labels: [String; 2],
    look: Look,
}

impl FlowStages {
    /// A panel for every stage, each with its own equal axes.
    pub fn new(stages: Vec<Stage>) -> Self {
        let (labels, look) = (<[String; 2]>::default(), Look::default());
        let remark = String::new();
        Self { stages, common_axes: false, axes: None, columns: None, remark, labels, look }
    }

    /// The same axes for all stages, as a film strip needs them.
    #[must_use]
    pub fn common_axes(mut self) -> Self {
        self.common_axes = true;
        self
    }

    /// The ends of the axes, the same for all stages; what lies outside is not drawn. The frames
    /// of an animation need them. Ends that are no range make drawing fail with
    /// [`PlotError::Range`].
    #[must_use]
    pub fn axes(mut self, x: (f64, f64), y: (f64, f64)) -> Self {
        self.axes = Some([x, y]);
        self.common_axes()
    }

    /// Panels in a row; by default up to four, in rows as equally long as can be.
    #[must_use]
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = Some(columns);
        self
    }

    /// A smaller line under the title, as to say what colours mean.
    #[must_use]
    pub fn remark(mut self, text: &str) -> Self {
        text.clone_into(&mut self.remark);
        self
    }

    label_setter!();

    look_setters!(width: "by default 340 a panel for two, less for more");

    fn ranges(&self) -> Result<Vec<[Interval; 2]>> {
        if self.stages.is_empty() {
            return Err(PlotError::Empty { what: "the list of stages" });
        }
        if let Some([x, y]) = self.axes {
            let given = |what, ends| common_range(Some(ends), what, std::iter::empty());
            return Ok(vec![[given("x", x)?, given("y", y)?]; self.stages.len()]);
        }
        let own: Vec<_> = self.stages.iter().map(Stage::ranges).collect::<Result<_>>()?;
        if !self.common_axes {
            return Ok(own);
        }
        let axis = |k: usize| common_range(None, "", own.iter().map(|ranges| ranges[k]));
        let (x, y) = same_scale(axis(0)?, axis(1)?, 1.0);
        Ok(vec![[x, y]; own.len()])
    }

    /// Colour of line `i` of `count`.
    fn colour(&self, i: usize, count: usize) -> Colour {
        let t = i as f64 / count.saturating_sub(1).max(1) as f64;
        self.look.theme.inks().at(t)
    }

    /// Draws dots, those of about the same colour together.
    fn coloured(&self, scene: &mut Scene, view: &View, stage: &Stage) {
        let crowd = stage.coloured.len().max(200) as f64 / 500.0;
        let (radius, ramp) = (1.9 * crowd.powf(-0.17), self.look.theme.inks());
        let shade = |number: f64| (number.clamp(0.0, 1.0) * (SHADES - 1) as f64).round() as usize;
        for k in 0..SHADES {
            let dots = stage
                .coloured
                .iter()
                .filter(|(p, number)| p.iter().all(|&v| usable(v)) && shade(*number) == k);
            let ink = ramp.at(k as f64 / (SHADES - 1) as f64).with_alpha(0.7);
            scene.dots_in(&view.area, dots.map(|(p, _)| view.point(*p)), radius, ink);
        }
    }

    /// The density of the strongest grey behind a stage: on common axes that of all, so that the same
    /// density has the same grey, and a thin one no grey at all.
    fn top(&self, density: &Grid) -> f64 {
        let all = self.stages.iter().filter_map(|stage| stage.density.as_ref());
        if self.common_axes { all.map(highest).fold(0.0, f64::max) } else { highest(density) }
    }

    fn stage(&self, scene: &mut Scene, view: &View, stage: &Stage) {
        let theme = &self.look.theme;
        if let Some(density) = &stage.density {
            backdrop(scene, theme, view, density, self.top(density));
        }
        let points = stage.points.iter().copied().filter(|p| p.iter().all(|&v| usable(v)));
        let grey = theme.tint(theme.muted, 0.75);
        cloud(scene, theme, view, points, stage.points.len(), grey);
        let quiet = Pen::solid(theme.tint(theme.muted, 0.55), 0.4 * theme.line_width);
        for (i, line) in stage.lines.iter().enumerate() {
            let own = Pen::solid(self.colour(i, stage.lines.len()), 0.7 * theme.line_width);
            let pen = if stage.coloured.is_empty() { own } else { quiet };
            scene.line_in(&view.area, &view.points(line), pen);
        }
        self.coloured(scene, view, stage);
        if let Some(samples) = &stage.samples {
            cloud(scene, theme, view, samples.plane(0, 1), samples.len(), theme.model);
        }
    }
}

impl Figure for FlowStages {
    fn scene(&self) -> Result<Scene> {
        for stage in &self.stages {
            check_planar(stage.samples.as_ref())?;
        }
        let ranges = self.ranges()?;
        let cells = self.stages.iter().zip(ranges);
        let cell = |(stage, ranges): (&Stage, _)| {
            let (title, labels) = (stage.name.clone(), stage.labels.clone());
            Cell { title, ranges, bar: None, labels }
        };
        let strip = Strip {
            look: &self.look,
            labels: &self.labels,
            cells: cells.map(cell).collect(),
            columns: self.columns,
            common: self.common_axes,
            bar: None,
            remark: self.remark.clone(),
            widths: WIDTHS,
        };
        let (mut scene, placed) = strip.place()?;
        for (view, stage) in views(&placed).zip(&self.stages) {
            self.stage(&mut scene, &view, stage);
        }
        strip.frame(&mut scene, &placed);
        Ok(scene)
    }
}
