//! Flow matching against single rows of the reference in double precision.

use super::case::Case;
use super::tensor;
use crate::config::Matching;
use crate::draws::Draws;
use crate::fast::against_reference::assert_gradient;
use crate::fast::field::FlowMatching;
use crate::fast::simd::Level;
use crate::fast::tile::ROWS;
use crate::field::VectorField;
use crate::fields::TimeForm;
use crate::nets::Activation;
use crate::objective::Objective;
use crate::pairing::Pairing;
use crate::params::to_f64;
use crate::paths::Path;
use crate::rng::{Stream, generator};
use crate::workers::Workers;
use candle_core::Tensor;
use rand_chacha::ChaCha8Rng;

fn rng() -> ChaCha8Rng {
    generator(4, Stream::Objective, 7)
}

/// Latent points of the batch, row-major, as they are paired with it.
fn latent(case: &Case, pairing: Pairing) -> Vec<f64> {
    let (rows, d) = (case.batch.rows().unwrap(), case.sizes.0);
    let (mut rng, mut all) = (rng(), vec![0.0; rows * d]);
    let draws = Draws::new(&mut rng);
    for (block, values) in all.chunks_mut(ROWS * d).enumerate() {
        draws.normal(block, values);
    }
    let points = to_f64(&case.batch.points).unwrap();
    let pairs = pairing.pair(&points, &all, d, &mut rng).unwrap();
    pairs.into_iter().flat_map(|row| all[row as usize * d..][..d].to_vec()).collect()
}

/// The loss of one row, as a scalar tensor.
fn row_loss(case: &Case, path: Path, latent: &[f64], r: usize) -> Tensor {
    let (rows, d) = (case.batch.rows().unwrap(), case.sizes.0);
    let t = (Draws::new(&mut rng()).uniform() + r as f64 / rows as f64).fract().powi(2);
    let c = path.coefficients(t);
    let row = case.batch.narrow(r, 1).unwrap();
    let z = tensor(&latent[r * d..(r + 1) * d], d);
    let mix = |a: f64, b: f64| ((&row.points * a).unwrap() + (&z * b).unwrap()).unwrap();
    let velocity = case.field.velocity(t, &mix(c.alpha, c.sigma), row.context.as_ref()).unwrap();
    (velocity - mix(c.alpha_dot, c.sigma_dot)).unwrap().sqr().unwrap().sum_all().unwrap()
}

pub(super) fn check(case: &Case, path: Path, pairing: Pairing) {
    let rows = case.batch.rows().unwrap();
    let latent = latent(case, pairing);
    let losses: Vec<Tensor> = (0..rows).map(|r| row_loss(case, path, &latent, r)).collect();
    let weights = to_f64(case.batch.weights.as_ref().unwrap()).unwrap();
    let total: f64 = weights.iter().sum();
    let all = (Tensor::stack(&losses, 0).unwrap() * case.batch.weights.as_ref().unwrap()).unwrap();
    let loss = (all.sum_all().unwrap() / total).unwrap();
    let expected = to_f64(&loss).unwrap()[0];
    let store = Workers::new(1).unwrap().run(|| loss.backward().unwrap());
    let of = |var: &candle_core::Var| to_f64(store.get(var).unwrap()).unwrap();
    let expected_gradient: Vec<f64> = case.params.trainable().flat_map(|p| of(p.var())).collect();
    let (flow, workers) = (case.flow(), Workers::new(1).unwrap());
    for level in Level::available() {
        let program = case.program(level);
        let matching = Matching { path, pairing, time_power: 2.0 };
        let objective = FlowMatching::new(&program, matching, &flow, &workers).unwrap();
        let (loss, gradient) =
            objective.loss_and_gradients(&case.single, &case.batch, &mut rng()).unwrap();
        let what = format!("{path:?}, {rows} rows, {}", level.name());
        assert!((loss - expected).abs() < 1e-5 * expected.max(1.0), "{what}: {loss} {expected}");
        let gradient: Vec<f32> = gradient.iter().map(|g| *g as f32).collect();
        assert_gradient(&what, &case.params, &gradient, &expected_gradient, 1e-4);
        let each = objective.row_losses(&case.single, &case.batch, &mut rng()).unwrap();
        for (r, (got, expected)) in each.iter().zip(&losses).enumerate() {
            let expected = to_f64(expected).unwrap()[0];
            assert!((got - expected).abs() < 1e-5 * expected.max(1.0), "{what} {r}: {got}");
        }
    }
}

#[test]
fn flow_matching_matches_the_reference() {
    let fourier = TimeForm::Fourier { frequencies: 2 };
    for (time, context) in [(TimeForm::Concat, 0), (fourier, 1), (TimeForm::ConcatSquash, 1)] {
        for path in [Path::Straight, Path::VariancePreserving] {
            for rows in [1, ROWS - 1, ROWS, ROWS + 1] {
                let case = Case::new(rows, (2, context), Activation::Silu, time);
                check(&case, path, Pairing::Independent);
            }
        }
    }
    let case = Case::new(3 * ROWS + 5, (3, 0), Activation::Tanh, TimeForm::Concat);
    let sinkhorn = Pairing::Sinkhorn { regularisation: 0.1 };
    for pairing in [Pairing::Independent, Pairing::OptimalTransport, sinkhorn] {
        check(&case, Path::Straight, pairing);
    }
    for activation in [Activation::Relu, Activation::Tanh] {
        let case = Case::new(30, (9, 0), activation, TimeForm::ConcatSquash);
        check(&case, Path::Straight, Pairing::Independent);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let case = Case::new(1100, (2, 0), Activation::Silu, TimeForm::Concat);
    let (program, flow) = (case.program(Level::best()), case.flow());
    let run = |threads: usize| {
        let workers = Workers::new(threads).unwrap();
        let objective = FlowMatching::new(&program, Matching::default(), &flow, &workers).unwrap();
        objective.loss_and_gradients(&case.single, &case.batch, &mut rng()).unwrap()
    };
    let (loss, gradient) = run(1);
    for threads in [2, 7] {
        let (other, others) = run(threads);
        assert_eq!(loss.to_bits(), other.to_bits());
        assert!(gradient.iter().zip(&others).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
}
