//! Draws contours with their labels set into the lines.

use crate::Colour;
use crate::draw::geometry::Rect;
use crate::draw::scene::{Anchor, Label, Pen, Scene};
use crate::draw::text;

const WIDTH: f64 = 1.2;
/// A polyline.
pub(crate) type Line = Vec<[f64; 2]>;

/// Free space around a label.
const CLEAR: f64 = 2.5;
/// A line is labelled if it is at least this many label widths long.
const LONG_ENOUGH: f64 = 3.5;
/// Distance of the points of a line.
const STEP: f64 = 2.0;
/// Least width of a turn, in label widths, where a line is straight enough for a label: nearer to a tip
/// the gap for it would cut the tip off.
const STRAIGHT: f64 = 0.9;

#[derive(Clone, Debug)]
struct Level {
    label: String,
    ink: Colour,
    lines: Vec<Line>,
}

/// Contours of several levels in points of the scene.
#[derive(Clone, Debug)]
pub(crate) struct Contours {
    area: Rect,
    size: f64,
    levels: Vec<Level>,
}

impl Contours {
    pub(crate) fn new(area: Rect, size: f64) -> Self {
        Self { area, size, levels: Vec::new() }
    }

    pub(crate) fn add(&mut self, label: String, ink: Colour, lines: &[Line]) {
        let lines = lines.iter().map(|line| even(line, STEP)).collect();
        self.levels.push(Level { label, ink, lines });
    }

    /// Draws all lines, each level with one label where its line is straight, level and free of others;
    /// without a label where there is no such place.
    pub(crate) fn draw(&self, scene: &mut Scene) {
        let mut taken: Vec<Rect> = Vec::new();
        let mut labels = Vec::new();
        for i in 0..self.levels.len() {
            if let Some(label) = self.best_place(i, &taken) {
                taken.push(label.bounds().grown(CLEAR));
                labels.push(label);
            }
        }
        for level in &self.levels {
            let pen = Pen::solid(level.ink, WIDTH);
            for line in &level.lines {
                let free = |p: &[f64; 2]| !taken.iter().any(|box_| box_.contains(*p));
                for piece in line.chunk_by(|a, b| free(a) == free(b)) {
                    if piece.first().is_some_and(free) {
                        scene.line_in(&self.area, piece, pen);
                    }
                }
            }
        }
        for label in labels {
            scene.text(label);
        }
    }

    fn best_place(&self, level: usize, taken: &[Rect]) -> Option<Label> {
        let Level { label, ink, lines } = self.levels.get(level)?;
        let width = text::width(label, self.size, false);
        let half = (width / (2.0 * STEP)).ceil() as usize + 1;
        let mut best: Option<(f64, Label)> = None;
        for line in lines.iter().filter(|l| l.len() as f64 * STEP > LONG_ENOUGH * width) {
            for i in (half..line.len().saturating_sub(half)).step_by(3) {
                let ([ax, ay], [bx, by]) = (line[i - half], line[i + half]);
                let (chord, arc) = ((bx - ax).hypot(by - ay), 2.0 * STEP * half as f64);
                let label = self.label(label, *ink, line[i]);
                let bounds = label.bounds().grown(CLEAR);
                let is_taken = taken.iter().any(|t| t.overlaps(&bounds));
                if !inside(&self.area, &bounds) || is_taken || chord < STRAIGHT * arc {
                    continue;
                }
                if self.is_crowded(&bounds, (line, i, half + 2)) {
                    continue;
                }
                let score = 2.0 * chord / arc + (bx - ax).abs() / chord.max(1.0);
                if best.as_ref().is_none_or(|(s, _)| score > *s + 1e-9) {
                    best = Some((score, label));
                }
            }
        }
        best.map(|(_, label)| label)
    }

    /// Whether other lines, or other parts of this one than the `reach` points to either side of its
    /// point `at`, run under a box.
    fn is_crowded(&self, bounds: &Rect, (line, at, reach): (&Line, usize, usize)) -> bool {
        let is_own = |k: usize, other: &Line| std::ptr::eq(line, other) && k.abs_diff(at) <= reach;
        let mut lines = self.levels.iter().flat_map(|level| &level.lines);
        lines.any(|other| {
            other.iter().enumerate().any(|(k, p)| bounds.contains(*p) && !is_own(k, other))
        })
    }

    fn label(&self, text: &str, colour: Colour, [x, y]: [f64; 2]) -> Label {
        let at = [x, y + text::CAPITAL / 2.0 * self.size];
        let (anchor, size) = (Anchor::Middle, self.size);
        Label { at, text: text.to_owned(), size, bold: false, colour, anchor, upright: false }
    }
}

fn inside(area: &Rect, bounds: &Rect) -> bool {
    area.contains([bounds.x, bounds.y]) && area.contains([bounds.right(), bounds.bottom()])
}

/// The same line with points about `step` apart.
fn even(line: &[[f64; 2]], step: f64) -> Vec<[f64; 2]> {
    let mut points: Vec<[f64; 2]> = line.first().copied().into_iter().collect();
    let mut walked = 0.0;
    for pair in line.windows(2) {
        let [[ax, ay], [bx, by]] = [pair[0], pair[1]];
        let length = (bx - ax).hypot(by - ay);
        let mut next = step - walked;
        while next <= length && next.is_finite() && length < 1e5 {
            let t = next / length;
            points.push([ax + t * (bx - ax), ay + t * (by - ay)]);
            next += step;
        }
        walked = length - (next - step);
    }
    points.extend(line.last());
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_steps_follow_the_line() {
        let points = even(&[[0.0, 0.0], [3.0, 0.0], [3.0, 3.0]], 2.0);
        assert_eq!(points, [[0.0, 0.0], [2.0, 0.0], [3.0, 1.0], [3.0, 3.0], [3.0, 3.0]]);
        assert!(even(&[], 2.0).is_empty());
    }

    /// A long thin ring: two lines 6 apart, which no label fits between; a wide one has room on a side.
    #[test]
    fn no_label_cuts_the_tip_or_the_neighbour_of_its_line() {
        let ring = |half: f64| -> Line {
            vec![
                [20.0, 50.0 - half],
                [280.0, 50.0 - half],
                [280.0, 50.0 + half],
                [20.0, 50.0 + half],
                [20.0, 50.0 - half],
            ]
        };
        let labels = |half: f64| {
            let mut contours = Contours::new(Rect::new(0.0, 0.0, 300.0, 100.0), 10.5);
            contours.add("50 %".into(), Colour::hex(0), &[ring(half)]);
            let mut scene = Scene::new(300.0, 100.0, &crate::Theme::light()).unwrap();
            contours.draw(&mut scene);
            let texts = scene.marks.iter().filter_map(|mark| match mark {
                crate::draw::scene::Mark::Text(label) => Some(label.at),
                _ => None,
            });
            texts.collect::<Vec<_>>()
        };
        assert!(labels(3.0).is_empty(), "{:?}", labels(3.0));
        let wide = labels(30.0);
        assert!(wide.len() == 1 && (34.0..266.0).contains(&wide[0][0]), "{wide:?}");
    }
}
