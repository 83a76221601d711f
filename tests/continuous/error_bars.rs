//! Log-densities with standard errors hold what they promise.

use super::{given, layer, model, rk4, rows, within};
use diffeo_flows::calculus::Probe;
use diffeo_flows::config::{DivergenceConfig, SolverConfig};
use diffeo_flows::model::Model;
use diffeo_flows::rows::Rows;
use diffeo_flows::transforms::{ElementwiseConfig, Support};
use diffeo_flows::univariates::Affine;
use diffeo_flows::{Error, Workers};

const FEATURES: usize = 6;
const REAL: [Support; FEATURES] = [Support::Real; FEATURES];

fn flow(rows: &Rows, solver: SolverConfig, divergence: DivergenceConfig, seed: u64) -> Model {
    model(vec![layer(solver, divergence)], &REAL, rows, seed)
}

fn probes(probe: Probe, probes: usize) -> DivergenceConfig {
    DivergenceConfig::Hutchinson { probe, probes }
}

fn workers() -> Workers {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    Workers::new(2).unwrap()
}

/// log p with the exact divergence, to ten digits.
fn truth(rows: &Rows) -> Vec<f64> {
    let exact = flow(rows, within(1e-10), DivergenceConfig::Exact, 0);
    exact.log_prob_rows(rows, &workers()).unwrap()
}

/// |value − truth| / standard error of each row.
fn deviations(model: &Model, rows: &Rows, truth: &[f64]) -> Vec<f64> {
    let found = model.log_prob_with_errors(rows, None, &workers()).unwrap();
    let pairs = found.values.iter().zip(&found.standard_errors);
    pairs.zip(truth).map(|((value, error), truth)| (value - truth).abs() / error).collect()
}

fn share(of: &[f64], below: f64) -> f64 {
    of.iter().filter(|value| **value < below).count() as f64 / of.len() as f64
}

/// Each row of each seed has probes of its own: 2400 independent trials of a share of 0.95, known
/// to ±0.0045, so that the bounds lie more than four standard deviations away. With 64 probes the
/// mean is normal enough: Student's t of 63 degrees of freedom has 0.950 within 2.
#[test]
fn the_truth_lies_within_two_standard_errors_as_often_as_it_should() {
    let rows = rows(200, FEATURES);
    let truth = truth(&rows);
    for probe in [Probe::Rademacher, Probe::Gaussian] {
        let mut all = Vec::new();
        for seed in 0..12 {
            let model = flow(&rows, within(1e-3), probes(probe, 64), seed);
            all.extend(deviations(&model, &rows, &truth));
        }
        let covered = share(&all, 2.0);
        assert!((0.93..=0.97).contains(&covered), "{probe:?}: {covered}");
        let within_one = share(&all, 1.0);
        assert!((0.65..=0.72).contains(&within_one), "{probe:?}: {within_one}");
    }
}

#[test]
fn a_target_is_met_by_every_row() {
    let rows = rows(30, FEATURES);
    let truth = truth(&rows);
    let target = 0.05;
    for divergence in [
        probes(Probe::Rademacher, 4),
        probes(Probe::Gaussian, 16),
        probes(Probe::Orthogonal, 3),
        DivergenceConfig::HutchPlusPlus { probes: 6 },
        DivergenceConfig::Exact,
    ] {
        let model = flow(&rows, within(1e-2), divergence, 3);
        let loose = model.log_prob_with_errors(&rows, None, &workers()).unwrap();
        let found = model.log_prob_with_errors(&rows, Some(target), &workers()).unwrap();
        assert!(found.standard_errors.iter().all(|error| *error <= target), "{divergence:?}");
        if divergence != DivergenceConfig::Exact {
            assert!(loose.standard_errors.iter().any(|error| *error > 2.0 * target));
            assert!(found.standard_errors.iter().all(|error| *error > 0.0), "{divergence:?}");
        }
        for (value, truth) in found.values.iter().zip(&truth) {
            assert!((value - truth).abs() < 4.0 * target, "{divergence:?}: {value} {truth}");
        }
    }
}

#[test]
fn a_target_shrinks_the_tolerance_of_a_solver() {
    let rows = rows(60, FEATURES);
    let truth = truth(&rows);
    for solver in [within(1e-2), rk4(3)] {
        let model = flow(&rows, solver, DivergenceConfig::Exact, 0);
        let found = model.log_prob_with_errors(&rows, Some(1e-7), &workers()).unwrap();
        assert!(found.standard_errors.iter().all(|error| *error <= 1e-7));
        for (value, truth) in found.values.iter().zip(&truth) {
            assert!((value - truth).abs() < 4e-7, "{solver:?}: {value} {truth}");
        }
        let error = model.log_prob_with_errors(&rows, Some(1e-300), &workers()).unwrap_err();
        assert!(error.to_string().contains("cannot be met"), "{error}");
    }
}

/// A hundred million probes would do.
#[test]
fn a_target_beyond_all_probes_is_refused_at_once() {
    let rows = rows(30, FEATURES);
    let model = flow(&rows, within(1e-3), probes(Probe::Gaussian, 16), 0);
    let error = model.log_prob_with_errors(&rows, Some(1e-4), &workers()).unwrap_err();
    assert!(error.to_string().contains("0.0001 cannot be met"), "{error}");
}

#[test]
fn an_exact_divergence_leaves_the_error_of_the_solver() {
    let rows = rows(250, FEATURES);
    let truth = truth(&rows);
    for solver in [within(1e-3), within(1e-5), rk4(6)] {
        let model = flow(&rows, solver, DivergenceConfig::Exact, 0);
        let all = deviations(&model, &rows, &truth);
        assert!(share(&all, 1.0) >= 0.99, "{solver:?}: {}", share(&all, 1.0));
    }
}

#[test]
fn targets_that_are_not_positive_are_refused() {
    let rows = rows(10, FEATURES);
    let model = flow(&rows, within(1e-3), DivergenceConfig::Exact, 0);
    for target in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
        let error = model.log_prob_with_errors(&rows, Some(target), &workers()).unwrap_err();
        assert!(matches!(error, Error::Config { .. }), "{error}");
        assert!(error.to_string().contains("standard error"), "{error}");
    }
    let others = super::rows(10, FEATURES - 1);
    assert!(matches!(
        model.log_prob_with_errors(&others, None, &workers()),
        Err(Error::Shape { .. })
    ));
}

#[test]
fn other_flows_have_no_error() {
    let rows = rows(40, FEATURES);
    let univariate = Affine::new(2.0).unwrap().into();
    let model = model(vec![ElementwiseConfig { univariate }.into()], &REAL, &rows, 0);
    let found = model.log_prob_with_errors(&rows, Some(1e-9), &workers()).unwrap();
    assert_eq!(found.values, model.log_prob_rows(&rows, &workers()).unwrap());
    assert_eq!(found.standard_errors, vec![0.0; 40]);
}

/// Far out, and outside a support, the density is 0 without any doubt, whatever the rows beside.
#[test]
fn rows_out_of_reach_have_density_zero_and_no_error() {
    let seen = rows(40, 2);
    let supports = [Support::Positive, Support::Real];
    for divergence in [DivergenceConfig::Exact, probes(Probe::Gaussian, 4)] {
        let model = model(vec![layer(within(1e-4), divergence)], &supports, &seen, 0);
        let mut values = seen.points()[..4].to_vec();
        values.extend([41.0, 1e300, -3.0, 40.0, 41.0, f64::NEG_INFINITY]);
        for target in [None, Some(0.05)] {
            let rows = Rows::new(2, values.clone()).unwrap();
            let found = model.log_prob_with_errors(&rows, target, &workers()).unwrap();
            assert_eq!(found.values[2..], [f64::NEG_INFINITY; 3]);
            assert_eq!(found.standard_errors[2..], [0.0; 3]);
            assert!(found.values[..2].iter().all(|v| v.is_finite()));
            assert!(found.standard_errors[..2].iter().all(|e| *e > 0.0));
            let alone = Rows::new(2, values[4..].to_vec()).unwrap();
            let found = model.log_prob_with_errors(&alone, target, &workers()).unwrap();
            assert_eq!(found.values, [f64::NEG_INFINITY; 3]);
        }
    }
}

#[test]
fn conditional_models_have_errors_too() {
    let rows = given(120, FEATURES);
    let truth = truth(&rows);
    let other = rows.clone().with_context(1, vec![0.0; 120]).unwrap();
    let model = flow(&rows, within(1e-4), probes(Probe::Rademacher, 64), 1);
    let all = deviations(&model, &rows, &truth);
    assert!(share(&all, 2.0) > 0.85 && share(&all, 5.0) > 0.999, "{}", share(&all, 2.0));
    let elsewhere = deviations(&model, &other, &truth);
    assert!(share(&elsewhere, 5.0) < 0.9, "the context matters");
}
