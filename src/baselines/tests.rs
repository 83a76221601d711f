use super::*;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::Column;
use diffeo_flows::train::Quiet;
use diffeo_flows::transforms::Support;

/// x > 0 that follows c.
fn rows(n: usize) -> Rows {
    let c: Vec<f64> = (0..n).map(|i| (0.77 * i as f64).sin() * 3.0).collect();
    let x = c.iter().enumerate().map(|(i, c)| (0.4 * c + (2.9 * i as f64).sin()).exp());
    Rows::new(1, x.collect()).unwrap().with_context(1, c).unwrap()
}

fn positive_given_context() -> (Model, Rows, Workers) {
    let (train, workers) = (rows(600), Workers::new(2).unwrap());
    let mut fit = Fit::new("nsf-ar").unwrap();
    fit.columns = vec![Column::new("x", Support::Positive)];
    fit.given = vec!["c".to_owned()];
    fit.config.steps = 1;
    let parts = Parts { train: &train, valid: None, test: None };
    (fit.run(parts, None, &workers, &mut Quiet).unwrap().0, train, workers)
}

#[test]
fn baselines_are_conditional_densities_in_the_units_and_on_the_support_of_the_data() {
    let (model, train, workers) = positive_given_context();
    let baselines = Baselines::fit(&model, &train, None, &workers).unwrap();
    assert!(baselines.notes().is_empty(), "{:?}", baselines.notes());
    for which in [Baseline::Gmm, Baseline::Kde] {
        for c in [-2.5, 0.0, 2.5] {
            // x = eᵗ at midpoints of t, each for a length of x dt.
            let (n, low, high) = (4000, -9.0, 9.0);
            let dt = (high - low) / f64::from(n);
            let x: Vec<f64> = (0..n).map(|i| (low + (f64::from(i) + 0.5) * dt).exp()).collect();
            let grid = Rows::new(1, x.clone()).unwrap();
            let grid = grid.with_context(1, vec![c; x.len()]).unwrap();
            let values = baselines.log_prob(which, &model, &grid, &workers).unwrap().unwrap();
            let total: f64 = values.iter().zip(&x).map(|(l, x)| l.exp() * x * dt).sum();
            assert!((total - 1.0).abs() < 1e-4, "{which:?} at {c}: {total}");
        }
        let outside = Rows::new(1, vec![-1.0]).unwrap().with_context(1, vec![0.0]).unwrap();
        let values = baselines.log_prob(which, &model, &outside, &workers).unwrap().unwrap();
        assert_eq!(values, [f64::NEG_INFINITY], "{which:?}");
    }
}

#[test]
fn a_file_gives_back_what_was_saved() {
    let (model, train, workers) = positive_given_context();
    let baselines = Baselines::fit(&model, &train, Some(&train), &workers).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Baselines::FILE);
    baselines.save(&model, &path).unwrap();
    let loaded = Baselines::load(&model, &path).unwrap();
    for which in Baseline::ALL {
        let [a, b] = [&baselines, &loaded]
            .map(|b| b.log_prob(which, &model, &train, &workers).unwrap().unwrap());
        assert!(a == b, "{which:?}");
        assert_eq!(baselines.on_test_rows(which), loaded.on_test_rows(which));
        assert_eq!(baselines.detail(which), loaded.detail(which));
    }
    assert!(loaded.on_test_rows(Baseline::Kde).is_some_and(f64::is_finite));
    assert!(Baselines::load(&model, folder.path().join("none")).is_err());
}
