//! Scores ∇ log p(x): targets, samplers that need no more than a score, and how good a score is.

pub mod diagnostics;
mod langevin;
mod mixture;
mod smoothed;
mod svgd;
mod target;

pub use langevin::{
    Chains, Langevin, metropolis_adjusted_langevin, unadjusted_langevin, unadjusted_variance,
};
pub use mixture::GaussianScore;
use svgd::squared_distance;
pub use svgd::{SteinDescent, StepRule, median_squared_distance, stein_variational};
pub use target::{FromDensity, FromLogProb, FromScore, Target};
