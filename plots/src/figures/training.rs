//! Draws the losses of a training run against its steps.

use super::look::{Look, look_setters};
use super::sheet::{Sheet, Table};
use super::thin::{smoothed, thinned};
use crate::axes::ticks::{short, whole};
use crate::axes::{Axis, Heading, Panel, Swatch, View};
use crate::draw::scene::{Pen, Scene};
use crate::stats::{Interval, quantile, usable};
use crate::{Figure, PlotError, Result};

/// Training and held-out losses against the step, with the best step marked.
///
/// The losses are drawn in nats; huge first losses are left above the frame and said so.
///
/// # Example
/// ```
/// use diffeo_plots::{Figure, Training};
/// let train: Vec<(f64, f64)> =
///     (0..100).map(f64::from).map(|step| (step, 2.0 + 50.0 * (-step / 5.0).exp())).collect();
/// let figure = Training::new(&train).held_out(&[(0.0, 60.0), (50.0, 2.2), (99.0, 2.3)]);
/// assert!(figure.scene()?.svg()?.contains("kept"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Training {
    train: Vec<[f64; 2]>,
    held_out: Vec<[f64; 2]>,
    rate: Vec<[f64; 2]>,
    evaluations: Vec<[f64; 2]>,
    best: Option<f64>,
    look: Look,
    loss_label: String,
}

/// The points that can be drawn.
fn kept(points: &[(f64, f64)]) -> Vec<[f64; 2]> {
    points.iter().filter(|p| usable(p.0) && usable(p.1)).map(|p| [p.0, p.1]).collect()
}

impl Training {
    /// A curve of `(step, training loss)`; points that are not finite are left out.
    pub fn new(train: &[(f64, f64)]) -> Self {
        Self {
            train: kept(train),
            held_out: Vec::new(),
            rate: Vec::new(),
            evaluations: Vec::new(),
            best: None,
            look: Look::default(),
            loss_label: "negative log-likelihood (nats)".to_owned(),
        }
    }

    /// The curve of `(step, held-out loss)`.
    #[must_use]
    pub fn held_out(mut self, points: &[(f64, f64)]) -> Self {
        self.held_out = kept(points);
        self
    }

    /// The step that was kept; by default the one with the lowest held-out loss.
    #[must_use]
    pub fn best_step(mut self, step: f64) -> Self {
        self.best = Some(step);
        self
    }

    /// The curve of `(step, learning rate)`, in a panel of its own.
    #[must_use]
    pub fn learning_rate(mut self, points: &[(f64, f64)]) -> Self {
        self.rate = kept(points);
        self
    }

    /// The curve of `(step, evaluations of the field)` of a continuous flow, in a panel of its own.
    #[must_use]
    pub fn evaluations(mut self, points: &[(f64, f64)]) -> Self {
        self.evaluations = kept(points);
        self
    }

    /// Name of the loss; "negative log-likelihood (nats)" by default.
    #[must_use]
    pub fn loss_label(mut self, label: &str) -> Self {
        label.clone_into(&mut self.loss_label);
        self
    }

    look_setters!(width: "560 by default");

    /// The held-out point at the best step.
    fn best_point(&self) -> Option<[f64; 2]> {
        let away = |p: &[f64; 2], step: f64| (p[0] - step).abs();
        match self.best.filter(|&s| usable(s)) {
            Some(step) => {
                self.held_out.iter().min_by(|a, b| away(a, step).total_cmp(&away(b, step))).copied()
            }
            None => self.held_out.iter().min_by(|a, b| a[1].total_cmp(&b[1])).copied(),
        }
    }

    /// Steps, and the losses without rare huge ones: up to three times the height of the lower
    /// nine tenths if the highest is beyond that.
    fn ranges(&self) -> Result<(Interval, Interval, Option<f64>)> {
        let all = || self.train.iter().chain(&self.held_out);
        let (Some(x), Some(y)) =
            (Interval::covering(all().map(|p| p[0])), Interval::covering(all().map(|p| p[1])))
        else {
            return Err(PlotError::Empty { what: "the loss curve" });
        };
        let mut sorted: Vec<f64> = all().map(|p| p[1]).collect();
        sorted.sort_by(f64::total_cmp);
        let most = quantile(&sorted, 0.9);
        let limit = y.low + 2.0 * (most - y.low);
        if all().count() >= 10 && most > y.low && y.high > limit {
            return Ok((x, Interval { low: y.low, high: limit }.padded(0.04), Some(y.high)));
        }
        Ok((x, y.padded(0.05), None))
    }

    fn curves(&self, scene: &mut Scene, view: &View) {
        let (theme, width) = (&self.look.theme, self.look.theme.line_width);
        let area = view.area;
        let raw = thinned(&view.points(&self.train));
        let smooth = smoothed(&self.train);
        let strength = if smooth.is_some() { 0.3 } else { 1.0 };
        let pen =
            Pen::solid(theme.tint(theme.data, strength), if strength < 1.0 { 0.8 } else { width });
        scene.line_in(&area, &raw, pen);
        if let Some(smooth) = smooth {
            scene.line_in(&area, &thinned(&view.points(&smooth)), Pen::solid(theme.data, width));
        }
        if let &[only] = raw.as_slice() {
            scene.dots_in(&area, [only], 3.0, theme.data);
        }
        let held_out = thinned(&view.points(&self.held_out));
        scene.line_in(&area, &held_out, Pen::solid(theme.model, width));
        if let Some(best) = self.best_point() {
            let [x, y] = view.point(best);
            let pen = Pen::dashed(theme.muted, 0.9, 3.5, 3.0);
            scene.line_in(&area, &[[x, area.y], [x, area.bottom()]], pen);
            scene.dots_in(&area.grown(1.0), [[x, y]], 4.4, theme.background);
            scene.dots_in(&area.grown(1.0), [[x, y]], 3.4, theme.model);
        }
    }

    fn heading(&self, above: Option<f64>) -> Heading<'_> {
        let (theme, width) = (&self.look.theme, self.look.theme.line_width);
        let mut legend = Vec::new();
        if !self.train.is_empty() {
            legend.push((Swatch::Line(Pen::solid(theme.data, width)), "training".to_owned()));
        }
        if !self.held_out.is_empty() {
            legend.push((Swatch::Line(Pen::solid(theme.model, width)), "held out".to_owned()));
        }
        if let Some([step, loss]) = self.best_point() {
            let text = format!("kept: {} at step {}", short(loss), whole(step));
            legend.push((Swatch::Dot(theme.model), text));
        }
        let remark = above.map(|top| format!("losses up to {} lie above the frame", short(top)));
        let remark = remark.unwrap_or_default();
        self.look.heading(legend, remark)
    }
}

impl Figure for Training {
    fn scene(&self) -> Result<Scene> {
        let (steps, losses, above) = self.ranges()?;
        let theme = &self.look.theme;
        let below = [("learning rate", &self.rate), ("evaluations", &self.evaluations)];
        let below: Vec<_> = below.into_iter().filter(|(_, points)| !points.is_empty()).collect();
        let x = |is_last: bool| {
            let axis = Axis::new(steps, "step");
            if is_last { axis } else { Axis { name: String::new(), ..axis.bare() } }
        };
        let first = Panel::new(theme, x(below.is_empty()), Axis::new(losses, &self.loss_label));
        let mut cells = vec![Some(first)];
        for (i, (name, points)) in below.iter().enumerate() {
            let Some(range) = Interval::covering(points.iter().map(|p| p[1]).chain([0.0])) else {
                continue;
            };
            let y = Axis::new(range.padded(0.04), name);
            cells.push(Some(Panel::new(theme, x(i + 1 == below.len()), y)));
        }
        let table = Table { cells, columns: 1, shapes: vec![0.55, 0.2], even: false };
        let sheet = Sheet::new(self.heading(above), self.look.width_or(560.0));
        let (mut scene, areas) = sheet.place(&table)?;
        for (i, (panel, &area)) in table.cells.iter().flatten().zip(&areas).enumerate() {
            panel.grid(&mut scene, area);
            let view = panel.view(area);
            match i.checked_sub(1).and_then(|i| below.get(i)) {
                None => self.curves(&mut scene, &view),
                Some((_, points)) => {
                    let pen = Pen::solid(theme.muted, theme.line_width);
                    scene.line_in(&area, &thinned(&view.points(points)), pen);
                }
            }
            panel.frame(&mut scene, area);
        }
        Ok(scene)
    }
}
