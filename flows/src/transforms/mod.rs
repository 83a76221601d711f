//! Bijections of ℝᵈ, one file each.

mod act_norm;
mod coupling;
mod elementwise;
mod lu_linear;
mod masked_autoregressive;
mod permutation;
mod standardise;
mod support;

pub use act_norm::ActNorm;
pub use coupling::{Coupling, FixedHalf, Half};
pub use elementwise::Elementwise;
pub use lu_linear::LuLinear;
pub use masked_autoregressive::MaskedAutoregressive;
pub use permutation::Permutation;
pub use standardise::Standardise;
pub(crate) use support::Derivatives;
pub use support::{Support, SupportMap};
