//! Normalizing flows: transforms, densities, training.
//!
//! `forward` is data → latent, everywhere, and `log_det` is that of the map just applied:
//!
//! log p(x) = log p_base(f(x)) + log|det ∂f/∂x|
//!
//! Log-densities are in nats. Two traits carry the library, [`Transform`] and [`Density`]; a
//! [`Flow`] joins them, a [`model::Model`] puts a flow into the units of its data, and
//! [`fit::Fit`] fits one to rows.

pub mod calculus;
mod cancel;
pub mod config;
pub mod densities;
pub mod density;
mod draws;
pub mod engine;
pub mod error;
pub mod fast;
pub mod field;
pub mod fields;
pub mod fit;
pub mod flow;
pub mod kinds;
pub mod metrics;
pub mod model;
pub mod nets;
pub mod objective;
pub mod objectives;
pub mod ode;
pub mod pairing;
pub mod params;
pub mod paths;
pub mod preparation;
pub mod rng;
pub mod rows;
pub mod score;
pub mod train;
pub mod transform;
pub mod transforms;
pub mod univariate;
pub mod univariates;
pub mod workers;

pub use cancel::Cancel;
pub use config::FlowConfig;
pub use density::Density;
pub use engine::Engine;
pub use error::{Error, Result};
pub use field::VectorField;
pub use flow::Flow;
pub use params::Params;
pub use transform::{Chain, Inverse, Mapped, Transform};
pub use univariate::Univariate;
pub use workers::Workers;
