//! The fast tier gives the numbers of the reference tier, at every level of vector instructions.
//!
//! `DIFFEO_SIMD=portable` and the like try one level alone.

/// How close two tiers must be, and why.
mod compare;
/// Continuous flows: their log-densities, samples, losses and gradients.
mod continuous;
/// Every kind of layer and base, with the edge cases, and every recipe.
mod flows;
/// Gradients of every parameter and of the points, in batches of all sizes.
mod gradients;
/// Edges of bins, far tails, and what is no number.
mod inputs;
/// From the base to the data, and back.
mod inverse;
/// One flow on both tiers, and the reference in both precisions.
mod pair;
/// The number of threads changes no bit.
mod threads;
/// Fits on both tiers, and the choice between them.
mod training;
/// Images, log-determinants and log-densities.
mod values;
