//! The rules of adaptive steps, whatever the numbers are kept in.

use super::adaptive::Tolerance;
use super::step::Step;
use super::tableau::Tableau;
use crate::error::{Error, Result, SolverError};

const SAFETY: f64 = 0.9;
const SMALLEST_FACTOR: f64 = 0.2;
const LARGEST_FACTOR: f64 = 5.0;
/// Below it an error says nothing about the next.
const SMALLEST_ERROR: f64 = 1e-4;

/// The estimate is O(hᵏ).
pub(crate) fn exponent(tableau: &Tableau) -> f64 {
    (tableau.error_order + 1) as f64
}

/// Proportional-integral control: h⁺ = 0.9 h ε^(−0.7/k) ε_old^(0.4/k).
///
/// Gustafsson 1991; Hairer and Wanner 1996, *Solving Ordinary Differential Equations II*, section
/// IV.2.
#[derive(Debug)]
pub(crate) struct Controller {
    k: f64,
    previous: f64,
    rejected: bool,
}

impl Controller {
    pub(crate) fn new(tableau: &Tableau) -> Self {
        Self { k: exponent(tableau), previous: 1.0, rejected: false }
    }

    /// The factor of the next step after an error of at most 1.
    pub(crate) fn accept(&mut self, error: f64) -> f64 {
        let error = error.max(SMALLEST_ERROR);
        let factor = SAFETY * error.powf(-0.7 / self.k) * self.previous.powf(0.4 / self.k);
        let largest = if self.rejected { 1.0 } else { LARGEST_FACTOR };
        (self.previous, self.rejected) = (error, false);
        factor.clamp(SMALLEST_FACTOR, largest)
    }

    /// The factor to try again with after a larger error, or one that is not a number.
    pub(crate) fn reject(&mut self, error: f64) -> f64 {
        self.rejected = true;
        if !error.is_finite() {
            return 0.1;
        }
        (SAFETY * error.powf(-1.0 / self.k)).clamp(SMALLEST_FACTOR, 1.0)
    }
}

/// A length that shows how a slope changes, from the norms of state and slope: Hairer II.4, page 169.
pub(crate) fn probing_length(size: f64, speed: f64, span: f64) -> f64 {
    let small = if size < 1e-5 || speed < 1e-5 { 1e-6 } else { 0.01 * size / speed };
    small.min(span.abs())
}

/// The length of a first step after one of `small` has shown slopes and changes up to `largest`.
pub(crate) fn first_length(small: f64, largest: f64, span: f64, tableau: &Tableau) -> f64 {
    if largest <= 1e-15 {
        // Nothing moves, as in a fresh field: the error says whether that is so all the way.
        return span.abs();
    }
    let length = (0.01 / largest).powf(1.0 / exponent(tableau));
    (100.0 * small).min(length).min(span.abs())
}

/// Fails where a step is too short to be told from none, or one too many.
pub(super) fn check_length(
    step: Step,
    span: f64,
    tried: usize,
    tolerance: &Tolerance,
) -> Result<()> {
    if is_too_short(step, span) {
        return Err(fail(step, SolverError::StepUnderflow));
    }
    if tried >= tolerance.max_steps {
        return Err(fail(step, SolverError::TooManySteps { allowed: tolerance.max_steps }));
    }
    Ok(())
}

/// Whether t + h is hardly told from t, so that stages fall on the same time; so is a length of NaN.
pub(crate) fn is_too_short(step: Step, span: f64) -> bool {
    let smallest = 16.0 * f64::EPSILON * step.time.abs().max(span.abs());
    step.length.abs().partial_cmp(&smallest) != Some(std::cmp::Ordering::Greater)
}

pub(crate) fn fail(step: Step, problem: SolverError) -> Error {
    Error::Solver { time: step.time, step: step.length, problem }
}
