//! Takes steps one after the other: given ones, or those that a tolerance allows.

use super::adaptive::Tolerance;
use super::control::{Controller, check_length, fail};
use super::solve::Solution;
use super::state::{State, System};
use super::step::{Step, Stepped, take};
use super::tableau::Tableau;
use crate::error::{Result, SolverError};

/// What of each step outlives it.
pub(super) enum Keep<'a> {
    /// The graph of its operations.
    Graph,
    /// Its state alone, stored here.
    States(&'a mut Vec<State>),
    /// Its state alone, until the next.
    Last,
}

impl Keep<'_> {
    /// A new state, to go on with.
    fn state(&mut self, state: State) -> State {
        match self {
            Self::Graph => state,
            Self::States(states) => {
                let state = state.detach();
                states.push(state.clone());
                state
            }
            Self::Last => state.detach(),
        }
    }

    /// A slope that the next step starts with: it would drag the graph of this one along.
    fn slope(&self, slope: State) -> State {
        match self {
            Self::Graph => slope,
            Self::States(_) | Self::Last => slope.detach(),
        }
    }
}

/// Takes given steps.
pub(super) fn replay_each(
    system: &dyn System,
    start: &State,
    tableau: &Tableau,
    steps: &[Step],
    keep: &mut Keep<'_>,
) -> Result<Solution> {
    let stages = tableau.stages_of_state();
    let mut state = start.clone();
    for step in steps {
        state = take(system, tableau, *step, &state, None, stages)?.state;
        if !state.is_finite()? {
            return Err(fail(*step, SolverError::NonFinite));
        }
        state = keep.state(state);
    }
    let evaluations = steps.len() * stages;
    Ok(Solution { state, evaluations, steps: steps.to_vec(), rejected: 0, next_length: None })
}

/// Takes the steps that a tolerance allows.
pub(super) fn adaptive(
    system: &dyn System,
    start: &State,
    (from, to): (f64, f64),
    tableau: &Tableau,
    tolerance: &Tolerance,
    keep: &mut Keep<'_>,
) -> Result<Solution> {
    let span = to - from;
    let mut solution = Solution {
        state: start.clone(),
        evaluations: 0,
        steps: Vec::new(),
        rejected: 0,
        next_length: tolerance.first_step,
    };
    if span == 0.0 {
        return Ok(solution);
    }
    let slope = first_slope(system, start, Step { time: from, length: span })?;
    let mut length = match tolerance.first_step {
        None => tolerance.first_step(system, tableau, (from, span), start, &slope)?,
        Some(given) => given.min(span.abs()),
    };
    let (mut time, mut first, mut controller) = (from, Some(slope), Controller::new(tableau));
    loop {
        // A remainder of less than a hundredth is no step of its own.
        let is_last = length * 1.01 >= (to - time).abs();
        let signed = if is_last { to - time } else { length.copysign(span) };
        let step = Step { time, length: signed };
        check_length(step, span, solution.steps.len() + solution.rejected, tolerance)?;
        let slope = match first.take() {
            Some(slope) => slope,
            None => first_slope(system, &solution.state, step)?,
        };
        let (tried, error) = attempt(system, tableau, step, &solution.state, &slope, tolerance)?;
        if error > 1.0 {
            (first, length) = (Some(slope), signed.abs() * controller.reject(error));
            solution.rejected += 1;
            continue;
        }
        length = signed.abs() * controller.accept(error);
        solution.steps.push(step);
        solution.state = keep.state(tried.state.clone());
        solution.next_length = Some(length);
        if is_last {
            return Ok(solution);
        }
        first = tried.next_first(tableau).map(|slope| keep.slope(slope));
        time += signed;
    }
}

/// One step and its error, infinite where a state is not finite.
fn attempt(
    system: &dyn System,
    tableau: &Tableau,
    step: Step,
    state: &State,
    slope: &State,
    tolerance: &Tolerance,
) -> Result<(Stepped, f64)> {
    let tried = take(system, tableau, step, state, Some(slope.clone()), tableau.stages())?;
    let error = match tried.error(tableau, step)? {
        Some(error) if tried.state.is_finite()? => tolerance.norm(&error, state, &tried.state)?,
        _ => f64::INFINITY,
    };
    Ok((tried, error))
}

/// f(t, y), which must be finite for any step to be.
fn first_slope(system: &dyn System, state: &State, step: Step) -> Result<State> {
    let slope = system.slope(step.time, state)?;
    state.check_like("System::slope", &slope)?;
    if slope.is_finite()? && state.is_finite()? {
        return Ok(slope);
    }
    Err(fail(step, SolverError::NonFinite))
}
