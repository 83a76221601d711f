//! Kernels of continuous flows, x′ = v(t, x | c) from data at t = 0 to latent points at t = 1.
//!
//! `net` is the network of a field with tangents that run along, `bend` its elementwise part,
//! `backward` its reverse, `potential` the same where the velocity is the gradient of a scalar, and
//! `squash` the form whose weights depend on time. `march` takes the
//! steps of a solver, of the `equations` of points and of their volume. `likelihood`, `matching` and
//! `score` are the losses of a tile; `objectives` joins them to the trainer, as `flow` does densities.
//! [`FieldProgram`] finds the kernels of a field, [`FieldFlow`] is its flow as a density.

mod backward;
mod bend;
mod columns;
mod equations;
mod evaluate;
mod flow;
mod likelihood;
mod march;
mod matching;
mod net;
mod objectives;
mod potential;
mod probes;
mod program;
mod score;
mod squash;
mod squash_rows;
#[cfg(test)]
mod tests;
mod time;
mod walk;

pub use flow::FieldFlow;
pub use objectives::{ContinuousLikelihood, FlowMatching, ScoreMatching};
pub use program::FieldProgram;
