//! One file a figure.

mod cloud;
mod contour_labels;
mod corner;
mod curve;
mod density;
mod flow;
mod look;
mod same_scale;
mod samples;
mod sheet;
#[cfg(test)]
mod tests;
mod thin;
mod training;

pub use corner::Corner;
pub use curve::DensityCurve;
pub use density::DensityMap;
pub use flow::{FlowStages, Stage, latent_grid};
use same_scale::same_scale;
pub use samples::Samples;
pub use training::Training;
