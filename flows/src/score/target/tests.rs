//! Scores of closures against closed forms, and what is refused.

use super::*;
use crate::densities::{GaussianMixture, SmoothedToy, Toy};
use crate::params::{Params, to_f64};
use crate::rng::{Stream, generator};
use crate::score::GaussianScore;
use candle_core::DType;

fn rows(values: &[f64]) -> Tensor {
    Tensor::from_slice(values, (values.len() / 2, 2), &Device::Cpu).unwrap()
}

fn slope(target: &dyn Target, x: &[f64], k: usize) -> f64 {
    let h = 1e-5;
    let at = |by: f64| {
        let mut moved = x.to_vec();
        moved[k] += by;
        to_f64(&target.log_prob(&rows(&moved)).unwrap()).unwrap()[k / 2]
    };
    (at(h) - at(-h)) / (2.0 * h)
}

#[track_caller]
fn scores_are_slopes(target: &dyn Target, x: &[f64]) {
    let (log_prob, score) = target.log_prob_and_score(&rows(x)).unwrap();
    assert_eq!(log_prob.dims(), [x.len() / 2]);
    assert_eq!(to_f64(&log_prob).unwrap(), to_f64(&target.log_prob(&rows(x)).unwrap()).unwrap());
    for (k, score) in to_f64(&score).unwrap().iter().enumerate() {
        let expected = slope(target, x, k);
        assert!((score - expected).abs() < 1e-6 * expected.abs().max(1.0), "{score} {expected}");
    }
}

#[test]
fn every_kind_of_target_has_the_slope_of_its_log_density() {
    let x = [0.3, -1.0, 2.0, 0.7, -1.5, 0.0];
    let covariances = [1.0, 0.6, 0.6, 0.8, 0.3, -0.1, -0.1, 0.2];
    let known = GaussianScore::mixture(&[1.0, 3.0], &[0.0, 0.0, 2.0, 1.0], &covariances).unwrap();
    scores_are_slopes(&known, &x);
    scores_are_slopes(&known.with_noise(0.7).unwrap(), &x);
    scores_are_slopes(
        &FromLogProb::new(2, |x: &Tensor| Ok(x.sin()?.sqr()?.sum_keepdim(1)?.neg()?)),
        &x,
    );
    let mut params = Params::new(DType::F64, &Device::Cpu, 1);
    let mixture = GaussianMixture::new(params.scope("base"), 2, 3).unwrap();
    scores_are_slopes(&FromDensity::new(&mixture), &x);
    let smoothed = SmoothedToy::new(&Toy::named("pinwheel").unwrap(), [0.5, 0.3]).unwrap();
    scores_are_slopes(&smoothed, &x);
}

/// A closure that forms the same mixture must agree in both, up to its constant.
#[test]
fn the_constant_does_not_matter() {
    let known = GaussianScore::normal(&[0.5, -0.5], &[2.0, 0.0, 0.0, 0.5]).unwrap();
    let precisions = Tensor::new(&[[0.5f64, 2.0]], &Device::Cpu).unwrap();
    let mean = Tensor::new(&[[0.5f64, -0.5]], &Device::Cpu).unwrap();
    let closure = FromLogProb::new(2, |x: &Tensor| {
        let squares = x.broadcast_sub(&mean)?.sqr()?.broadcast_mul(&precisions)?;
        Ok(squares.sum(1)?.affine(-0.5, 17.0)?)
    });
    let x = rows(&[0.3, -1.0, 2.0, 0.7]);
    let difference = (known.score(&x).unwrap() - closure.score(&x).unwrap()).unwrap();
    assert!(to_f64(&difference).unwrap().iter().all(|d| d.abs() < 1e-12));
}

#[test]
fn samples_of_the_mixture_have_its_moments() {
    let covariances = [1.0, 0.0, 0.0, 1.0, 0.25, 0.1, 0.1, 0.25];
    let known = GaussianScore::mixture(&[1.0, 3.0], &[0.0, 0.0, 4.0, -2.0], &covariances).unwrap();
    let n = 20_000;
    let x = known.sample_rows(n, &mut generator(1, Stream::Sample, 0));
    let mean = |k: usize| x.iter().skip(k).step_by(2).sum::<f64>() / n as f64;
    // Variance 0.25 + 0.75/4 + 3/16·16 = 3.44: 5 standard errors are 0.066.
    assert!((mean(0) - 3.0).abs() < 0.066 && (mean(1) + 1.5).abs() < 0.066);
}

#[test]
fn what_cannot_be_a_target_says_so() {
    let x = rows(&[0.3, -1.0]);
    let toy = Toy::named("two-moons").unwrap();
    assert!(matches!(FromDensity::new(&toy).score(&x), Err(Error::Config { .. })));
    assert!(FromDensity::new(&toy).log_prob(&x).is_ok());
    let narrow = FromScore::new(2, |x: &Tensor| Ok(x.narrow(1, 0, 1)?));
    assert!(matches!(narrow.score(&x), Err(Error::Shape { .. })));
    let wide = FromLogProb::new(2, |x: &Tensor| Ok(x.sqr()?));
    assert!(matches!(wide.score(&x), Err(Error::Shape { .. })));
    assert!(matches!(
        FromScore::new(3, |x: &Tensor| Ok(x.neg()?)).score(&x),
        Err(Error::Shape { .. })
    ));
    for covariance in [[1.0, 2.0, 2.0, 1.0], [1.0, 0.5, 0.0, 1.0], [f64::NAN, 0.0, 0.0, 1.0]] {
        assert!(GaussianScore::normal(&[0.0, 0.0], &covariance).is_err());
    }
    assert!(GaussianScore::mixture(&[], &[], &[]).is_err());
    assert!(GaussianScore::mixture(&[1.0, -1.0], &[0.0, 0.0], &[1.0, 1.0]).is_err());
}
