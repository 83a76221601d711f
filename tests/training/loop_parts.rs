//! Order of rows, clipping, averaging, schedule, patience, best weights.

use super::stub::{Stub, numbered, one_weight, train};
use diffeo_flows::objective::Objective;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::train::{Evaluation, Quiet, Stop, TrainConfig, TrainState, learning_rate};

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
fn rows_beyond_the_last_whole_batch_wait_for_another_epoch() {
    let stub = Stub::default();
    train(&stub, &config(), &one_weight(0), 23, &mut Quiet).unwrap();
    let batches = stub.batches.lock().unwrap();
    assert!(batches.iter().all(|batch| batch.len() == 5));
    let mut seen = batches.concat();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 23, "other rows are left out in other epochs");
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
