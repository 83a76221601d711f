//! Draws one pair of axes.

use super::colour_bar::ColourBar;
use super::ticks::Ticks;
use crate::Theme;
use crate::draw::geometry::Rect;
use crate::draw::scene::{Anchor, Label, Pen, Scene};
use crate::draw::text;
use crate::stats::Interval;

const TICK_LENGTH: f64 = 4.0;
const TICK_GAP: f64 = 4.0;
/// Free space between tick labels and the axis label, and outside the latter.
pub(crate) const LABEL_GAP: f64 = 7.0;
/// Least distance between neighbouring tick labels.
const APART: f64 = 12.0;

/// One axis: its range, name, and whether its ticks are labelled.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) range: Interval,
    pub(crate) name: String,
    pub(crate) labelled: bool,
    /// Whether there are ticks at all.
    pub(crate) ticked: bool,
}

impl Axis {
    pub(crate) fn new(range: Interval, name: &str) -> Self {
        Self { range, name: name.to_owned(), labelled: true, ticked: true }
    }

    /// The same axis where its neighbour carries the labels.
    pub(crate) fn bare(mut self) -> Self {
        self.labelled = false;
        self
    }

    /// An axis without ticks, whose values mean nothing to the reader.
    pub(crate) fn unticked(mut self) -> Self {
        (self.labelled, self.ticked) = (false, false);
        self
    }

    /// The name with what the tick labels leave out, as in `mass (×10⁶)`, at most `room` wide.
    fn full_name(&self, ticks: &Ticks, size: f64, room: f64) -> String {
        let note = if self.labelled { ticks.note.as_str() } else { "" };
        text::noted(&self.name, note, size, room)
    }
}

/// Free space around the plotting area, in points.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Margins {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// A pair of axes with an optional title and colour bar of its own.
#[derive(Clone, Debug)]
pub(crate) struct Panel<'a> {
    pub(crate) theme: &'a Theme,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) title: String,
    pub(crate) bar: Option<ColourBar<'a>>,
    /// Whether a unit is as long on both axes, which then have the same steps.
    pub(crate) same_scale: bool,
}

impl<'a> Panel<'a> {
    pub(crate) fn new(theme: &'a Theme, x: Axis, y: Axis) -> Self {
        Self { theme, x, y, title: String::new(), bar: None, same_scale: false }
    }

    /// Space needed around an area of the given size for ticks, labels and title.
    pub(crate) fn margins(&self, width: f64, height: f64) -> Margins {
        let theme = self.theme;
        let mut margins = Margins { right: 2.0, top: 2.0, ..Margins::default() };
        let tick = |ticked: bool| if ticked { TICK_LENGTH } else { 0.0 };
        (margins.bottom, margins.left) = (tick(self.x.ticked), tick(self.y.ticked));
        if self.x.labelled {
            let ticks = self.x_ticks(width);
            margins.bottom += TICK_GAP + theme.tick_size;
            margins.right = margins.right.max(self.widest(&ticks) / 2.0);
        }
        if self.y.labelled {
            let ticks = self.y_ticks(width, height);
            margins.left += TICK_GAP + self.widest(&ticks);
            margins.top = margins.top.max(theme.tick_size / 2.0);
        }
        let name = |axis: &Axis, ticks: &Ticks| axis.full_name(ticks, theme.label_size, 1e9);
        if !name(&self.x, &self.x_ticks(width)).is_empty() {
            margins.bottom += LABEL_GAP + theme.label_size;
        }
        if !name(&self.y, &self.y_ticks(width, height)).is_empty() {
            margins.left += LABEL_GAP + theme.label_size;
        }
        if !self.title.is_empty() {
            margins.top = theme.label_size + 8.0;
        }
        let bar = self.bar.as_ref().map_or(0.0, |bar| bar.width(height));
        margins.right = margins.right.max(bar);
        margins
    }

    /// Maps data units to points of the scene.
    pub(crate) fn view(&self, area: Rect) -> View {
        View { area, x: self.x.range, y: self.y.range }
    }

    /// Draws grid lines, to be called before the content.
    pub(crate) fn grid(&self, scene: &mut Scene, area: Rect) {
        self.upright_grid(scene, area);
        let (view, pen) = (self.view(area), Pen::solid(self.theme.grid, 0.8));
        for y in self.y_ticks(area.width, area.height).values {
            let [_, y] = view.point([self.x.range.low, y]);
            scene.line(vec![[area.x, y], [area.right(), y]], pen);
        }
    }

    /// Draws the grid lines of the x axis.
    pub(crate) fn upright_grid(&self, scene: &mut Scene, area: Rect) {
        let (view, pen) = (self.view(area), Pen::solid(self.theme.grid, 0.8));
        for x in self.x_ticks(area.width).values {
            let [x, _] = view.point([x, self.y.range.low]);
            scene.line(vec![[x, area.y], [x, area.bottom()]], pen);
        }
    }

    /// Draws axis lines, ticks, labels, title and colour bar, to be called after the content.
    pub(crate) fn frame(&self, scene: &mut Scene, area: Rect) {
        let pen = Pen::solid(self.theme.axis, 1.0);
        let corner = [area.x, area.bottom()];
        scene.line(vec![[area.x, area.y], corner], pen);
        scene.line(vec![corner, [area.right(), area.bottom()]], pen);
        self.x_axis(scene, area, pen);
        self.y_axis(scene, area, pen);
        let text = text::fitted(&self.title, self.theme.label_size, true, area.width);
        let at = [area.x + area.width / 2.0, area.y - 8.0];
        scene.text(self.name(text, at, true, false));
        if let Some(bar) = &self.bar {
            bar.draw(scene, &area);
        }
    }

    fn x_axis(&self, scene: &mut Scene, area: Rect, pen: Pen) {
        let (theme, view, ticks) = (self.theme, self.view(area), self.x_ticks(area.width));
        let mut below = area.bottom();
        if self.x.ticked {
            for (&value, label) in ticks.values.iter().zip(&ticks.labels) {
                let [x, _] = view.point([value, self.y.range.low]);
                scene.line(vec![[x, below], [x, below + TICK_LENGTH]], pen);
                if self.x.labelled {
                    let drop = TICK_LENGTH + TICK_GAP + text::CAPITAL * theme.tick_size;
                    scene.text(self.tick(label, [x, below + drop], Anchor::Middle));
                }
            }
            below += TICK_LENGTH;
        }
        if self.x.labelled {
            below += TICK_GAP + theme.tick_size;
        }
        let name = self.x.full_name(&ticks, theme.label_size, area.width + 20.0);
        let at = [area.x + area.width / 2.0, below + LABEL_GAP + 0.75 * theme.label_size];
        scene.text(self.name(name, at, false, false));
    }

    fn y_axis(&self, scene: &mut Scene, area: Rect, pen: Pen) {
        let (theme, view, ticks) =
            (self.theme, self.view(area), self.y_ticks(area.width, area.height));
        let mut left = area.x;
        if self.y.ticked {
            for (&value, label) in ticks.values.iter().zip(&ticks.labels) {
                let [_, y] = view.point([self.x.range.low, value]);
                scene.line(vec![[left - TICK_LENGTH, y], [left, y]], pen);
                if self.y.labelled {
                    let at =
                        [left - TICK_LENGTH - TICK_GAP, y + text::CAPITAL / 2.0 * theme.tick_size];
                    scene.text(self.tick(label, at, Anchor::End));
                }
            }
            left -= TICK_LENGTH;
        }
        if self.y.labelled {
            left -= TICK_GAP + self.widest(&ticks);
        }
        let name = self.y.full_name(&ticks, theme.label_size, area.height + 20.0);
        let at = [left - LABEL_GAP - 0.22 * theme.label_size, area.y + area.height / 2.0];
        scene.text(self.name(name, at, false, true));
    }

    fn tick(&self, label: &str, at: [f64; 2], anchor: Anchor) -> Label {
        let (size, colour) = (self.theme.tick_size, self.theme.muted);
        Label { at, text: label.to_owned(), size, bold: false, colour, anchor, upright: false }
    }

    fn name(&self, text: String, at: [f64; 2], bold: bool, upright: bool) -> Label {
        let (size, colour) = (self.theme.label_size, self.theme.ink);
        Label { at, text, size, bold, colour, anchor: Anchor::Middle, upright }
    }

    fn widest(&self, ticks: &Ticks) -> f64 {
        let widths = ticks.labels.iter().map(|l| text::width(l, self.theme.tick_size, false));
        widths.fold(0.0, f64::max)
    }

    /// As many ticks as stand side by side without touching.
    fn x_ticks(&self, width: f64) -> Ticks {
        let most = if width > 200.0 { (width / 65.0) as usize } else { (width / 40.0) as usize };
        let mut target = most.clamp(2, 9);
        loop {
            let ticks = Ticks::nice(&self.x.range, target);
            let apart = width / ticks.values.len().max(1) as f64;
            if target <= 2 || self.widest(&ticks) + APART <= apart {
                return ticks;
            }
            target -= 1;
        }
    }

    fn y_ticks(&self, width: f64, height: f64) -> Ticks {
        let most = if height > 160.0 { (height / 45.0) as usize } else { (height / 32.0) as usize };
        let own = Ticks::nice(&self.y.range, most.clamp(2, 9));
        let step = self.x_ticks(width).step().filter(|_| self.same_scale);
        let same = step.map(|step| Ticks::every(&self.y.range, step));
        same.filter(|ticks| (2..=9).contains(&ticks.values.len())).unwrap_or(own)
    }
}

/// The map from data units to points of the scene.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) area: Rect,
    x: Interval,
    y: Interval,
}

impl View {
    pub(crate) fn point(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [
            self.area.x + self.x.fraction(x) * self.area.width,
            self.area.bottom() - self.y.fraction(y) * self.area.height,
        ]
    }

    /// The data units of fractions of the area, counted from its lower left corner.
    pub(crate) fn data(&self, u: f64, v: f64) -> [f64; 2] {
        [self.x.at(u), self.y.at(v)]
    }

    /// A vector in data units as one in points, y downwards.
    pub(crate) fn vector(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [x / self.x.span() * self.area.width, -y / self.y.span() * self.area.height]
    }

    pub(crate) fn points(&self, points: &[[f64; 2]]) -> Vec<[f64; 2]> {
        points.iter().map(|&p| self.point(p)).collect()
    }
}
