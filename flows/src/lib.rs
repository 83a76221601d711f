//! Normalizing flows: transforms, densities, training.

pub mod density;
pub mod densities;
pub mod error;
pub mod nets;
pub mod params;
pub mod rng;
pub mod transform;
pub mod transforms;
pub mod univariate;
pub mod univariates;

pub use density::Density;
pub use error::{Error, Result};
pub use params::Params;
pub use transform::{Chain, Inverse, Mapped, Transform};
pub use univariate::Univariate;
