//! Puts title and legend above the axes, where they can hide no data.

use crate::draw::geometry::Rect;
use crate::draw::scene::{Anchor, Label, Pen, Scene};
use crate::draw::text;
use crate::{Colour, Theme};

const SWATCH: f64 = 18.0;
const SWATCH_GAP: f64 = 6.0;
const ENTRY_GAP: f64 = 18.0;

/// What stands beside a legend entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Swatch {
    Line(Pen),
    Dot(Colour),
    Diamond(Colour),
    Area(Colour),
}

/// Title, legend and a smaller remark of a figure.
#[derive(Clone, Debug)]
pub(crate) struct Heading<'a> {
    pub(crate) theme: &'a Theme,
    pub(crate) title: String,
    pub(crate) legend: Vec<(Swatch, String)>,
    pub(crate) remark: String,
}

impl Heading<'_> {
    fn title_height(&self) -> f64 {
        if self.title.trim().is_empty() { 0.0 } else { 1.6 * self.theme.title_size }
    }

    fn row_height(&self) -> f64 {
        1.7 * self.theme.tick_size
    }

    /// Height over a figure whose axes are `room` wide.
    pub(crate) fn height(&self, room: f64) -> f64 {
        let rows = self.rows(room).len() + usize::from(!self.remark.is_empty());
        self.title_height() + rows as f64 * self.row_height()
    }

    /// Draws from the upper left corner of `area`, as wide as that is.
    pub(crate) fn draw(&self, scene: &mut Scene, area: &Rect) {
        let theme = self.theme;
        let mut y = area.y;
        if !self.title.trim().is_empty() {
            let text = text::fitted(&self.title, theme.title_size, true, area.width);
            let at = [area.x, y + 0.8 * theme.title_size];
            scene.text(self.label(text, at, theme.title_size, theme.ink));
            y += self.title_height();
        }
        for row in self.rows(area.width) {
            let mut x = area.x;
            for (swatch, text) in row {
                let middle = y + 0.5 * theme.tick_size;
                draw_swatch(scene, swatch, [x, middle]);
                let at = [x + SWATCH + SWATCH_GAP, y + 0.86 * theme.tick_size];
                x += self.entry_width(&text) + ENTRY_GAP;
                scene.text(self.label(text, at, theme.tick_size, theme.ink));
            }
            y += self.row_height();
        }
        let remark = text::fitted(&self.remark, theme.tick_size, false, area.width);
        let at = [area.x, y + 0.86 * theme.tick_size];
        scene.text(self.label(remark, at, theme.tick_size, theme.muted));
    }

    fn label(&self, text: String, at: [f64; 2], size: f64, colour: Colour) -> Label {
        let bold = size > self.theme.label_size;
        Label { at, text, size, bold, colour, anchor: Anchor::Start, upright: false }
    }

    fn entry_width(&self, text: &str) -> f64 {
        SWATCH + SWATCH_GAP + text::width(text, self.theme.tick_size, false)
    }

    /// The legend entries, shortened where one is wider than a row, broken into rows.
    fn rows(&self, room: f64) -> Vec<Vec<(Swatch, String)>> {
        let mut rows: Vec<Vec<(Swatch, String)>> = Vec::new();
        let mut left = 0.0;
        for (swatch, text) in &self.legend {
            let most = room - SWATCH - SWATCH_GAP;
            let text = text::fitted(text, self.theme.tick_size, false, most);
            let width = self.entry_width(&text);
            match rows.last_mut() {
                Some(row) if width <= left => row.push((*swatch, text)),
                _ => {
                    left = room;
                    rows.push(vec![(*swatch, text)]);
                }
            }
            left -= width + ENTRY_GAP;
        }
        rows
    }
}

fn draw_swatch(scene: &mut Scene, swatch: Swatch, [x, y]: [f64; 2]) {
    match swatch {
        Swatch::Line(pen) => scene.line(vec![[x, y], [x + SWATCH, y]], pen),
        Swatch::Area(colour) => scene.fill(Rect::new(x, y - 4.5, SWATCH, 9.0), colour),
        Swatch::Diamond(colour) => scene.diamond([x + SWATCH / 2.0, y], 4.0, colour),
        Swatch::Dot(colour) => {
            let area = Rect::new(x, y - 10.0, SWATCH, 20.0);
            scene.dots_in(&area, [[x + SWATCH / 2.0, y]], 3.5, colour);
        }
    }
}
