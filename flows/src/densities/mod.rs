//! Normalised densities, one file each.
//!
//! Normal, Student-t and mixture densities serve as bases of flows or as models of their own; the toys have an exact density and an exact sampler, to test everything else against.
//!
//! None of them is conditional: a context is accepted and ignored.

pub mod expectation_maximisation;
mod gaussian;
mod kernel_estimate;
mod mixture;
mod normal;
mod placement;
mod registry;
mod smoothed;
mod student_t;
mod toys;
mod triangular;

pub use gaussian::GaussianBaseline;
pub use kernel_estimate::{KernelDensity, KernelParts};
pub(crate) use mixture::{BROAD_WEIGHT, NARROWEST, far_away};
pub use mixture::{GaussianMixture, GaussianMixtureConfig};
pub use normal::{IsotropicNormal, StandardNormal, StandardNormalConfig};
pub use registry::{BaseConfig, BaseKind};
pub use smoothed::SmoothedToy;
pub(crate) use student_t::{LEAST, RATE, SPAN};
pub use student_t::{StudentT, StudentTConfig};
pub use toys::{Toy, ToyInfo};

#[cfg(test)]
mod checks;
