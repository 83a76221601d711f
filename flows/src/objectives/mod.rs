//! Losses that models are trained with.

mod continuous_likelihood;
mod flow_matching;
mod judged;
mod maximum_likelihood;
mod rows;
mod score_matching;

pub use continuous_likelihood::ContinuousLikelihood;
pub(crate) use continuous_likelihood::single_field;
pub use flow_matching::FlowMatching;
pub(crate) use flow_matching::{latent, latent_of, spread};
pub use judged::Judged;
pub use maximum_likelihood::MaximumLikelihood;
pub use score_matching::ScoreMatching;
pub(crate) use score_matching::noise_levels;
