//! The loss of a continuous flow against that of maximum likelihood, and against differences.

use super::ContinuousLikelihood;
use crate::calculus::Probe;
use crate::config::{
    BaseConfig, ContinuousConfig, ContinuousTraining, DivergenceConfig, FlowConfig, Method,
    SolverConfig, TrainingDivergence,
};
use crate::densities::GaussianMixtureConfig;
use crate::fields::{FieldConfig, TimeForm};
use crate::flow::Flow;
use crate::nets::Activation;
use crate::objective::{Batch, Objective};
use crate::objectives::MaximumLikelihood;
use crate::params::Params;
use crate::rng::{Stream, generator};
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor};
use rand::Rng;

const SOLVER: SolverConfig =
    SolverConfig { method: Method::Rk4, steps: Some(3), absolute: 1e-5, relative: 1e-5 };

fn build(base: BaseConfig, time: TimeForm) -> (Params, Flow) {
    let field =
        FieldConfig { hidden: vec![5, 4], activation: Activation::Tanh, time, potential: false };
    let layer = ContinuousConfig {
        field,
        solver: SOLVER,
        divergence: DivergenceConfig::Exact,
        noise: None,
    };
    let config = FlowConfig { features: 3, context: 2, layers: vec![layer.into()], base };
    let mut params = Params::new(DType::F64, &Device::Cpu, 3);
    let flow = config.build(&mut params).unwrap();
    // Away from the start, where the velocity is 0.
    let mut rng = generator(3, Stream::Initialisation, 9);
    let weights: Vec<f64> = (0..params.count()).map(|_| rng.random_range(-0.6..0.6)).collect();
    params.write_flat(&weights).unwrap();
    (params, flow)
}

fn batch(rows: usize) -> Batch {
    let mut rng = generator(4, Stream::Sample, 0);
    let mut draw = |columns: usize| {
        let values: Vec<f64> = (0..rows * columns).map(|_| rng.random_range(-1.5..1.5)).collect();
        Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
    };
    let (points, context) = (draw(3), draw(2));
    let weights = draw(1).squeeze(1).unwrap().exp().unwrap();
    let log_det = Some(draw(1).squeeze(1).unwrap());
    Batch { points, context: Some(context), weights: Some(weights), log_det }
}

fn rng() -> impl rand::RngCore {
    generator(7, Stream::Objective, 0)
}

#[test]
fn without_penalties_it_is_maximum_likelihood() {
    for base in [BaseConfig::default(), GaussianMixtureConfig { components: 2 }.into()] {
        let (params, flow) = build(base, TimeForm::ConcatSquash);
        let (workers, batch) = (Workers::new(2).unwrap(), batch(300));
        let training = ContinuousTraining {
            solver: SOLVER,
            divergence: TrainingDivergence::Exact,
            kinetic: 0.0,
            jacobian: 0.0,
        };
        let own = ContinuousLikelihood::new(&flow, &training, &workers).unwrap();
        let (loss, gradient) = own.loss_and_gradients(&params, &batch, &mut rng()).unwrap();
        let plain = MaximumLikelihood::new(&flow, &workers);
        let (expected, slopes) = plain.loss_and_gradients(&params, &batch, &mut rng()).unwrap();
        assert!((loss - expected).abs() < 1e-12, "{loss} {expected}");
        for (g, e) in gradient.iter().zip(&slopes) {
            assert!((g - e).abs() < 1e-11, "{g} {e}");
        }
    }
}

#[test]
fn gradients_match_central_differences_with_penalties_and_probes() {
    let (params, flow) = build(BaseConfig::default(), TimeForm::Concat);
    let (workers, batch) = (Workers::new(1).unwrap(), batch(5));
    let probes = [Probe::Rademacher, Probe::Gaussian];
    let divergences = probes.map(|probe| TrainingDivergence::Hutchinson { probe });
    for divergence in divergences.into_iter().chain([TrainingDivergence::Exact]) {
        let training =
            ContinuousTraining { solver: SOLVER, divergence, kinetic: 0.3, jacobian: 0.2 };
        let objective = ContinuousLikelihood::new(&flow, &training, &workers).unwrap();
        let loss = || objective.loss_and_gradients(&params, &batch, &mut rng()).unwrap();
        let (_, gradient) = loss();
        let weights = params.read_flat().unwrap();
        let mut moved = 0;
        for i in (0..weights.len()).step_by(7) {
            let at = |by: f64| {
                let mut weights = weights.clone();
                weights[i] += by;
                params.write_flat(&weights).unwrap();
                loss().0
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((gradient[i] - difference).abs() < 1e-8, "{i} {} {difference}", gradient[i]);
            moved += usize::from(difference.abs() > 1e-4);
        }
        params.write_flat(&weights).unwrap();
        assert!(moved > 5, "the loss depends on the weights");
    }
}

#[test]
fn the_jacobian_penalty_is_a_frobenius_norm_whose_mean_over_probes_is_exact() {
    let (params, flow) = build(BaseConfig::default(), TimeForm::Concat);
    let (workers, one) = (Workers::new(1).unwrap(), batch(1));
    // Copies of one row, each with a probe of its own.
    let many = one.take(&vec![0; 4000]).unwrap();
    let loss = |divergence, batch: &Batch| {
        let training =
            ContinuousTraining { solver: SOLVER, divergence, kinetic: 0.0, jacobian: 1.0 };
        let objective = ContinuousLikelihood::new(&flow, &training, &workers).unwrap();
        objective.loss_and_gradients(&params, batch, &mut rng()).unwrap().0
    };
    let exact = loss(TrainingDivergence::Exact, &one);
    let estimate = loss(TrainingDivergence::Hutchinson { probe: Probe::Rademacher }, &many);
    assert!((exact - estimate).abs() < 0.02 * exact.abs(), "{exact} {estimate}");
}

#[test]
fn adaptive_steps_agree_with_many_fixed_ones() {
    let (params, flow) = build(BaseConfig::default(), TimeForm::Concat);
    let (workers, batch) = (Workers::new(1).unwrap(), batch(40));
    let loss = |solver: SolverConfig| {
        let training = ContinuousTraining {
            solver,
            divergence: TrainingDivergence::Exact,
            kinetic: 0.1,
            jacobian: 0.1,
        };
        let objective = ContinuousLikelihood::new(&flow, &training, &workers).unwrap();
        objective.loss_and_gradients(&params, &batch, &mut rng()).unwrap()
    };
    let (adaptive, gradient) =
        loss(SolverConfig { absolute: 1e-9, relative: 1e-9, ..SolverConfig::default() });
    let (fixed, slopes) = loss(SolverConfig { steps: Some(40), ..SolverConfig::default() });
    assert!((adaptive - fixed).abs() < 1e-8, "{adaptive} {fixed}");
    let largest = slopes.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    for (g, s) in gradient.iter().zip(&slopes) {
        assert!((g - s).abs() < 1e-7 * largest, "{g} {s}");
    }
}
