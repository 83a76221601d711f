//! Score fields s(x, σ) ≈ ∇ₓ log p_σ(x): the density of data with Gaussian noise of level σ.
//!
//! One convention, everywhere: x_σ = x + σ ε with ε ~ N(0, I) in the space the network works in,
//! where data have variance 1; ε̂ = −σ s is the noise that a score says is in x_σ, and x_σ − σ ε̂ the
//! point without it. Schedules say which levels are trained on and where samplers step; the score
//! itself depends on the level alone.

mod noise;
mod probability_flow;
mod samplers;
mod schedule;

pub use noise::NoiseLevels;
pub use probability_flow::{NoisePrediction, ProbabilityFlow, score_at};
pub(crate) use samplers::{Move, Walkers, start_scale};
pub use samplers::{Sampler, SamplerKind, walk};
pub use schedule::{LevelLaw, LevelSampling, Schedule, Weighting};
