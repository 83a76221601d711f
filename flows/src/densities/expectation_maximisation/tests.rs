use super::super::Toy;
use super::super::checks;
use super::*;
use nalgebra::{DMatrix, DVector};
use rand::Rng;
use rand_distr::StandardNormal;
use statrs::distribution::{Continuous, MultivariateNormal};

/// Weights, means and lower factors C of the covariances C Cᵀ of three components.
const TRUTH: [(f64, [f64; 2], [f64; 3]); 3] = [
    (0.5, [0.0, 0.0], [1.0, 0.9, 0.4]),
    (0.3, [6.0, -3.0], [1.5, -1.0, 0.6]),
    (0.2, [-5.0, 4.0], [1.0, 0.0, 1.5]),
];

fn drawn_from_truth(n: usize) -> Vec<f64> {
    let mut rng = checks::rng();
    let mut row = || {
        let u: f64 = rng.random();
        let (_, mean, c) = TRUTH[if u < 0.5 { 0 } else { 1 + usize::from(u > 0.8) }];
        let (a, b): (f64, f64) = (rng.sample(StandardNormal), rng.sample(StandardNormal));
        [mean[0] + c[0] * a, mean[1] + c[1] * a + c[2] * b]
    };
    (0..n).flat_map(|_| row()).collect()
}

fn true_log_likelihood(rows: &[f64]) -> f64 {
    let parts = TRUTH.map(|(w, mean, c)| {
        let lower = DMatrix::from_row_slice(2, 2, &[c[0], 0.0, c[1], c[2]]);
        let mean = DVector::from_column_slice(&mean);
        (w, MultivariateNormal::new_from_nalgebra(mean, &lower * lower.transpose()).unwrap())
    });
    let density = |row: &[f64]| -> f64 {
        let x = DVector::from_column_slice(row);
        parts.iter().map(|(w, normal)| w * normal.pdf(&x)).sum()
    };
    rows.chunks(2).map(|row| density(row).ln()).sum::<f64>() / (rows.len() / 2) as f64
}

fn covariance(mixture: &Mixture, k: usize, d: usize) -> DMatrix<f64> {
    let p = DMatrix::from_row_slice(d, d, &mixture.whitenings[k * d * d..][..d * d]);
    assert!((0..d).all(|i| (0..i).all(|j| p[(i, j)].abs() <= 0.0)), "{p}");
    (&p * p.transpose()).try_inverse().unwrap()
}

/// The mean log-density of rows, from weights, means and covariances.
fn log_likelihood(mixture: &Mixture, rows: &[f64], d: usize) -> f64 {
    let part = |(k, w): (usize, &f64)| {
        let mean = DVector::from_column_slice(&mixture.means[k * d..][..d]);
        let normal = MultivariateNormal::new_from_nalgebra(mean, covariance(mixture, k, d));
        (*w, normal.unwrap())
    };
    let parts: Vec<_> = mixture.weights.iter().enumerate().map(part).collect();
    let density = |row: &[f64]| -> f64 {
        let x = DVector::from_column_slice(row);
        parts.iter().map(|(w, normal)| w * normal.pdf(&x)).sum()
    };
    rows.chunks(d).map(|row| density(row).ln()).sum::<f64>() / (rows.len() / d) as f64
}

fn toy_rows(name: &str, n: usize) -> Vec<f64> {
    Toy::named(name).unwrap().sample_points(n, &mut checks::rng()).concat()
}

#[test]
fn one_component_has_the_moments_of_the_rows() {
    let rows = [1.0, 10.0, 2.0, 40.0, 3.0, 20.0, 6.0, 30.0];
    let mixture = fit(&rows, 2, &Settings::new(1), &mut checks::rng()).unwrap();
    assert!((mixture.means[0] - 3.0).abs() < 1e-12 && (mixture.means[1] - 25.0).abs() < 1e-12);
    let got = covariance(&mixture, 0, 2);
    // The ridge is a ten-thousandth of each variance; no other entry has one.
    for ((i, j), expected) in
        [((0, 0), 3.5 * 1.0001), ((1, 1), 125.0 * 1.0001), ((0, 1), 7.5), ((1, 0), 7.5)]
    {
        assert!((got[(i, j)] - expected).abs() < 1e-9, "{got}");
    }
    assert_eq!(mixture.weights, [1.0]);
}

#[test]
fn moments_do_not_depend_on_the_centre_they_are_taken_about() {
    let rows = [1.0, 10.0, 2.0, 40.0, 3.0, 20.0, 6.0, 30.0];
    let mut components =
        Components::of_clusters(&rows, vec![-7.0, 50.0], &[0; 4], (2, 0.0)).unwrap();
    assert!(
        (components.means[0] - 3.0).abs() < 1e-12 && (components.means[1] - 25.0).abs() < 1e-12
    );
    let p = DMatrix::from_row_slice(2, 2, &components.whitenings);
    let got = (&p * p.transpose()).try_inverse().unwrap();
    assert!((got - DMatrix::from_row_slice(2, 2, &[3.5, 7.5, 7.5, 125.0])).amax() < 1e-9);
    // So does an iteration that sets out far from them.
    components.means = vec![-7.0, 50.0];
    let next = components.maximise(&components.expectation(&rows), 0.0).unwrap();
    let p = DMatrix::from_row_slice(2, 2, &next.whitenings);
    let got = (&p * p.transpose()).try_inverse().unwrap();
    assert!((got - DMatrix::from_row_slice(2, 2, &[3.5, 7.5, 7.5, 125.0])).amax() < 1e-9);
}

#[test]
fn recovers_a_known_mixture() {
    let rows = drawn_from_truth(20_000);
    let mixture = fit(&rows, 2, &Settings::new(3), &mut checks::rng()).unwrap();
    let truth = true_log_likelihood(&rows);
    assert!((mixture.mean_log_likelihood - truth).abs() < 0.01, "{truth} {mixture:?}");
    for (weight, mean, c) in TRUTH {
        let near = |k: &usize| (mixture.means[k * 2] - mean[0]).abs() < 1.0;
        let k = (0..3).find(near).unwrap();
        assert!((mixture.weights[k] - weight).abs() < 0.015);
        let got = covariance(&mixture, k, 2);
        // Standard errors are 0.03 of such products at most; the ridge adds 0.014 to the variance.
        assert!((got[(0, 1)] - c[0] * c[1]).abs() < 0.1 * c[0] * c[1].hypot(c[2]), "{got}");
        assert!((got[(0, 0)] - c[0] * c[0] - 0.014).abs() < 0.1 * c[0] * c[0], "{got}");
    }
}

#[test]
fn states_the_likelihood_of_what_it_returns() {
    let rows = drawn_from_truth(3001);
    for iterations in [0, 3, 50] {
        let settings = Settings { iterations, ..Settings::new(5) };
        let mixture = fit(&rows, 2, &settings, &mut checks::rng()).unwrap();
        let expected = log_likelihood(&mixture, &rows, 2);
        assert!((mixture.mean_log_likelihood - expected).abs() < 1e-9, "{iterations}");
        assert!((mixture.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn never_loses_likelihood_but_for_the_ridge() {
    let rows = toy_rows("two-moons", 3000);
    let reached = |iterations| {
        let settings = Settings { iterations, tolerance: f64::NEG_INFINITY, ..Settings::new(6) };
        fit(&rows, 2, &settings, &mut checks::rng()).unwrap().mean_log_likelihood
    };
    let values: Vec<f64> = (0..25).map(reached).collect();
    assert!(values.windows(2).all(|pair| pair[1] >= pair[0] - 1e-4), "{values:?}");
    assert!(values[24] > values[0] + 0.02, "{values:?}");
}

#[test]
fn reaches_eight_gaussians() {
    let toy = Toy::named("eight-gaussians").unwrap();
    let points = toy.sample_points(20_000, &mut checks::rng());
    let truth = points.iter().map(|x| toy.log_prob_at(*x)).sum::<f64>() / points.len() as f64;
    let mixture = fit(&points.concat(), 2, &Settings::new(8), &mut checks::rng()).unwrap();
    assert!((mixture.mean_log_likelihood - truth).abs() < 0.01, "{truth} {mixture:?}");
}

fn search(up_to: usize) -> Search {
    Search { up_to, by: Criterion::Bayesian, effective_rows: None, cancel: Cancel::new() }
}

/// Rows that tell little bear few components, however often they are repeated.
#[test]
fn repeated_rows_bear_no_more_components() {
    let eight = toy_rows("eight-gaussians", 18_000);
    let choose = |effective_rows| {
        let search = Search { effective_rows, ..search(64) };
        choose_components(&eight, 2, &search, &mut checks::rng()).unwrap()
    };
    assert_eq!((choose(None), choose(Some(18_000.0))), (8, 8));
    assert!(choose(Some(39.0)) <= 2, "5 · 4 · 2 effective rows would allow four");
}

#[test]
fn stops_when_it_is_asked_to() {
    let rows = toy_rows("eight-gaussians", 500);
    let settings = Settings::new(4);
    settings.cancel.cancel();
    assert!(matches!(fit(&rows, 2, &settings, &mut checks::rng()), Err(Error::Cancelled)));
    let search = search(8);
    search.cancel.cancel();
    let choice = choose_components(&rows, 2, &search, &mut checks::rng());
    assert!(matches!(choice, Err(Error::Cancelled)));
}

#[test]
fn chooses_the_number_of_components() {
    let choose = |rows: &[f64], d, up_to| {
        choose_components(rows, d, &search(up_to), &mut checks::rng()).unwrap()
    };
    let eight = toy_rows("eight-gaussians", 18_000);
    assert_eq!(choose(&eight, 2, 64), 8);
    assert_eq!(choose(&eight, 2, 5), 4);
    // 5 · 4 · 2 rows allow four components, one row fewer does not.
    assert!(choose(&eight[..78], 2, 64) <= 2);
    assert_eq!(choose(&eight[..4], 2, 64), 1);
    let mut rng = checks::rng();
    let mut normal = || rng.sample::<f64, _>(StandardNormal);
    let correlated = (0..5000).flat_map(|_| {
        let (a, b, c) = (normal(), normal(), normal());
        [a, 3.0 * a + b, a - 2.0 * b + 0.1 * c]
    });
    assert_eq!(choose(&correlated.collect::<Vec<_>>(), 3, 32), 1);
}

#[test]
fn criterion_counts_the_parameters() {
    let mixture = Mixture {
        weights: vec![0.5; 2],
        means: vec![0.0; 6],
        whitenings: vec![0.0; 18],
        centre: vec![0.0; 3],
        spread: vec![1.0; 3],
        mean_log_likelihood: -1.5,
        iterations: 0,
    };
    // One free weight, 6 means and 12 covariances.
    let expected = 3.0 * 100.0 + 100f64.ln() * 19.0;
    assert!((mixture.information(100.0, Criterion::Bayesian) - expected).abs() < 1e-12);
}

#[test]
fn survives_repeated_rows_and_constant_columns() {
    // Three distinct rows and six components: some components must share a row.
    let rows: Vec<f64> = (0..300).flat_map(|i| [f64::from(i % 3), 0.1]).collect();
    let mixture = fit(&rows, 2, &Settings::new(6), &mut checks::rng()).unwrap();
    assert!(mixture.mean_log_likelihood.is_finite());
    assert!(mixture.weights.iter().all(|w| *w > 0.0));
    for k in 0..6 {
        let covariance = covariance(&mixture, k, 2);
        assert!(covariance[(0, 0)] > 0.999e-4 * 2.0 / 3.0 && covariance[(1, 1)] > 0.999e-4);
    }
    let same = vec![0.1; 60];
    let mixture = fit(&same, 3, &Settings::new(4), &mut checks::rng()).unwrap();
    assert!(mixture.mean_log_likelihood.is_finite());
    assert_eq!(choose_components(&same, 3, &search(8), &mut checks::rng()).unwrap(), 1);
    assert!(fit(&[1.0, 2.0], 2, &Settings::new(1), &mut checks::rng()).is_ok());
}

#[test]
fn is_deterministic() {
    let rows = drawn_from_truth(5000);
    let run = || fit(&rows, 2, &Settings::new(4), &mut checks::rng()).unwrap();
    assert_eq!(run(), run());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(run(), pool.install(run));
}

#[test]
fn refuses_unusable_rows() {
    let refusal = |rows: &[f64], d, components| {
        fit(rows, d, &Settings::new(components), &mut checks::rng()).unwrap_err().to_string()
    };
    assert!(refusal(&[1.0, 2.0], 1, 0).contains("components"));
    assert!(refusal(&[1.0, 2.0], 1, 3).contains("fewer components"));
    assert!(refusal(&[1.0, 2.0, 3.0], 2, 1).contains("expected shape"));
    assert!(refusal(&[1.0, 2.0, f64::NAN, 3.0], 2, 1).contains("row 1, column 0"));
    assert!(refusal(&[1e200, -1e200], 1, 1).contains("column 0"));
    let choice =
        |rows: &[f64], up_to| choose_components(rows, 1, &search(up_to), &mut checks::rng());
    assert!(matches!(choice(&[1.0, 2.0], 0), Err(Error::Config { .. })));
    assert!(matches!(choice(&[], 4), Err(Error::Data { .. })));
}

#[test]
fn log_densities_of_rows_are_those_of_the_components() {
    let rows = drawn_from_truth(2000);
    let mixture = fit(&rows, 2, &Settings::new(3), &mut checks::rng()).unwrap();
    let workers = crate::Workers::new(2).unwrap();
    let joint = mixture.log_prob_rows(&rows, 0, &workers).unwrap();
    let mean = joint.iter().sum::<f64>() / joint.len() as f64;
    assert!((mean - mixture.mean_log_likelihood).abs() < 1e-9, "{mean}");
    // The first column alone is a mixture of normal distributions on the line.
    let marginal = |x: f64| {
        let term = |k: usize| {
            let sd = covariance(&mixture, k, 2)[(0, 0)].sqrt();
            let u = (x - mixture.means[k * 2]) / sd;
            mixture.weights[k] * (-0.5 * u * u).exp() / (sd * std::f64::consts::TAU.sqrt())
        };
        (0..3).map(term).sum::<f64>().ln()
    };
    let conditional = mixture.log_prob_rows(&rows, 1, &workers).unwrap();
    for (i, row) in rows.chunks(2).enumerate() {
        assert!((conditional[i] - (joint[i] - marginal(row[0]))).abs() < 1e-9, "row {i}");
    }
    let far = mixture.log_prob_rows(&[f64::INFINITY, 0.0, 1e200, 0.0], 0, &workers).unwrap();
    assert!(far.iter().all(|l| *l == f64::NEG_INFINITY), "{far:?}");
    assert!(mixture.log_prob_rows(&[1.0], 0, &workers).is_err());
}
