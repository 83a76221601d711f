//! Averages with honest error bars, and how far two samples are apart.

mod classifier;
mod discrepancy;
mod kolmogorov;

pub use classifier::{TwoSampleAccuracy, nearest_neighbour_accuracy};
pub use discrepancy::{MeanDiscrepancy, maximum_mean_discrepancy};
pub use kolmogorov::{KolmogorovSmirnov, kolmogorov_smirnov, two_sample_kolmogorov_smirnov};

use crate::error::{Error, Result};
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
    /// over the n rows of positive weight, which is the usual s/√n for equal weights. A common factor of
    /// the weights changes nothing, however small or large it is.
    pub fn of(values: &[f64], weights: Option<&[f64]>) -> Self {
        let largest = weights.map_or(1.0, |w| w.iter().copied().fold(0.0, f64::max));
        // A power of two near the largest, so that no digit changes.
        let scale = largest.max(f64::MIN_POSITIVE).log2().floor().exp2();
        let weight = |i: usize| weights.map_or(1.0, |w| w[i] / scale);
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

/// The effective number of rows (Σ wᵢ)² / Σ wᵢ²: how many rows of equal weight would give a mean of the
/// same variance (Kish 1965, *Survey Sampling*, section 8.2). n for n equal weights, 1 where one row has
/// all of it, 0 for none.
///
/// # Example
/// ```
/// use diffeo_flows::metrics::effective_rows;
/// assert_eq!(effective_rows(&[1e-170, 1e-170, 0.0]), 2.0);
/// assert_eq!(effective_rows(&[3.0, 0.0]), 1.0);
/// ```
pub fn effective_rows(weights: &[f64]) -> f64 {
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if largest <= 0.0 {
        return 0.0;
    }
    let (sum, squares) = weights.iter().fold((0.0, 0.0), |(sum, squares), w| {
        let w = w / largest;
        (sum + w, squares + w * w)
    });
    sum * sum / squares
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

/// Rows of a block of [`energy_distance`], and the fewest blocks where there are rows enough.
const BLOCK: usize = 1000;
const FEWEST_BLOCKS: usize = 10;

/// The energy distance 2 E‖X − Y‖ − E‖X − X′‖ − E‖Y − Y′‖ between two samples, row-major `[n, d]`, in the
/// units of the rows: 0 where both are of one distribution, positive elsewhere.
///
/// Unbiased over blocks of at most 1000 rows of either, so that it can fall below 0; the standard error
/// is that of the blocks' mean, infinite for a single one. Rows must be in random order: sorted ones make
/// blocks that differ.
///
/// Székely and Rizzo 2013, *Energy statistics: a class of statistics based on distances*, eq. 5.
///
/// # Example
/// ```
/// use diffeo_flows::metrics::energy_distance;
/// let near: Vec<f64> = (0..2000).map(|i| f64::from(i % 100)).collect();
/// let far: Vec<f64> = near.iter().map(|x| x + 500.0).collect();
/// assert!(energy_distance(&near, &far, 1)?.mean > 900.0);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] for fewer than two rows of either or rows of another number of columns.
pub fn energy_distance(x: &[f64], y: &[f64], features: usize) -> Result<Estimate> {
    let whole = features > 0 && [x, y].iter().all(|rows| rows.len().is_multiple_of(features));
    let pairs = x.len().min(y.len()) / features.max(1);
    if !whole || pairs < 2 {
        return Err(Error::data(
            "energy distance",
            format!("{} and {} numbers in rows of {features}", x.len(), y.len()),
            "give two or more whole rows of each",
        ));
    }
    let blocks = (pairs / BLOCK).max(FEWEST_BLOCKS).min(pairs / 2);
    let size = pairs / blocks * features;
    let block = |i: usize| {
        let [x, y] = [x, y].map(|rows| &rows[i * size..(i + 1) * size]);
        2.0 * between(x, y, features) - within(x, features) - within(y, features)
    };
    Ok(Estimate::of(&(0..blocks).map(block).collect::<Vec<_>>(), None))
}

/// The mean distance of rows of x from rows of y.
fn between(x: &[f64], y: &[f64], d: usize) -> f64 {
    let from = |a: &[f64]| y.chunks_exact(d).map(|b| distance(a, b)).sum::<f64>();
    let pairs = (x.len() / d) as f64 * (y.len() / d) as f64;
    x.chunks_exact(d).map(from).sum::<f64>() / pairs
}

/// The mean distance of two different rows.
fn within(x: &[f64], d: usize) -> f64 {
    let n = (x.len() / d) as f64;
    between(x, x, d) * n / (n - 1.0)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
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
    fn the_unit_of_the_weights_does_not_matter() {
        let values = [1.0, 2.0, 4.0, 3.0];
        let of = |unit: f64| Estimate::of(&values, Some(&[1.0, 2.0, 0.5, 3.0].map(|w| w * unit)));
        let right = of(1.0);
        for unit in [1e-170, 1e170, 1e-300] {
            let got = of(unit);
            assert!((got.mean - right.mean).abs() < 1e-12, "{got:?}");
            assert!((got.standard_error / right.standard_error - 1.0).abs() < 1e-12, "{got:?}");
        }
    }

    #[test]
    fn one_bit_per_dimension_is_ln_2_nats() {
        assert!((bits_per_dim(-2.0 * std::f64::consts::LN_2, 2) - 1.0).abs() < 1e-12);
    }

    /// N(0, 1) and N(m, 1): 2 E|N(m, 2)| − 2 E|N(0, 2)|.
    #[test]
    fn the_energy_distance_of_normals_is_that_of_the_formula() {
        use crate::rng::{Stream, generator};
        use rand_distr::{Distribution, StandardNormal};
        use statrs::function::erf::erf;
        let mut rng = generator(0, Stream::Sample, 0);
        let mut draw = |mean: f64| -> Vec<f64> {
            (0..20_000)
                .map(|_| mean + Distribution::<f64>::sample(&StandardNormal, &mut rng))
                .collect()
        };
        let absolute =
            |m: f64| 2.0 / std::f64::consts::PI.sqrt() * (-m * m / 4.0).exp() + m * erf(m / 2.0);
        for mean in [0.0, 0.3, 2.0] {
            let got = energy_distance(&draw(0.0), &draw(mean), 1).unwrap();
            let expected = 2.0 * absolute(mean) - 2.0 * absolute(0.0);
            assert!(got.standard_error < 0.02 * (1.0 + mean), "{got:?}");
            assert!((got.mean - expected).abs() < 4.0 * got.standard_error, "{got:?} {expected}");
        }
        assert!(energy_distance(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 2).is_err());
        assert!(energy_distance(&[1.0], &[2.0], 1).is_err());
    }
}
