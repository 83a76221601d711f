//! Shapes arrows.

use crate::Colour;
use crate::draw::scene::Scene;

/// Half the width of a shaft.
const SHAFT: f64 = 0.7;
/// Width of a head for a length of one.
const SLENDER: f64 = 0.78;
/// Length of a head: this share of the arrow, within limits.
const HEAD: f64 = 0.4;
const HEADS: (f64, f64) = (3.4, 6.4);
/// Shorter arrows show no direction.
pub(super) const LEAST: f64 = 2.2;

/// An arrow `length` long with its middle at a point, along a unit vector.
pub(super) fn arrow(
    scene: &mut Scene,
    middle: [f64; 2],
    direction: [f64; 2],
    length: f64,
    ink: Colour,
) {
    let head = (HEAD * length).clamp(HEADS.0, HEADS.1).min(length);
    let half = head * SLENDER / 2.0;
    let (tail, neck, tip) = (-length / 2.0, length / 2.0 - head, length / 2.0);
    // The tip comes first; the barbs point a little backwards.
    let barb = (neck - 0.12 * head).max(tail);
    let mut outline = vec![[tip, 0.0], [barb, half]];
    if neck > tail + 0.3 {
        outline.extend([[neck, SHAFT], [tail, SHAFT], [tail, -SHAFT], [neck, -SHAFT]]);
    }
    outline.push([barb, -half]);
    scene.polygon(turned(&outline, middle, direction), ink);
}

/// A head alone, with its middle at a point.
pub(super) fn head(
    scene: &mut Scene,
    middle: [f64; 2],
    direction: [f64; 2],
    size: f64,
    ink: Colour,
) {
    let (back, half) = (-size / 2.0, size * SLENDER / 2.0);
    let outline = [[size / 2.0, 0.0], [back, half], [back + 0.2 * size, 0.0], [back, -half]];
    scene.polygon(turned(&outline, middle, direction), ink);
}

/// Points along and across a direction as points of the scene.
fn turned(outline: &[[f64; 2]], [x, y]: [f64; 2], [dx, dy]: [f64; 2]) -> Vec<[f64; 2]> {
    outline.iter().map(|[a, b]| [x + a * dx - b * dy, y + a * dy + b * dx]).collect()
}
