//! Losses that models are trained with.

mod maximum_likelihood;

pub use maximum_likelihood::MaximumLikelihood;
