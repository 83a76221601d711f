//! Draws a field as arrows.

use super::carried::Carried;
use crate::Colour;
use crate::axes::ColourBar;
use crate::draw::scene::Scene;

/// Arrows along the longer side, and their least distance in points.
const ACROSS: f64 = 23.0;
const NEAREST: f64 = 11.0;
/// Length of the longest arrow as a share of the distance of arrows: none reaches another.
const LONGEST: f64 = 0.95;
/// Radius of the dot in place of a tiny arrow.
const DOT: f64 = 0.95;
/// Half the width of a shaft.
const SHAFT: f64 = 0.7;
/// Width of a head for a length of one.
const SLENDER: f64 = 0.78;
/// Length of a head: this share of the arrow, within limits.
const HEAD: f64 = 0.4;
const HEADS: (f64, f64) = (3.4, 6.4);
/// Shorter arrows show no direction.
const LEAST: f64 = 2.2;

/// Draws an arrow in the middle of every cell of a square lattice.
pub(super) fn draw_arrows(scene: &mut Scene, field: &Carried<'_>, bar: &ColourBar<'_>) {
    let area = field.view.area;
    let apart = (area.width.max(area.height) / ACROSS).max(NEAREST);
    let count = |length: f64| (length / apart).round().max(1.0) as usize;
    let (nx, ny) = (count(area.width), count(area.height));
    let (dx, dy) = (area.width / nx as f64, area.height / ny as f64);
    let mut tiny = Vec::new();
    for k in 0..nx * ny {
        let middle = [area.x + ((k % nx) as f64 + 0.5) * dx, area.y + ((k / nx) as f64 + 0.5) * dy];
        let Some((direction, speed)) = field.at(middle) else {
            tiny.extend((field.scale > 0.0 && field.is_known(middle)).then_some(middle));
            continue;
        };
        let length = LONGEST * dx.min(dy) * (speed / field.scale).min(1.0);
        if length < LEAST {
            tiny.push(middle);
        } else {
            arrow(scene, middle, direction, length, bar.colour(speed));
        }
    }
    scene.dots_in(&area, tiny, DOT, bar.colour(0.0));
}

/// An arrow `length` long with its middle at a point, along a unit vector.
fn arrow(scene: &mut Scene, middle: [f64; 2], direction: [f64; 2], length: f64, ink: Colour) {
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
