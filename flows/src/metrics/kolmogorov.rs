//! The Kolmogorov–Smirnov tests, of one sample and of two.

use serde::{Deserialize, Serialize};

/// Terms of the series, of which the tenth is below 10⁻¹⁵ wherever it matters.
const TERMS: i32 = 50;

/// The largest difference of two distribution functions, and how likely chance makes a larger one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KolmogorovSmirnov {
    /// D = sup |F − G|, from 0 to 1.
    pub distance: f64,
    /// P(D′ ≥ D) where both are of one distribution.
    pub p_value: f64,
}

impl KolmogorovSmirnov {
    /// That of values of which one is no number: leaving it out would hide it.
    const UNKNOWN: Self = Self { distance: f64::NAN, p_value: f64::NAN };
}

/// How far a sample is from the distribution function F: D = sup |Fₙ − F|.
///
/// The p-value is Kolmogorov's limit with the correction of Stephens 1970, *Use of the
/// Kolmogorov–Smirnov, Cramér–von Mises and Related Statistics Without Extensive Tables*, good to a
/// per cent from 8 values on. No values give distance 0 and p-value 1;
/// a value that is no number, or has none as its F, makes both NaN.
///
/// # Example
/// ```
/// use diffeo_flows::metrics::kolmogorov_smirnov;
/// let even: Vec<f64> = (0..100).map(|i| (f64::from(i) + 0.5) / 100.0).collect();
/// assert!((kolmogorov_smirnov(&even, |x| x).distance - 0.005).abs() < 1e-12);
/// assert!(kolmogorov_smirnov(&even, |x| x * x).p_value < 1e-4);
/// ```
pub fn kolmogorov_smirnov(values: &[f64], distribution: impl Fn(f64) -> f64) -> KolmogorovSmirnov {
    let Some(sorted) = sorted(values) else { return KolmogorovSmirnov::UNKNOWN };
    let n = sorted.len() as f64;
    let shares: Vec<f64> = sorted.iter().map(|value| distribution(*value)).collect();
    if shares.iter().any(|share| share.is_nan()) {
        return KolmogorovSmirnov::UNKNOWN;
    }
    let distance = shares.iter().enumerate().fold(0.0_f64, |most, (i, share)| {
        most.max(share - i as f64 / n).max((i + 1) as f64 / n - share)
    });
    KolmogorovSmirnov { distance, p_value: p_value(distance, n) }
}

/// How far two samples are apart: D = sup |Fₙ − Gₘ|, with equal values counted at once.
///
/// As [`kolmogorov_smirnov`], with n m/(n + m) in the place of n. Ties make the p-value too large,
/// never too small. A value that is no number makes both NaN.
///
/// # Example
/// ```
/// use diffeo_flows::metrics::two_sample_kolmogorov_smirnov;
/// let test = two_sample_kolmogorov_smirnov(&[1.0, 2.0, 3.0, 4.0], &[3.5, 5.0, 6.0, 7.0]);
/// assert!((test.distance - 0.75).abs() < 1e-12);
/// ```
pub fn two_sample_kolmogorov_smirnov(x: &[f64], y: &[f64]) -> KolmogorovSmirnov {
    let (Some(x), Some(y)) = (sorted(x), sorted(y)) else { return KolmogorovSmirnov::UNKNOWN };
    let (n, m) = (x.len() as f64, y.len() as f64);
    if x.is_empty() || y.is_empty() {
        return KolmogorovSmirnov { distance: 0.0, p_value: 1.0 };
    }
    let (mut i, mut j, mut distance) = (0, 0, 0.0_f64);
    while i < x.len() && j < y.len() {
        let here = if x[i].total_cmp(&y[j]).is_le() { x[i] } else { y[j] };
        while i < x.len() && x[i] <= here {
            i += 1;
        }
        while j < y.len() && y[j] <= here {
            j += 1;
        }
        distance = distance.max((i as f64 / n - j as f64 / m).abs());
    }
    KolmogorovSmirnov { distance, p_value: p_value(distance, n * m / (n + m)) }
}

/// The values in order; none where one of them is no number.
fn sorted(values: &[f64]) -> Option<Vec<f64>> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    values.iter().all(|value| !value.is_nan()).then_some(sorted)
}

/// 2 Σₖ (−1)ᵏ⁻¹ exp(−2k²λ²) at λ = D (√n + 0.12 + 0.11/√n).
fn p_value(distance: f64, n: f64) -> f64 {
    let lambda = distance * (n.sqrt() + 0.12 + 0.11 / n.sqrt());
    if !lambda.is_finite() || lambda < 0.2 {
        // The series needs many terms there, and its sum is 1 to twelve digits.
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * (f64::from(k) * lambda).powi(2)).exp()
    };
    (1..=TERMS).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, generator};
    use rand::Rng;

    /// Kolmogorov's distribution at 1.3581 and 1.6276 is 95 % and 99 %.
    #[test]
    fn quantiles_are_those_of_tables() {
        let n: f64 = 1e8;
        for (quantile, p) in [(1.358_1, 0.05), (1.627_6, 0.01), (1.949_5, 0.001)] {
            let got = p_value(quantile / n.sqrt(), n);
            assert!((got / p - 1.0).abs() < 2e-3, "{quantile}: {got}");
        }
    }

    /// Under the null p-values are uniform: about a tenth of them lies below 0.1.
    #[test]
    fn p_values_are_uniform_under_the_null() {
        let mut rng = generator(0, Stream::Evaluation, 0);
        let mut draw = |n: usize| -> Vec<f64> { (0..n).map(|_| rng.random()).collect() };
        let (mut one, mut two) = (0, 0);
        for _ in 0..1000 {
            one += usize::from(kolmogorov_smirnov(&draw(60), |x| x).p_value < 0.1);
            two += usize::from(two_sample_kolmogorov_smirnov(&draw(80), &draw(130)).p_value < 0.1);
        }
        assert!((70..130).contains(&one) && (70..130).contains(&two), "{one} {two}");
    }

    #[test]
    fn what_is_no_number_is_not_left_out() {
        for nan in [f64::NAN, -f64::NAN] {
            let values = [0.1, nan, 0.5];
            let one = kolmogorov_smirnov(&values, |x| x);
            assert!(one.distance.is_nan() && one.p_value.is_nan());
            let of_law = kolmogorov_smirnov(&[0.1, 0.5], |_| nan);
            assert!(of_law.distance.is_nan() && of_law.p_value.is_nan());
            for (x, y) in [(&values, &[0.1, 0.2, 0.3]), (&[0.1, 0.2, 0.3], &values)] {
                let two = two_sample_kolmogorov_smirnov(x, y);
                assert!(two.distance.is_nan() && two.p_value.is_nan());
            }
        }
    }

    #[test]
    fn ties_count_at_once() {
        let test = two_sample_kolmogorov_smirnov(&[1.0, 1.0, 2.0], &[1.0, 1.0, 2.0]);
        assert!(test.distance.abs() < 1e-12 && (test.p_value - 1.0).abs() < 1e-12);
    }
}
