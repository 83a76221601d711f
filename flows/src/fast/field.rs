//! Kernels of continuous flows, x′ = v(t, x | c) from data at t = 0 to latent points at t = 1.
//!
//! `net` is the network of a field with tangents that run along, `bend` its elementwise part and
//! `backward` its reverse.

mod backward;
mod bend;
mod columns;
mod control;
mod likelihood;
mod march;
mod net;
mod objectives;
mod program;
mod reverse;
#[cfg(test)]
mod tests;
mod time;

pub use objectives::ContinuousLikelihood;
pub use program::FieldProgram;
