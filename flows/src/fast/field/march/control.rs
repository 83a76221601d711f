//! Step-size control over a tile: the rules of [`Tolerance`] for the largest error of a row.

use super::{Lanes, Problem};
use crate::fast::field::columns::{add_scaled_squares, add_times};
use crate::fast::simd::Level;
use crate::fast::tile::{Column, ROWS};
use crate::ode::Tolerance;
use crate::ode::control::{first_length, probing_length};

/// ‖error / (absolute + relative max(|y|, |y⁺|))‖ of each row, infinite where it is not finite.
pub(super) fn norms(
    level: Level,
    tolerance: &Tolerance,
    error: &[Column],
    before: &[Column],
    after: &[Column],
) -> [f64; ROWS] {
    let mut sums = Column::ZERO;
    let (absolute, relative) = (tolerance.absolute as f32, tolerance.relative as f32);
    add_scaled_squares(level, (absolute, relative), error, before, after, &mut sums);
    sums.0.map(|sum| {
        let sum = if sum.is_nan() { f64::INFINITY } else { f64::from(sum) };
        (sum / error.len().max(1) as f64).sqrt()
    })
}

/// The length of a first step as [`Tolerance::first_step`] describes it: Hairer II.4, page 169.
pub(super) fn first_step(
    (problem, lanes): (&Problem, &Lanes),
    tolerance: &Tolerance,
    state: &[Column],
    slope: &[Column],
    [point, there, change]: [&mut Vec<Column>; 3],
    mut f: impl FnMut(f64, &[Column], &mut [Column]),
) -> f64 {
    let (level, n, span) = (problem.level, problem.normed, problem.span.1 - problem.span.0);
    let measure = |columns: &[Column]| {
        lanes.worst(&norms(level, tolerance, &columns[..n], &state[..n], &state[..n]))
    };
    let (size, speed) = (measure(state), measure(slope));
    let small = probing_length(size, speed, span);
    let h = small.copysign(span);
    point.copy_from_slice(state);
    add_times(level, h as f32, slope, point);
    f(problem.span.0 + h, point, there);
    change.copy_from_slice(there);
    add_times(level, -1.0, slope, change);
    let bend = measure(change) / small;
    first_length(small, speed.max(bend), span, problem.solver.tableau)
}
