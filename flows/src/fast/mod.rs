//! The fast tier: whole flows as CPU kernels, forward and backward, over tiles of 64 rows.
//!
//! It computes what the reference tier computes, within the numerical contract of
//! [`Engine`](crate::Engine), in `f32` on the CPU. Nothing in the reference tier names it: without
//! this module every result stays the same but for rounding. [`Program`] finds the kernels of a
//! flow, [`FastFlow`] is that flow as a density, [`MaximumLikelihood`] its loss.
//!
//! `tile` and `dense` are the ground: columns of 64 rows, and products over them. `simd` chooses the
//! vector instructions when the program runs and holds all `unsafe` of the library. `kernel` defines
//! what a layer is; `layers`, `univariate`, `net` and `base` follow the reference tier part by part.
//! `field` does the same for continuous flows: [`FieldProgram`], [`FieldFlow`], and their losses
//! [`ContinuousLikelihood`] and [`FlowMatching`].
//! `training` and `team` share the tiles of a batch among threads, `optimizer` moves the weights.

pub mod peak;
pub mod simd;

mod activation;
#[cfg(test)]
mod against_reference;
mod base;
mod dense;
mod field;
mod flow;
mod kernel;
mod layers;
mod layout;
mod math;
mod maximum_likelihood;
mod net;
mod operation;
mod optimizer;
mod program;
mod table;
mod team;
mod tile;
mod training;
mod triangular;
mod univariate;

pub use field::{ContinuousLikelihood, FieldFlow, FieldProgram, FlowMatching, ScoreMatching};
pub use flow::FastFlow;
pub use maximum_likelihood::MaximumLikelihood;
pub use operation::{FastTransform, flat_theta};
pub use program::{Program, Unsupported};
