//! Continuous flows: the same fields, solved by the same steps, from the same draws.

use super::compare::{Compared, assert_agrees};
use super::flows::Case;
use super::gradients::{batch, in_double};
use super::pair::{Pair, ROWS, Reference, double, first, normals};
use diffeo_flows::calculus::Probe;
use diffeo_flows::config::{
    BaseConfig, ContinuousConfig, ContinuousTraining, DivergenceConfig, FlowConfig, Matching,
    Method, ObjectiveConfig, ScoreMatching, ScoreObjective, SolverConfig, TrainingDivergence,
};
use diffeo_flows::densities::GaussianMixtureConfig;
use diffeo_flows::engine::Choice;
use diffeo_flows::fields::{FieldConfig, TimeForm};
use diffeo_flows::nets::Activation;
use diffeo_flows::objective::{Batch, Objective};
use diffeo_flows::pairing::Pairing;
use diffeo_flows::params::to_f64;
use diffeo_flows::paths::Path;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::score::NoiseLevels;
use diffeo_flows::{Density, Engine, Error, Workers};

fn fixed(method: Method, steps: usize) -> SolverConfig {
    SolverConfig { method, steps: Some(steps), ..SolverConfig::default() }
}

fn hutchinson(probe: Probe) -> DivergenceConfig {
    DivergenceConfig::Hutchinson { probe, probes: 3 }
}

/// Flows that differ in sizes, time, activation, solver, divergence and base.
fn cases() -> Vec<Case> {
    let case = |(features, context), time, activation, solver, divergence, base| {
        let field = FieldConfig { hidden: vec![20, 13], activation, time, potential: false };
        let layers = vec![ContinuousConfig { field, solver, divergence, noise: None }.into()];
        let kind = format!("{time:?}, {activation:?}, {divergence:?}");
        Case { kind, config: FlowConfig { features, context, layers, base } }
    };
    let normal = BaseConfig::default();
    let mixture: BaseConfig = GaussianMixtureConfig { components: 3 }.into();
    let (exact, silu, tanh) = (DivergenceConfig::Exact, Activation::Silu, Activation::Tanh);
    let fourier = TimeForm::Fourier { frequencies: 2 };
    vec![
        case((2, 0), TimeForm::Concat, tanh, fixed(Method::Rk4, 4), exact, normal.clone()),
        case((3, 2), fourier, silu, fixed(Method::Dopri5, 3), exact, mixture.clone()),
        case(
            (4, 0),
            TimeForm::Concat,
            silu,
            fixed(Method::Euler, 5),
            hutchinson(Probe::Rademacher),
            normal.clone(),
        ),
        case(
            (5, 1),
            TimeForm::ConcatSquash,
            tanh,
            fixed(Method::Tsit5, 3),
            hutchinson(Probe::Gaussian),
            normal.clone(),
        ),
        case(
            (3, 0),
            fourier,
            tanh,
            fixed(Method::Heun, 4),
            hutchinson(Probe::Orthogonal),
            mixture.clone(),
        ),
        case(
            (1, 0),
            TimeForm::Concat,
            Activation::Relu,
            fixed(Method::Bosh3, 4),
            exact,
            normal.clone(),
        ),
    ]
}

/// Those that are the gradient of a scalar.
fn potentials() -> Vec<Case> {
    let mut cases: Vec<Case> = cases().drain(..3).collect();
    for case in &mut cases {
        case.kind = format!("potential, {}", case.kind);
        assert!(case.config.layers[0].change(|c: &mut ContinuousConfig| c.field.potential = true));
    }
    cases
}

/// Losses of every kind.
fn objectives() -> Vec<ObjectiveConfig> {
    let training = |divergence, kinetic| {
        let solver = fixed(Method::Rk4, 3);
        let training = ContinuousTraining { solver, divergence, kinetic, jacobian: 0.5 * kinetic };
        ObjectiveConfig::ContinuousLikelihood(training)
    };
    let matching =
        |path, pairing| ObjectiveConfig::FlowMatching(Matching { path, pairing, time_power: 2.0 });
    vec![
        training(TrainingDivergence::Exact, 0.0),
        training(TrainingDivergence::Exact, 0.2),
        training(TrainingDivergence::Hutchinson { probe: Probe::Rademacher }, 0.2),
        training(TrainingDivergence::Hutchinson { probe: Probe::Gaussian }, 0.0),
        matching(Path::Straight, Pairing::Independent),
        matching(Path::VariancePreserving, Pairing::Independent),
        matching(Path::Straight, Pairing::OptimalTransport),
    ]
}

fn fast(pair: &Pair) -> Choice {
    Engine::Fast.choose(&pair.case.config, &pair.single.params).unwrap()
}

/// Log-densities and samples.
fn density(pair: &Pair) -> Box<dyn Density> {
    fast(pair).density(&pair.case.config, &pair.single.params).unwrap()
}

#[test]
fn log_densities_and_samples_agree() {
    for pair in cases().into_iter().chain(potentials()).map(Pair::new) {
        let (x, name) = (normals(ROWS, pair.case.config.features, 2), pair.case.name());
        for rows in [1, 63, 65, ROWS] {
            let (x, context) = (first(&x, rows), pair.context(rows));
            let exact = context.as_ref().map(double);
            let fast = to_f64(&density(&pair).log_prob(&x, context.as_ref()).unwrap()).unwrap();
            let slow = pair.single.flow.log_prob(&x, context.as_ref()).unwrap();
            let double = pair.double.flow.log_prob(&double(&x), exact.as_ref()).unwrap();
            let (slow, exact) = (to_f64(&slow).unwrap(), to_f64(&double).unwrap());
            let compared = Compared { fast: &fast, slow: &slow, exact: &exact };
            assert_agrees(&format!("{name}, {rows} rows"), compared.values(false));
        }
        let context = pair.context(ROWS);
        let draw = |density: &dyn Density| {
            let mut rng = generator(5, Stream::Sample, 0);
            to_f64(&density.sample(ROWS, context.as_ref(), &mut rng).unwrap()).unwrap()
        };
        let (fast, slow) = (draw(density(&pair).as_ref()), draw(&pair.single.flow));
        let compared = Compared { fast: &fast, slow: &slow, exact: &slow };
        assert_agrees(&format!("{name}, samples"), compared.values(false));
    }
}

/// The loss, its gradient, and −log p of each row.
fn losses(objective: &dyn Objective, reference: &Reference, batch: &Batch) -> [Vec<f64>; 3] {
    let mut rng = generator(0, Stream::Objective, 0);
    let (loss, gradient) =
        objective.loss_and_gradients(&reference.params, batch, &mut rng).unwrap();
    let rows = objective.row_losses(&reference.params, batch, &mut rng).unwrap();
    [vec![loss], rows, gradient]
}

#[test]
fn losses_and_gradients_agree() {
    let workers = Workers::new(2).unwrap();
    for pair in cases().into_iter().map(Pair::new) {
        for config in objectives() {
            for rows in [1, 65, ROWS] {
                let batch = batch(&pair, rows);
                let choice = fast(&pair);
                let fast = choice.objective(&config, &pair.single.flow, &workers).unwrap();
                let fast = losses(fast.as_ref(), &pair.single, &batch);
                let reference = Choice::Reference(None);
                let of = |tier: &Reference, batch: &Batch| {
                    let objective = reference.objective(&config, &tier.flow, &workers).unwrap();
                    losses(objective.as_ref(), tier, batch)
                };
                let slow = of(&pair.single, &batch);
                let exact = of(&pair.double, &in_double(&batch));
                let what = format!("{}, {config:?}, {rows} rows", pair.case.name());
                for k in 0..2 {
                    let compared = Compared { fast: &fast[k], slow: &slow[k], exact: &exact[k] };
                    assert_agrees(&what, compared.values(false));
                }
                let largest = exact[2].iter().fold(0.0f64, |a, b| a.max(b.abs()));
                let mut start = 0;
                for param in pair.single.params.trainable() {
                    let range = start..start + param.var().elem_count();
                    start = range.end;
                    let [fast, slow, exact] =
                        [&fast, &slow, &exact].map(|all| &all[2][range.clone()]);
                    let verdict = Compared { fast, slow, exact }.gradient(largest, false);
                    assert_agrees(&format!("{what}, {}", param.name()), verdict);
                }
            }
        }
    }
}

#[test]
fn a_potential_is_trained_by_the_engine_that_can() {
    let mut case = cases().remove(0);
    case.config.layers[0].change(|ContinuousConfig { field, noise, .. }| {
        (field.potential, *noise) = (true, Some(NoiseLevels::default()));
    });
    let (pair, workers) = (Pair::new(case), Workers::new(1).unwrap());
    let (batch, params) = (batch(&pair, 40), &pair.single.params);
    let losses = |engine: Engine, objective: &ObjectiveConfig| {
        let choice = engine.choose(&pair.case.config, params).unwrap();
        let loss = choice.objective(objective, &pair.single.flow, &workers).unwrap();
        let rng = &mut generator(4, Stream::Objective, 7);
        loss.loss_and_gradients(params, &batch, rng).map(|(loss, _)| loss)
    };
    let matched = |objective| {
        ObjectiveConfig::ScoreMatching(ScoreMatching { objective, ..ScoreMatching::default() })
    };
    let denoising = matched(ScoreObjective::Denoising);
    let (fast, slow) = (losses(Engine::Fast, &denoising), losses(Engine::Reference, &denoising));
    assert!((fast.unwrap() - slow.unwrap()).abs() < 1e-3);
    // Third derivatives have no kernels.
    for objective in [ObjectiveConfig::MaximumLikelihood, matched(ScoreObjective::Implicit)] {
        let (auto, slow) =
            (losses(Engine::Auto, &objective), losses(Engine::Reference, &objective));
        assert_eq!(auto.unwrap().to_bits(), slow.unwrap().to_bits());
    }
    let (choice, implicit) = (self::fast(&pair), matched(ScoreObjective::Implicit));
    let refused = choice.objective(&implicit, &pair.single.flow, &workers);
    assert!(matches!(refused, Err(Error::Config { .. })));
    assert!(matches!(
        losses(Engine::Fast, &ObjectiveConfig::MaximumLikelihood),
        Err(Error::Config { .. })
    ));
}

#[test]
fn every_field_has_kernels_and_hutch_plus_plus_has_none() {
    let mut case = cases().remove(2);
    assert!(matches!(fast(&Pair::new(case)), Choice::FastField(_)));
    case = cases().remove(2);
    case.config.layers[0].change(|ContinuousConfig { divergence, .. }| {
        *divergence = DivergenceConfig::HutchPlusPlus { probes: 6 };
    });
    let pair = Pair::new(case);
    match Engine::Auto.choose(&pair.case.config, &pair.single.params).unwrap() {
        Choice::Reference(Some(why)) => assert!(why.to_string().contains("hutch++"), "{why}"),
        other => panic!("{other:?}"),
    }
}
