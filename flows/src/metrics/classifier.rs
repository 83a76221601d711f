//! A classifier that tells two samples apart.

use crate::error::{Error, Result};
use crate::workers::Workers;
use serde::{Deserialize, Serialize};

/// Neighbours that vote; odd, so that no vote is tied.
const NEIGHBOURS: usize = 15;
/// Rows that one thread takes at a time.
const CHUNK: usize = 64;

/// How often a classifier names the sample that a row is from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TwoSampleAccuracy {
    /// The share of rows it names right: ½ where both samples are of one distribution.
    pub accuracy: f64,
    /// Its standard error in that case, ½/√(rows).
    pub standard_error: f64,
    /// Rows that it was asked about.
    pub rows: usize,
}

/// The accuracy of the 15 nearest neighbours at telling rows of x from rows of y, row-major
/// `[n, d]`, in the units of the rows: standardise columns whose units differ.
///
/// The first rows of the longer sample are taken, as many as the shorter one has. Rows of even number
/// are classified by those of odd number, and the other way round, so that no row votes for itself.
/// Rows must be in random order. Cost n² d, on the workers; nothing depends on their number.
///
/// Lopez-Paz and Oquab 2017, *Revisiting Classifier Two-Sample Tests*.
///
/// # Example
/// ```
/// use diffeo_flows::{Workers, metrics::nearest_neighbour_accuracy};
/// let x: Vec<f64> = (0..200).map(|i| f64::from(i % 50)).collect();
/// let far: Vec<f64> = x.iter().map(|x| x + 500.0).collect();
/// let test = nearest_neighbour_accuracy(&x, &far, 1, &Workers::new(1)?)?;
/// assert!((test.accuracy - 1.0).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] for fewer than 30 rows of either, or rows of another number of columns.
pub fn nearest_neighbour_accuracy(
    x: &[f64],
    y: &[f64],
    features: usize,
    workers: &Workers,
) -> Result<TwoSampleAccuracy> {
    let whole = features > 0 && [x, y].iter().all(|rows| rows.len().is_multiple_of(features));
    let n = x.len().min(y.len()) / features.max(1);
    if !whole || n < 2 * NEIGHBOURS {
        let problem = format!("{} and {} numbers in rows of {features}", x.len(), y.len());
        let remedy = format!("give {} or more whole rows of each", 2 * NEIGHBOURS);
        return Err(Error::data("classifier", problem, remedy));
    }
    // Rows 2i and 2i + 1 of the two samples together are the i-th of x and the i-th of y.
    let row = |k: usize| {
        let i = k / 2 * features;
        if k.is_multiple_of(2) { &x[i..i + features] } else { &y[i..i + features] }
    };
    let votes = workers.map_chunks(2 * n, CHUNK, |asked| {
        Ok(asked.filter(|&k| says_first(k, 2 * n, row) == k.is_multiple_of(2)).count())
    })?;
    let rows = 2 * n;
    let accuracy = votes.iter().sum::<usize>() as f64 / rows as f64;
    Ok(TwoSampleAccuracy { accuracy, standard_error: 0.5 / (rows as f64).sqrt(), rows })
}

/// Whether most of the nearest of the other fold are of the first sample.
fn says_first<'a>(k: usize, rows: usize, row: impl Fn(usize) -> &'a [f64]) -> bool {
    let fold = (k / 2) % 2;
    let mut nearest: Vec<(f64, usize)> = Vec::with_capacity(NEIGHBOURS + 1);
    for other in (0..rows).filter(|other| (other / 2) % 2 != fold) {
        let distance: f64 = row(k).iter().zip(row(other)).map(|(a, b)| (a - b).powi(2)).sum();
        if nearest.len() == NEIGHBOURS && nearest[NEIGHBOURS - 1].0 <= distance {
            continue;
        }
        let place = nearest.partition_point(|(known, _)| *known <= distance);
        nearest.insert(place, (distance, other));
        nearest.truncate(NEIGHBOURS);
    }
    2 * nearest.iter().filter(|(_, other)| other.is_multiple_of(2)).count() > NEIGHBOURS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, generator};
    use rand::Rng;
    use rand_distr::StandardNormal;

    /// Bayes' classifier of N(0, 1) and N(m, 1) is right with probability Φ(m/2): 0.6915 at m = 1.
    #[test]
    fn the_accuracy_is_near_that_of_bayes() {
        let mut rng = generator(0, Stream::Evaluation, 0);
        let mut draw = |mean: f64| -> Vec<f64> {
            (0..1500).map(|_| mean + rng.sample::<f64, _>(StandardNormal)).collect()
        };
        let (x, same, moved) = (draw(0.0), draw(0.0), draw(1.0));
        let workers = Workers::new(2).unwrap();
        let null = nearest_neighbour_accuracy(&x, &same, 1, &workers).unwrap();
        assert!((null.accuracy - 0.5).abs() < 4.0 * null.standard_error, "{null:?}");
        let found = nearest_neighbour_accuracy(&x, &moved, 1, &workers).unwrap();
        assert!(found.accuracy > 0.63 && found.accuracy < 0.72, "{found:?}");
        let one = nearest_neighbour_accuracy(&x, &moved, 1, &Workers::new(1).unwrap()).unwrap();
        assert_eq!(one, found);
    }
}
