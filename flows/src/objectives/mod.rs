//! Losses that models are trained with.

mod flow_matching;
mod maximum_likelihood;
mod rows;

pub use flow_matching::FlowMatching;
pub use maximum_likelihood::MaximumLikelihood;
