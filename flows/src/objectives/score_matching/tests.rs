//! Score matching against closed forms and central differences.

use super::ScoreMatching;
use crate::config::{ScoreMatching as Config, ScoreObjective};
use crate::draws::Draws;
use crate::field::VectorField;
use crate::fields::{FieldConfig, FieldFn, LinearField, TimeForm, TimeMlp};
use crate::nets::{Activation, LastLayer};
use crate::objective::{Batch, Objective};
use crate::objectives::latent;
use crate::params::Params;
use crate::rng::{Stream, generator};
use crate::score::{LevelSampling, NoiseLevels, ProbabilityFlow, Schedule, Weighting};
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;

const LEVELS: NoiseLevels = NoiseLevels { smallest: 0.05, largest: 5.0 };

fn rng() -> ChaCha8Rng {
    generator(11, Stream::Objective, 4)
}

fn normal(seed: u64, n: usize, d: usize) -> Tensor {
    Tensor::from_vec(latent(Draws::of_probe(seed, 0), n, d), (n, d), &Device::Cpu).unwrap()
}

fn config(objective: ScoreObjective) -> Config {
    Config { objective, ..Config::default() }
}

#[test]
fn gradients_match_central_differences() {
    let workers = Workers::new(1).unwrap();
    let weights = normal(3, 300, 1).abs().unwrap().squeeze(1).unwrap();
    let batch = Batch {
        context: Some(normal(2, 300, 1)),
        weights: Some(weights),
        ..Batch::new(normal(1, 300, 2).affine(0.5, 1.0).unwrap())
    };
    let forms = [TimeForm::Concat, TimeForm::ConcatSquash, TimeForm::Fourier { frequencies: 1 }];
    for (objective, time) in ScoreObjective::ALL.into_iter().zip(forms.into_iter().cycle()) {
        let mut params = Params::new(DType::F64, &Device::Cpu, 2);
        let shape =
            FieldConfig { hidden: vec![4], activation: Activation::Tanh, time, potential: false };
        let network = TimeMlp::new(params.scope("f"), 2, 1, &shape, LastLayer::Scaled).unwrap();
        let field = ProbabilityFlow::new(network, LEVELS).unwrap();
        let config = Config {
            schedule: Schedule::SubVariancePreserving,
            sampling: LevelSampling::Even,
            antithetic: objective != ScoreObjective::Sliced,
            ..config(objective)
        };
        let loss = ScoreMatching::new(&field, config, &workers).unwrap();
        let run = || loss.loss_and_gradients(&params, &batch, &mut rng()).unwrap();
        let (start, (value, gradients)) = (params.read_flat().unwrap(), run());
        let rows = loss.row_losses(&params, &batch, &mut rng()).unwrap();
        let weights: Vec<f64> = batch.weights.as_ref().unwrap().to_vec1().unwrap();
        let mean = rows.iter().zip(&weights).map(|(l, w)| l * w).sum::<f64>()
            / weights.iter().sum::<f64>();
        assert!((mean - value).abs() < 1e-12 * value.abs().max(1.0));
        let h = 1e-5;
        for (i, got) in gradients.iter().enumerate() {
            let at = |by: f64| {
                let mut moved = start.clone();
                moved[i] += by;
                params.write_flat(&moved).unwrap();
                run().0
            };
            let expected = (at(h) - at(-h)) / (2.0 * h);
            let allowed = 1e-7 * expected.abs().max(1.0);
            assert!((got - expected).abs() < allowed, "{objective:?} {i}: {got} {expected}");
        }
        params.write_flat(&start).unwrap();
    }
}

/// Correlated Gaussian data, and the linear F of their score: F = A y with A = (1 − C) tan θ /
/// (cos²θ C + sin²θ) … in eigenvectors of C.
fn covariance() -> [[f64; 2]; 2] {
    [[1.0, 0.6], [0.6, 1.0]]
}

/// E[F | y] = cos θ sin θ (1 − C) (cos²θ C + sin²θ)⁻¹ y
fn matrix(t: f64) -> [[f64; 2]; 2] {
    let (cos, sin) = LEVELS.turn(t);
    let [[a, b], [_, c]] = covariance();
    let inner =
        [[cos * cos * a + sin * sin, cos * cos * b], [cos * cos * b, cos * cos * c + sin * sin]];
    let det = inner[0][0] * inner[1][1] - inner[0][1] * inner[1][0];
    let inverse =
        [[inner[1][1] / det, -inner[0][1] / det], [-inner[1][0] / det, inner[0][0] / det]];
    let outer = [[1.0 - a, -b], [-b, 1.0 - c]];
    let entry = |i: usize, j: usize| {
        cos * sin * (outer[i][0] * inverse[0][j] + outer[i][1] * inverse[1][j])
    };
    [[entry(0, 0), entry(0, 1)], [entry(1, 0), entry(1, 1)]]
}

/// The Cholesky factor of the covariance, transposed.
fn cholesky() -> Tensor {
    Tensor::new(&[[1.0, 0.6], [0.0, 0.8]], &Device::Cpu).unwrap()
}

fn correlated(n: usize) -> Tensor {
    normal(4, n, 2).matmul(&cholesky()).unwrap()
}

/// The exact field of the correlated Gaussian, times a factor.
fn exact(factor: f64) -> impl VectorField {
    let transposed = move |t: f64| {
        let m = matrix(t);
        let rows = [[m[0][0], m[1][0]], [m[0][1], m[1][1]]];
        (Tensor::new(&rows, &Device::Cpu)? * factor).map_err(crate::Error::from)
    };
    let apply = move |t: f64, x: &Tensor| Ok(x.matmul(&transposed(t)?)?);
    let network = FieldFn::new(2, apply, move |t, _: &Tensor, u: &Tensor| apply(t, u));
    ProbabilityFlow::new(network, LEVELS).unwrap()
}

/// Expectations of the objectives differ by constants of the data, so their differences between two
/// fields agree.
#[test]
fn all_objectives_measure_the_same_distance_from_the_score() {
    const N: usize = 20_000;
    let (workers, params) = (Workers::new(2).unwrap(), Params::new(DType::F64, &Device::Cpu, 0));
    let batch = Batch::new(correlated(N));
    let (near, far) = (exact(1.0), exact(0.4));
    let mut gaps = Vec::new();
    for objective in ScoreObjective::ALL {
        let rows = |field: &dyn VectorField| {
            let loss = ScoreMatching::new(field, config(objective), &workers).unwrap();
            let loss = loss.at_level(0.7).unwrap();
            loss.row_losses(&params, &batch, &mut rng()).unwrap()
        };
        let (near, far) = (rows(&near), rows(&far));
        let gaps_of_rows: Vec<f64> = far.iter().zip(&near).map(|(f, n)| f - n).collect();
        let mean = gaps_of_rows.iter().sum::<f64>() / N as f64;
        let variance =
            gaps_of_rows.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (N - 1) as f64;
        gaps.push((objective, mean, (variance / N as f64).sqrt()));
    }
    // E|ε̂ − ε̂*|² in closed form: (0.6 cos θ/stretch)² tr(A Cov(y) Aᵀ).
    let t = LEVELS.time_of(0.7);
    let ((cos, sin), m) = (LEVELS.turn(t), matrix(t));
    let c = covariance();
    let spread = |i: usize, j: usize| cos * cos * c[i][j] + if i == j { sin * sin } else { 0.0 };
    let mut trace = 0.0;
    for row in &m {
        for i in 0..2 {
            for j in 0..2 {
                trace += row[i] * spread(i, j) * row[j];
            }
        }
    }
    let expected = (0.6 * cos).powi(2) * trace;
    for (objective, gap, error) in gaps {
        let allowed = 4.0 * error;
        assert!(error < 0.2 * expected, "{objective:?}: {error} says nothing about {expected}");
        assert!((gap - expected).abs() < allowed, "{objective:?}: {gap} ± {error}, {expected}");
    }
}

/// Trained at one level, each objective finds the score of the correlated Gaussian.
#[test]
fn every_objective_recovers_the_score_of_a_correlated_gaussian() {
    let (workers, level) = (Workers::new(2).unwrap(), 0.7);
    let t = LEVELS.time_of(level);
    // ε̂ is linear in A, so all losses are quadratic in it: one Newton step from 0 is the minimum.
    let truth = matrix(t);
    for objective in ScoreObjective::ALL {
        let rows = if objective == ScoreObjective::Sliced { 100_000 } else { 20_000 };
        let batch = Batch::new(correlated(rows));
        let gradient = |entries: [f64; 4]| -> Vec<f64> {
            let mut params = Params::new(DType::F64, &Device::Cpu, 0);
            let var = params
                .scope("a")
                .trainable("matrix", (2, 2), crate::params::Init::Constant(0.0))
                .unwrap();
            params.write_flat(&entries).unwrap();
            let field = LinearField::new(&var).unwrap();
            let field = ProbabilityFlow::new(field, LEVELS).unwrap();
            let loss = ScoreMatching::new(&field, config(objective), &workers).unwrap();
            let loss = loss.at_level(level).unwrap();
            loss.loss_and_gradients(&params, &batch, &mut rng()).unwrap().1
        };
        let start = gradient([0.0; 4]);
        let mut hessian = nalgebra::Matrix4::<f64>::zeros();
        for i in 0..4 {
            let mut unit = [0.0; 4];
            unit[i] = 1.0;
            for (j, value) in gradient(unit).iter().enumerate() {
                hessian[(j, i)] = value - start[j];
            }
        }
        let step = hessian.lu().solve(&nalgebra::Vector4::from_row_slice(&start)).unwrap();
        let found = [-step[0], -step[1], -step[2], -step[3]];
        let flat = [truth[0][0], truth[0][1], truth[1][0], truth[1][1]];
        // The score is ε̂/−σ with ε̂ = (sin θ + cos θ A) y: errors relative to the whole of it.
        let (cos, sin) = LEVELS.turn(t);
        let mut norms = (0.0, 0.0);
        for i in 0..4 {
            let identity = if i % 3 == 0 { sin } else { 0.0 };
            norms.0 += (cos * (found[i] - flat[i])).powi(2);
            norms.1 += (identity + cos * flat[i]).powi(2);
        }
        let relative = (norms.0 / norms.1).sqrt();
        // Two per cent is the error with so many rows.
        assert!(relative < 0.02, "{objective:?}: {relative} {found:?} {flat:?}");
    }
}

#[test]
fn weights_of_levels_enter_and_other_fields_are_refused() {
    let workers = Workers::new(1).unwrap();
    let matrix = Var::zeros((2, 2), DType::F64, &Device::Cpu).unwrap();
    let plain = LinearField::new(&matrix).unwrap();
    assert!(ScoreMatching::new(&plain, Config::default(), &workers).is_err());
    let field = ProbabilityFlow::new(plain, LEVELS).unwrap();
    let batch = Batch::new(normal(1, 50, 2));
    let params = Params::new(DType::F64, &Device::Cpu, 0);
    let loss = |weighting: Weighting| {
        let config = Config {
            schedule: Schedule::VariancePreserving,
            sampling: LevelSampling::Even,
            weighting,
            ..Config::default()
        };
        let loss = ScoreMatching::new(&field, config, &workers).unwrap();
        loss.row_losses(&params, &batch, &mut rng()).unwrap()
    };
    let (unit, likelihood) = (loss(Weighting::Unit), loss(Weighting::Likelihood));
    assert!(unit.iter().zip(&likelihood).any(|(a, b)| (a / b - 1.0).abs() > 0.5));
    let single = ScoreMatching::new(&field, Config::default(), &workers).unwrap();
    assert!(single.at_level(7.0).is_err());
}

/// What a step's gradient varies by, at the score itself: sliced scores most, and denoising where there
/// is little noise.
#[test]
fn gradients_vary_as_the_objectives_promise() {
    let workers = Workers::new(1).unwrap();
    let spread = |objective: ScoreObjective, level: f64| -> f64 {
        let mut params = Params::new(DType::F64, &Device::Cpu, 0);
        let start = crate::params::Init::Constant(0.0);
        let var = params.scope("a").trainable("matrix", (2, 2), start).unwrap();
        let m = matrix(LEVELS.time_of(level));
        params.write_flat(&[m[0][0], m[0][1], m[1][0], m[1][1]]).unwrap();
        let field = ProbabilityFlow::new(LinearField::new(&var).unwrap(), LEVELS).unwrap();
        let loss = ScoreMatching::new(&field, config(objective), &workers).unwrap();
        let loss = loss.at_level(level).unwrap();
        let draws: Vec<Vec<f64>> = (0..200)
            .map(|i| {
                let x = normal(100 + i, 64, 2).matmul(&cholesky()).unwrap();
                let mut rng = generator(i, Stream::Objective, 0);
                loss.loss_and_gradients(&params, &Batch::new(x), &mut rng).unwrap().1
            })
            .collect();
        (0..4)
            .map(|j| {
                let mean = draws.iter().map(|g| g[j]).sum::<f64>() / 200.0;
                draws.iter().map(|g| (g[j] - mean).powi(2)).sum::<f64>() / 199.0
            })
            .sum()
    };
    let all = |level: f64| ScoreObjective::ALL.map(|objective| spread(objective, level));
    let ([dsm, ssm, ssm_vr, ism], [fine, _, _, fine_ism]) = (all(0.7), all(0.05));
    let table = format!("dsm {dsm:.4} ssm {ssm:.4} ssm-vr {ssm_vr:.4} ism {ism:.4}");
    assert!(ssm > 1.5 * ssm_vr && ssm_vr > 1.2 * ism, "{table}");
    assert!(fine / fine_ism > 10.0 * dsm / ism, "{table}; {fine:.5} {fine_ism:.5} at level 0.05");
}
