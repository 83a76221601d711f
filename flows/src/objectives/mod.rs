//! Losses that models are trained with.

mod continuous_likelihood;
mod flow_matching;
mod judged;
mod maximum_likelihood;
mod rows;

pub use continuous_likelihood::ContinuousLikelihood;
pub(crate) use continuous_likelihood::single_field;
pub use flow_matching::FlowMatching;
pub(crate) use flow_matching::{latent, latent_of};
pub use judged::Judged;
pub use maximum_likelihood::MaximumLikelihood;
