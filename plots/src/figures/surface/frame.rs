//! Draws the box around a surface.

use super::camera::Camera;
use super::space::Space;
use crate::Theme;
use crate::axes::ticks::Ticks;
use crate::draw::scene::{Pen, Scene};

/// About the distance of ticks in points.
const APART: f64 = 42.0;
/// Least distance of ticks, along the longer of both directions of the paper.
const CLOSEST: f64 = 16.0;
pub(super) const TICK: f64 = 4.5;

/// One edge of the box with ticks on it.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    pub(super) ends: [[f64; 2]; 2],
    pub(super) ticks: Ticks,
    /// Where the ticks stand in the scene.
    pub(super) places: Vec<[f64; 2]>,
    /// The direction of tick marks, away from the box.
    pub(super) outward: [f64; 2],
    /// The direction away from the box at a right angle to the edge.
    pub(super) normal: [f64; 2],
}

/// The edges of x and y at the near side of the floor, and that of z at the left.
pub(super) fn edges(space: &Space, camera: &Camera) -> [Edge; 3] {
    let [x, y] = camera.near_sides();
    let (right, left) = ([x, -y], [-x, y]);
    let seen = |[a, b]: [f64; 2], c: f64| camera.point(space.corner([a, b, c]));
    let upright = if seen(right, 0.0)[0] < seen(left, 0.0)[0] { right } else { left };
    let from_to = [
        [[-1.0, y, 0.0], [1.0, y, 0.0]],
        [[x, -1.0, 0.0], [x, 1.0, 0.0]],
        [[upright[0], upright[1], 0.0], [upright[0], upright[1], 1.0]],
    ];
    let lengths = from_to.map(|ends| {
        let [[a, b], [c, d]] = ends.map(|corner| camera.point(space.corner(corner)));
        (c - a).hypot(d - b)
    });
    [0, 1, 2].map(|axis| {
        let ends = from_to[axis].map(|corner| camera.point(space.corner(corner)));
        // Both sides of the floor have about as many ticks, or units would look unlike.
        let length = if axis == 2 { lengths[2] } else { lengths[0].min(lengths[1]) };
        // x has its ticks along y and the other way round.
        let far = match axis {
            0 => seen([1.0, -y], 0.0),
            1 => seen([-x, 1.0], 0.0),
            _ => [ends[1][0] + 1.0, ends[1][1]],
        };
        edge(space, axis, ends, far, length)
    })
}

fn edge(space: &Space, axis: usize, ends: [[f64; 2]; 2], far: [f64; 2], length: f64) -> Edge {
    let [from, to] = ends;
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let (ox, oy) = (to[0] - far[0], to[1] - far[1]);
    let outward = [ox, oy].map(|v| v / ox.hypot(oy).max(1e-9));
    let range = space.ranges[axis];
    let mut ticks = Ticks::nice(&range, ((length / APART) as usize).clamp(2, 7));
    if axis == 2 {
        // Below the lowest value there is nothing but the gap to the floor.
        let least = space.values.low - 1e-9 * range.span();
        let below = ticks.values.iter().take_while(|&&v| v < least).count();
        ticks.values.drain(..below);
        ticks.labels.drain(..below);
    }
    thin(&mut ticks, range.span() / (to[1] - from[1]).abs().max((to[0] - from[0]).abs()).max(1e-9));
    let place = |&value: &f64| {
        let t = range.fraction(value);
        [from[0] + t * dx, from[1] + t * dy]
    };
    let length = dx.hypot(dy).max(1e-9);
    let side = if outward[1] * dx - outward[0] * dy < 0.0 { -1.0 } else { 1.0 };
    let normal = [-side * dy / length, side * dx / length];
    Edge { ends, places: ticks.values.iter().map(place).collect(), ticks, outward, normal }
}

/// Leaves out ticks that stand closer than lines of text, where `unit` is the length of a point.
fn thin(ticks: &mut Ticks, unit: f64) {
    let apart = ticks.step().map_or(f64::INFINITY, |step| step / unit);
    let every = (CLOSEST / apart).ceil().clamp(1.0, 50.0) as usize;
    let (mut values, mut labels) = (0.., 0..);
    ticks.values.retain(|_| values.next().is_none_or(|k: usize| k.is_multiple_of(every)));
    ticks.labels.retain(|_| labels.next().is_none_or(|k: usize| k.is_multiple_of(every)));
}

/// Draws what lies behind the surface: floor, both far walls and lines across them.
pub(super) fn draw_walls(scene: &mut Scene, theme: &Theme, space: &Space, camera: &Camera) {
    let [x, y] = camera.near_sides();
    let [xs, ys, zs] = edges(space, camera).map(|edge| edge.ticks.values);
    let seen = |corner: [f64; 3]| camera.point(space.corner(corner));
    let faces = [
        [[x, y, 0.0], [-x, y, 0.0], [-x, -y, 0.0], [x, -y, 0.0]],
        [[-x, y, 0.0], [-x, y, 1.0], [-x, -y, 1.0], [-x, -y, 0.0]],
        [[x, -y, 0.0], [x, -y, 1.0], [-x, -y, 1.0], [-x, -y, 0.0]],
    ];
    for (face, strength) in faces.into_iter().zip([0.55, 0.3, 0.42]) {
        scene.polygon(face.map(seen).to_vec(), theme.tint(theme.grid, strength));
    }
    let pen = Pen::solid(theme.tint(theme.axis, 0.25), 0.7);
    let [low, high] =
        [0, 1].map(|end| space.ranges.map(|range| if end == 0 { range.low } else { range.high }));
    let far = |near: f64, axis: usize| if near > 0.0 { low[axis] } else { high[axis] };
    let close = |near: f64, axis: usize| if near > 0.0 { high[axis] } else { low[axis] };
    let mut bent = |points: [[f64; 3]; 3]| {
        scene.line(points.map(|p| camera.point(space.place(p))).to_vec(), pen);
    };
    for v in xs {
        bent([[v, close(y, 1), low[2]], [v, far(y, 1), low[2]], [v, far(y, 1), high[2]]]);
    }
    for v in ys {
        bent([[close(x, 0), v, low[2]], [far(x, 0), v, low[2]], [far(x, 0), v, high[2]]]);
    }
    for v in zs {
        bent([[close(x, 0), far(y, 1), v], [far(x, 0), far(y, 1), v], [far(x, 0), close(y, 1), v]]);
    }
}

/// Draws the edges with their ticks, to be called after the surface.
pub(super) fn draw_edges(scene: &mut Scene, theme: &Theme, edges: &[Edge; 3]) {
    let pen = Pen::solid(theme.axis, 1.0);
    for edge in edges {
        scene.line(edge.ends.to_vec(), pen);
        for &[x, y] in &edge.places {
            let tip = [x + TICK * edge.outward[0], y + TICK * edge.outward[1]];
            scene.line(vec![[x, y], tip], pen);
        }
    }
}
