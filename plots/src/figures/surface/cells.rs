//! Paints a surface cell by cell, the farthest first.

use super::bands::{Corner, bands, below};
use super::camera::Camera;
use super::space::Space;
use crate::axes::ColourBar;
use crate::draw::scene::{Pen, Scene};
use crate::{Colour, Grid};

/// Most cells along either side.
const MOST: usize = 64;
/// Lines of the mesh along either side.
const LINES: usize = 16;
const LINE_WIDTH: f64 = 0.5;
/// Brightness where no light falls.
const SHADE: f64 = 0.66;
/// How much darker lines are than the surface.
const LINE_SHADE: f64 = 0.72;
/// Cells are this much larger, in points, so that no paper shows between them.
const OVERLAP: f64 = 0.3;

/// Draws the part of the surface whose values are at most `ceiling`.
pub(super) fn draw_cells(
    scene: &mut Scene,
    grid: &Grid,
    space: &Space,
    camera: &Camera,
    (bar, ceiling): (&ColourBar<'_>, f64),
) {
    let [nx, ny] = grid.size().map(|nodes| (nodes - 1).min(MOST));
    let node = |i: usize, j: usize| -> Option<Corner> {
        let (u, v) = (i as f64 / nx as f64, j as f64 / ny as f64);
        Some([space.ranges[0].at(u), space.ranges[1].at(v), grid.known_at(u, v)?])
    };
    let mut order: Vec<(f64, usize, usize)> = Vec::with_capacity(nx * ny);
    for (i, j) in (0..nx * ny).map(|k| (k % nx, k / nx)) {
        let middle = |k: usize, n: usize| (2.0 * (k as f64 + 0.5) / n as f64) - 1.0;
        let place = [space.half[0] * middle(i, nx), space.half[1] * middle(j, ny)];
        order.push((camera.nearness(place), i, j));
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let every = [nx, ny].map(|n| n.div_ceil(LINES));
    for (_, i, j) in order {
        let corners = [node(i, j), node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)];
        let [Some(a), Some(b), Some(c), Some(d)] = corners else { continue };
        let on_line = |k: usize, axis: usize| k.is_multiple_of(every[axis]);
        let lines = [on_line(j, 1), on_line(i + 1, 0), on_line(j + 1, 1), on_line(i, 0)];
        let cell = Cell { corners: [a, b, c, d], lines };
        cell.draw(scene, space, camera, bar, ceiling);
    }
}

/// Four corners around a cell, and whether a line of the mesh runs from each to the next.
struct Cell {
    corners: [Corner; 4],
    lines: [bool; 4],
}

impl Cell {
    fn draw(
        &self,
        scene: &mut Scene,
        space: &Space,
        camera: &Camera,
        bar: &ColourBar<'_>,
        ceiling: f64,
    ) {
        let whole: Vec<_> = self.corners.into_iter().zip(self.lines).collect();
        let light = SHADE + (1.0 - SHADE) * self.light(space, camera);
        let seen = |corner: Corner| camera.point(space.place(corner));
        let mut lines = Vec::new();
        for band in bands(&below(&whole, ceiling, true), space.values.span()) {
            let height = band.iter().map(|(corner, _)| corner[2]).sum::<f64>() / band.len() as f64;
            let colour = darker(bar.colour(height), light);
            let outline: Vec<[f64; 2]> = band.iter().map(|(corner, _)| seen(*corner)).collect();
            scene.polygon(grown(&outline), colour);
            let pen = Pen::solid(darker(colour, LINE_SHADE), LINE_WIDTH);
            for (k, _) in band.iter().enumerate().filter(|(_, (_, lined))| *lined) {
                lines.push((vec![outline[k], outline[(k + 1) % outline.len()]], pen));
            }
        }
        for (line, pen) in lines {
            scene.line(line, pen);
        }
    }

    /// How directly the lamp shines on the cell, from 0 to 1; the underside gets no light.
    fn light(&self, space: &Space, camera: &Camera) -> f64 {
        let [a, b, c, d] = self.corners.map(|corner| space.place(corner));
        let (p, q) = ([0, 1, 2].map(|k| c[k] - a[k]), [0, 1, 2].map(|k| d[k] - b[k]));
        let normal =
            [p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
        let length = normal.iter().map(|v| v * v).sum::<f64>().sqrt().max(1e-300);
        let along: f64 = normal.iter().zip(camera.lamp()).map(|(n, l)| n * l).sum();
        (along / length).max(0.0)
    }
}

fn darker(colour: Colour, light: f64) -> Colour {
    Colour { rgb: colour.rgb.map(|v| (light * f64::from(v)).round() as u8), ..colour }
}

/// The corners moved away from their middle.
fn grown(corners: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mean = |k: usize| corners.iter().map(|c| c[k]).sum::<f64>() / corners.len() as f64;
    let middle = [mean(0), mean(1)];
    let moved = |corner: &[f64; 2]| {
        let (dx, dy) = (corner[0] - middle[0], corner[1] - middle[1]);
        let by = OVERLAP / dx.hypot(dy).max(1.0);
        [corner[0] + by * dx, corner[1] + by * dy]
    };
    corners.iter().map(moved).collect()
}
