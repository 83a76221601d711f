//! Takes the steps of a solver over a tile of rows: the fast tier of [`crate::ode`].

mod adaptive;
mod control;
mod lanes;

use super::columns::{add_zero_times, combine};
use crate::error::{Error, Result, SolverError};
use crate::fast::simd::Level;
use crate::fast::tile::{Column, ROWS};
use crate::ode::control::fail;
use crate::ode::{Solver, Step, Stepping, Tableau};
use lanes::Lanes;
use std::ops::Range;

/// The most stages of a method.
pub(super) const STAGES: usize = 16;

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
    /// The rows that are solved still.
    lanes: Lanes,
}

impl Room {
    fn reset(&mut self, columns: usize, stages: usize) {
        self.slopes.resize(columns * stages, Column::ZERO);
        for buffer in [&mut self.point, &mut self.after, &mut self.error] {
            buffer.resize(columns, Column::ZERO);
        }
        self.steps.clear();
        self.rejected = 0;
        self.lanes = Lanes::default();
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
    /// Rows of the tile that count; what stands behind them is never looked at.
    pub(super) rows: usize,
    pub(super) failing: Failing,
}

/// What becomes of a solution when one of its rows cannot be solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failing {
    /// It ends there, with the row's error.
    All,
    /// The state of that row becomes NaN, and the others go on.
    Row,
}

impl Problem<'_> {
    /// Brings `state` from the start of the span to its end; `each` sees every step that is taken,
    /// with the state it starts from.
    ///
    /// A row whose solution stops being finite, needs more steps by itself than the tolerance allows,
    /// or steps too short to be told from none, fails; see [`Failing`].
    pub(super) fn solve(
        &self,
        equation: &mut impl Equation,
        state: &mut [Column],
        room: &mut Room,
        mut each: impl FnMut(&[Column]),
    ) -> Result<()> {
        room.reset(state.len(), self.solver.tableau.stages());
        room.lanes.keep_first(self.rows);
        match self.solver.stepping {
            Stepping::Fixed { steps } => self.fixed(steps, equation, state, room, &mut each)?,
            Stepping::Adaptive(tolerance) => {
                self.adaptive(&tolerance, equation, state, room, &mut each)?;
            }
        }
        room.lanes.mark(state);
        Ok(())
    }

    /// Goes on without rows that failed, or fails with them.
    fn without(
        &self,
        failed: &[bool],
        lanes: &mut Lanes,
        error: impl FnOnce() -> Error,
    ) -> Result<()> {
        match self.failing {
            Failing::All if failed.contains(&true) => Err(error()),
            _ => {
                lanes.fail(failed);
                Ok(())
            }
        }
    }

    /// Which of the rows that are solved still have an entry that is not finite.
    fn not_finite(&self, lanes: &Lanes, sets: &[&[Column]]) -> [bool; ROWS] {
        let mut sums = Column::ZERO;
        for set in sets {
            add_zero_times(self.level, set, &mut sums);
        }
        std::array::from_fn(|row| lanes.is_solved(row) && !sums.0[row].is_finite())
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
        let failed = self.not_finite(&room.lanes, &[state]);
        self.without(&failed, &mut room.lanes, || {
            fail(Step { time: to - length, length }, SolverError::NonFinite)
        })
    }

    /// Evaluates stages of a step.
    fn stages(
        &self,
        step: Step,
        stages: Range<usize>,
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
}
