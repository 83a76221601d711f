//! Derivatives of maps between Euclidean spaces: Jacobians, operators, traces, implicit functions.
//!
//! Rows are independent points: a map takes `[n, d]` to `[n, m]`. Forward mode is written as
//! [`Dual`] pairs in ordinary operations, so one reverse pass through a tangent is right; a reverse
//! pass through a reverse pass is not, since candle detaches gradients.
//!
//! Griewank and Walther 2008, *Evaluating Derivatives*.

mod dual;
mod gradient_flow;
mod implicit;
mod jacobian;
mod map;
mod operators;
mod trace;
#[cfg(test)]
mod worked;
#[cfg(test)]
mod worked_nets;

pub use dual::Dual;
pub use gradient_flow::{gradient_flow, polyak_lojasiewicz_bound};
pub use implicit::{Anderson, ScalarRoot, fixed_point, scalar_root};
pub(crate) use jacobian::direction as unit_direction;
pub use jacobian::{
    Jacobian, Mode, condition_number, jacobian, jacobian_by, jvp, singular_values, vjp,
};
pub use map::{Composed, DifferentiableMap, FromDual};
pub use operators::{curl, divergence, gradient, hessian, hessian_vector_product, laplacian};
pub use trace::{Estimate, Probe, exact, hutch_plus_plus, hutchinson};
pub(crate) use trace::{orthonormal, sketched, sketches};
