//! Scores ∇ₓ log p(x): fields learnt at many noise levels, targets that are known by theirs, samplers
//! that need no more, and how good a score is.
//!
//! One convention, everywhere: a score model returns s(x, σ) ≈ ∇ₓ log p_σ(x), where p_σ is the density
//! of x_σ = x + σ ε with ε ~ N(0, I) in the space the network works in, in which data have variance 1;
//! ε̂ = −σ s is the noise that a score says is in x_σ, and x_σ − σ ε̂ the point without it. Schedules
//! say which levels are trained on and where samplers step; the score itself depends on the level
//! alone.

pub mod diagnostics;
mod langevin;
mod mixture;
mod noise;
mod probability_flow;
mod samplers;
mod schedule;
mod smoothed;
mod svgd;
mod target;

pub use langevin::{
    Chains, Langevin, metropolis_adjusted_langevin, unadjusted_langevin, unadjusted_variance,
};
pub use mixture::GaussianScore;
pub use noise::NoiseLevels;
pub(crate) use probability_flow::score_and_jvp_at;
pub use probability_flow::{NoisePrediction, ProbabilityFlow, score_at};
pub(crate) use samplers::{Move, Walkers, not_finite, start_scale};
pub use samplers::{Sampler, SamplerKind, walk};
pub use schedule::{LevelLaw, LevelSampling, Schedule, Weighting};
use svgd::squared_distance;
pub use svgd::{SteinDescent, StepRule, median_squared_distance, stein_variational};
pub use target::{FromDensity, FromLogProb, FromScore, Target};
