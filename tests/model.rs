//! A model as a density: without a graph, far out, from sorted rows, with weights of any unit.

use candle_core::{Device, Tensor};
use diffeo_flows::Engine;
use diffeo_flows::densities::Toy;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::{INITIAL_ROWS, Images, Model};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;
use diffeo_flows::{Density, Workers};

fn toy_rows(n: usize) -> Vec<[f64; 2]> {
    Toy::named("two-moons").unwrap().sample_points(n, &mut generator(0, Stream::Sample, 0))
}

fn fitted(rows: &Rows, flow: &str) -> Model {
    let mut fit = Fit::new(flow).unwrap();
    fit.config.steps = 20;
    fit.config.evaluate_every = 10;
    let parts = Parts { train: rows, valid: None, test: None };
    fit.run(parts, None, &Workers::new(2).unwrap(), &mut Quiet).unwrap().0
}

/// `log_prob_rows` works on a frozen view of the weights, `log_prob` on the variables.
#[test]
fn a_frozen_view_computes_the_same() {
    let points = toy_rows(300);
    let rows = Rows::new(2, points.concat()).unwrap();
    for flow in ["nsf-gmm", "glow", "maf"] {
        let model = fitted(&rows, flow).with_engine(Engine::Reference);
        let plain = model.log_prob_rows(&rows, &Workers::new(1).unwrap()).unwrap();
        let x = Tensor::from_vec(points.concat(), (300, 2), &Device::Cpu).unwrap();
        let tracked = to_f64(&model.log_prob(&x, None).unwrap()).unwrap();
        assert_eq!(plain, tracked, "{flow}");
        let moved: Vec<f64> =
            model.params().read_flat().unwrap().iter().map(|w| w + 0.01).collect();
        model.params().write_flat(&moved).unwrap();
        let after = model.log_prob_rows(&rows, &Workers::new(1).unwrap()).unwrap();
        assert_ne!(plain, after, "{flow}: the view has the current weights");
    }
}

#[test]
fn rows_beyond_reach_have_density_zero() {
    let rows = Rows::new(2, toy_rows(300).concat()).unwrap();
    for flow in ["nsf-gmm", "realnvp", "nsf-ar"] {
        let model = fitted(&rows, flow);
        let far = vec![1e300, 0.0, -1e30, 1e300, f64::INFINITY, 1.0, 0.0, f64::NEG_INFINITY];
        let far = Rows::new(2, far).unwrap();
        let log_prob = model.log_prob_rows(&far, &Workers::new(1).unwrap()).unwrap();
        assert_eq!(log_prob, [f64::NEG_INFINITY; 4], "{flow}");
    }
}

/// The start sees all of a sorted table, not its first rows: the mixture it finds fits the last rows
/// as well as the first.
#[test]
fn a_start_from_sorted_rows_sees_them_all() {
    let mut points = toy_rows(INITIAL_ROWS + 5000);
    points.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let rows = Rows::new(2, points.concat()).unwrap();
    let model = Fit::new("nsf-gmm").unwrap().model(&rows).unwrap();
    model.initialise(&rows).unwrap();
    let log_prob = model.log_prob_rows(&rows, &Workers::new(2).unwrap()).unwrap();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (first, last) = (mean(&log_prob[..2000]), mean(&log_prob[log_prob.len() - 2000..]));
    assert!((first - last).abs() < 0.2, "{first} {last}");
}

#[test]
fn weights_may_have_any_unit() {
    let points = toy_rows(300).concat();
    let log_prob = |unit: f64| {
        let weights = (0..300).map(|i| unit * f64::from(1 + i % 3)).collect();
        let rows = Rows::new(2, points.clone()).unwrap().with_weights(weights).unwrap();
        fitted(&rows, "nsf").log_prob_rows(&rows, &Workers::new(1).unwrap()).unwrap()
    };
    let (ones, tiny, huge) = (log_prob(1.0), log_prob(1e-60), log_prob(1e60));
    for (one, other) in ones.iter().chain(&ones).zip(tiny.iter().chain(&huge)) {
        assert!(other.is_finite() && (one - other).abs() < 1e-3, "{one} {other}");
    }
}

#[test]
fn a_constant_training_column_is_named() {
    let values = (0..50).flat_map(|i| [f64::from(i), 0.1]).collect();
    let rows = Rows::new(2, values).unwrap();
    let fit = Fit::new("nsf").unwrap();
    let error = fit.model(&rows).unwrap().initialise(&rows).unwrap_err().to_string();
    assert!(error.contains("column x2") && error.contains("0.1"), "{error}");
}

/// log p(x) = log p(z) + log|det ∂z/∂x|, and that determinant is the one of the Jacobian.
#[test]
fn latent_points_and_their_volume_make_the_density() {
    let rows = Rows::new(2, toy_rows(300).concat()).unwrap();
    let workers = Workers::new(2).unwrap();
    for flow in ["nsf-gmm", "realnvp", "ffjord"] {
        let model = fitted(&rows, flow).in_double().unwrap();
        let Images { points, log_det } = model.to_latent(&rows, &workers).unwrap();
        let latent = Rows::new(2, points).unwrap();
        let base = model.base_log_prob(&latent, &workers).unwrap();
        let log_prob = model.log_prob_rows(&rows, &workers).unwrap();
        let jacobians = model.latent_jacobians(&rows, &workers).unwrap();
        for i in 0..300 {
            let error = log_prob[i] - base[i] - log_det[i];
            assert!(error.abs() < 1e-9, "{flow}: {error:.1e}");
            let j = &jacobians[4 * i..4 * i + 4];
            let by_differences = (j[0] * j[3] - j[1] * j[2]).abs().ln();
            // The default tolerance of a solver is 1e-5; a spline's knot within a difference 1e-5.
            let error = by_differences - log_det[i];
            assert!(error.abs() < 2e-4, "{flow}: {by_differences} {}", log_det[i]);
        }
    }
}
