//! Solves differential equations with fixed or adaptive steps, in either direction of time.

use super::adaptive::{Controller, Tolerance};
use super::state::{State, System};
use super::step::{Step, take};
use super::tableau::{TSIT5, Tableau};
use crate::error::{Error, Result, SolverError};
use std::cell::Cell;

/// How long steps are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stepping {
    /// All the same length.
    Fixed {
        /// Number of steps.
        steps: usize,
    },
    /// As long as a tolerance allows.
    Adaptive(Tolerance),
}

/// A method and its steps; by default Tsitouras 5(4) with tolerances of 1e-5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Solver {
    /// The method.
    pub tableau: &'static Tableau,
    /// Its steps.
    pub stepping: Stepping,
}

impl Solver {
    /// `steps` steps of the same length.
    pub fn fixed(tableau: &'static Tableau, steps: usize) -> Self {
        Self { tableau, stepping: Stepping::Fixed { steps } }
    }

    /// Steps with errors below `absolute` + `relative` |y|.
    pub fn adaptive(tableau: &'static Tableau, absolute: f64, relative: f64) -> Self {
        Self { tableau, stepping: Stepping::Adaptive(Tolerance::new(absolute, relative)) }
    }

    /// Fails when there are no steps, the tolerance cannot be met, or there is no error estimate.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        match self.stepping {
            Stepping::Fixed { steps: 0 } => {
                Err(Error::config("steps", "there are none", "give at least 1"))
            }
            Stepping::Fixed { .. } => Ok(()),
            Stepping::Adaptive(_) if self.tableau.b_error.is_none() => Err(Error::config(
                "solver",
                format!("{} estimates no error", self.tableau.name),
                "give fixed steps, or take tsit5",
            )),
            Stepping::Adaptive(tolerance) => tolerance.check(),
        }
    }
}

impl Default for Solver {
    fn default() -> Self {
        Self::adaptive(&TSIT5, 1e-5, 1e-5)
    }
}

/// The end of a solution, and what it took.
#[derive(Debug, Clone)]
pub struct Solution {
    /// y(t₁).
    pub state: State,
    /// Number of evaluations of f.
    pub evaluations: usize,
    /// The steps taken, first to last.
    pub steps: Vec<Step>,
    /// Number of steps tried and rejected.
    pub rejected: usize,
    /// The length that an adaptive solver would try next.
    pub next_length: Option<f64>,
}

/// Solves y′ = f(t, y) from t₀ to t₁, which may lie before t₀.
///
/// The solution is differentiable with respect to whatever f and y(t₀) depend on; the graph of
/// all steps is kept, and a backward pass through many steps needs a large stack, as in
/// [`Workers`](crate::Workers). [`solve_with_checkpoints`](super::solve_with_checkpoints) keeps the
/// graph of one step only. Step lengths count as constants.
///
/// Evaluations: steps × stages for fixed steps, without the last stage where it only serves the
/// error estimate. Adaptive, with s stages: s − 1 for each step tried, one more for each step taken
/// (only for the first where the last stage is the first of the next), and one for the choice of the
/// first length.
///
/// # Errors
/// [`Error::Solver`] when a state is not finite, or when steps underflow or do not suffice;
/// [`Error::Config`] for settings that cannot be used.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::ode::{Solver, State, TSIT5, solve};
/// // y′ = −y
/// let decay = |_t: f64, y: &State| Ok(State::from(y.tensor()?.neg()?));
/// let start = Tensor::new(&[[1.0]], &Device::Cpu)?.into();
/// let solution = solve(&decay, &start, (0.0, 1.0), &Solver::adaptive(&TSIT5, 1e-9, 1e-9))?;
/// let end = solution.state.tensor()?.to_vec2::<f64>()?[0][0];
/// assert!((end - (-1f64).exp()).abs() < 1e-8);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub fn solve(
    system: &dyn System,
    start: &State,
    span: (f64, f64),
    solver: &Solver,
) -> Result<Solution> {
    solve_each(system, start, span, solver, &mut Keep::Graph)
}

/// What of each step outlives it.
pub(super) enum Keep<'a> {
    /// The graph of its operations.
    Graph,
    /// Its state alone, stored here.
    States(&'a mut Vec<State>),
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
        }
    }

    /// A slope that the next step starts with: it would drag the graph of this one along.
    fn slope(&self, slope: State) -> State {
        match self {
            Self::Graph => slope,
            Self::States(_) => slope.detach(),
        }
    }
}

/// The same, keeping what `keep` says.
pub(super) fn solve_each(
    system: &dyn System,
    start: &State,
    (from, to): (f64, f64),
    solver: &Solver,
    keep: &mut Keep<'_>,
) -> Result<Solution> {
    solver.check()?;
    let count = Cell::new(0);
    let counted = |t: f64, state: &State| {
        count.set(count.get() + 1);
        system.slope(t, state)
    };
    let span = (from, to);
    let mut solution = match solver.stepping {
        Stepping::Fixed { steps } => {
            let length = (to - from) / steps as f64;
            let time = |i: usize| from + (to - from) * (i as f64 / steps as f64);
            let steps: Vec<Step> = (0..steps).map(|i| Step { time: time(i), length }).collect();
            replay_each(&counted, start, solver.tableau, &steps, keep)?
        }
        Stepping::Adaptive(tolerance) => {
            adaptive(&counted, start, span, solver.tableau, &tolerance, keep)?
        }
    };
    solution.evaluations = count.get();
    Ok(solution)
}

/// Takes given steps, such as those of an earlier [`Solution`].
///
/// # Errors
/// [`Error::Solver`] when a state is not finite.
pub fn replay(
    system: &dyn System,
    start: &State,
    tableau: &Tableau,
    steps: &[Step],
) -> Result<Solution> {
    replay_each(system, start, tableau, steps, &mut Keep::Graph)
}

fn replay_each(
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

fn adaptive(
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
    let mut first = Some(first_slope(system, start, Step { time: from, length: span })?);
    let mut length = match (tolerance.first_step, &first) {
        (None, Some(slope)) => tolerance.first_step(system, tableau, (from, span), start, slope)?,
        (given, _) => given.unwrap_or(span.abs()).min(span.abs()),
    };
    let (mut time, mut controller) = (from, Controller::new(tableau));
    loop {
        let is_last = length * 1.01 >= (to - time).abs();
        let signed = if is_last { to - time } else { length.copysign(span) };
        let step = Step { time, length: signed };
        check_length(step, span, solution.steps.len() + solution.rejected, tolerance)?;
        let slope = match first.take() {
            Some(slope) => slope,
            None => first_slope(system, &solution.state, step)?,
        };
        let stages = tableau.stages();
        let tried = take(system, tableau, step, &solution.state, Some(slope.clone()), stages)?;
        let error = match tried.error(tableau, step)? {
            Some(error) => tolerance.norm(&error, &solution.state, &tried.state)?,
            None => 0.0,
        };
        if error > 1.0 || !tried.state.is_finite()? {
            let error = if error > 1.0 { error } else { f64::INFINITY };
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

/// f(t, y), which must be finite for any step to be.
fn first_slope(system: &dyn System, state: &State, step: Step) -> Result<State> {
    let slope = system.slope(step.time, state)?;
    state.check_like("System::slope", &slope)?;
    if slope.is_finite()? && state.is_finite()? {
        return Ok(slope);
    }
    Err(fail(step, SolverError::NonFinite))
}

fn check_length(step: Step, span: f64, tried: usize, tolerance: &Tolerance) -> Result<()> {
    // Where t + h is hardly told from t, stages fall on the same time.
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

fn fail(step: Step, problem: SolverError) -> Error {
    Error::Solver { time: step.time, step: step.length, problem }
}

/// States at given times, and what they took.
#[derive(Debug, Clone)]
pub struct Trajectory {
    /// One state for each time.
    pub states: Vec<State>,
    /// Number of evaluations of f.
    pub evaluations: usize,
    /// Number of steps taken.
    pub accepted: usize,
    /// Number of steps tried and rejected.
    pub rejected: usize,
}

/// Solves from each time to the next and gives the state at each, the first being the start.
///
/// Fixed steps are those of each interval; adaptive steps go on with the length of the last.
///
/// # Errors
/// As [`solve`].
pub fn solve_at(
    system: &dyn System,
    start: &State,
    times: &[f64],
    solver: &Solver,
) -> Result<Trajectory> {
    let (mut states, mut solver) = (vec![start.clone()], *solver);
    let (mut evaluations, mut accepted, mut rejected) = (0, 0, 0);
    for pair in times.windows(2) {
        let solution = solve(system, &states[states.len() - 1], (pair[0], pair[1]), &solver)?;
        evaluations += solution.evaluations;
        accepted += solution.steps.len();
        rejected += solution.rejected;
        if let Stepping::Adaptive(tolerance) = &mut solver.stepping {
            tolerance.first_step = solution.next_length;
        }
        states.push(solution.state);
    }
    states.truncate(times.len());
    Ok(Trajectory { states, evaluations, accepted, rejected })
}
