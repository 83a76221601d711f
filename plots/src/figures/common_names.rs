//! Names the axes of several panels once.

use crate::Theme;
use crate::axes::panel::LABEL_GAP;
use crate::draw::geometry::Rect;
use crate::draw::scene::{Anchor, Label, Scene};
use crate::draw::text;

/// One name for all x axes, below the lowest panel, and one for all y axes, at the left.
#[derive(Clone, Debug)]
pub(crate) struct CommonNames<'a> {
    pub(crate) theme: &'a Theme,
    pub(crate) x: String,
    pub(crate) y: String,
}

impl<'a> CommonNames<'a> {
    pub(crate) fn none(theme: &'a Theme) -> Self {
        Self { theme, x: String::new(), y: String::new() }
    }

    fn room(&self, name: &str) -> f64 {
        if name.trim().is_empty() { 0.0 } else { LABEL_GAP + self.theme.label_size }
    }

    /// Width kept free at the left of the paper.
    pub(crate) fn left(&self) -> f64 {
        self.room(&self.y)
    }

    /// Height kept free at the bottom.
    pub(crate) fn bottom(&self) -> f64 {
        self.room(&self.x)
    }

    /// Writes the names `edge` from the rim of the paper, in the middle of all areas.
    pub(crate) fn draw(&self, scene: &mut Scene, edge: f64, areas: &[Rect]) {
        let size = self.theme.label_size;
        let (mut left, mut right) = (f64::INFINITY, 0.0_f64);
        let (mut top, mut bottom) = (f64::INFINITY, 0.0_f64);
        for area in areas {
            (left, right) = (left.min(area.x), right.max(area.right()));
            (top, bottom) = (top.min(area.y), bottom.max(area.bottom()));
        }
        let below = [f64::midpoint(left, right), scene.height - edge - 0.22 * size];
        let beside = [edge + 0.8 * size, f64::midpoint(top, bottom)];
        for (name, at, room, upright) in
            [(&self.x, below, right - left, false), (&self.y, beside, bottom - top, true)]
        {
            let text = text::fitted(name.trim(), size, false, room);
            let (colour, anchor) = (self.theme.ink, Anchor::Middle);
            scene.text(Label { at, text, size, bold: false, colour, anchor, upright });
        }
    }
}
