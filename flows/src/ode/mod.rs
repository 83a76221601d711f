//! Solvers of ordinary differential equations, their gradients, and continuous flows.

mod adaptive;
mod adjoint;
mod checkpoint;
mod continuous;
pub(crate) mod control;
mod divergence;
mod layer;
mod march;
mod solve;
mod state;
mod step;
mod tableau;
#[cfg(test)]
mod tests;

pub use adaptive::{ErrorNorm, Tolerance};
pub use adjoint::adjoint;
pub use checkpoint::{Checkpoints, Pulled, replay_with_checkpoints, solve_with_checkpoints};
pub use continuous::{ContinuousFlow, PointsAndVolume};
pub use layer::ContinuousConfig;
pub use solve::{Solution, Solver, Stepping, Trajectory, replay, solve, solve_at};
pub use state::{State, System};
pub use step::Step;
pub use tableau::{BOSH3, DOPRI5, EULER, HEUN, MIDPOINT, RK4, TSIT5, Tableau};
