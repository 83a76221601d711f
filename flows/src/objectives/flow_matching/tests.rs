//! Flow matching against closed forms and central differences.

use super::{FlowMatching, latent, times};
use crate::config::Matching;
use crate::draws::Draws;
use crate::field::VectorField;
use crate::fields::{FieldConfig, FieldFn, TimeForm, TimeMlp};
use crate::nets::{Activation, LastLayer};
use crate::objective::{Batch, Objective};
use crate::pairing::Pairing;
use crate::params::{Params, to_f64};
use crate::paths::Path;
use crate::rng::{Stream, generator};
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;

const PATHS: [Path; 2] = [Path::Straight, Path::VariancePreserving];
const MEAN: f64 = 0.8;
const DEVIATION: f64 = 0.5;

fn matching(path: Path, pairing: Pairing) -> Matching {
    Matching { path, pairing, ..Matching::default() }
}

fn rng() -> ChaCha8Rng {
    generator(11, Stream::Objective, 4)
}

fn normal(seed: u64, n: usize, d: usize) -> Tensor {
    Tensor::from_vec(latent(Draws::of_probe(seed, 0), n, d), (n, d), &Device::Cpu).unwrap()
}

fn network(context: usize) -> (Params, TimeMlp) {
    let mut params = Params::new(DType::F64, &Device::Cpu, 2);
    let config = FieldConfig {
        hidden: vec![4],
        activation: Activation::Tanh,
        time: TimeForm::ConcatSquash,
        potential: false,
    };
    let field = TimeMlp::new(params.scope("f"), 2, context, &config, LastLayer::Scaled).unwrap();
    (params, field)
}

/// A conditional batch with weights, longer than one chunk.
fn batch() -> Batch {
    let weights = normal(3, 300, 1).abs().unwrap().squeeze(1).unwrap();
    Batch {
        context: Some(normal(2, 300, 1)),
        weights: Some(weights),
        ..Batch::new(normal(1, 300, 2).affine(0.5, 1.0).unwrap())
    }
}

#[test]
fn gradients_match_central_differences() {
    let (params, field) = network(1);
    let workers = Workers::new(1).unwrap();
    let pairings = [
        Pairing::Independent,
        Pairing::OptimalTransport,
        Pairing::Sinkhorn { regularisation: 0.1 },
    ];
    for (path, pairing) in PATHS.into_iter().cycle().zip(pairings) {
        let objective = FlowMatching::new(&field, matching(path, pairing), &workers);
        let loss = || objective.loss_and_gradients(&params, &batch(), &mut rng()).unwrap();
        let (start, (_, gradients)) = (params.read_flat().unwrap(), loss());
        let h = 1e-5;
        for (i, got) in gradients.iter().enumerate() {
            let at = |by: f64| {
                let mut moved = start.clone();
                moved[i] += by;
                params.write_flat(&moved).unwrap();
                loss().0
            };
            let expected = (at(h) - at(-h)) / (2.0 * h);
            assert!((got - expected).abs() < 1e-8, "{path:?} {pairing:?} {i}: {got} {expected}");
        }
        params.write_flat(&start).unwrap();
    }
}

#[test]
fn the_loss_is_the_weighted_mean_of_the_rows() {
    let (params, field) = network(1);
    let workers = Workers::new(2).unwrap();
    let objective =
        FlowMatching::new(&field, matching(Path::Straight, Pairing::OptimalTransport), &workers);
    let batch = batch();
    let rows = objective.row_losses(&params, &batch, &mut rng()).unwrap();
    let weights = to_f64(batch.weights.as_ref().unwrap()).unwrap();
    let sum: f64 = rows.iter().zip(&weights).map(|(l, w)| l * w).sum();
    let (loss, _) = objective.loss_and_gradients(&params, &batch, &mut rng()).unwrap();
    assert!((loss - sum / weights.iter().sum::<f64>()).abs() < 1e-13);
    let plain = Batch { weights: None, ..batch };
    let (loss, _) = objective.loss_and_gradients(&params, &plain, &mut rng()).unwrap();
    assert!((loss - rows.iter().sum::<f64>() / 300.0).abs() < 1e-13);
}

#[test]
fn no_result_depends_on_the_number_of_workers() {
    let (params, field) = network(1);
    let pairing = Pairing::Sinkhorn { regularisation: 0.1 };
    let results = [1, 2, 7].map(|threads| {
        let workers = Workers::new(threads).unwrap();
        let objective =
            FlowMatching::new(&field, matching(Path::VariancePreserving, pairing), &workers);
        let rows = objective.row_losses(&params, &batch(), &mut rng()).unwrap();
        (objective.loss_and_gradients(&params, &batch(), &mut rng()).unwrap(), rows)
    });
    assert!(results[0] == results[1] && results[0] == results[2]);
}

/// The mean velocity of the paths from N(m, s²), α′m + V′/(2V) (x − αm) with V = α²s² + σ², plus
/// `by` times a direction.
fn near_the_mean(path: Path, by: f64, direction: usize) -> impl VectorField {
    let velocity = move |t: f64, x: &Tensor| {
        let c = path.coefficients(t);
        let square = DEVIATION * DEVIATION;
        let variance = c.alpha * c.alpha * square + c.sigma * c.sigma;
        let slope = (c.alpha * c.alpha_dot * square + c.sigma * c.sigma_dot) / variance;
        let field = x.affine(slope, (c.alpha_dot - slope * c.alpha) * MEAN)?;
        let moved = match direction {
            0 => x.ones_like()?,
            1 => x.clone(),
            2 => x.affine(3.0, 0.0)?.sin()?,
            _ => x.affine(t, t)?,
        };
        Ok((field + moved.affine(by, 0.0)?)?)
    };
    FieldFn::new(1, velocity, |_, _, u: &Tensor| Ok(u.clone()))
}

#[test]
fn the_mean_velocity_of_gaussian_data_has_the_least_loss() {
    let n = 10_000;
    let batch = Batch::new(normal(1, n, 1).affine(DEVIATION, MEAN).unwrap());
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let workers = Workers::new(2).unwrap();
    for path in PATHS {
        let losses = |by: f64, direction: usize| {
            let field = near_the_mean(path, by, direction);
            let objective =
                FlowMatching::new(&field, matching(path, Pairing::Independent), &workers);
            objective.row_losses(&params, &batch, &mut rng()).unwrap()
        };
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / n as f64;
        let least = losses(0.0, 0);
        // The variance of u given x_t, over the times.
        let left = |t: f64| {
            let (c, square) = (path.coefficients(t), DEVIATION * DEVIATION);
            let variance = c.alpha * c.alpha * square + c.sigma * c.sigma;
            let covariance = c.alpha * c.alpha_dot * square + c.sigma * c.sigma_dot;
            c.alpha_dot.powi(2) * square + c.sigma_dot.powi(2) - covariance.powi(2) / variance
        };
        let expected = (0..1000).map(|i| left((f64::from(i) + 0.5) / 1000.0)).sum::<f64>() / 1000.0;
        let (got, squares) = (mean(&least), least.iter().map(|l| l * l).sum::<f64>() / n as f64);
        let error = ((squares - got * got) / n as f64).sqrt();
        println!("{path:?}: {got} ± {error}, expected {expected}");
        assert!((got - expected).abs() < 4.0 * error);
        for direction in 0..4 {
            for by in [-0.2, 0.2] {
                let moved = mean(&losses(by, direction));
                assert!(moved > got, "{path:?} {direction} {by}: {moved} {got}");
            }
        }
    }
}

#[test]
fn optimal_pairs_are_nearer() {
    let field = FieldFn::new(2, |_, x| Ok(x.zeros_like()?), |_, _, u| Ok(u.clone()));
    let batch = Batch::new(normal(1, 300, 2));
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let workers = Workers::new(1).unwrap();
    let loss = |pairing| {
        let objective = FlowMatching::new(&field, matching(Path::Straight, pairing), &workers);
        objective.loss_and_gradients(&params, &batch, &mut rng()).unwrap().0
    };
    let optimal = loss(Pairing::OptimalTransport);
    let entropic = loss(Pairing::Sinkhorn { regularisation: 0.05 });
    assert!(optimal < entropic && entropic < 0.5 * loss(Pairing::Independent));
}

#[test]
fn times_leave_no_gap_and_latent_points_do_not_depend_on_the_rows_after_them() {
    let draws = Draws::new(&mut rng());
    let mut sorted = times(&Matching::default(), draws, 50);
    sorted.sort_by(f64::total_cmp);
    assert!(sorted[0] < 0.02 && sorted.windows(2).all(|w| (w[1] - w[0] - 0.02).abs() < 1e-12));
    assert_eq!(latent(draws, 70, 3)[..30], latent(draws, 10, 3));
}

#[test]
fn the_offender_is_named() {
    let (params, field) = network(0);
    let workers = Workers::new(1).unwrap();
    let objective =
        FlowMatching::new(&field, matching(Path::Straight, Pairing::Independent), &workers);
    let points = Tensor::new(&[[0.1, 0.2], [f64::NAN, 0.0]], &Device::Cpu).unwrap();
    let found = |points| objective.offender(&Batch::new(points)).unwrap().map(|o| (o.layer, o.row));
    assert_eq!(found(points), Some(("input".to_owned(), 1)));
    assert_eq!(found(normal(1, 3, 2)), None);
    params.write_flat(&vec![f64::NAN; params.count()]).unwrap();
    assert_eq!(found(normal(1, 3, 2)), Some(("field".to_owned(), 0)));
}
