//! Draws a grid carried from one space to another.

use super::cloud::cloud;
use super::look::{Look, look_setters};
use super::same_scale;
use super::sheet::{Sheet, Table};
use crate::axes::{Axis, Panel};
use crate::draw::scene::{Pen, Scene};
use crate::stats::{Interval, quantile, usable};
use crate::{Colour, Figure, PlotError, Result};

/// Most panels in one row.
const COLUMNS: usize = 4;

/// One stage of a flow: lines, and points to show faintly behind them, all in the plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    name: String,
    lines: Vec<Vec<[f64; 2]>>,
    points: Vec<[f64; 2]>,
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

    /// Square axes that hold the bulk of points and lines.
    fn ranges(&self) -> Result<(Interval, Interval)> {
        let axis = |k: usize| {
            let mut sides = [Vec::new(), Vec::new()];
            sides[0].extend(self.points.iter().map(|p| p[k]).filter(|&v| usable(v)));
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
            range.ok_or(PlotError::Empty { what: "a stage of the flow" })
        };
        Ok(same_scale(axis(0)?.padded(0.05), axis(1)?.padded(0.05), 1.0))
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

/// Panels of the stages of a flow, from latent space to data space or back.
///
/// # Example
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
#[derive(Clone, Debug)]
pub struct FlowStages {
    stages: Vec<Stage>,
    common_axes: bool,
    look: Look,
}

impl FlowStages {
    /// A panel for every stage, each with its own equal axes.
    pub fn new(stages: Vec<Stage>) -> Self {
        Self { stages, common_axes: false, look: Look::default() }
    }

    /// The same axes for all stages, as a film strip needs them.
    #[must_use]
    pub fn common_axes(mut self) -> Self {
        self.common_axes = true;
        self
    }

    look_setters!(width: "by default 340 a panel for two, less for more");

    fn ranges(&self) -> Result<Vec<(Interval, Interval)>> {
        let own: Vec<_> = self.stages.iter().map(Stage::ranges).collect::<Result<_>>()?;
        let join =
            |a: (Interval, Interval), b: &(Interval, Interval)| (a.0.union(&b.0), a.1.union(&b.1));
        let Some(&first) = own.first() else {
            return Err(PlotError::Empty { what: "the list of stages" });
        };
        if !self.common_axes {
            return Ok(own);
        }
        let (x, y) = own.iter().fold(first, join);
        Ok(vec![same_scale(x, y, 1.0); own.len()])
    }

    /// Colour of line `i` of `count`.
    fn colour(&self, i: usize, count: usize) -> Colour {
        let t = i as f64 / count.saturating_sub(1).max(1) as f64;
        self.look.theme.inks().at(t)
    }

    fn stage(
        &self,
        scene: &mut Scene,
        panel: &Panel<'_>,
        stage: &Stage,
        area: crate::draw::geometry::Rect,
    ) {
        let view = panel.view(area);
        let points = stage.points.iter().copied().filter(|p| p.iter().all(|&v| usable(v)));
        let grey = self.look.theme.tint(self.look.theme.muted, 0.75);
        cloud(scene, &self.look.theme, &view, points, stage.points.len(), grey);
        for (i, line) in stage.lines.iter().enumerate() {
            let pen =
                Pen::solid(self.colour(i, stage.lines.len()), 0.7 * self.look.theme.line_width);
            scene.line_in(&area, &view.points(line), pen);
        }
        panel.frame(scene, area);
    }
}

/// Panels side by side: rows as equally long as can be, six in two rows of three.
fn columns(stages: usize) -> usize {
    let rows = stages.div_ceil(COLUMNS).max(1);
    stages.div_ceil(rows).max(1)
}

impl Figure for FlowStages {
    fn scene(&self) -> Result<Scene> {
        let (ranges, theme) = (self.ranges()?, &self.look.theme);
        let columns = columns(self.stages.len());
        let cells = self.stages.iter().zip(&ranges).enumerate().map(|(i, (stage, &(x, y)))| {
            let (mut x, mut y) = (Axis::new(x, ""), Axis::new(y, ""));
            if self.common_axes {
                x = if i + columns >= self.stages.len() { x } else { x.bare() };
                y = if i % columns == 0 { y } else { y.bare() };
            }
            let title = stage.name.clone();
            Some(Panel { title, same_scale: true, ..Panel::new(theme, x, y) })
        });
        let table = Table { cells: cells.collect(), columns, shapes: vec![1.0] };
        let each = [420.0, 340.0, 270.0, 230.0][columns.clamp(1, 4) - 1];
        let width = self.look.width.unwrap_or(20.0 + each * columns as f64);
        let heading = self.look.heading(vec![], String::new());
        let (mut scene, areas) = Sheet { heading, width, beside: None }.place(&table)?;
        let panels = table.cells.iter().flatten().zip(&areas);
        for ((panel, &area), stage) in panels.zip(&self.stages) {
            self.stage(&mut scene, panel, stage, area);
        }
        Ok(scene)
    }
}
