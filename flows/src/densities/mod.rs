//! Normalised densities, one file each.

mod normal;
pub use normal::StandardNormal;
pub use normal::GaussianMixture;
mod gaussian;
pub use gaussian::GaussianBaseline;
