//! What is reported of a trained model. Nothing here is worth the model: what cannot be computed is said
//! and left out.

use super::{FitObserver, Parts};
use crate::error::{Error, NonFinite, Result};
use crate::metrics::Estimate;
use crate::model::{Calibration, HeldOut, Model, RowCounts, TrainingSummary};
use crate::rows::Rows;
use crate::train::{Outcome, Warning};
use crate::workers::Workers;

/// Judges a fitted model by rows that had no part in the fit: sets the test figures of its training
/// summary and its calibration, as [`Fit::run`](super::Fit::run) does where it is given such rows.
///
/// # Errors
/// [`Error::Shape`] when the rows have other columns than the model.
pub fn judge(model: &mut Model, test: &Rows, workers: &Workers) -> Result<()> {
    let counted = test.of_weight();
    let test = counted.as_ref();
    if test.is_empty() {
        return Ok(());
    }
    let log_prob = model.log_prob_rows(test, workers)?;
    if let Some(mut summary) = model.spec().training.clone() {
        set_test(&mut summary, model, (test, &log_prob));
        model.set_training(summary);
    }
    if test.weights().is_none() {
        let kept = calibration(model, HeldOut::Test, (test, &log_prob), workers)?;
        model.set_calibration(kept);
    }
    Ok(())
}

/// Sets the figures on test rows.
fn set_test(summary: &mut TrainingSummary, model: &Model, (rows, log_prob): (&Rows, &[f64])) {
    let estimate = Estimate::of(log_prob, rows.weights());
    summary.test_log_likelihood = Some(estimate.mean);
    summary.test_standard_error = Some(estimate.standard_error);
    summary.unjudged.test = not_finite(log_prob);
    summary.test_effective_rows = effective(rows);
    // None where the covariance is singular.
    let Ok(gaussian) = model.baseline().log_prob(rows) else { return };
    summary.test_gaussian = Some(Estimate::of(&gaussian, rows.weights()).mean);
    let differences: Vec<f64> = log_prob.iter().zip(&gaussian).map(|(a, b)| a - b).collect();
    let above = Estimate::of(&differences, rows.weights());
    let is_known = above.mean.is_finite() && above.standard_error.is_finite();
    summary.test_over_gaussian = is_known.then_some(above);
}

/// How many rows of equal weight these are worth; none without weights.
fn effective(rows: &Rows) -> Option<f64> {
    rows.weights().map(|_| rows.effective_len())
}

fn not_finite(values: &[f64]) -> usize {
    values.iter().filter(|value| !value.is_finite()).count()
}

/// Log-densities of held-out rows by which others are judged; rows without one are left out.
fn calibration(
    model: &Model,
    held_out: HeldOut,
    (rows, log_prob): (&Rows, &[f64]),
    workers: &Workers,
) -> Result<Calibration> {
    if !log_prob.iter().any(|value| value.is_nan()) {
        return Calibration::of_points((model, held_out), (rows, log_prob), workers);
    }
    let known: Vec<usize> = (0..log_prob.len()).filter(|i| !log_prob[*i].is_nan()).collect();
    let of_known: Vec<f64> = known.iter().map(|i| log_prob[*i]).collect();
    Calibration::of_points((model, held_out), (&rows.take(&known), &of_known), workers)
}

/// Writes into a model what its training came to.
///
/// # Errors
/// [`Error::NonFinite`] when no row of any part has a density: there is no model.
pub(super) fn record(
    model: &mut Model,
    parts: Parts,
    outcome: &Outcome,
    workers: &Workers,
    observer: &mut dyn FitObserver,
) -> Result<()> {
    let mut log_prob = |rows: Option<&Rows>, what| {
        let computed = model.log_prob_rows(rows?, workers);
        computed.map_err(|error| unreported(observer, what, &error)).ok()
    };
    let of_train = log_prob(Some(parts.train), "the log-likelihood of the training rows");
    let of_valid = log_prob(parts.valid, "the log-likelihood of the rows that chose the weights");
    let of_test = log_prob(parts.test, "the log-likelihood of the test rows");
    let state = &outcome.state;
    let known = [&of_train, &of_valid, &of_test].into_iter().flatten();
    if !known.flatten().any(|value| value.is_finite()) {
        let cause = NonFinite { step: state.step(), layer: None, row: None };
        return Err(Error::NonFinite(Box::new(cause)));
    }
    let mean = |rows: &Rows, values: &Vec<f64>| Estimate::of(values, rows.weights()).mean;
    let count = |values: &Option<Vec<f64>>| values.as_ref().map_or(0, |v| not_finite(v));
    let mut summary = TrainingSummary {
        steps: state.step(),
        best_step: outcome.step,
        stop: Some(outcome.stop),
        skipped: state.skipped(),
        train_log_likelihood: of_train.as_ref().map_or(f64::NAN, |v| mean(parts.train, v)),
        valid_log_likelihood: parts.valid.zip(of_valid.as_ref()).map(|(rows, v)| mean(rows, v)),
        test_log_likelihood: None,
        test_standard_error: None,
        unjudged: RowCounts { train: count(&of_train), valid: count(&of_valid), test: 0 },
        test_gaussian: None,
        test_over_gaussian: None,
        train_effective_rows: effective(parts.train),
        test_effective_rows: None,
        evaluations: model.evaluations(parts.train).ok().flatten(),
        fingerprint: model.fingerprint(parts.train, workers).ok(),
        history: state.history().to_vec(),
    };
    if let Some((rows, values)) = parts.test.zip(of_test.as_ref()) {
        set_test(&mut summary, model, (rows, values));
    }
    model.set_training(summary);
    // Rows with weights are no sample of the distribution that the model is fitted to.
    if parts.train.weights().is_some() {
        return Ok(());
    }
    let test = parts.test.zip(of_test).map(|kept| (HeldOut::Test, kept));
    let kept = test.or(parts.valid.zip(of_valid).map(|kept| (HeldOut::Valid, kept)));
    let Some((held_out, (rows, values))) = kept else { return Ok(()) };
    match calibration(model, held_out, (rows, &values), workers) {
        Ok(calibration) => model.set_calibration(calibration),
        Err(error) => unreported(observer, "the log-densities that rank new rows", &error),
    }
    Ok(())
}

fn unreported(observer: &mut dyn FitObserver, what: &'static str, error: &Error) {
    observer.warned(&Warning::Unreported { what, problem: error.to_string() });
}

#[cfg(test)]
mod tests {
    use super::super::Fit;
    use super::*;
    use crate::train::Quiet;

    /// A training row without a density costs no model; rows of which none has one make none.
    #[test]
    fn a_training_row_without_a_density_costs_no_model() {
        let points: Vec<f64> = (0..200).map(|i| f64::from(i * 37 % 101)).collect();
        let rows = Rows::new(1, points.clone()).unwrap();
        let mut fit = Fit::new("nsf-ar").unwrap();
        (fit.recipe.layers, fit.config.steps) = (1, 5);
        let workers = Workers::new(1).unwrap();
        let parts = Parts { train: &rows, valid: None, test: None };
        let (mut model, outcome) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
        let odd = Rows::new(1, [points, vec![1e60]].concat()).unwrap();
        let with = |train| Parts { train, valid: None, test: None };
        record(&mut model, with(&odd), &outcome, &workers, &mut Quiet).unwrap();
        let training = model.spec().training.clone().unwrap();
        assert_eq!(training.unjudged.train, 1);
        assert!(training.train_log_likelihood == f64::NEG_INFINITY, "{training:?}");
        let nowhere = Rows::new(1, vec![1e60, -1e60]).unwrap();
        let error = record(&mut model, with(&nowhere), &outcome, &workers, &mut Quiet);
        assert!(matches!(error, Err(Error::NonFinite(_))));
    }
}
