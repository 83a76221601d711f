//! Writes tick labels and names around the box of a surface, none over another.

use super::frame::{Edge, TICK};
use crate::Theme;
use crate::draw::geometry::Rect;
use crate::draw::scene::{Anchor, Label};
use crate::draw::text;

const GAP: f64 = 3.5;
/// Free space around a name.
const APART: f64 = 4.0;
/// Longest way to a free place for a name, in points.
const FARTHEST: usize = 300;

/// All texts around the edges; names are at most `room` wide.
pub(super) fn labels(theme: &Theme, edges: &[Edge; 3], names: [&str; 3], room: f64) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::new();
    for edge in [&edges[2], &edges[0], &edges[1]] {
        for (text, &place) in edge.ticks.labels.iter().zip(&edge.places) {
            let label = tick(theme, text, place, edge.outward);
            if free(&labels, &label, 1.5) {
                labels.push(label);
            }
        }
    }
    for (axis, edge) in edges.iter().enumerate() {
        let [from, to] = edge.ends;
        let upright = axis == 2;
        let room = if upright { (to[1] - from[1]).abs().max(60.0) } else { room };
        let text = text::noted(names[axis], &edge.ticks.note, theme.label_size, room);
        let middle = [0, 1].map(|k| f64::midpoint(from[k], to[k]));
        let name = |way: usize| {
            let at = [0, 1].map(|k| middle[k] + (TICK + way as f64) * edge.normal[k]);
            name(theme, &text, at, upright)
        };
        let fits = |name: &Label| outside(edge, name) && free(&labels, name, APART);
        let found = (4..FARTHEST).step_by(2).map(name).find(fits);
        labels.extend(found.filter(|_| !text.is_empty()));
    }
    labels
}

fn free(labels: &[Label], label: &Label, apart: f64) -> bool {
    let bounds = label.bounds().grown(apart);
    !labels.iter().any(|other| bounds.overlaps(&other.bounds()))
}

/// Whether a label lies wholly on the far side of an edge and its ticks.
fn outside(edge: &Edge, label: &Label) -> bool {
    let (bounds, [x, y]) = (label.bounds(), edge.ends[0]);
    let corners = [bounds.x, bounds.right()].map(|x| [[x, bounds.y], [x, bounds.bottom()]]);
    let away = |[a, b]: [f64; 2]| (a - x) * edge.normal[0] + (b - y) * edge.normal[1];
    corners.into_iter().flatten().all(|corner| away(corner) > TICK)
}

/// A tick label whose box begins where the tick ends.
fn tick(theme: &Theme, text: &str, [x, y]: [f64; 2], [ox, oy]: [f64; 2]) -> Label {
    let (width, height) = (text::width(text, theme.tick_size, false), theme.tick_size);
    let way = TICK + GAP;
    let middle = [x + ox * (way + width / 2.0), y + oy * (way + height / 2.0)];
    Label {
        at: [middle[0], middle[1] + text::CAPITAL / 2.0 * theme.tick_size],
        text: text.to_owned(),
        size: theme.tick_size,
        bold: false,
        colour: theme.muted,
        anchor: Anchor::Middle,
        upright: false,
    }
}

/// A name around a point.
fn name(theme: &Theme, text: &str, [x, y]: [f64; 2], upright: bool) -> Label {
    let down = text::CAPITAL / 2.0 * theme.label_size;
    Label {
        at: if upright { [x + down, y] } else { [x, y + down] },
        text: text.to_owned(),
        size: theme.label_size,
        bold: false,
        colour: theme.ink,
        anchor: Anchor::Middle,
        upright,
    }
}

/// The smallest rectangle around points and labels.
pub(super) fn bounds(points: &[[f64; 2]], labels: &[Label]) -> Rect {
    let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
    let boxes =
        labels.iter().map(Label::bounds).flat_map(|b| [[b.x, b.y], [b.right(), b.bottom()]]);
    for point in points.iter().copied().chain(boxes) {
        for k in 0..2 {
            (low[k], high[k]) = (low[k].min(point[k]), high[k].max(point[k]));
        }
    }
    Rect::new(low[0], low[1], high[0] - low[0], high[1] - low[1])
}
