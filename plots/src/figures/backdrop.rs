//! Draws a density quietly behind or over something else.

use super::plane::shaded;
use crate::axes::View;
use crate::draw::scene::Pen;
use crate::stats::Interval;
use crate::stats::contour::contour;
use crate::{Colour, Grid, Scene, Theme};

/// Opacity of the backdrop where the density is highest.
const STRONGEST: f64 = 0.24;
/// Shares of the mass inside the outlines.
const MASSES: [f64; 3] = [0.5, 0.8, 0.95];
const WIDTH: f64 = 0.8;

/// The highest density of a grid.
pub(super) fn highest(grid: &Grid) -> f64 {
    grid.values().iter().copied().fold(f64::MIN_POSITIVE, f64::max)
}

/// Shades the density in grey that is strongest at `top`, nothing outside its grid.
pub(super) fn backdrop(scene: &mut Scene, theme: &Theme, view: &View, grid: &Grid, top: f64) {
    let [x, y] = grid.ranges();
    let colour = |u: f64, v: f64| {
        let [a, b] = view.data(u, v);
        let Some((s, t)) = x.fraction_inside(a).zip(y.fraction_inside(b)) else {
            return theme.background;
        };
        let value = grid.at(s, t).max(0.0) / top;
        theme.tint(theme.muted, STRONGEST * value.powf(0.7))
    };
    scene.image(view.area, shaded(&view.area, colour));
}

/// Draws thin lines around 50, 80 and 95 % of the mass.
pub(super) fn outlines(scene: &mut Scene, view: &View, grid: &Grid, ink: Colour) {
    for mass in MASSES {
        let Some(level) = grid.mass_level(mass) else { continue };
        for line in contour(grid, level) {
            scene.line_in(&view.area, &view.points(&line), Pen::solid(ink, WIDTH));
        }
    }
}

/// The ranges of the outermost outline; nothing for a grid without mass.
pub(super) fn extent(grid: &Grid) -> Option<[Interval; 2]> {
    let lines = contour(grid, grid.mass_level(MASSES[2])?);
    let range = |k: usize| Interval::covering(lines.iter().flatten().map(|p| p[k]));
    Some([range(0)?, range(1)?])
}
