//! Draws many points of the plane so that dense and empty places can be told apart.

use crate::axes::View;
use crate::draw::scene::Scene;
use crate::stats::{Interval, histogram, quantile};
use crate::{Colour, Picture, Theme};

/// Above this many points a shaded histogram takes the place of dots.
const MOST_DOTS: usize = 50_000;
/// Cells of that histogram along either axis.
const CELLS: usize = 128;

/// Whether so many points are drawn as an opaque shaded histogram.
pub(crate) fn is_shaded(count: usize) -> bool {
    count > MOST_DOTS
}

/// Draws `count` points in one colour; dots become smaller and fainter the more they are.
pub(crate) fn cloud(
    scene: &mut Scene,
    theme: &Theme,
    view: &View,
    points: impl Iterator<Item = [f64; 2]>,
    count: usize,
    colour: Colour,
) {
    if is_shaded(count) {
        shaded(scene, theme, view, points, colour);
        return;
    }
    let crowd = (count.max(200) as f64) / 500.0;
    let (radius, alpha) = (1.9 * crowd.powf(-0.17), (0.62 * crowd.powf(-0.24)).min(0.75));
    let dots = points.map(|p| view.point(p));
    scene.dots_in(&view.area, dots, radius, colour.with_alpha(alpha));
}

fn shaded(
    scene: &mut Scene,
    theme: &Theme,
    view: &View,
    points: impl Iterator<Item = [f64; 2]>,
    colour: Colour,
) {
    let area = view.area;
    let unit = Interval { low: 0.0, high: 1.0 };
    let placed = points.map(|p| {
        let [x, y] = view.point(p);
        [(x - area.x) / area.width, (area.bottom() - y) / area.height]
    });
    let Some(grid) = histogram::plane(placed, [unit, unit], CELLS, 0.7) else { return };
    let mut filled: Vec<f64> = grid.values().iter().copied().filter(|&v| v > 0.0).collect();
    filled.sort_by(f64::total_cmp);
    let top = quantile(&filled, 0.995).max(f64::MIN_POSITIVE);
    let (width, height) = ((2.0 * area.width) as u32, (2.0 * area.height) as u32);
    let shade = |column: u32, row: u32| {
        let (u, v) =
            (f64::from(column) / f64::from(width), 1.0 - f64::from(row) / f64::from(height));
        theme.tint(colour, (grid.at(u, v) / top).powf(0.6))
    };
    scene.image(area, Picture::from_fn(width.max(1), height.max(1), shade));
}
