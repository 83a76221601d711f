//! Checks of what the diagnostics are given.

use crate::error::{Error, Result};
use crate::metrics::Estimate;

/// The number of rows of two row-major slices `[n, d]` of finite numbers.
pub(super) fn paired(
    what: &'static str,
    features: usize,
    a: &[f64],
    b: &[f64],
    fewest: usize,
) -> Result<usize> {
    if features == 0 || a.len() != b.len() || !a.len().is_multiple_of(features) {
        let problem = format!("{} and {} entries of {features} features", a.len(), b.len());
        return Err(Error::data(what, problem, "give two row-major arrays [n, d]"));
    }
    let n = a.len() / features;
    if n < fewest {
        return Err(Error::data(what, format!("{n} rows"), format!("give at least {fewest}")));
    }
    if let Some(k) = a.iter().zip(b).position(|(a, b)| !(a.is_finite() && b.is_finite())) {
        let problem = format!("row {} is not finite", k / features);
        return Err(Error::data(what, problem, "leave it out, or look at the score there"));
    }
    Ok(n)
}

/// Σ aᵢ / Σ bᵢ with the standard error of a ratio, to first order (the delta method); NaN when all
/// bᵢ are 0.
pub(super) fn ratio(a: &[f64], b: &[f64]) -> Estimate {
    let below = Estimate::of(b, None).mean;
    let mean = Estimate::of(a, None).mean / below;
    let residuals: Vec<f64> = a.iter().zip(b).map(|(a, b)| (a - mean * b) / below).collect();
    Estimate { mean, standard_error: Estimate::of(&residuals, None).standard_error }
}

pub(super) fn squared_length(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum()
}
