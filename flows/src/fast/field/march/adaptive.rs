//! Steps as long as a tolerance allows.

use super::control::{first_step, norm};
use super::{Equation, Problem, Room, scaled};
use crate::error::{Result, SolverError};
use crate::fast::field::columns::{add_times, is_finite};
use crate::fast::tile::Column;
use crate::ode::control::{Controller, check_length, fail};
use crate::ode::{Step, Tolerance};

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
        loop {
            // A remainder of less than a hundredth is no step of its own.
            let is_last = length * 1.01 >= (to - time).abs();
            let signed = if is_last { to - time } else { length.copysign(span) };
            let step = Step { time, length: signed };
            check_length(step, span, room.steps.len() + room.rejected, tolerance)?;
            if !known {
                self.first_slope(step, equation, state, room)?;
            }
            let error = self.attempt(step, tolerance, equation, state, room);
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
        if is_finite(self.level, &room.slopes[..state.len()]) && is_finite(self.level, state) {
            return Ok(());
        }
        Err(fail(step, SolverError::NonFinite))
    }

    fn first_length(
        &self,
        tolerance: &Tolerance,
        equation: &mut impl Equation,
        state: &[Column],
        room: &mut Room,
    ) -> f64 {
        room.evaluations += 1;
        let Room { slopes, point, after, error, .. } = room;
        let slope = &slopes[..state.len()];
        first_step(self, tolerance, state, slope, [point, after, error], |t, y, to| {
            equation.slope(t, y, to);
        })
    }

    /// One step and its error, infinite where the new state is not finite.
    fn attempt(
        &self,
        step: Step,
        tolerance: &Tolerance,
        equation: &mut impl Equation,
        state: &[Column],
        room: &mut Room,
    ) -> f64 {
        let tableau = self.solver.tableau;
        self.stages(step, 1..tableau.stages(), equation, state, room);
        let Room { slopes, after, error, .. } = room;
        self.plus(step, tableau.b, state, slopes, after);
        let (coefficients, count) = scaled(step.length, tableau.b_error.unwrap_or_default());
        error.fill(Column::ZERO);
        for (c, slope) in coefficients[..count].iter().zip(slopes.chunks_exact(state.len())) {
            add_times(self.level, *c, slope, error);
        }
        if !is_finite(self.level, after) {
            return f64::INFINITY;
        }
        let n = self.normed;
        norm(self.level, tolerance, &error[..n], &state[..n], &after[..n])
    }
}
