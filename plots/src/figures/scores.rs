//! Draws how well several models describe the same rows.

use super::look::{Look, look_setters};
use super::sheet::{EDGE, LEAST};
use crate::axes::ticks::{number, short, whole};
use crate::axes::{Axis, Panel};
use crate::draw::geometry::Rect;
use crate::draw::scene::{Anchor, Label, Pen, Scene};
use crate::draw::text;
use crate::stats::Interval;
use crate::{Figure, PlotError, Result};

/// Deviations to either side of a mean that hold it in 95 % of samples.
const NORMAL: f64 = 1.959_963_985;
/// Height of a line of the table in sizes of its text.
const LINE: f64 = 2.3;
/// Free space between columns of the table.
const GAP: f64 = 18.0;
/// Widest name, as a share of the width of the figure.
const NAME: f64 = 0.28;
/// Width of a figure unless the caller asks for another.
const WIDTH: f64 = 640.0;
/// Radius of a dot and half the width of a diamond.
const DOT: f64 = 3.6;
const DIAMOND: f64 = 5.0;

/// The mean log-likelihood of several models on the same rows: a table, best first, beside a forest
/// plot of the differences to the best with their 95 % intervals.
///
/// Differences are paired, row by row, so that rows which are hard for all models do not blur them. An
/// interval that reaches zero means that these rows do not tell the two models apart.
///
/// # Example
/// ```
/// use diffeo_plots::{Figure, Scores};
/// let rows = |shift: f64| (0..200).map(|k| shift + f64::from(k * k).sin()).collect::<Vec<_>>();
/// let figure = Scores::new("spline", &rows(-1.2)).model("affine", &rows(-1.5)).title("two moons");
/// assert!(figure.scene()?.svg()?.contains("−0.300"));
/// # Ok::<(), diffeo_plots::PlotError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scores {
    models: Vec<(String, Vec<f64>)>,
    look: Look,
}

/// A mean and its standard error.
#[derive(Clone, Copy, Debug)]
struct Mean {
    value: f64,
    error: f64,
}

impl Mean {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let n = values.clone().count() as f64;
        let value = values.clone().sum::<f64>() / n;
        let squares: f64 = values.map(|v| (v - value).powi(2)).sum();
        Self { value, error: if n > 1.5 { (squares / (n - 1.0) / n).sqrt() } else { 0.0 } }
    }
}

/// A line of the table.
#[derive(Clone, Debug)]
struct Entry {
    cells: [String; 3],
    /// The difference to the best; nothing for the best itself, or where it is not finite.
    difference: Option<Mean>,
    best: bool,
}

impl Scores {
    /// A first model: its name and its log-density of each row, in nats.
    pub fn new(name: &str, log_prob: &[f64]) -> Self {
        Self { models: vec![(name.to_owned(), log_prob.to_vec())], look: Look::default() }
    }

    /// One more model and its log-densities of the same rows in the same order.
    #[must_use]
    pub fn model(mut self, name: &str, log_prob: &[f64]) -> Self {
        self.models.push((name.to_owned(), log_prob.to_vec()));
        self
    }

    look_setters!(width: "640 by default");

    /// The table, best first; models with a row of no finite log-density come last.
    fn entries(&self) -> Result<Vec<Entry>> {
        let rows = self.models.first().map_or(0, |(_, values)| values.len());
        for (_, values) in &self.models {
            if values.len() != rows {
                let (expected, got) = (rows, values.len());
                return Err(PlotError::Size { what: "rows of a model", expected, got });
            }
        }
        let mut all: Vec<(&str, &[f64], Mean)> = self
            .models
            .iter()
            .map(|(name, v)| (name.as_str(), v.as_slice(), Mean::of(v.iter().copied())))
            .collect();
        let place =
            |mean: &Mean| if mean.value.is_finite() { mean.value } else { f64::NEG_INFINITY };
        all.sort_by(|a, b| place(&b.2).total_cmp(&place(&a.2)));
        let best = all.first().filter(|(_, _, mean)| mean.value.is_finite());
        let best = best.ok_or(PlotError::Empty { what: "the log-densities" })?.1;
        let entry = |(i, (name, values, mean)): (usize, &(&str, &[f64], Mean))| {
            let paired = Mean::of(values.iter().zip(best).map(|(v, b)| v - b));
            let difference = (i > 0 && paired.value.is_finite()).then_some(paired);
            let written = match (i, difference) {
                (0, _) => "best".to_owned(),
                (_, Some(difference)) => with_error(difference),
                (_, None) => "−∞".to_owned(),
            };
            let cells = [(*name).to_owned(), with_error(*mean), written];
            Entry { cells, difference, best: i == 0 }
        };
        Ok(all.iter().enumerate().map(entry).collect())
    }

    /// Ranges of the forest plot: zero and all intervals, of which a far one does not hide the rest.
    fn range(entries: &[Entry]) -> Interval {
        let ends = entries
            .iter()
            .filter_map(|e| e.difference)
            .flat_map(|d| [d.value - NORMAL * d.error, d.value + NORMAL * d.error]);
        Interval::covering(ends.chain([0.0]))
            .unwrap_or(Interval { low: -1.0, high: 1.0 })
            .padded(0.08)
    }

    /// Widths of the columns of the table.
    fn widths(&self, entries: &[Entry]) -> [f64; 3] {
        let (size, width) = (self.look.theme.tick_size, self.look.width_or(WIDTH));
        let widest = |k: usize| {
            let texts = entries.iter().map(|e| e.cells[k].as_str()).chain([HEADS[k]]);
            texts.map(|t| text::width(t, size, true)).fold(0.0, f64::max)
        };
        [widest(0).min(NAME * width), widest(1), widest(2)]
    }

    /// The paper with its heading, the area of the forest plot, and the left end of the table.
    fn place(&self, panel: &Panel<'_>, entries: &[Entry], line: f64) -> Result<(Scene, Rect, f64)> {
        let theme = &self.look.theme;
        let (width, high) = (self.look.width_or(WIDTH), line * entries.len() as f64);
        let beside = self.widths(entries).iter().sum::<f64>() + 3.0 * GAP;
        let free = width - 2.0 * EDGE - beside;
        let mut margins = panel.margins(free, high);
        margins = panel.margins(free - margins.left - margins.right, high);
        let across = free - margins.left - margins.right;
        if across.is_nan() || across < LEAST {
            return Err(PlotError::Canvas { width, height: high });
        }
        let rows = self.models.first().map_or(0, |(_, values)| values.len());
        let remark = format!(
            "mean log-likelihood of {} rows ± standard error; bars: 95 % intervals of paired differences",
            whole(rows as f64)
        );
        let heading = self.look.heading(Vec::new(), remark);
        let room = width - 2.0 * EDGE;
        let top = EDGE + heading.height(room) + line;
        let mut scene = Scene::new(width, top + high + margins.bottom + EDGE, theme)?;
        heading.draw(&mut scene, &Rect::new(EDGE, EDGE, room, top - EDGE - line));
        let area = Rect::new(EDGE + beside + margins.left, top, across, high);
        Ok((scene, area, EDGE))
    }

    fn write(&self, scene: &mut Scene, at: [f64; 2], words: &str, (bold, end): (bool, bool)) {
        let theme = &self.look.theme;
        let anchor = if end { Anchor::End } else { Anchor::Start };
        let (size, text, colour) = (theme.tick_size, words.to_owned(), theme.ink);
        let at = [at[0], at[1] + text::CAPITAL / 2.0 * size];
        scene.text(Label { at, text, size, bold, colour, anchor, upright: false });
    }

    fn table(&self, scene: &mut Scene, left: f64, area: &Rect, entries: &[Entry]) {
        let widths = self.widths(entries);
        let (theme, line) = (&self.look.theme, LINE * self.look.theme.tick_size);
        let ends = [
            left,
            left + widths[0] + GAP + widths[1],
            left + widths.iter().sum::<f64>() + 2.0 * GAP,
        ];
        let rows = std::iter::once((HEADS.map(String::from), true));
        let rows = rows.chain(entries.iter().map(|e| (e.cells.clone(), e.best)));
        for (i, (cells, bold)) in rows.enumerate() {
            let y = area.y + (i as f64 - 0.5) * line;
            for (k, cell) in cells.iter().enumerate() {
                let room = widths[k] + 1.0;
                let cell = text::fitted(cell, theme.tick_size, bold, room);
                self.write(scene, [ends[k], y], &cell, (bold, k > 0));
            }
        }
        let rule = Pen::solid(theme.axis, 1.0);
        scene.line(vec![[left, area.y], [ends[2], area.y]], rule);
    }
}

const HEADS: [&str; 3] = ["model", "nats a row", "difference"];

/// A mean with its standard error, to two digits of the latter.
fn with_error(mean: Mean) -> String {
    if !mean.value.is_finite() {
        return if mean.value.is_nan() { "not a number".to_owned() } else { "−∞".to_owned() };
    }
    if mean.value.abs().max(mean.error) >= 1e6 {
        return format!("{} ± {}", short(mean.value), short(mean.error));
    }
    let power = if mean.error > 0.0 { mean.error.log10().floor() } else { -2.0 };
    let decimals = (1.0 - power).clamp(0.0, 6.0) as usize;
    format!("{} ± {}", number(mean.value, decimals), number(mean.error, decimals))
}

impl Figure for Scores {
    fn scene(&self) -> Result<Scene> {
        let (entries, theme) = (self.entries()?, &self.look.theme);
        let line = LINE * theme.tick_size;
        let across = Axis::new(Self::range(&entries), "difference to the best (nats a row)");
        let down = Axis::new(Interval { low: 0.0, high: entries.len() as f64 }, "").unticked();
        let panel = Panel::new(theme, across, down);
        let (mut scene, area, left) = self.place(&panel, &entries, line)?;
        self.table(&mut scene, left, &area, &entries);
        panel.upright_grid(&mut scene, area);
        let view = panel.view(area);
        let x = |v: f64| view.point([v, 0.0])[0];
        let zero = vec![[x(0.0), area.y], [x(0.0), area.bottom()]];
        scene.line(zero, Pen::dashed(theme.muted, 1.0, 3.5, 3.0));
        for (i, entry) in entries.iter().enumerate() {
            let y = area.y + (i as f64 + 0.5) * line;
            if let Some(d) = entry.difference {
                let bar = [-NORMAL, NORMAL].map(|k| [x(d.value + k * d.error), y]);
                scene.line_in(&area, &bar, Pen::solid(theme.model, theme.line_width));
                scene.dots_in(&area, [[x(d.value), y]], DOT, theme.model);
            } else if entry.best {
                scene.diamond([x(0.0), y], DIAMOND, theme.data);
            }
        }
        panel.frame(&mut scene, area);
        Ok(scene)
    }
}
