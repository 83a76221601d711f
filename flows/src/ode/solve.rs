//! Solves differential equations with fixed or adaptive steps, in either direction of time.

use super::adaptive::Tolerance;
use super::march::{Keep, adaptive, replay_each};
use super::state::{State, System};
use super::step::Step;
use super::tableau::{TSIT5, Tableau};
use crate::error::{Error, Result};
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

    /// The steps from one time to another, all the same length; none where they are adaptive.
    pub fn fixed_steps(&self, (from, to): (f64, f64)) -> Vec<Step> {
        let Stepping::Fixed { steps } = self.stepping else { return Vec::new() };
        let length = (to - from) / steps as f64;
        let time = |i: usize| from + (to - from) * (i as f64 / steps as f64);
        (0..steps).map(|i| Step { time: time(i), length }).collect()
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
        Stepping::Fixed { .. } => {
            replay_each(&counted, start, solver.tableau, &solver.fixed_steps(span), keep)?
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
