//! Draws the key of a colour map.

use super::ticks::Ticks;
use crate::Theme;
use crate::draw::geometry::Rect;
use crate::draw::scene::{Anchor, Label, Pen, Scene};
use crate::draw::{Picture, text};
use crate::ramp::Ramp;
use crate::stats::Interval;

const WIDTH: f64 = 12.0;
const GAP: f64 = 12.0;
const TICK: f64 = 4.0;
const LABEL_GAP: f64 = 7.0;
/// Height of the point at an end beyond which there are values.
const POINT: f64 = 10.0;
/// Pixels of the strip: wide enough that viewers who smooth images keep its edges sharp.
const SHADES: u32 = 512;
const ACROSS: u32 = 24;
/// Colours of a table, more than eight bits can tell apart.
const TABLE: usize = 4096;

/// A strip of colours with ticks and a name, at the right of a panel.
#[derive(Clone, Debug)]
pub(crate) struct ColourBar<'a> {
    pub(crate) theme: &'a Theme,
    pub(crate) ramp: Ramp,
    pub(crate) range: Interval,
    pub(crate) name: String,
    /// Whether there are values below and above the range, which the ends then point to.
    pub(crate) beyond: [bool; 2],
}

impl<'a> ColourBar<'a> {
    pub(crate) fn new(theme: &'a Theme, ramp: Ramp, range: Interval, name: &str) -> Self {
        Self { theme, ramp, range, name: name.to_owned(), beyond: [false; 2] }
    }

    /// As many ticks as stand above each other without touching, zero among them.
    fn ticks(&self, height: f64) -> Ticks {
        let all = Ticks::nice(&self.range, ((height / 45.0) as usize).clamp(2, 7));
        let apart = all.step().map_or(height, |step| step / self.range.span() * height);
        let every = (1.3 * self.theme.tick_size / apart).ceil().clamp(1.0, 50.0) as usize;
        let zero = all.values.iter().position(|v| v.abs() < 1e-9 * self.range.span());
        let kept = |i: usize| i % every == zero.unwrap_or(0) % every;
        let pairs = all.values.into_iter().zip(all.labels).enumerate();
        let (values, labels) = pairs.filter(|(i, _)| kept(*i)).map(|(_, pair)| pair).unzip();
        Ticks { values, labels, note: all.note }
    }

    fn widest(&self, ticks: &Ticks) -> f64 {
        let widths = ticks.labels.iter().map(|l| text::width(l, self.theme.tick_size, false));
        widths.fold(0.0, f64::max)
    }

    /// The colour of a value.
    pub(crate) fn colour(&self, value: f64) -> crate::Colour {
        self.ramp.at(self.range.fraction(value))
    }

    /// The colour of a value, from a table: for the many pixels of a map, whose colours take a spline each.
    pub(crate) fn shader(&self) -> impl Fn(f64) -> crate::Colour + use<> {
        let at = |k: usize| self.ramp.at(k as f64 / TABLE as f64);
        let (table, range): (Vec<_>, _) = ((0..=TABLE).map(at).collect(), self.range);
        move |value| {
            // What is no number has the first colour, as in a ramp.
            table[(range.fraction(value).clamp(0.0, 1.0) * TABLE as f64).round() as usize]
        }
    }

    /// Width at the right of a panel of the given height, gap included.
    pub(crate) fn width(&self, height: f64) -> f64 {
        let ticks = self.ticks(height);
        let named = !self.name.trim().is_empty() || !ticks.note.is_empty();
        let name = if named { LABEL_GAP + self.theme.label_size } else { 0.0 };
        GAP + WIDTH + 2.0 * TICK + self.widest(&ticks) + name
    }

    /// Draws the bar beside the panel.
    pub(crate) fn draw(&self, scene: &mut Scene, panel: &Rect) {
        let theme = self.theme;
        let bar = self.strip(scene, panel);
        let ticks = self.ticks(panel.height);
        for (&value, label) in ticks.values.iter().zip(&ticks.labels) {
            let y = bar.bottom() - self.range.fraction(value) * bar.height;
            let pen = Pen::solid(theme.axis, 1.0);
            scene.line(vec![[bar.right(), y], [bar.right() + TICK, y]], pen);
            scene.text(Label {
                at: [bar.right() + 2.0 * TICK, y + text::CAPITAL / 2.0 * theme.tick_size],
                text: label.clone(),
                size: theme.tick_size,
                bold: false,
                colour: theme.muted,
                anchor: Anchor::Start,
                upright: false,
            });
        }
        let left = bar.right() + 2.0 * TICK + self.widest(&ticks) + LABEL_GAP;
        let name = text::noted(&self.name, &ticks.note, theme.label_size, panel.height);
        scene.text(Label {
            at: [left + 0.8 * theme.label_size, panel.y + panel.height / 2.0],
            text: name,
            size: theme.label_size,
            bold: false,
            colour: theme.ink,
            anchor: Anchor::Middle,
            upright: true,
        });
    }

    /// The strip of colours between its pointed ends.
    fn strip(&self, scene: &mut Scene, panel: &Rect) -> Rect {
        let [below, above] = self.beyond.map(|some| if some { POINT } else { 0.0 });
        let bar =
            Rect::new(panel.right() + GAP, panel.y + above, WIDTH, panel.height - above - below);
        let middle = bar.x + WIDTH / 2.0;
        for (end, tip, t) in
            [(bar.y, bar.y - above, 1.0), (bar.bottom(), bar.bottom() + below, 0.0)]
        {
            if (end - tip).abs() > 0.0 {
                let corners = vec![[bar.x, end], [bar.right(), end], [middle, tip]];
                scene.polygon(corners, self.ramp.at(t));
            }
        }
        let shade = |row: u32| 1.0 - (f64::from(row) + 0.5) / f64::from(SHADES);
        scene.image(bar, Picture::from_fn(ACROSS, SHADES, |_, row| self.ramp.at(shade(row))));
        bar
    }
}
