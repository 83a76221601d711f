//! Both ways of training come near the truth, and settings that do not apply are refused.

use diffeo_flows::Workers;
use diffeo_flows::calculus::Probe;
use diffeo_flows::config::{ContinuousSettings, DivergenceKind, Method, Sizes, recipe};
use diffeo_flows::densities::Toy;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::metrics::{Estimate, kl_divergence};
use diffeo_flows::pairing::Pairing;
use diffeo_flows::paths::Path;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::Quiet;

fn bananas(rows: usize, index: u64) -> Rows {
    let toy = Toy::named("banana").unwrap();
    let points = toy.sample_points(rows, &mut generator(11, Stream::Evaluation, index));
    Rows::new(2, points.concat()).unwrap()
}

/// How far a small fit of 4,000 rows stays behind the truth on fresh ones, nats.
fn gap(flow: &str, settings: &ContinuousSettings, steps: usize) -> Estimate {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    let [train, valid, fresh] = [(4000, 0), (500, 1), (4000, 2)].map(|(n, i)| bananas(n, i));
    let mut fit = Fit::new(flow).unwrap();
    let sizes = Sizes { hidden: Some(vec![32, 32]), ..Sizes::default() };
    fit.recipe = fit.recipe.with_sizes(&sizes).unwrap().with_continuous(settings).unwrap();
    fit.config.steps = steps;
    fit.config.batch_size = 256;
    fit.config.evaluate_every = steps / 2;
    let workers = Workers::new(2).unwrap();
    let parts = Parts { train: &train, valid: Some(&valid), test: Some(&fresh) };
    let (model, _) = fit.run(parts, None, &workers, &mut Quiet).unwrap();
    let toy = Toy::named("banana").unwrap();
    let truth: Vec<f64> =
        fresh.points().chunks_exact(2).map(|x| toy.log_prob_at([x[0], x[1]])).collect();
    let gap = kl_divergence(&truth, &model.log_prob_rows(&fresh, &workers).unwrap());
    let gaussian = model.spec().training.as_ref().unwrap().test_gaussian.unwrap();
    let truth = truth.iter().sum::<f64>() / truth.len() as f64;
    assert!(truth - gaussian > 0.9, "a banana is no Gaussian");
    assert!(gap.mean > -3.0 * gap.standard_error, "no density beats the truth: {gap:?}");
    gap
}

/// A Gaussian stays almost a nat behind.
#[test]
fn likelihood_through_the_solver_learns_a_banana() {
    let gap = gap("ffjord", &ContinuousSettings::default(), 300);
    assert!(gap.mean + 2.0 * gap.standard_error < 0.05, "{gap:?}");
}

/// Regression on velocities comes less close in so few steps.
#[test]
fn flow_matching_learns_a_banana() {
    let gap = gap("flow-matching", &ContinuousSettings::default(), 4000);
    assert!(gap.mean + 2.0 * gap.standard_error < 0.07, "{gap:?}");
}

/// The settings and the name of each, alone.
fn each() -> Vec<(&'static str, ContinuousSettings)> {
    type Set = fn(&mut ContinuousSettings);
    let all: [(&'static str, Set); 13] = [
        ("solver", |s| s.solver = Some(Method::Dopri5)),
        ("solver-steps", |s| s.solver_steps = Some(5)),
        ("train-tolerance", |s| s.train_tolerance = Some(1e-3)),
        ("atol", |s| s.atol = Some(1e-4)),
        ("rtol", |s| s.rtol = Some(1e-4)),
        ("divergence", |s| s.divergence = Some(DivergenceKind::Hutchinson)),
        ("probe", |s| s.probe = Some(Probe::Gaussian)),
        ("probes", |s| s.probes = Some(8)),
        ("kinetic", |s| s.kinetic = Some(0.1)),
        ("jacobian", |s| s.jacobian = Some(0.1)),
        ("path", |s| s.path = Some(Path::VariancePreserving)),
        ("pairing", |s| s.pairing = Some(Pairing::OptimalTransport)),
        ("time-power", |s| s.time_power = Some(3.0)),
    ];
    let built = all.into_iter().map(|(name, set)| {
        let mut settings = ContinuousSettings::default();
        set(&mut settings);
        (name, settings)
    });
    built.collect()
}

#[test]
fn settings_that_do_not_apply_are_named() {
    let matching = ["path", "pairing", "time-power"];
    let likelihood = ["train-tolerance", "kinetic", "jacobian"];
    for (flow, foreign) in [
        ("nsf", None),
        ("realnvp", None),
        ("ffjord", Some(&matching[..])),
        ("flow-matching", Some(&likelihood[..])),
    ] {
        for (name, settings) in each() {
            let plain = recipe(flow).unwrap();
            let result = plain.clone().with_continuous(&settings);
            if foreign.is_none_or(|foreign| foreign.contains(&name)) {
                let error = result.expect_err(&format!("{flow} has no {name}")).to_string();
                assert!(error.starts_with(&format!("{name}:")), "{flow}, {name}: {error}");
            } else {
                assert_ne!(result.unwrap(), plain, "{flow}: {name} does something");
            }
        }
        let none = recipe(flow).unwrap().with_continuous(&ContinuousSettings::default());
        assert_eq!(none.unwrap(), recipe(flow).unwrap());
    }
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    type Set = fn(&mut ContinuousSettings);
    let cases: [(&str, &str, Set); 16] = [
        ("ffjord", "kinetic", |s| s.kinetic = Some(-1.0)),
        ("ffjord", "jacobian", |s| s.jacobian = Some(f64::NAN)),
        ("ffjord", "train-tolerance", |s| s.train_tolerance = Some(0.0)),
        ("ffjord", "atol", |s| s.atol = Some(0.0)),
        ("flow-matching", "atol", |s| s.atol = Some(f64::INFINITY)),
        ("flow-matching", "rtol", |s| s.rtol = Some(f64::NAN)),
        ("ffjord", "solver-steps", |s| s.solver_steps = Some(0)),
        ("flow-matching", "solver-steps", |s| s.solver_steps = Some(0)),
        ("ffjord", "solver-steps", |s| s.solver_steps = Some(1_000_000)),
        ("ffjord", "probes", |s| s.probes = Some(0)),
        ("ffjord", "probes", |s| s.probes = Some(usize::MAX)),
        ("ffjord", "probes", |s| {
            (s.probes, s.divergence) = (Some(4), Some(DivergenceKind::Exact));
        }),
        ("ffjord", "solver-steps", |s| {
            (s.solver_steps, s.train_tolerance) = (Some(4), Some(1e-3));
        }),
        ("flow-matching", "atol", |s| (s.atol, s.solver_steps) = (Some(1e-3), Some(4))),
        ("flow-matching", "time-power", |s| s.time_power = Some(0.0)),
        ("flow-matching", "regularisation", |s| {
            s.pairing = Some(Pairing::Sinkhorn { regularisation: -1.0 });
        }),
    ];
    for (flow, word, set) in cases {
        let mut settings = ContinuousSettings::default();
        set(&mut settings);
        let result = recipe(flow).unwrap().with_continuous(&settings);
        let error = result.expect_err(&format!("{flow}, {settings:?}")).to_string();
        assert!(error.contains(word), "{flow}, {word}: {error}");
    }
}
