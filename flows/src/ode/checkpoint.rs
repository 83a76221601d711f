//! Gradients of the discretised solution, with a checkpoint for each step.

use super::march::{Keep, replay_each};
use super::solve::{Solution, Solver, solve_each};
use super::state::{State, System};
use super::step::{Step, take};
use super::tableau::Tableau;
use crate::error::Result;
use crate::objective::{Gradients, flat_gradients};
use crate::params::Params;
use candle_core::Tensor;

/// A solution outside any gradient, with the state at the start of each step.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    /// The solution.
    pub solution: Solution,
    starts: Vec<State>,
    tableau: &'static Tableau,
}

/// Cotangents pulled back to the start of a solution.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// ∂L/∂y(t₀).
    pub state: State,
    /// ∂L/∂θ, in the order of [`Params::trainable`].
    pub params: Gradients,
    /// Number of evaluations of f.
    pub evaluations: usize,
}

/// Solves as [`solve`](super::solve()) does, keeping states in place of graphs.
///
/// Memory: one state for each step, and the graph of one step.
///
/// # Errors
/// As [`solve`](super::solve()).
pub fn solve_with_checkpoints(
    system: &dyn System,
    start: &State,
    span: (f64, f64),
    solver: &Solver,
) -> Result<Checkpoints> {
    let start = start.detach();
    let mut starts = vec![start.clone()];
    let solution = solve_each(system, &start, span, solver, &mut Keep::States(&mut starts))?;
    Ok(kept(solution, starts, solver.tableau))
}

/// Takes given steps as [`replay`](super::replay()) does, keeping states in place of graphs.
///
/// # Errors
/// As [`replay`](super::replay()).
pub fn replay_with_checkpoints(
    system: &dyn System,
    start: &State,
    tableau: &'static Tableau,
    steps: &[Step],
) -> Result<Checkpoints> {
    let start = start.detach();
    let mut starts = vec![start.clone()];
    let solution = replay_each(system, &start, tableau, steps, &mut Keep::States(&mut starts))?;
    Ok(kept(solution, starts, tableau))
}

fn kept(solution: Solution, mut starts: Vec<State>, tableau: &'static Tableau) -> Checkpoints {
    starts.truncate(solution.steps.len());
    let solution = Solution { state: solution.state.detach(), ..solution };
    Checkpoints { solution, starts, tableau }
}

impl Checkpoints {
    /// The exact gradient of the discretised solution: from ∂L/∂y(t₁) to ∂L/∂y(t₀) and ∂L/∂θ.
    ///
    /// Each step is taken again from its checkpoint, last to first, and its cotangent pulled back by
    /// one reverse pass; the lengths of adaptive steps count as constants.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the cotangent does not fit the state.
    pub fn pull_back(
        &self,
        system: &dyn System,
        cotangent: &State,
        params: &Params,
    ) -> Result<Pulled> {
        self.solution.state.check_like("Checkpoints::pull_back", cotangent)?;
        let stages = self.tableau.stages_of_state();
        let mut cotangent = cotangent.detach();
        let mut gradient = vec![0.0; params.count()];
        for (step, start) in self.solution.steps.iter().zip(&self.starts).rev() {
            let after =
                |state: &State| Ok(take(system, self.tableau, *step, state, None, stages)?.state);
            let pulled = pull(after, start, &cotangent, params)?;
            cotangent = pulled.1;
            gradient.iter_mut().zip(pulled.2).for_each(|(sum, entry)| *sum += entry);
        }
        let evaluations = self.starts.len() * stages;
        Ok(Pulled { state: cotangent, params: gradient, evaluations })
    }
}

/// The value of a map at a state, and the cotangent pulled back to the state and the parameters.
pub(super) fn pull(
    map: impl FnOnce(&State) -> Result<State>,
    at: &State,
    cotangent: &State,
    params: &Params,
) -> Result<(State, State, Gradients)> {
    let variables = at.variables()?;
    let value = map(&State::new(variables.iter().map(|v| v.as_tensor().clone()).collect()))?;
    let store = value.dot(cotangent)?.backward()?;
    let parts: Vec<Tensor> = variables
        .iter()
        .map(|v| store.get(v).map_or_else(|| Ok(v.zeros_like()?), |g| Ok(g.detach())))
        .collect::<Result<_>>()?;
    Ok((value.detach(), State::new(parts), flat_gradients(&store, params)?))
}
