//! The mean squared error of a score.

use super::rows::{paired, ratio, squared_length};
use crate::error::Result;
use crate::metrics::Estimate;
use crate::score::squared_distance;
use serde::Serialize;

/// How far a score is from the truth, over points of the density it is judged under.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FisherDivergence {
    /// E ‖s − ∇log p‖², in inverse squared units of x.
    pub absolute: Estimate,
    /// E ‖s − ∇log p‖² / E ‖∇log p‖²: 1 for s = 0; its error is that of a ratio to first order.
    pub relative: Estimate,
}

/// The Fisher divergence E_p ‖s − ∇log p‖² of scores from true ones, both row-major `[n, d]`, at n
/// independent points of p.
///
/// Twice the objective that score matching minimises (Hyvärinen 2005, *Estimation of
/// non-normalized statistical models by score matching*).
///
/// # Example
/// ```
/// use diffeo_flows::score::diagnostics::fisher_divergence;
/// let truth = [1.0, 0.0, 0.0, 2.0];
/// let doubled: Vec<f64> = truth.iter().map(|s| 2.0 * s).collect();
/// let fisher = fisher_divergence(&doubled, &truth, 2)?;
/// assert_eq!((fisher.absolute.mean, fisher.relative.mean), (2.5, 1.0));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) when the arrays do not fit, are empty or not finite.
pub fn fisher_divergence(
    score: &[f64],
    truth: &[f64],
    features: usize,
) -> Result<FisherDivergence> {
    paired("Fisher divergence", features, score, truth, 1)?;
    let rows = score.chunks_exact(features).zip(truth.chunks_exact(features));
    let errors: Vec<f64> = rows.map(|(s, t)| squared_distance(s, t)).collect();
    let sizes: Vec<f64> = truth.chunks_exact(features).map(squared_length).collect();
    Ok(FisherDivergence { absolute: Estimate::of(&errors, None), relative: ratio(&errors, &sizes) })
}
