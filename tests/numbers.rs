//! Columns far from 0 or of an odd size, and rows far from all others: derivatives and densities.

use diffeo::checks::{Certificate, Evidence, Subject};
use diffeo_flows::Workers;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::{FieldKind, Model, ModelField};
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;
use rand_distr::{Distribution, StandardNormal};

/// Seconds of GPS time: `f64` has 42,000 steps in a hundredth of a second there.
const OFFSET: f64 = 1_126_259_462.4;

fn workers() -> Workers {
    Workers::new(2).unwrap()
}

/// Independent normal columns of these means and standard deviations.
fn normal(n: usize, columns: &[(f64, f64)], seed: u64) -> Rows {
    let mut rng = generator(seed, Stream::Sample, 0);
    let mut draw = || -> f64 { StandardNormal.sample(&mut rng) };
    let points =
        (0..n).flat_map(|_| columns.iter().map(|(m, s)| m + s * draw()).collect::<Vec<_>>());
    Rows::new(columns.len(), points.collect()).unwrap()
}

/// The normal density with the means and standard deviations of these rows: what couplings are before
/// the first step.
fn untrained(rows: &Rows) -> Model {
    let model = Fit::new("realnvp").unwrap().model(rows).unwrap();
    model.initialise(rows).unwrap();
    model
}

fn fitted(rows: &Rows, flow: &str) -> Model {
    let mut fit = Fit::new(flow).unwrap();
    (fit.config.steps, fit.config.evaluate_every) = (20, 10);
    let parts = Parts { train: rows, valid: None, test: None };
    fit.run(parts, None, &workers(), &mut Quiet).unwrap().0
}

fn variances(rows: &Rows) -> Vec<f64> {
    let (d, n) = (rows.features(), rows.len() as f64);
    let of = |k: usize| {
        let column = || rows.points().iter().skip(k).step_by(d).map(|x| x - rows.points()[k]);
        let mean = column().sum::<f64>() / n;
        column().map(|x| (x - mean).powi(2)).sum::<f64>() / n
    };
    (0..d).map(of).collect()
}

#[test]
fn derivatives_keep_their_digits_at_an_offset() {
    let rows = normal(2000, &[(OFFSET, 0.01), (0.0, 1.1)], 3);
    let model = untrained(&rows);
    let some = rows.take(&(0..40).collect::<Vec<_>>());
    let field = ModelField::new(&model, FieldKind::Score).unwrap();
    let right: f64 = -variances(&rows).iter().map(|v| 1.0 / v).sum::<f64>();
    assert!((-11_000.0..-9000.0).contains(&right), "{right}");
    for got in field.divergence(&some, &workers()).unwrap() {
        assert!((got / right - 1.0).abs() < 1e-4, "{got}, not {right}");
    }
    // A gradient has no curl: of entries as large as 1e4, and none beside the diagonal.
    for got in field.curl(&some, &workers()).unwrap() {
        assert!(got.abs() < 0.01, "{got}");
    }
    let jacobians = model.latent_jacobians(&some, &workers()).unwrap();
    let log_det = model.to_latent(&some, &workers()).unwrap().log_det;
    for (j, right) in jacobians.chunks_exact(4).zip(log_det) {
        let got = (j[0] * j[3] - j[1] * j[2]).abs().ln();
        assert!((got - right).abs() < 1e-5, "{got}, not {right}");
    }
}

#[test]
fn a_right_model_passes_its_checks_at_an_offset() {
    for deviation in [0.01, 0.001] {
        let columns = [(OFFSET, deviation), (0.0, 1.1)];
        let (train, held_out) = (normal(2000, &columns, 3), normal(500, &columns, 4));
        let model = fitted(&train, "realnvp");
        let evidence = Evidence { train: Some(&train), held_out: Some(&held_out), recorded: None };
        let workers = workers();
        let certificate =
            Certificate::of(&Subject::new(&model, evidence, 0, &workers).unwrap()).unwrap();
        let failed: Vec<_> = certificate.failed().collect();
        assert!(failed.is_empty(), "sd {deviation}: {failed:#?}");
    }
}

/// 0 would say that the density is stationary there.
#[test]
fn a_score_far_out_points_back_or_is_none() {
    let rows = normal(400, &[(0.0, 1.0), (0.0, 1.0)], 5);
    let far = Rows::new(2, vec![1e20, 0.0, 1e200, 0.0, f64::INFINITY, 0.0]).unwrap();
    for flow in ["nsf-gmm", "realnvp", "ffjord", "flow-matching", "score"] {
        let model = fitted(&rows, flow);
        let field = ModelField::within(&model, FieldKind::Score, 1e-4).unwrap();
        let score = field.at(&far, &workers()).unwrap();
        for (x, score) in far.points().chunks_exact(2).zip(score.chunks_exact(2)) {
            let none = score.iter().all(|s| s.is_nan());
            assert!(none || score[0] < -1e-3 * x[0], "{flow} at {x:?}: {score:?}");
        }
        assert!(score[4].is_nan() && score[5].is_nan(), "{flow}: {score:?}");
    }
    let score = ModelField::new(&untrained(&rows), FieldKind::Score).unwrap();
    let score = score.at(&far, &workers()).unwrap();
    let right = -1e20 / variances(&rows)[0];
    assert!((score[0] / right - 1.0).abs() < 1e-3, "{} {right}", score[0]);
}

#[test]
fn a_point_outside_a_support_has_no_score() {
    use diffeo_flows::model::Column;
    use diffeo_flows::transforms::Support;
    let positive: Vec<f64> = (1..200).map(|i| f64::from(i % 37 + 1)).collect();
    let rows = Rows::new(1, positive).unwrap();
    let mut fit = Fit::new("nsf-ar").unwrap();
    fit.columns = vec![Column::new("x", Support::Positive)];
    let model = fit.model(&rows).unwrap();
    model.initialise(&rows).unwrap();
    let field = ModelField::new(&model, FieldKind::Score).unwrap();
    let score = field.at(&Rows::new(1, vec![-1.0, 2.0]).unwrap(), &workers()).unwrap();
    assert!(score[0].is_nan() && score[1].is_finite(), "{score:?}");
}

#[test]
fn the_gaussian_of_huge_columns_is_that_of_their_size() {
    let (small, size) = (normal(2000, &[(0.0, 1.0), (0.0, 1.0)], 6), 1e150);
    let huge = Rows::new(2, small.points().iter().map(|x| x * size).collect()).unwrap();
    let mean = |rows: &Rows| {
        let values = untrained(rows).baseline().log_prob(rows).unwrap();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let right = mean(&small) - 2.0 * size.ln();
    assert!((mean(&huge) - right).abs() < 1e-8, "{} {right}", mean(&huge));
    assert!((-693.7..-693.4).contains(&right), "{right}");
}

#[test]
fn columns_too_small_to_square_are_to_be_rescaled() {
    let rows = normal(100, &[(0.0, 1.0), (0.0, 1e-300)], 7);
    let model = Fit::new("realnvp").unwrap().model(&rows).unwrap();
    let error = model.initialise(&rows).unwrap_err().to_string();
    assert!(error.contains("column x2") && error.contains("rescale"), "{error}");
    assert!(!error.contains("constant"), "{error}");
}
