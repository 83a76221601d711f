//! A value that is not finite: one restart, then the best weights so far, or an error that says where.

use super::stub::{Stub, one_weight, train};
use candle_core::{DType, Device, Tensor};
use diffeo_flows::config::{BaseConfig, FlowConfig};
use diffeo_flows::error::NonFinite;
use diffeo_flows::objective::{Batch, Objective, Offender};
use diffeo_flows::objectives::MaximumLikelihood;
use diffeo_flows::params::write;
use diffeo_flows::train::{Observer, Stop, TrainConfig};
use diffeo_flows::transforms::{ActNormConfig, ReverseConfig};
use diffeo_flows::{Params, Workers};

/// Remembers restarts.
#[derive(Default)]
struct Restarts(Vec<(NonFinite, f64)>, Option<(NonFinite, usize)>);

impl Observer for Restarts {
    fn restarted(&mut self, cause: &NonFinite, scale: f64) {
        self.0.push((cause.clone(), scale));
    }

    fn diverged(&mut self, cause: &NonFinite, kept: usize) {
        self.1 = Some((cause.clone(), kept));
    }
}

fn config() -> TrainConfig {
    TrainConfig {
        steps: 30,
        batch_size: 4,
        evaluate_every: 10,
        warmup_steps: 0,
        final_share: 1.0,
        learning_rate: 0.1,
        ..TrainConfig::default()
    }
}

fn stub(broken: Vec<usize>) -> Stub {
    let offender = Some(Offender { layer: "third".to_owned(), row: 2 });
    Stub { slope: 1.0, lowest: -100.0, broken, offender, ..Stub::default() }
}

#[test]
fn one_breakdown_restarts_from_the_last_evaluation_with_a_tenth_of_the_rate() {
    let (stub, params, mut restarts) = (stub(vec![13]), one_weight(0), Restarts::default());
    let outcome = train(&stub, &config(), &params, 20, &mut restarts).unwrap();
    assert_eq!((outcome.stop, outcome.state.step()), (Stop::Completed, 30));
    assert_eq!(restarts.0.len(), 1);
    assert_eq!((restarts.0[0].0.step, restarts.0[0].0.layer.as_deref()), (13, Some("third")));
    assert!((restarts.0[0].1 - 0.1).abs() < 1e-15);
    let rates: Vec<f64> = outcome.state.history().iter().map(|e| e.learning_rate).collect();
    assert_eq!(rates, [0.1, 0.1, 0.1 * 0.1, 0.1 * 0.1]);
    let batches = stub.batches.lock().unwrap();
    assert_eq!(batches.len(), 14 + 20, "steps 10 to 13 are done again");
    assert_eq!(batches[10..14], batches[14..18], "on the same rows");
    // The loss is the weight: −1 at step 10, and 0.01 less after each of the ten steps done again.
    let loss = outcome.state.history()[2].loss.unwrap();
    assert!((loss + 1.045).abs() < 1e-6, "the broken steps do not count: {loss}");
    let last = outcome.state.to_parts().vectors[0].1[0];
    // Adam moves by the rate at every step of a constant gradient.
    assert!((last + 10.0 * 0.1 + 20.0 * 0.01).abs() < 1e-6, "{last}");
}

#[test]
fn a_second_breakdown_keeps_the_best_weights_and_says_where() {
    let (stub, params, mut restarts) = (stub(vec![13, 25]), one_weight(0), Restarts::default());
    let outcome = train(&stub, &config(), &params, 20, &mut restarts).unwrap();
    assert_eq!(restarts.0.len(), 1);
    assert_eq!((outcome.stop, outcome.state.step()), (Stop::Diverged, 20));
    let row = stub.batches.lock().unwrap()[25][2];
    let expected = NonFinite { step: 21, layer: Some("third".to_owned()), row: Some(row) };
    assert_eq!(outcome.cause, Some(expected.clone()));
    assert_eq!(restarts.1, Some((expected, outcome.step)));
    // The held-out loss (w + 100)² falls all along: step 20 is the best.
    assert_eq!(outcome.step, 20);
    let best = outcome.state.best().unwrap();
    assert_eq!(params.read_flat().unwrap(), best.weights);
    assert!(best.weights[0] < -1.0, "{best:?}");
}

/// Ten evaluations without a breakdown, and the next is a first one again.
#[test]
fn sound_progress_makes_up_for_a_restart() {
    let config = TrainConfig { steps: 200, ..config() };
    // Steps 10 to 13 are done again after call 13, so that call i is step i − 4.
    let (stub, params, mut restarts) = (stub(vec![13, 125]), one_weight(0), Restarts::default());
    let outcome = train(&stub, &config, &params, 20, &mut restarts).unwrap();
    assert_eq!((outcome.stop, outcome.state.step()), (Stop::Completed, 200));
    assert_eq!((restarts.0.len(), restarts.0[1].0.step), (2, 121));
    assert!((restarts.0[1].1 - 0.01).abs() < 1e-15);
    let early = train(&self::stub(vec![13, 95]), &config, &one_weight(0), 20, &mut restarts);
    assert_eq!(early.unwrap().stop, Stop::Diverged);
}

#[test]
fn a_run_that_learnt_nothing_is_an_error_that_says_where() {
    let (stub, params, mut restarts) = (stub(vec![3, 5]), one_weight(0), Restarts::default());
    let error = train(&stub, &config(), &params, 20, &mut restarts).unwrap_err();
    assert_eq!(restarts.0.len(), 1);
    let row = stub.batches.lock().unwrap()[5][2];
    let message = error.to_string();
    for word in ["step 1", "`third`", &format!("training row {row}"), "learning rate"] {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn a_breakdown_before_the_first_evaluation_restarts_from_the_start() {
    let (stub, params) = (stub(vec![0]), one_weight(0));
    let outcome = train(&stub, &config(), &params, 20, &mut Restarts::default()).unwrap();
    let last = outcome.state.to_parts().vectors[0].1[0];
    assert!((last + 30.0 * 0.01).abs() < 1e-6, "{last}");
}

/// A flow that reverses, scales by e²³ and reverses, of 2 features.
fn scaling() -> (Params, diffeo_flows::Flow) {
    let layers = vec![ReverseConfig {}.into(), ActNormConfig {}.into(), ReverseConfig {}.into()];
    let flow = FlowConfig { features: 2, context: 0, layers, base: BaseConfig::default() };
    let mut params = Params::new(DType::F32, &Device::Cpu, 0);
    let flow = flow.build(&mut params).unwrap();
    write(params.get("flow.1.act-norm.log_scale").unwrap().var(), &[23.0; 2]).unwrap();
    (params, flow)
}

#[test]
fn the_first_layer_and_row_that_are_not_finite_are_found() {
    let (params, flow) = scaling();
    let workers = Workers::new(1).unwrap();
    let objective = MaximumLikelihood::new(&flow, &workers);
    let found = |planted: f32| {
        let mut values = vec![0.5f32; 12];
        (values[7], values[10]) = (planted, planted);
        let points = Tensor::from_vec(values, (6, 2), &Device::Cpu).unwrap();
        objective.offender(&Batch::new(points)).unwrap()
    };
    let at = |layer: &str, row| Some(Offender { layer: layer.to_owned(), row });
    assert_eq!(found(0.5), None);
    assert_eq!(found(f32::NAN), at("input", 3));
    assert_eq!(found(f32::INFINITY), at("input", 3));
    assert_eq!(found(1e30), at("1.act-norm", 3), "e²³ · 1e30 is beyond f32");
    assert_eq!(found(1e20), at("base", 3), "its square is beyond f32");
    write(params.get("flow.1.act-norm.shift").unwrap().var(), &[f64::INFINITY, 0.0]).unwrap();
    assert_eq!(found(0.5), at("1.act-norm", 0));
}
