//! Losses that models are trained with.

mod chunks;
mod continuous_likelihood;
mod maximum_likelihood;

pub use continuous_likelihood::ContinuousLikelihood;
pub use maximum_likelihood::MaximumLikelihood;
