//! Draws level lines on the floor below a surface.

use super::camera::Camera;
use super::space::Space;
use crate::axes::ColourBar;
use crate::draw::scene::{Pen, Scene};
use crate::stats::contour::contour;
use crate::{Grid, Theme};

const LEVELS: usize = 11;
const WIDTH: f64 = 1.0;
/// How much ink is mixed into colours that could be close to that of the floor.
const INK: f64 = 0.28;

/// Lines at levels evenly spaced over the values, in the colours of these.
pub(super) fn draw_floor(
    scene: &mut Scene,
    theme: &Theme,
    grid: &Grid,
    space: &Space,
    camera: &Camera,
    bar: &ColourBar<'_>,
) {
    let [x, y, z] = space.ranges;
    let known = |p: &[f64; 2]| grid.known_at(x.fraction(p[0]), y.fraction(p[1])).is_some();
    for k in 0..LEVELS {
        let t = (k as f64 + 0.5) / LEVELS as f64;
        let pen = Pen::solid(theme.ink.over(bar.ramp.at(t), INK), WIDTH);
        for line in contour(grid, space.values.at(t)) {
            for run in line.chunk_by(|a, b| known(a) == known(b)).filter(|run| known(&run[0])) {
                let seen = run.iter().map(|p| camera.point(space.place([p[0], p[1], z.low])));
                scene.line(seen.collect(), pen);
            }
        }
    }
}
