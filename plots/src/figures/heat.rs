//! Draws values of the plane as a heat map.

use super::plane::shaded;
use crate::axes::{ColourBar, View};
use crate::stats::{Interval, NARROW, quantile};
use crate::{Grid, Scene, Theme};

/// Share of the values within the limits of the colours.
const WITHIN: f64 = 0.99;
/// Limits below this count as zero.
pub(super) const LEAST: f64 = NARROW;

/// The size that 99 % of the values do not exceed, or the greatest where few exceed that by little.
pub(super) fn robust_size(values: impl Iterator<Item = f64>) -> f64 {
    let mut sizes: Vec<f64> = values.map(f64::abs).collect();
    sizes.sort_by(f64::total_cmp);
    let (most, all) = (quantile(&sizes, WITHIN), quantile(&sizes, 1.0));
    if 1.25 * most >= all || most < LEAST { all } else { most }
}

/// A bar of the colours of areas for values from zero, which are lengths.
pub(super) fn lengths_bar<'a>(theme: &'a Theme, grid: &Grid, name: &str) -> ColourBar<'a> {
    let size = robust_size(grid.known());
    let range = Interval { low: 0.0, high: if size > LEAST { size } else { 1.0 } };
    let beyond = [false, grid.known().any(|v| v > range.high)];
    ColourBar { beyond, ..ColourBar::new(theme, theme.shades(), range, name) }
}

/// Fills the view with the colours of the values, with paper where there are none.
pub(super) fn heat(
    scene: &mut Scene,
    theme: &Theme,
    view: &View,
    grid: &Grid,
    bar: &ColourBar<'_>,
) {
    let [x, y] = grid.ranges();
    let shade = bar.shader();
    let colour = |u: f64, v: f64| {
        let [a, b] = view.data(u, v);
        let place = x.fraction_inside(a).zip(y.fraction_inside(b));
        let value = place.and_then(|(s, t)| grid.known_at(s, t));
        value.map_or(theme.background, &shade)
    };
    scene.image(view.area, shaded(&view.area, colour));
}
