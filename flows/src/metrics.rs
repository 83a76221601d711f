//! Averages with honest error bars.

use serde::{Deserialize, Serialize};

/// A mean and the standard error of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error; infinite for fewer than two values.
    pub standard_error: f64,
}

impl Estimate {
    /// Mean and standard error of values, optionally weighted.
    ///
    /// With weights: mean Σ wᵢvᵢ / Σ wᵢ, standard error √(Σ wᵢ² (vᵢ − mean)²) / Σ wᵢ · √(n/(n − 1))
    /// over the n rows of positive weight, which is the usual s/√n for equal weights.
    pub fn of(values: &[f64], weights: Option<&[f64]>) -> Self {
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        let total: f64 = (0..values.len()).map(weight).sum();
        let counted = (0..values.len()).filter(|&i| weight(i) > 0.0);
        let n = counted.clone().count() as f64;
        let mean = counted.clone().map(|i| weight(i) * values[i]).sum::<f64>() / total;
        if n < 2.0 || !mean.is_finite() {
            return Self { mean, standard_error: f64::INFINITY };
        }
        let spread: f64 = counted.map(|i| (weight(i) * (values[i] - mean)).powi(2)).sum();
        Self { mean, standard_error: spread.sqrt() / total * (n / (n - 1.0)).sqrt() }
    }
}

/// Bits per dimension of a mean log-likelihood in nats: −L / (d ln 2).
pub fn bits_per_dim(mean_log_likelihood: f64, features: usize) -> f64 {
    -mean_log_likelihood / (features as f64 * std::f64::consts::LN_2)
}

/// KL(p‖q) = E_p[log p − log q], estimated from rows of p, nats.
pub fn kl_divergence(log_p: &[f64], log_q: &[f64]) -> Estimate {
    let differences: Vec<f64> = log_p.iter().zip(log_q).map(|(p, q)| p - q).collect();
    Estimate::of(&differences, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_that_of_the_mean() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0], None);
        assert!((estimate.mean - 2.5).abs() < 1e-12);
        assert!((estimate.standard_error - (5.0f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
        let doubled = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 9.0], Some(&[2.0, 2.0, 2.0, 2.0, 0.0]));
        assert!((doubled.mean - estimate.mean).abs() < 1e-12);
        assert!((doubled.standard_error - estimate.standard_error).abs() < 1e-12);
    }

    #[test]
    fn one_bit_per_dimension_is_ln_2_nats() {
        assert!((bits_per_dim(-2.0 * std::f64::consts::LN_2, 2) - 1.0).abs() < 1e-12);
    }
}
