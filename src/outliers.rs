//! How unusual rows are: conformal p-values, false discoveries, and how well a ranking finds labels.

use diffeo_flows::{Error, Result};

/// Conformal p-values of log-densities: (1 + number of held-out ones at most as large) / (m + 1).
///
/// When a row is drawn like the m held-out ones, its p-value is at most α with probability α or less,
/// whatever the model. `held_out` must be in ascending order.
///
/// Vovk, Gammerman and Shafer 2005, *Algorithmic Learning in a Random World*; Bates, Candès, Lei, Romano
/// and Sesia 2023, *Testing for outliers with conformal p-values*.
///
/// # Example
/// ```
/// use diffeo::outliers::conformal_p_values;
/// let p = conformal_p_values(&[-5.0, -1.0, 0.5], &[-3.0, -2.0, -1.0]);
/// assert_eq!(p, [0.25, 1.0, 1.0]);
/// ```
pub fn conformal_p_values(log_prob: &[f64], held_out: &[f64]) -> Vec<f64> {
    let all = held_out.len() as f64 + 1.0;
    let p_value = |l: &f64| (1 + held_out.partition_point(|h| h <= l)) as f64 / all;
    log_prob.iter().map(p_value).collect()
}

/// The rows that the procedure of Benjamini and Hochberg calls outliers at level α: of these, a share
/// of at most α is expected to be none.
///
/// They are those with p-values of at most the largest p₍ₖ₎ ≤ α k / n, in ascending order. The guarantee
/// holds for conformal p-values (Bates et al. 2023, theorem 2).
///
/// Benjamini and Hochberg 1995, *Controlling the False Discovery Rate*.
pub fn discoveries(p_values: &[f64], level: f64) -> Vec<bool> {
    let mut sorted = p_values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let passing = sorted.iter().enumerate().rev().find(|(k, p)| **p <= level * (*k + 1) as f64 / n);
    let limit = passing.map_or(f64::NEG_INFINITY, |(_, p)| *p);
    p_values.iter().map(|p| *p <= limit).collect()
}

/// How well a ranking finds what is labelled.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Found {
    /// Area under the receiver operating characteristic: the chance that a labelled row has a lower
    /// log-density than another, ties counted half.
    pub auc: f64,
    /// Mean precision over the labelled rows, ties taken together: Σₖ (Rₖ − Rₖ₋₁) Pₖ.
    pub average_precision: f64,
    /// Number of labelled rows.
    pub labelled: usize,
}

/// How well low log-densities find the rows labelled true.
///
/// Hanley and McNeil 1982, *The Meaning and Use of the Area under a Receiver Operating Characteristic
/// Curve*.
///
/// # Errors
/// [`Error::Shape`] for another number of labels; [`Error::Data`] when all labels are the same.
///
/// # Example
/// ```
/// use diffeo::outliers::found;
/// let found = found(&[-9.0, -1.0, -2.0, -1.0], &[true, true, false, false])?;
/// assert!((found.auc - 0.625).abs() < 1e-12);
/// # Ok::<(), diffeo::flows::Error>(())
/// ```
pub fn found(log_prob: &[f64], labels: &[bool]) -> Result<Found> {
    if log_prob.len() != labels.len() {
        let expected = format!("[{}] labels", log_prob.len());
        return Err(Error::shape("outliers::found", expected, &[labels.len()]));
    }
    let labelled = labels.iter().filter(|l| **l).count();
    let others = labels.len() - labelled;
    if labelled == 0 || others == 0 {
        let problem = format!("{labelled} of {} rows are labelled 1", labels.len());
        return Err(Error::data("labels", problem, "give rows of both kinds"));
    }
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| log_prob[*a].total_cmp(&log_prob[*b]));
    let (mut hits, mut misses, mut area, mut precision) = (0usize, 0usize, 0.0, 0.0);
    for tied in order.chunk_by(|a, b| log_prob[*a].total_cmp(&log_prob[*b]).is_eq()) {
        let new = tied.iter().filter(|i| labels[**i]).count();
        let wrong = tied.len() - new;
        area += new as f64 * ((others - misses - wrong) as f64 + 0.5 * wrong as f64);
        (hits, misses) = (hits + new, misses + wrong);
        precision += new as f64 * hits as f64 / (hits + misses) as f64;
    }
    Ok(Found {
        auc: area / (labelled as f64 * others as f64),
        average_precision: precision / labelled as f64,
        labelled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_of_rows_like_the_held_out_ones_are_even() {
        let held_out: Vec<f64> = (0..99).map(f64::from).collect();
        let rows: Vec<f64> = (0..1000).map(|i| f64::from(i) / 10.0 - 0.55).collect();
        let p = conformal_p_values(&rows, &held_out);
        for level in [0.05, 0.1, 0.5] {
            let share = p.iter().filter(|p| **p <= level).count() as f64 / 1000.0;
            assert!((share - level).abs() < 0.011, "{share} {level}");
        }
        assert_eq!(conformal_p_values(&[f64::NEG_INFINITY], &held_out), [0.01]);
        // An equal held-out value counts: ties must not make a row an outlier.
        assert_eq!(conformal_p_values(&[1.0], &[1.0, 1.0, 2.0]), [0.75]);
        assert_eq!(conformal_p_values(&[f64::NEG_INFINITY], &[f64::NEG_INFINITY; 3]), [1.0]);
    }

    #[test]
    fn discoveries_step_up() {
        // 0.03 fails against 0.05 · 2/5, but 0.035 passes against 0.05 · 4/5 and takes it along.
        let p = [0.035, 0.9, 0.01, 0.03, 0.02];
        assert_eq!(discoveries(&p, 0.05), [true, false, true, true, true]);
        assert_eq!(discoveries(&p, 0.04), [false; 5]);
        assert_eq!(discoveries(&[], 0.05), [false; 0]);
    }

    #[test]
    fn areas_are_those_counted_by_pairs() {
        let log_prob = [-3.0, -1.0, -1.0, 0.0, f64::NEG_INFINITY, -1.0, 2.0];
        let labels = [false, true, false, false, true, true, true];
        let mut pairs = 0.0;
        for (a, _) in log_prob.iter().zip(labels).filter(|(_, l)| *l) {
            for (b, _) in log_prob.iter().zip(labels).filter(|(_, l)| !*l) {
                pairs += if a < b {
                    1.0
                } else if a > b {
                    0.0
                } else {
                    0.5
                };
            }
        }
        let got = found(&log_prob, &labels).unwrap();
        assert!((got.auc - pairs / 12.0).abs() < 1e-12, "{got:?} {pairs}");
        // Precision 1/1, then 3/5 of two tied, then 4/7.
        let expected = (1.0 + 2.0 * 0.6 + 4.0 / 7.0) / 4.0;
        assert!((got.average_precision - expected).abs() < 1e-12, "{got:?}");
        assert!(found(&log_prob, &[true; 7]).is_err() && found(&log_prob, &[true]).is_err());
    }
}
