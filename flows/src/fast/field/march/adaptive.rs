//! Steps as long as a tolerance allows.

use super::control::{first_step, norms};
use super::{Equation, Problem, Room, scaled};
use crate::error::{Result, SolverError};
use crate::fast::field::columns::add_times;
use crate::fast::tile::{Column, ROWS};
use crate::ode::control::{Controller, exponent, fail, is_too_short};
use crate::ode::{Step, Tolerance};

/// The share of the span that the others go on with after a row that needed vanishing steps.
const RESTART: f64 = 1e-6;

impl Problem<'_> {
    pub(super) fn adaptive(
        &self,
        tolerance: &Tolerance,
        equation: &mut impl Equation,
        state: &mut [Column],
        room: &mut Room,
        each: &mut impl FnMut(&[Column]),
    ) -> Result<()> {
        let ((mut time, to), tableau, n) = (self.span, self.solver.tableau, state.len());
        let span = to - time;
        if span == 0.0 {
            return Ok(());
        }
        self.first_slope(Step { time, length: span }, equation, state, room)?;
        let mut length = match tolerance.first_step {
            Some(given) => given.min(span.abs()),
            None => self.first_length(tolerance, equation, state, room),
        };
        let (mut known, mut controller) = (true, Controller::new(tableau));
        let mut errors = [f64::INFINITY; ROWS];
        while room.lanes.any() {
            // A remainder of less than a hundredth is no step of its own.
            let is_last = length * 1.01 >= (to - time).abs();
            let signed = if is_last { to - time } else { length.copysign(span) };
            let step = Step { time, length: signed };
            if is_too_short(step, span) {
                let failed = room.lanes.shortest(&errors);
                self.without(&failed, &mut room.lanes, || fail(step, SolverError::StepUnderflow))?;
                (length, controller) = (RESTART * span.abs(), Controller::new(tableau));
                continue;
            }
            let failed = room.lanes.beyond(tolerance.max_steps);
            self.without(&failed, &mut room.lanes, || {
                fail(step, SolverError::TooManySteps { allowed: tolerance.max_steps })
            })?;
            if !known {
                self.first_slope(step, equation, state, room)?;
            }
            errors = self.attempt(step, tolerance, equation, state, room);
            room.lanes.count(&errors, exponent(tableau));
            let error = room.lanes.worst(&errors);
            if error > 1.0 {
                (known, length) = (true, signed.abs() * controller.reject(error));
                room.rejected += 1;
                continue;
            }
            length = signed.abs() * controller.accept(error);
            each(state);
            state.copy_from_slice(&room.after);
            room.steps.push(step);
            if is_last {
                return Ok(());
            }
            known = tableau.first_same_as_last;
            if known {
                room.slopes.copy_within((tableau.stages() - 1) * n.., 0);
            }
            time += signed;
        }
        Ok(())
    }

    /// f(t, y), which must be finite for any step to be.
    fn first_slope(
        &self,
        step: Step,
        equation: &mut impl Equation,
        state: &[Column],
        room: &mut Room,
    ) -> Result<()> {
        self.stages(step, 0..1, equation, state, room);
        let failed = self.not_finite(&room.lanes, &[&room.slopes[..state.len()], state]);
        self.without(&failed, &mut room.lanes, || fail(step, SolverError::NonFinite))
    }

    fn first_length(
        &self,
        tolerance: &Tolerance,
        equation: &mut impl Equation,
        state: &mut [Column],
        room: &mut Room,
    ) -> f64 {
        room.evaluations += 1;
        let Room { slopes, point, after, error, lanes, .. } = room;
        let slope = &slopes[..state.len()];
        let buffers = [point, after, error];
        first_step((self, lanes), tolerance, state, slope, buffers, |t, y, to| {
            equation.slope(t, y, to);
        })
    }

    /// One step and the error of each row, infinite where its new state is not finite.
    fn attempt(
        &self,
        step: Step,
        tolerance: &Tolerance,
        equation: &mut impl Equation,
        state: &[Column],
        room: &mut Room,
    ) -> [f64; ROWS] {
        let tableau = self.solver.tableau;
        self.stages(step, 1..tableau.stages(), equation, state, room);
        let Room { slopes, after, error, lanes, .. } = room;
        self.plus(step, tableau.b, state, slopes, after);
        let (coefficients, count) = scaled(step.length, tableau.b_error.unwrap_or_default());
        error.fill(Column::ZERO);
        for (c, slope) in coefficients[..count].iter().zip(slopes.chunks_exact(state.len())) {
            add_times(self.level, *c, slope, error);
        }
        let n = self.normed;
        let mut errors = norms(self.level, tolerance, &error[..n], &state[..n], &after[..n]);
        for (error, failed) in errors.iter_mut().zip(self.not_finite(lanes, &[after])) {
            if failed {
                *error = f64::INFINITY;
            }
        }
        errors
    }
}
