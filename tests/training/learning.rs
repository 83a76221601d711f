//! Flows learn two moons.

use diffeo_flows::Workers;
use diffeo_flows::config::Sizes;
use diffeo_flows::densities::Toy;
use diffeo_flows::engine::Choice;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::metrics::kl_divergence;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;
use diffeo_flows::transforms::CouplingConfig;
use diffeo_flows::univariates::LogisticMixture;
use rand::Rng;

fn moons(toy: &Toy, rows: usize, index: u64) -> Rows {
    let points = toy.sample_points(rows, &mut generator(11, Stream::Evaluation, index));
    Rows::new(2, points.concat()).unwrap()
}

#[test]
fn a_small_flow_learns_two_moons() {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    let toy = Toy::named("two-moons").unwrap();
    let [train, valid, fresh] = [(8000, 0), (1000, 1), (10_000, 2)].map(|(n, i)| moons(&toy, n, i));
    let mut fit = Fit::new("nsf-ar").unwrap();
    fit.recipe.layers = 3;
    fit.config.steps = 600;
    fit.config.batch_size = 256;
    let workers = Workers::new(2).unwrap();
    let parts = Parts { train: &train, valid: Some(&valid), test: None };
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
    let truth: Vec<f64> =
        fresh.points().chunks_exact(2).map(|x| toy.log_prob_at([x[0], x[1]])).collect();
    let kl = kl_divergence(&truth, &model.log_prob_rows(&fresh, &workers).unwrap());
    assert!(kl.mean + 2.0 * kl.standard_error < 0.06, "{kl:?}");
    assert!(kl.mean > -3.0 * kl.standard_error, "no density beats the truth: {kl:?}");
}

/// There is no kernel for it: the reference tier trains it, says why, and inverts it for samples.
#[test]
fn a_flow_inverted_by_iteration_learns_and_samples() {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    let toy = Toy::named("two-moons").unwrap();
    let [train, valid, fresh] = [(2000, 0), (500, 1), (2000, 2)].map(|(n, i)| moons(&toy, n, i));
    let mut fit = Fit::new("nsf").unwrap();
    for layer in &mut fit.recipe.block {
        layer.change(|CouplingConfig { univariate, net, .. }| {
            *univariate = LogisticMixture::new(8).unwrap().into();
            net.hidden = vec![32, 32];
        });
    }
    fit.recipe.layers = 4;
    fit.config.steps = 200;
    fit.config.batch_size = 128;
    let workers = Workers::new(2).unwrap();
    let parts = Parts { train: &train, valid: Some(&valid), test: None };
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
    let Choice::Reference(Some(why)) = model.engine().unwrap() else {
        panic!("there is no kernel");
    };
    assert!(why.part.contains("coupling"), "{why}");
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let learnt = mean(&model.log_prob_rows(&fresh, &workers).unwrap());
    let gaussian = mean(&model.baseline().log_prob(&fresh).unwrap());
    assert!(learnt > gaussian + 1.0, "{learnt} nats, a Gaussian {gaussian}");
    let samples = Rows::new(2, model.sample_rows(500, None, 3, &workers).unwrap()).unwrap();
    let values = model.log_prob_rows(&samples, &workers).unwrap();
    assert!(values.iter().all(|value| value.is_finite()));
}

/// Rows of a Student-t distribution with two degrees of freedom: a normal base gives a row at 10,000 a
/// density that is absurdly low, one with tails of its own learns how heavy they are.
#[test]
fn a_base_with_tails_learns_those_of_the_data() {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    let law = rand_distr::StudentT::new(2.0).unwrap();
    let mut rng = generator(5, Stream::Sample, 0);
    let rows = Rows::new(1, (0..6000).map(|_| rng.sample(law)).collect()).unwrap();
    let workers = Workers::new(2).unwrap();
    let far = Rows::new(1, vec![1e4]).unwrap();
    let truth = -1.5 * (0.5 * 1e8_f64).ln_1p() - 1.5 * 2.0_f64.ln();
    let log_prob = |base: &str| {
        let mut fit = Fit::new("maf").unwrap();
        let sizes = Sizes { base: Some(base.to_owned()), ..Sizes::default() };
        fit.recipe = fit.recipe.with_sizes(&sizes).unwrap();
        (fit.config.steps, fit.recipe.layers) = (800, 1);
        let parts = Parts { train: &rows, valid: None, test: None };
        let (model, _) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
        assert!(matches!(model.engine().unwrap(), Choice::Fast(_)), "{base} has a kernel");
        model.log_prob_rows(&far, &workers).unwrap()[0]
    };
    let (light, heavy) = (log_prob("standard-normal"), log_prob("student-t"));
    assert!(light < -1e3, "{light}");
    assert!((heavy - truth).abs() < 3.0, "{heavy} for {truth}");
}
