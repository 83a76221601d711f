//! Whether held-out rows and draws can be told apart.

use super::calibration::held_out;
use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::metrics::{maximum_mean_discrepancy, nearest_neighbour_accuracy};
use diffeo_flows::rng::{Stream, generator};
use rand::seq::SliceRandom;
use statrs::distribution::{ContinuousCDF, Normal};

pub(super) const CLASSIFIER: &str = "classifier-two-sample";
pub(super) const DISCREPANCY: &str = "maximum-mean-discrepancy";
/// Fits of toys, white wine and magic gamma measured 0.48 to 0.525 with 2,000 rows.
const ACCURACY: f64 = 0.6;
/// The same fits measured 0 to 0.042.
const APART: f64 = 0.1;
/// Rows of either sample; the cost of both grows with their square.
const CLASSIFIED: usize = 1000;
const COMPARED: usize = 400;
/// So many that the least p-value lies below a thousandth.
const PERMUTATIONS: usize = 1999;

/// The accuracy of a classifier that is asked which rows are draws.
pub(super) fn check_classifier(subject: &Subject<'_>) -> Result<Outcome> {
    let samples = match samples(subject, CLASSIFIED)? {
        Ok(samples) => samples,
        Err(why) => return Ok(Outcome::Skipped { name: CLASSIFIER, why }),
    };
    let (data, draws, width) = samples;
    let found = nearest_neighbour_accuracy(&data, &draws, width, subject.workers)?;
    let z = (found.accuracy - 0.5) / found.standard_error;
    let detail = format!(
        "accuracy of nearest neighbours at telling held-out rows from draws, ½ ± {:.3} by chance, on \
         {} rows",
        found.standard_error, found.rows
    );
    let p_value = Normal::standard().sf(z);
    Ok(Outcome::Checked(Check::effect(CLASSIFIER, (found.accuracy, p_value), ACCURACY, &detail)))
}

/// The distance of mean features in the space of a Gaussian kernel.
pub(super) fn check_discrepancy(subject: &Subject<'_>) -> Result<Outcome> {
    let samples = match samples(subject, COMPARED)? {
        Ok(samples) => samples,
        Err(why) => return Ok(Outcome::Skipped { name: DISCREPANCY, why }),
    };
    let (data, draws, width) = samples;
    let rng = &mut generator(subject.seed, Stream::Evaluation, 3);
    let found = maximum_mean_discrepancy(&data, &draws, width, PERMUTATIONS, subject.workers, rng)?;
    let value = found.squared.max(0.0).sqrt();
    let detail = format!(
        "of held-out rows from draws, {} of each, its square {:.1e}, in deviations with a kernel of \
         length {:.2}",
        data.len() / width,
        found.squared,
        found.length
    );
    Ok(Outcome::Checked(Check::effect(DISCREPANCY, (value, found.p_value), APART, &detail)))
}

/// As many held-out rows as draws, at most so many, in standard deviations and in random order, with
/// their contexts; and the number of columns.
type Samples = (Vec<f64>, Vec<f64>, usize);

fn samples(subject: &Subject<'_>, most: usize) -> Result<std::result::Result<Samples, String>> {
    let judged = match held_out(subject)? {
        Ok(judged) => judged,
        Err(why) => return Ok(Err(why)),
    };
    let (data, draws) = (&judged.rows, subject.draws_like(&judged.rows)?);
    let (d, n) = (data.features(), data.len().min(draws.len()).min(most));
    let width = d + data.context().map_or(0, |(k, _)| k);
    let mut deviations = subject.deviations.clone();
    if let Some((k, values)) = data.context() {
        deviations.extend((0..k).map(|c| spread(values.iter().skip(c).step_by(k))));
    }
    let rng = &mut generator(subject.seed, Stream::Evaluation, 2);
    let mut pick = |rows: &diffeo_flows::rows::Rows| -> Vec<f64> {
        let mut numbers: Vec<usize> = (0..rows.len()).collect();
        numbers.shuffle(rng);
        let row = |i: usize| {
            let own = rows.points()[i * d..(i + 1) * d].iter();
            let given = rows.context().map_or(&[][..], |(k, c)| &c[i * k..(i + 1) * k]);
            own.chain(given).zip(&deviations).map(|(x, s)| x / s).collect::<Vec<_>>()
        };
        numbers[..n].iter().flat_map(|&i| row(i)).collect()
    };
    Ok(Ok((pick(data), pick(draws), width)))
}

/// The standard deviation of values, or 1 where they are all the same.
fn spread<'v>(values: impl Iterator<Item = &'v f64> + Clone) -> f64 {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let spread = (values.map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    if spread > 0.0 { spread } else { 1.0 }
}
