//! The continuous adjoint.

use super::adaptive::ErrorNorm;
use super::checkpoint::{Pulled, pull};
use super::solve::{Solver, Stepping, solve};
use super::state::{State, System};
use crate::error::Result;
use crate::params::{Params, to_f64};
use candle_core::Tensor;

/// Pulls ∂L/∂y(t₁) back to ∂L/∂y(t₀) and ∂L/∂θ by solving, from t₁ back to t₀,
///
/// y′ = f, a′ = −aᵀ ∂f/∂y, g′ = −aᵀ ∂f/∂θ with a(t₁) = ∂L/∂y(t₁), g(t₁) = 0.
///
/// Memory does not depend on the number of steps; the gradient is that of the exact solution up to
/// the error of the solver, not that of the discretised one: prefer
/// [`solve_with_checkpoints`](super::solve_with_checkpoints) for training. `end` is y(t₁), `span`
/// is (t₀, t₁) of the forward solution. Errors are measured by the root mean square of all entries.
///
/// Chen et al. 2018, *Neural Ordinary Differential Equations*, algorithm 1.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) when the cotangent does not fit the state; otherwise as
/// [`solve`].
pub fn adjoint(
    system: &dyn System,
    end: &State,
    cotangent: &State,
    span: (f64, f64),
    solver: &Solver,
    params: &Params,
) -> Result<Pulled> {
    end.check_like("adjoint", cotangent)?;
    let count = end.parts().len();
    let mut parts = end.detach().into_parts();
    parts.extend(cotangent.detach().into_parts());
    if params.count() > 0 {
        parts.push(Tensor::zeros(params.count(), params.dtype(), params.device())?);
    }
    let augmented = |t: f64, state: &State| -> Result<State> {
        let at = State::new(state.parts()[..count].to_vec());
        let a = State::new(state.parts()[count..2 * count].to_vec());
        let (slope, state, gradient) = pull(|y| system.slope(t, y), &at, &a, params)?;
        let mut parts = slope.into_parts();
        for part in state.parts() {
            parts.push(part.neg()?);
        }
        if !gradient.is_empty() {
            let length = gradient.len();
            let gradient = Tensor::from_vec(gradient, length, params.device())?;
            parts.push(gradient.to_dtype(params.dtype())?.neg()?);
        }
        Ok(State::new(parts))
    };
    let mut solver = *solver;
    if let Stepping::Adaptive(tolerance) = &mut solver.stepping {
        // Parameters have no rows.
        tolerance.norm = ErrorNorm::Rms;
    }
    let solution = solve(&augmented, &State::new(parts), (span.1, span.0), &solver)?;
    let parts = solution.state.parts();
    let gradient = parts.get(2 * count).map(to_f64).transpose()?.unwrap_or_default();
    Ok(Pulled {
        state: State::new(parts[count..2 * count].to_vec()),
        params: gradient,
        evaluations: solution.evaluations,
    })
}
