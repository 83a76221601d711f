//! How good a score is, with and without the truth.
//!
//! # Stein's identity
//!
//! For a density p that vanishes at infinity and a smooth bounded φ, ∫ ∇(φ p) = 0. As ∇p = p s, that
//! is a property of the score s = ∇ log p alone:
//!
//! E_p[φ(x) s(x) + ∇φ(x)] = 0
//!
//! (Stein 1972, *A bound for the error in the normal approximation*.) Samples of p and a candidate
//! for s suffice to check it: φ = 1 says that scores average to 0, φ = xⱼ that E[s xᵀ] = −I, and so
//! on. A normal distribution of mean 1 and variance 4, by hand:
//!
//! ```
//! use diffeo_flows::rng::{Stream, generator};
//! use diffeo_flows::score::GaussianScore;
//! let normal = GaussianScore::normal(&[1.0], &[4.0])?;
//! let x = normal.sample_rows(20_000, &mut generator(0, Stream::Sample, 0));
//! let s = normal.score_rows(&x); // −(x − 1)/4
//! // φ = sin: E[s sin x + cos x] = 0.
//! let mean: f64 = x.iter().zip(&s).map(|(x, s)| s * x.sin() + x.cos()).sum::<f64>() / 20_000.0;
//! assert!(mean.abs() < 0.03);
//! # Ok::<(), diffeo_flows::Error>(())
//! ```
//!
//! | question | answer |
//! |---|---|
//! | how far from the truth? | [`fisher_divergence`], [`agreement`] |
//! | does it fit these samples, and where not? | [`stein_identity`], [`stein_summary`] |
//! | does it fit them, in one number? | [`kernel_stein_discrepancy`] |
//! | is it a gradient at all? | [`antisymmetric_share`] |
//!
//! # Scores and gradient flow
//!
//! A score is the field that climbs log p. Following it alone is the [gradient
//! flow](crate::calculus::gradient_flow) of −log p, which ends in a mode; with noise it is
//! [Langevin dynamics](crate::score::unadjusted_langevin), which ends in p.
//!
//! ```
//! use candle_core::{Device, Tensor};
//! use diffeo_flows::calculus::{Dual, FromDual, gradient_flow};
//! use diffeo_flows::score::{GaussianScore, Target};
//! // −log p = x²/2 + constant, and x′ = s(x) = −x: the path e⁻ᵗ x₀.
//! let energy = FromDual::new(1, 1, |p: &Dual| p.sqr()?.scale(0.5));
//! let start = Tensor::new(&[[2f64]], &Device::Cpu)?;
//! let path = gradient_flow(&energy, &start, 0.001, 1)?;
//! let slope = (&path[1] - &path[0])?.affine(1000.0, 0.0)?.to_vec2::<f64>()?[0][0];
//! let score = GaussianScore::normal(&[0.0], &[1.0])?.score(&start)?.to_vec2::<f64>()?[0][0];
//! assert!((slope - score).abs() < 2e-3);
//! # Ok::<(), diffeo_flows::Error>(())
//! ```

mod agreement;
mod discrepancy;
mod family;
mod fisher;
mod rotation;
mod rows;
mod stein;
#[cfg(test)]
mod tests;

pub use agreement::{Agreement, agreement};
pub use discrepancy::{DiscrepancyOptions, SteinDiscrepancy, kernel_stein_discrepancy};
pub use family::SteinFamily;
pub use fisher::{FisherDivergence, fisher_divergence};
pub use rotation::{antisymmetric_share, difference_jacobians};
pub use stein::{SteinSummary, SteinTest, stein_identity, stein_summary};
