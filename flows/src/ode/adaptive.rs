//! Step-size control.

use super::control::{first_length, probing_length};
use super::state::{State, System};
use super::tableau::Tableau;
use crate::error::{Error, Result};
use candle_core::Tensor;

/// How the errors of all entries become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorNorm {
    /// The root mean square of all entries.
    #[default]
    Rms,
    /// The largest root mean square of a row, so that no row of a batch hides behind the others.
    LargestRow,
}

/// What an adaptive solver aims at: errors below `absolute` + `relative` |y| in each step.
///
/// # Example
/// ```
/// use diffeo_flows::ode::Tolerance;
/// let tolerance = Tolerance { first_step: Some(0.1), ..Tolerance::new(1e-8, 1e-6) };
/// assert_eq!(tolerance.max_steps, 10_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Absolute tolerance.
    pub absolute: f64,
    /// Relative tolerance.
    pub relative: f64,
    /// The largest number of steps tried.
    pub max_steps: usize,
    /// Length of the first step; chosen from two evaluations when absent.
    pub first_step: Option<f64>,
    /// The norm of errors.
    pub norm: ErrorNorm,
}

impl Tolerance {
    /// These tolerances with at most 10,000 steps and the root mean square.
    pub fn new(absolute: f64, relative: f64) -> Self {
        let norm = ErrorNorm::Rms;
        Self { absolute, relative, max_steps: 10_000, first_step: None, norm }
    }

    /// Fails when no solver could meet it.
    pub(super) fn check(&self) -> Result<()> {
        let usable = |value: f64| value >= 0.0 && value.is_finite();
        if !usable(self.absolute) || !usable(self.relative) || self.absolute + self.relative <= 0.0
        {
            let problem = format!("absolute {}, relative {}", self.absolute, self.relative);
            return Err(Error::config("tolerance", problem, "give positive numbers, such as 1e-5"));
        }
        match self.first_step {
            Some(step) if !(step > 0.0 && step.is_finite()) => {
                Err(Error::config("first_step", format!("{step}"), "give a positive length"))
            }
            _ => Ok(()),
        }
    }

    /// ‖error / (absolute + relative max(|y|, |y⁺|))‖, at most 1 for a step that is good enough.
    pub(super) fn norm(&self, error: &State, before: &State, after: &State) -> Result<f64> {
        let rows = match self.norm {
            ErrorNorm::Rms => 1,
            ErrorNorm::LargestRow => common_rows(error)?,
        };
        let (error, before, after) = (error.values()?, before.values()?, after.values()?);
        let mut sums = vec![0.0; rows];
        for ((error, before), after) in error.iter().zip(&before).zip(&after) {
            let width = error.len() / rows;
            for (i, e) in error.iter().enumerate() {
                let size = before[i].abs().max(after[i].abs());
                sums[i / width] += (e / (self.absolute + self.relative * size)).powi(2);
            }
        }
        let entries = error.iter().map(Vec::len).sum::<usize>() / rows;
        let worst = sums
            .into_iter()
            .fold(0.0, |worst: f64, sum| if sum.is_nan() { f64::INFINITY } else { worst.max(sum) });
        Ok((worst / entries.max(1) as f64).sqrt())
    }

    /// A first step h with h ‖y″‖ and ‖y′‖ about right: Hairer II.4, page 169; one evaluation.
    pub(super) fn first_step(
        &self,
        system: &dyn System,
        tableau: &Tableau,
        (t, span): (f64, f64),
        state: &State,
        slope: &State,
    ) -> Result<f64> {
        let size = self.norm(state, state, state)?;
        let speed = self.norm(slope, state, state)?;
        let small = probing_length(size, speed, span);
        let h = small.copysign(span);
        let probe = state.plus(h, &[1.0], std::slice::from_ref(slope))?;
        let there = system.slope(t + h, &probe)?;
        state.check_like("System::slope", &there)?;
        let change = there.plus(-1.0, &[1.0], std::slice::from_ref(slope))?;
        let bend = self.norm(&change, state, state)? / small;
        Ok(first_length(small, speed.max(bend), span, tableau))
    }
}

/// The number of rows of all parts.
fn common_rows(state: &State) -> Result<usize> {
    let rows = |part: &Tensor| part.dims().first().copied().unwrap_or(0);
    match state.parts() {
        [first, others @ ..]
            if rows(first) > 0 && others.iter().all(|p| rows(p) == rows(first)) =>
        {
            Ok(rows(first))
        }
        _ => Err(Error::config(
            "norm",
            "the parts of the state have no rows in common",
            "take the root mean square of all entries",
        )),
    }
}
