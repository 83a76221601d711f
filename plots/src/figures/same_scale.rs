//! Widens ranges until a unit is as long on both axes.

use crate::stats::Interval;

/// The ranges, one of them widened about its middle, for axes of height `shape` and width one.
pub(crate) fn same_scale(x: Interval, y: Interval, shape: f64) -> (Interval, Interval) {
    let unit = x.span().max(y.span() / shape);
    let widen = |r: Interval, to: f64| r.padded(0.5 * (to / r.span() - 1.0).max(0.0));
    (widen(x, unit), widen(y, unit * shape))
}
