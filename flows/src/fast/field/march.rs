//! Takes the steps of a solver over a tile of rows: the fast tier of [`crate::ode`].

use super::columns::{add_times, combine, is_finite};
use super::control::{Controller, check_length, fail, first_step, norm};
use crate::error::{Result, SolverError};
use crate::fast::simd::Level;
use crate::fast::tile::Column;
use crate::ode::{Solver, Step, Stepping, Tableau, Tolerance};

/// The most stages of a method.
const STAGES: usize = 16;

/// A differential equation y′ = f(t, y) over a tile.
pub(super) trait Equation {
    /// Overwrites `slope` by f(t, y).
    fn slope(&mut self, t: f64, state: &[Column], slope: &mut [Column]);
}

/// The columns of a solution, and what it took.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// Of all stages.
    pub(super) slopes: Vec<Column>,
    pub(super) point: Vec<Column>,
    after: Vec<Column>,
    error: Vec<Column>,
    /// The steps taken.
    pub(super) steps: Vec<Step>,
    /// Evaluations of f so far, over all solutions.
    pub(super) evaluations: usize,
    rejected: usize,
}

impl Room {
    fn reset(&mut self, columns: usize, stages: usize) {
        self.slopes.resize(columns * stages, Column::ZERO);
        for buffer in [&mut self.point, &mut self.after, &mut self.error] {
            buffer.resize(columns, Column::ZERO);
        }
        self.steps.clear();
        self.rejected = 0;
    }
}

/// Leading stages that the new state is made of.
pub(super) fn stages_of_state(tableau: &Tableau) -> usize {
    tableau.b.iter().rposition(|b| b.abs() > 0.0).map_or(0, |last| last + 1)
}

/// h times weights, in single precision.
pub(super) fn scaled(h: f64, weights: &[f64]) -> ([f32; STAGES], usize) {
    let mut coefficients = [0.0; STAGES];
    for (c, w) in coefficients.iter_mut().zip(weights) {
        *c = (h * w) as f32;
    }
    (coefficients, weights.len().min(STAGES))
}

/// What is solved, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem<'a> {
    pub(super) level: Level,
    pub(super) solver: &'a Solver,
    pub(super) span: (f64, f64),
    /// Leading columns of the state whose errors count.
    pub(super) normed: usize,
}

impl Problem<'_> {
    /// Brings `state` from the start of the span to its end; `each` sees every step that is taken,
    /// with the state it starts from.
    pub(super) fn solve(
        &self,
        equation: &mut impl Equation,
        state: &mut [Column],
        room: &mut Room,
        mut each: impl FnMut(&[Column]),
    ) -> Result<()> {
        room.reset(state.len(), self.solver.tableau.stages());
        match self.solver.stepping {
            Stepping::Fixed { steps } => self.fixed(steps, equation, state, room, &mut each),
            Stepping::Adaptive(tolerance) => {
                self.adaptive(&tolerance, equation, state, room, &mut each)
            }
        }
    }

    fn fixed(
        &self,
        steps: usize,
        equation: &mut impl Equation,
        state: &mut [Column],
        room: &mut Room,
        each: &mut impl FnMut(&[Column]),
    ) -> Result<()> {
        let ((from, to), tableau) = (self.span, self.solver.tableau);
        let length = (to - from) / steps as f64;
        let stages = stages_of_state(tableau);
        for i in 0..steps {
            let step = Step { time: from + (to - from) * (i as f64 / steps as f64), length };
            each(state);
            self.stages(step, 0..stages, equation, state, room);
            self.plus(step, &tableau.b[..stages], state, &room.slopes, &mut room.after);
            state.copy_from_slice(&room.after);
            room.steps.push(step);
        }
        // What is once not finite stays so.
        if is_finite(self.level, state) {
            return Ok(());
        }
        Err(fail(Step { time: to - length, length }, SolverError::NonFinite))
    }

    /// Evaluates stages of a step.
    fn stages(
        &self,
        step: Step,
        stages: std::ops::Range<usize>,
        equation: &mut impl Equation,
        state: &[Column],
        room: &mut Room,
    ) {
        let (tableau, n) = (self.solver.tableau, state.len());
        for i in stages {
            let Room { slopes, point, evaluations, .. } = room;
            let (before, slope) = slopes.split_at_mut(i * n);
            let time = step.time + tableau.c[i] * step.length;
            if i == 0 {
                equation.slope(time, state, &mut slope[..n]);
            } else {
                self.plus(step, tableau.a[i], state, before, point);
                equation.slope(time, point, &mut slope[..n]);
            }
            *evaluations += 1;
        }
    }

    /// to = state + h Σ wᵢ kᵢ
    fn plus(
        &self,
        step: Step,
        weights: &[f64],
        state: &[Column],
        slopes: &[Column],
        to: &mut [Column],
    ) {
        let (coefficients, count) = scaled(step.length, weights);
        combine(self.level, state, &coefficients[..count], slopes, state.len(), to);
    }

    fn adaptive(
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
