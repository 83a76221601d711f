//! One file a figure.

mod backdrop;
mod cloud;
mod common_names;
mod contour_labels;
mod corner;
mod curve;
mod density;
mod field;
mod flow;
mod heat;
mod look;
mod plane;
mod same_scale;
mod samples;
mod scalar;
mod sheet;
mod stage;
mod strip;
mod surface;
#[cfg(test)]
mod tests;
mod thin;
mod training;
mod trajectories;

pub use corner::Corner;
pub use curve::DensityCurve;
pub use density::DensityMap;
pub use field::{FieldMap, FieldPanel, FieldPanels, FieldStyle};
pub use flow::FlowStages;
use same_scale::same_scale;
pub use samples::Samples;
pub use scalar::ScalarMap;
pub use stage::{Stage, latent_grid};
pub use surface::Surface;
pub use training::Training;
pub use trajectories::Trajectories;
