//! Step-size control over a tile: the rules of [`Tolerance`] for the largest error of a row.

use super::Problem;
use crate::error::{Error, Result, SolverError};
use crate::fast::field::columns::{add_scaled_squares, add_times};
use crate::fast::simd::Level;
use crate::fast::tile::Column;
use crate::ode::{Step, Tableau, Tolerance};

/// ‖error / (absolute + relative max(|y|, |y⁺|))‖ of the worst row, infinite where one is not
/// finite.
pub(super) fn norm(
    level: Level,
    tolerance: &Tolerance,
    error: &[Column],
    before: &[Column],
    after: &[Column],
) -> f64 {
    let mut sums = Column::ZERO;
    let (absolute, relative) = (tolerance.absolute as f32, tolerance.relative as f32);
    add_scaled_squares(level, (absolute, relative), error, before, after, &mut sums);
    let worst = sums.0.iter().fold(
        0.0,
        |worst: f32, sum| {
            if sum.is_nan() { f32::INFINITY } else { worst.max(*sum) }
        },
    );
    (f64::from(worst) / error.len().max(1) as f64).sqrt()
}

/// The length of a first step as [`Tolerance::first_step`] describes it: Hairer II.4, page 169.
pub(super) fn first_step(
    problem: &Problem,
    tolerance: &Tolerance,
    state: &[Column],
    slope: &[Column],
    [point, there, change]: [&mut Vec<Column>; 3],
    mut f: impl FnMut(f64, &[Column], &mut [Column]),
) -> f64 {
    let (level, n, span) = (problem.level, problem.normed, problem.span.1 - problem.span.0);
    let measure =
        |columns: &[Column]| norm(level, tolerance, &columns[..n], &state[..n], &state[..n]);
    let (size, speed) = (measure(state), measure(slope));
    let small = if size < 1e-5 || speed < 1e-5 { 1e-6 } else { 0.01 * size / speed };
    let small = small.min(span.abs());
    let h = small.copysign(span);
    point.copy_from_slice(state);
    add_times(level, h as f32, slope, point);
    f(problem.span.0 + h, point, there);
    change.copy_from_slice(there);
    add_times(level, -1.0, slope, change);
    let bend = measure(change) / small;
    let large = if speed.max(bend) <= 1e-15 {
        (small * 1e-3).max(1e-6)
    } else {
        (0.01 / speed.max(bend)).powf(1.0 / exponent(problem.solver.tableau))
    };
    (100.0 * small).min(large).min(span.abs())
}

/// The estimate is O(hᵏ).
fn exponent(tableau: &Tableau) -> f64 {
    (tableau.error_order + 1) as f64
}

/// Proportional-integral control, h⁺ = 0.9 h ε^(−0.7/k) ε_old^(0.4/k), as in the reference tier.
#[derive(Debug)]
pub(super) struct Controller {
    k: f64,
    previous: f64,
    rejected: bool,
}

impl Controller {
    pub(super) fn new(tableau: &Tableau) -> Self {
        Self { k: exponent(tableau), previous: 1.0, rejected: false }
    }

    /// The factor of the next step after an error of at most 1.
    pub(super) fn accept(&mut self, error: f64) -> f64 {
        let error = error.max(SMALLEST_ERROR);
        let factor = SAFETY * error.powf(-0.7 / self.k) * self.previous.powf(0.4 / self.k);
        let largest = if self.rejected { 1.0 } else { LARGEST_FACTOR };
        (self.previous, self.rejected) = (error, false);
        factor.clamp(SMALLEST_FACTOR, largest)
    }

    /// The factor to try again with after a larger error, or one that is not a number.
    pub(super) fn reject(&mut self, error: f64) -> f64 {
        self.rejected = true;
        if !error.is_finite() {
            return 0.1;
        }
        (SAFETY * error.powf(-1.0 / self.k)).clamp(SMALLEST_FACTOR, 1.0)
    }
}

const SAFETY: f64 = 0.9;
const SMALLEST_FACTOR: f64 = 0.2;
const LARGEST_FACTOR: f64 = 5.0;
/// Below it an error says nothing about the next.
const SMALLEST_ERROR: f64 = 1e-4;

/// Fails where a step is too short to be told from none, or one too many.
pub(super) fn check_length(
    step: Step,
    span: f64,
    tried: usize,
    tolerance: &Tolerance,
) -> Result<()> {
    let smallest = 16.0 * f64::EPSILON * step.time.abs().max(span.abs());
    // Not `<`, so that a length of NaN fails as well.
    if step.length.abs().partial_cmp(&smallest) != Some(std::cmp::Ordering::Greater) {
        return Err(fail(step, SolverError::StepUnderflow));
    }
    if tried >= tolerance.max_steps {
        return Err(fail(step, SolverError::TooManySteps { allowed: tolerance.max_steps }));
    }
    Ok(())
}

pub(super) fn fail(step: Step, problem: SolverError) -> Error {
    Error::Solver { time: step.time, step: step.length, problem }
}
