//! How alike two fields are on the same points.

use super::fisher::fisher_divergence;
use super::rows::squared_length;
use crate::error::Result;
use crate::metrics::Estimate;
use serde::Serialize;

/// How alike two fields are, in size and in direction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// E ‖a − b‖² / E ‖b‖²: 0 where they are the same.
    pub relative: Estimate,
    /// E cos ∠(a, b), over the rows where neither is 0: 1 where they point the same way.
    pub cosine: Estimate,
}

/// Compares two fields, row-major `[n, d]`, at the same n points; neither is taken for the truth but
/// that `b` sets the scale.
///
/// # Example
/// ```
/// use diffeo_flows::score::diagnostics::agreement;
/// let a = [1.0, 0.0, 0.0, 3.0];
/// let b = [2.0, 0.0, 3.0, 0.0];
/// let both = agreement(&a, &b, 2)?;
/// assert_eq!(both.cosine.mean, 0.5);
/// assert!((both.relative.mean - 19.0 / 13.0).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// As [`fisher_divergence`].
pub fn agreement(a: &[f64], b: &[f64], features: usize) -> Result<Agreement> {
    let relative = fisher_divergence(a, b, features)?.relative;
    let rows = a.chunks_exact(features).zip(b.chunks_exact(features));
    let cosine = |(a, b): (&[f64], &[f64])| {
        let lengths = squared_length(a).sqrt() * squared_length(b).sqrt();
        let inner: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        (lengths > 0.0).then_some(inner / lengths)
    };
    let cosines: Vec<f64> = rows.filter_map(cosine).collect();
    Ok(Agreement { relative, cosine: Estimate::of(&cosines, None) })
}
