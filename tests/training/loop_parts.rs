//! Order of rows, clipping, averaging, schedule, patience, best weights.

use super::stub::{Stub, numbered, one_weight, train};
use diffeo_flows::objective::Objective;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::train::{
    Evaluation, Quiet, Stop, TrainConfig, TrainState, Warning, learning_rate,
};

fn config() -> TrainConfig {
    TrainConfig {
        steps: 40,
        batch_size: 5,
        evaluate_every: 1,
        warmup_steps: 4,
        learning_rate: 0.1,
        average_decay: 0.0,
        clip_norm: 1e9,
        patience: 0,
        ..TrainConfig::default()
    }
}

/// The weight after each evaluation that follows a step.
#[derive(Default)]
struct Weights(Vec<[f64; 2]>);

impl diffeo_flows::train::Observer for Weights {
    fn evaluated(&mut self, at: &Evaluation, state: &TrainState) -> diffeo_flows::Result<()> {
        if at.step == 0 {
            return Ok(());
        }
        let parts = state.to_parts().vectors;
        let of = |name| parts.iter().find(|(n, _)| n == name).unwrap().1[0];
        self.0.push([of("weights"), of("average")]);
        Ok(())
    }
}

#[test]
fn each_epoch_is_another_permutation_of_all_rows() {
    let stub = Stub { slope: 1.0, ..Stub::default() };
    train(&stub, &config(), &one_weight(0), 20, &mut Quiet).unwrap();
    let batches = stub.batches.lock().unwrap();
    let epochs: Vec<Vec<usize>> = batches.chunks(4).map(<[_]>::concat).collect();
    assert_eq!(epochs.len(), 10);
    for epoch in &epochs {
        let mut sorted = epoch.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..20).collect::<Vec<_>>());
    }
    assert!(epochs.windows(2).all(|pair| pair[0] != pair[1]));
    let of_seed = |seed| {
        let stub = Stub::default();
        train(&stub, &config(), &one_weight(seed), 20, &mut Quiet).unwrap();
        stub.batches.into_inner().unwrap()
    };
    assert_eq!(of_seed(0), *batches);
    assert_ne!(of_seed(1), *batches);
}

#[test]
fn every_epoch_uses_every_row_also_where_batches_do_not_divide_them() {
    let stub = Stub::default();
    train(&stub, &config(), &one_weight(0), 23, &mut Quiet).unwrap();
    let batches = stub.batches.lock().unwrap();
    assert!(batches.len() == 40 && batches.iter().all(|batch| batch.len() == 5));
    for epoch in batches.concat().chunks_exact(23) {
        let mut sorted = epoch.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..23).collect::<Vec<_>>());
    }
}

/// The mean over the other rows chooses, and stops, as if the impossible one were not there.
#[test]
fn an_impossible_held_out_row_does_not_end_the_choice() {
    struct Told(Vec<Warning>);
    impl diffeo_flows::train::Observer for Told {
        fn warned(&mut self, warning: &Warning) {
            self.0.push(warning.clone());
        }
    }
    let config = TrainConfig { patience: 3, steps: 400, evaluate_every: 2, ..config() };
    let run = |impossible| {
        let stub = Stub { slope: 1.0, lowest: -1.0, impossible, ..Stub::default() };
        let (params, mut told) = (one_weight(0), Told(Vec::new()));
        let outcome = train(&stub, &config, &params, 20, &mut told).unwrap();
        (outcome, params.read_flat().unwrap(), told.0)
    };
    let (expected, weights, silent) = run(vec![]);
    assert!(silent.is_empty());
    let (outcome, found, told) = run(vec![(7, f64::INFINITY), (12, f64::INFINITY)]);
    assert_eq!((outcome.stop, outcome.step), (Stop::Patience, expected.step));
    let bits = |all: &[f64]| all.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found), bits(&weights));
    assert!(outcome.state.history().iter().all(|e| e.unjudged == 2));
    let warning = Warning::Unjudged { step: 0, rows: vec![7, 12], count: 2, of: 20 };
    assert_eq!(told.as_slice(), std::slice::from_ref(&warning), "said once");
    assert!(warning.to_string().contains("2 of 20 held-out rows"), "{warning}");
    // Weights that take the density of a row away are no better for what they do elsewhere.
    let (outcome, _, told) = run(vec![(3, -0.5)]);
    let best = outcome.state.best().unwrap();
    assert!(best.weights[0] >= -0.5 && best.unjudged == 0, "{best:?}");
    assert_eq!(outcome.stop, Stop::Patience);
    assert!(matches!(&told[..], [Warning::Unjudged { count: 1, .. }]), "{told:?}");
}

/// A batch without weight has no mean: the step is skipped and counted, at any place of the run.
#[test]
fn steps_without_weight_are_skipped() {
    let stub = Stub { slope: 1.0, ..Stub::default() };
    let (params, mut batch) = (one_weight(0), numbered(200));
    let weights: Vec<f64> = (0..200).map(|row| f64::from(u8::from(row < 2))).collect();
    batch.weights = Some(candle_core::Tensor::new(weights, &candle_core::Device::Cpu).unwrap());
    let config = TrainConfig { steps: 400, evaluate_every: 50, ..config() };
    let trainer = diffeo_flows::train::Trainer {
        config: &config,
        objective: &stub,
        params: &params,
        train: &batch,
        valid: None,
    };
    let outcome = trainer.run(TrainState::new(&params).unwrap(), &mut Quiet).unwrap();
    assert_eq!((outcome.stop, outcome.state.step()), (Stop::Completed, 400));
    let batches = stub.batches.lock().unwrap();
    assert!(batches.iter().all(|batch| batch.iter().any(|row| *row < 2)));
    assert_eq!(outcome.state.skipped() + batches.len(), 400);
    // Each epoch of 40 batches has one or two with weight.
    assert!((10..=20).contains(&batches.len()), "{}", batches.len());
}

#[test]
fn a_clipping_norm_whose_square_overflows_is_refused() {
    let with = |clip_norm| TrainConfig { clip_norm, ..config() };
    assert!(with(1e18).check().is_ok());
    let error = with(1e30).check().unwrap_err().to_string();
    assert!(error.contains("clip-norm") && error.contains("1e18"), "{error}");
}

/// Adam by hand for a constant gradient: m̂ = g and v̂ = g², so a step is the rate times
/// g / (|g| + ε); a gradient that is clipped to 1e-6 feels ε = 1e-6.
#[test]
fn steps_follow_the_schedule_and_the_clipped_gradient() {
    let config = TrainConfig { epsilon: 1e-6, clip_norm: 1e-6, ..config() };
    for (slope, share) in [(3.0, 0.5), (1e-6, 0.5), (-3.0, -0.5), (1e-7, 0.1 / 1.1)] {
        let stub = Stub { slope, ..Stub::default() };
        let mut weights = Weights::default();
        let outcome = train(&stub, &config, &one_weight(0), 20, &mut weights).unwrap();
        let mut expected = 0.0;
        for (step, [weight, _]) in weights.0.iter().enumerate() {
            expected -= learning_rate(&config, step) * share;
            assert!((weight - expected).abs() < 1e-9, "{slope}, step {step}: {weight} {expected}");
        }
        assert_eq!(outcome.state.history()[0].step, 0);
        for (step, evaluation) in outcome.state.history()[1..].iter().enumerate() {
            assert_eq!(evaluation.step, step + 1);
            assert!((evaluation.learning_rate - learning_rate(&config, step)).abs() < 1e-15);
        }
    }
}

#[test]
fn the_average_follows_its_formula() {
    let config = TrainConfig { average_decay: 0.7, steps: 60, ..config() };
    let stub = Stub { slope: 1.0, ..Stub::default() };
    let mut weights = Weights::default();
    train(&stub, &config, &one_weight(0), 20, &mut weights).unwrap();
    let mut average = 0.0;
    for (i, [weight, found]) in weights.0.iter().enumerate() {
        let t = (i + 1) as f64;
        let decay = (0.7f64).min((1.0 + t) / (10.0 + t));
        average = decay * average + (1.0 - decay) * weight;
        assert!((found - average).abs() < 1e-12, "step {t}");
    }
}

/// The held-out loss (w + 1)² falls to 0 at w = −1, and is hopeless from 0.1 above that on.
#[test]
fn training_stops_when_patience_ends() {
    let config = TrainConfig { patience: 3, steps: 400, evaluate_every: 2, ..config() };
    let stub = Stub { slope: 1.0, lowest: -1.0, ..Stub::default() };
    let params = one_weight(0);
    let outcome = train(&stub, &config, &params, 20, &mut Quiet).unwrap();
    assert_eq!(outcome.stop, Stop::Patience);
    let best = outcome.state.best().unwrap();
    let hopeless = |e: &&Evaluation| e.valid_loss.unwrap() > best.loss + 0.1 && e.step > best.step;
    let last: Vec<usize> =
        outcome.state.history().iter().filter(hopeless).map(|e| e.step).collect();
    assert_eq!(last.len(), 4, "the first that is hopeless, three without progress, the end");
    assert_eq!(outcome.state.step(), last[3]);
    assert_eq!((outcome.step, params.read_flat().unwrap()), (best.step, best.weights.clone()));
    let never = TrainConfig { patience: 0, ..config };
    let outcome = train(&stub, &never, &one_weight(0), 20, &mut Quiet).unwrap();
    assert_eq!((outcome.stop, outcome.state.step()), (Stop::Completed, 400));
}

#[test]
fn the_weights_with_the_lowest_held_out_loss_are_kept() {
    for average_decay in [0.0, 0.6] {
        let config = TrainConfig { average_decay, patience: 0, steps: 50, ..config() };
        let stub = Stub { slope: 1.0, lowest: -1.0, ..Stub::default() };
        let params = one_weight(0);
        let outcome = train(&stub, &config, &params, 20, &mut Quiet).unwrap();
        let best = outcome.state.best().unwrap();
        assert!(best.step > 5 && best.step < 45, "the lowest loss lies on the way: {best:?}");
        assert_eq!((outcome.step, params.read_flat().unwrap()), (best.step, best.weights.clone()));
        let mut rng = generator(0, Stream::Objective, 0);
        let loss = stub.row_losses(&params, &numbered(1), &mut rng).unwrap()[0];
        // One row, and the mean of twenty equal ones.
        assert!((loss - best.loss).abs() <= 1e-14 * (1.0 + loss.abs()));
        for evaluation in outcome.state.history() {
            assert!(evaluation.valid_loss.unwrap() >= best.loss, "{evaluation:?}");
        }
    }
}

/// One row says that w = −1 is best, the other that any smaller w is better: the lowest mean lies on
/// the way, but the rows disagree.
#[test]
fn the_lowest_mean_counts_where_rows_disagree() {
    let config = TrainConfig { learning_rate: 0.004, steps: 50, ..config() };
    let stub = Stub { slope: 1.0, lowest: -0.04, torn: 1.5, ..Stub::default() };
    let params = one_weight(0);
    let outcome = train(&stub, &config, &params, 2, &mut Quiet).unwrap();
    let best = outcome.state.best().unwrap();
    assert!(best.step < 50, "{best:?}");
    assert_eq!((outcome.step, params.read_flat().unwrap()), (best.step, best.weights.clone()));
}
