//! Monotone maps of the line, one file each.

mod affine;
mod bernstein;
mod logistic_mixture;
mod rational_quadratic_spline;
mod registry;
mod shift;

pub use affine::Affine;
pub use bernstein::Bernstein;
pub(crate) use bernstein::LEAST_STEP;
pub use logistic_mixture::LogisticMixture;
pub use rational_quadratic_spline::RationalQuadraticSpline;
pub(crate) use rational_quadratic_spline::{MIN_BIN, MIN_DERIVATIVE};
pub use registry::{UnivariateConfig, UnivariateKind};
pub use shift::Shift;
