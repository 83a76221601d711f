//! Bijections of ℝᵈ, one file each.

mod act_norm;
mod coupling;
mod elementwise;
mod lu_linear;
mod masked_autoregressive;
mod permutation;
mod planar;
mod registry;
mod rotation;
mod standardise;
mod support;

pub use act_norm::{ActNorm, ActNormConfig};
pub(crate) use coupling::sizes;
pub use coupling::{Coupling, CouplingConfig, FixedHalf, Half};
pub use elementwise::{Elementwise, ElementwiseConfig};
pub use lu_linear::{LuLinear, LuLinearConfig};
pub use masked_autoregressive::{
    InverseAutoregressiveConfig, MaskedAutoregressive, MaskedAutoregressiveConfig,
};
pub use permutation::{Permutation, ReverseConfig, ShuffleConfig};
pub use planar::{Planar, PlanarConfig};
pub use registry::{LayerConfig, LayerKind};
pub(crate) use rotation::LEAST_SQUARE;
pub use rotation::{Rotation, RotationConfig};
pub use standardise::Standardise;
pub(crate) use support::Derivatives;
pub use support::{Support, SupportMap};
