//! Layers of flows, the fast tier of [`crate::transforms`].

mod coupling;
mod elementwise;
mod free;
mod masked_autoregressive;
mod permutation;

pub(super) use coupling::Coupling;
pub(super) use elementwise::Elementwise;
pub(super) use masked_autoregressive::MaskedAutoregressive;
pub(super) use permutation::Permutation;
