//! Stationary laws, reversibility, and chains that go astray.

use super::*;
use crate::error::Error;
use crate::rng::{Stream, generator};
use crate::score::{FromLogProb, FromScore, GaussianScore};
use candle_core::{DType, Device};
use rand_chacha::ChaCha8Rng;

/// Two-sided level of 6e-5 for each of a few comparisons: seeds are fixed, so this is once.
const SIGMAS: f64 = 4.0;
const MEAN: [f64; 2] = [1.0, -0.5];
const COVARIANCE: [f64; 4] = [1.0, 0.6, 0.6, 0.8];

fn rng(index: u64) -> ChaCha8Rng {
    generator(3, Stream::Sample, index)
}

fn rows(values: &[f64], d: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / d, d), &Device::Cpu).unwrap()
}

fn origin(n: usize, d: usize) -> Tensor {
    Tensor::zeros((n, d), DType::F64, &Device::Cpu).unwrap()
}

#[track_caller]
fn is(what: &str, values: &[f64], expected: f64) {
    let got = Estimate::of(values, None);
    let z = (got.mean - expected) / got.standard_error;
    assert!(z.abs() < SIGMAS, "{what}: {got:?} against {expected}, z = {z}");
}

#[track_caller]
fn has_moments(rows: &[f64], mean: [f64; 2], covariance: [f64; 4]) {
    for i in 0..2 {
        let values: Vec<f64> = rows.chunks(2).map(|x| x[i]).collect();
        is("mean", &values, mean[i]);
        for j in 0..2 {
            let products = rows.chunks(2).map(|x| (x[i] - mean[i]) * (x[j] - mean[j]));
            is("covariance", &products.collect::<Vec<_>>(), covariance[2 * i + j]);
        }
    }
}

/// At steps this long the unadjusted chain would have the variance of the first eigenvector, 1.5,
/// at 1.5 / (1 − 0.25/1.5): the correction is at work.
#[test]
fn adjusted_chains_have_the_moments_of_the_target() {
    let target = GaussianScore::normal(&MEAN, &COVARIANCE).unwrap();
    let config = Langevin::new(0.5, 150);
    let chains =
        metropolis_adjusted_langevin(&target, &origin(4000, 2), config, &mut rng(0)).unwrap();
    has_moments(&to_f64(&chains.last).unwrap(), MEAN, COVARIANCE);
    let acceptance = chains.acceptance.unwrap();
    assert!((0.2..0.9).contains(&acceptance.mean) && acceptance.standard_error < 0.01);
}

/// The matrix that the unadjusted chain is stationary at, V = A V A + 2h I with A = I − hP, has the
/// eigenvectors of Σ and the variance of each by [`unadjusted_variance`]: V = (P (I − hP/2))⁻¹.
#[test]
fn unadjusted_chains_have_the_known_bias() {
    let h = 0.3;
    let target = GaussianScore::normal(&MEAN, &COVARIANCE).unwrap();
    let chains =
        unadjusted_langevin(&target, &origin(6000, 2), Langevin::new(h, 120), &mut rng(1)).unwrap();
    assert!(chains.acceptance.is_none());
    let covariance = nalgebra::Matrix2::from_row_slice(&COVARIANCE);
    let precision = covariance.try_inverse().unwrap();
    let biased = (precision - precision * precision * (h / 2.0)).try_inverse().unwrap();
    assert!((biased - covariance).norm() > 0.2);
    let biased = [biased[0], biased[1], biased[2], biased[3]];
    has_moments(&to_f64(&chains.last).unwrap(), MEAN, biased);
}

#[test]
fn the_closed_form_is_stationary() {
    for (variance, h) in [(1.0, 0.1), (0.3, 0.5), (4.0, 1.0)] {
        let got = unadjusted_variance(variance, h);
        let contraction: f64 = 1.0 - h / variance;
        assert!((contraction * contraction * got + 2.0 * h - got).abs() < 1e-12 * got);
        assert!((got - 2.0 * h / (1.0 - contraction * contraction)).abs() < 1e-12 * got);
    }
    assert!(unadjusted_variance(1.0, 2.5).is_infinite());
}

/// One step from the target itself: E f(x) g(x′) = E g(x) f(x′) for all f and g, and E f stays.
#[test]
fn one_adjusted_step_is_reversible() {
    let target = GaussianScore::mixture(&[1.0, 2.0], &[-1.0, 1.2], &[0.3, 0.6]).unwrap();
    let start = target.sample_rows(60_000, &mut rng(2));
    let f: [fn(f64) -> f64; 4] =
        [|x| x, |x| x * x, |x| (2.0 * x).tanh(), |x| (-4.0 * (x - 0.5).powi(2)).exp()];
    for h in [0.2, 0.8] {
        let step = Langevin::new(h, 1);
        let chains =
            metropolis_adjusted_langevin(&target, &rows(&start, 1), step, &mut rng(3)).unwrap();
        let end = to_f64(&chains.last).unwrap();
        let pairs = || start.iter().zip(&end);
        for (k, f) in f.iter().enumerate() {
            is("stationary", &pairs().map(|(x, y)| f(*y) - f(*x)).collect::<Vec<_>>(), 0.0);
            for g in &tests_of_pairs(k) {
                let flux = pairs().map(|(x, y)| f(*x) * g(*y) - g(*x) * f(*y));
                is("reversible", &flux.collect::<Vec<_>>(), 0.0);
            }
        }
        // The unadjusted step is not stationary, and these numbers see it.
        let chains = unadjusted_langevin(&target, &rows(&start, 1), step, &mut rng(3)).unwrap();
        let end = to_f64(&chains.last).unwrap();
        let moved: Vec<f64> = start.iter().zip(&end).map(|(x, y)| y * y - x * x).collect();
        let moved = Estimate::of(&moved, None);
        assert!(moved.mean.abs() > 1.5 * SIGMAS * moved.standard_error, "{h} {moved:?}");
    }
}

fn tests_of_pairs(k: usize) -> Vec<fn(f64) -> f64> {
    let all: [fn(f64) -> f64; 3] = [|x| x.powi(3), f64::sin, |x| 1.0 / (1.0 + x * x)];
    all[k % 2..].to_vec()
}

#[test]
fn proposals_of_density_zero_are_refused() {
    // Exponential on the half line: log p = −x, −∞ below 0.
    let half = FromLogProb::new(1, |x: &Tensor| {
        let inside = x.ge(0.0)?;
        let nowhere = x.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
        Ok(inside.where_cond(&x.neg()?, &nowhere)?.squeeze(1)?)
    });
    let start = origin(4000, 1).affine(1.0, 0.5).unwrap();
    let chains =
        metropolis_adjusted_langevin(&half, &start, Langevin::new(0.4, 200), &mut rng(4)).unwrap();
    let x = to_f64(&chains.last).unwrap();
    assert!(x.iter().all(|x| *x >= 0.0));
    is("mean", &x, 1.0);
    is("second moment", &x.iter().map(|x| x * x).collect::<Vec<_>>(), 2.0);
}

#[test]
fn points_are_kept_every_so_many_steps() {
    let target = FromScore::new(1, |x: &Tensor| Ok(x.neg()?));
    let config = Langevin::new(0.1, 7).keeping(3);
    let chains = unadjusted_langevin(&target, &origin(2, 1), config, &mut rng(5)).unwrap();
    let short =
        unadjusted_langevin(&target, &origin(2, 1), Langevin::new(0.1, 6), &mut rng(5)).unwrap();
    assert_eq!(chains.kept.len(), 2);
    assert_eq!(to_f64(&chains.kept[1]).unwrap(), to_f64(&short.last).unwrap());
    let single = origin(2, 1).to_dtype(DType::F32).unwrap();
    let chains = unadjusted_langevin(&target, &single, config, &mut rng(5)).unwrap();
    assert_eq!(chains.last.dtype(), DType::F32);
}

#[test]
fn what_goes_astray_names_its_step() {
    // The score −x³ throws points beyond √(2/h) further out each time.
    let steep = FromScore::new(1, |x: &Tensor| Ok(x.powf(3.0)?.neg()?));
    let start = rows(&[0.0, 50.0], 1);
    let lost = unadjusted_langevin(&steep, &start, Langevin::new(0.1, 50), &mut rng(6));
    let message = lost.unwrap_err().to_string();
    assert!(message.contains("row 1 is not finite at step"), "{message}");
    let normal = GaussianScore::normal(&[0.0], &[1.0]).unwrap();
    let adjusted = |start: &Tensor, h: f64| {
        metropolis_adjusted_langevin(&normal, start, Langevin::new(h, 2), &mut rng(7))
    };
    assert!(adjusted(&rows(&[f64::NAN], 1), 0.1).is_err());
    assert!(matches!(adjusted(&rows(&[1.0, 2.0], 2), 0.1), Err(Error::Shape { .. })));
    assert!(matches!(adjusted(&start, 0.0), Err(Error::Config { .. })));
    let known = metropolis_adjusted_langevin(&steep, &start, Langevin::new(0.1, 2), &mut rng(8));
    assert!(matches!(known, Err(Error::Config { .. })));
    let config = Langevin::new(0.1, 2).keeping(0);
    assert!(unadjusted_langevin(&normal, &start, config, &mut rng(9)).is_err());
}
