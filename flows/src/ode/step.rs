//! One step of a Runge-Kutta method.

use super::state::{State, System};
use super::tableau::Tableau;
use crate::error::Result;

/// A step that was taken: from `time` to `time + length`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Where it starts.
    pub time: f64,
    /// How long it is, negative when time runs backwards.
    pub length: f64,
}

/// What one step gives.
pub(super) struct Stepped {
    pub(super) state: State,
    /// The slopes of all stages that were evaluated.
    slopes: Vec<State>,
}

impl Stepped {
    /// h Σ eᵢ kᵢ, where the tableau has an estimate.
    pub(super) fn error(&self, tableau: &Tableau, step: Step) -> Result<Option<State>> {
        let Some(weights) = tableau.b_error else { return Ok(None) };
        let error = self.state.zeros_like()?.plus(step.length, weights, &self.slopes)?;
        Ok(Some(error.detach()))
    }

    /// The first slope of the next step, where the tableau gives it for free.
    pub(super) fn next_first(self, tableau: &Tableau) -> Option<State> {
        let all = tableau.first_same_as_last && self.slopes.len() == tableau.stages();
        self.slopes.into_iter().next_back().filter(|_| all)
    }
}

/// Takes one step from `start`, whose slope may be known; `stages` says how many are evaluated.
pub(super) fn take(
    system: &dyn System,
    tableau: &Tableau,
    step: Step,
    start: &State,
    first: Option<State>,
    stages: usize,
) -> Result<Stepped> {
    let mut slopes: Vec<State> = Vec::with_capacity(stages);
    slopes.extend(first);
    for i in slopes.len()..stages {
        let point = start.plus(step.length, tableau.a[i], &slopes)?;
        let slope = system.slope(step.time + tableau.c[i] * step.length, &point)?;
        start.check_like("System::slope", &slope)?;
        slopes.push(slope);
    }
    Ok(Stepped { state: start.plus(step.length, tableau.b, &slopes)?, slopes })
}
