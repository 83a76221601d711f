//! One file a figure.

mod backdrop;
mod calibration;
mod cloud;
mod contour_labels;
mod corner;
mod curve;
mod density;
mod field;
mod flow;
mod heat;
mod look;
mod plane;
mod residuals;
mod same_scale;
mod samples;
mod scalar;
mod scores;
mod sheet;
mod stage;
mod strip;
mod surface;
#[cfg(test)]
mod tests;
mod thin;
mod training;
mod trajectories;

pub use calibration::Calibration;
pub use corner::Corner;
pub use curve::DensityCurve;
pub use density::DensityMap;
pub use field::{FieldMap, FieldPanel, FieldPanels, FieldStyle};
pub use flow::FlowStages;
pub use residuals::Residuals;
use same_scale::same_scale;
pub use samples::Samples;
pub use scalar::ScalarMap;
pub use scores::Scores;
pub use stage::{Stage, latent_grid};
pub use surface::Surface;
pub use training::Training;
pub use trajectories::Trajectories;
