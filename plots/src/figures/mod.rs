//! One file a figure.

mod backdrop;
mod cloud;
mod contour_labels;
mod corner;
mod curve;
mod density;
mod field;
mod flow;
mod look;
mod plane;
mod same_scale;
mod samples;
mod scalar;
mod sheet;
#[cfg(test)]
mod tests;
mod thin;
mod training;
mod trajectories;

pub use corner::Corner;
pub use curve::DensityCurve;
pub use density::DensityMap;
pub use field::{FieldMap, FieldStyle};
pub use flow::{FlowStages, Stage, latent_grid};
use same_scale::same_scale;
pub use samples::Samples;
pub use scalar::ScalarMap;
pub use training::Training;
pub use trajectories::Trajectories;
