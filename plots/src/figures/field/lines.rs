//! Draws a field as streamlines.

use super::arrows::head;
use super::carried::Carried;
use super::streamlines::{Reached, STEP, streamlines};
use crate::axes::ColourBar;
use crate::draw::scene::{Pen, Scene};

/// Streamlines side by side along the longer side, and their least distance in points.
const LINES: f64 = 34.0;
const LINES_NEAREST: f64 = 8.0;
const LINE_WIDTH: f64 = 1.15;
/// Length of a head on a streamline, and about how far heads are apart.
const HEAD: f64 = 6.5;
const BETWEEN_HEADS: f64 = 150.0;
/// Colours along a streamline.
const COLOURS: f64 = 48.0;

/// Draws streamlines in the colours of the speed, with heads along them.
pub(super) fn draw_streamlines(scene: &mut Scene, field: &Carried<'_>, bar: &ColourBar<'_>) {
    let area = field.view.area;
    let apart = (area.width.max(area.height) / LINES).max(LINES_NEAREST);
    let shade = |speed: f64| (COLOURS * bar.range.fraction(speed).min(1.0)).round();
    let lines = streamlines(field, apart);
    for line in &lines {
        let mut start = 0;
        for run in line.chunk_by(|a, b| (shade(a.1) - shade(b.1)).abs() < 0.5) {
            // One point more, so that pieces meet.
            let end = (start + run.len() + 1).min(line.len());
            let points: Vec<_> = line[start..end].iter().map(|(p, _)| *p).collect();
            let ink = bar.ramp.at(shade(run[0].1) / COLOURS);
            scene.line_in(&area, &points, Pen::solid(ink, LINE_WIDTH));
            start += run.len();
        }
    }
    for line in &lines {
        draw_heads(scene, field, bar, line);
    }
}

fn draw_heads(scene: &mut Scene, field: &Carried<'_>, bar: &ColourBar<'_>, line: &[Reached]) {
    let length = line.len() as f64 * STEP;
    let heads = (length / BETWEEN_HEADS).round().max(1.0);
    for k in 0..heads as usize {
        let at = ((k as f64 + 0.5) / heads * line.len() as f64) as usize;
        let Some(&(place, _)) = line.get(at) else { continue };
        let inside = field.view.area.grown(-HEAD).contains(place);
        if let Some((direction, speed)) = field.at(place).filter(|_| inside) {
            head(scene, place, direction, HEAD, bar.colour(speed));
        }
    }
}
