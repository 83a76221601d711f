//! Smoothed toys against closed forms and differences.

use super::*;
use crate::rng::{Stream, generator};
use statrs::function::erf::erf;
use std::f64::consts::{SQRT_2, TAU};

const NOISE: [[f64; 2]; 3] = [[1.0, 1.0], [0.3, 0.8], [0.05, 0.1]];
/// Quadrature of six-times differentiable functions at cells below their width.
const QUADRATURE: f64 = 1e-6;

/// Points of the toy with its noise, and some of the plane around it.
fn points(toy: &Toy, noise: [f64; 2]) -> Vec<[f64; 2]> {
    let rng = &mut generator(5, Stream::Evaluation, 0);
    let near = toy.sample_points(40, rng);
    let moved = |k: usize| [1.0, -0.6, 2.0][k % 3];
    let near = near.into_iter().enumerate();
    let mut all: Vec<[f64; 2]> =
        near.map(|(k, x)| [x[0] + noise[0] * moved(k), x[1] - noise[1] * moved(k + 1)]).collect();
    all.extend([[0.0, 0.0], [5.0, -1.0], [-6.0, 6.0], [0.3, -0.2], [30.0, 2.0]]);
    all
}

/// log p and score of the eight Gaussians with noise: the variances add up.
fn eight_gaussians(x: [f64; 2], noise: [f64; 2]) -> (f64, [f64; 2]) {
    let variance = noise.map(|s| 0.04 + s * s);
    let component = |k: u32| {
        let (sin, cos) = (TAU * f64::from(k) / 8.0).sin_cos();
        let away = [x[0] - 2.0 * cos, x[1] - 2.0 * sin];
        let z2: f64 = (0..2).map(|i| away[i] * away[i] / variance[i]).sum();
        (-0.5 * z2, [0, 1].map(|i| -away[i] / variance[i]))
    };
    let largest = (0..8).map(|k| component(k).0).fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut score) = (0.0, [0.0; 2]);
    for (exponent, slope) in (0..8).map(component) {
        let weight = (exponent - largest).exp();
        sum += weight;
        (0..2).for_each(|i| score[i] += weight * slope[i]);
    }
    let constant = (8.0 * TAU * (variance[0] * variance[1]).sqrt()).ln();
    (largest + sum.ln() - constant, score.map(|s| s / sum))
}

/// The same of the checkerboard: differences of normal distribution functions.
fn checkerboard(x: [f64; 2], noise: [f64; 2]) -> (f64, [f64; 2]) {
    let side = |axis: usize, i: u32| -> [f64; 2] {
        let ends = [2.0 * f64::from(i) - 4.0, 2.0 * f64::from(i) - 2.0];
        let z = ends.map(|end| (end - x[axis]) / noise[axis]);
        let peak = |z: f64| (-0.5 * z * z).exp() / (TAU.sqrt() * noise[axis]);
        [0.5 * (erf(z[1] / SQRT_2) - erf(z[0] / SQRT_2)), peak(z[0]) - peak(z[1])]
    };
    let (mut value, mut slopes) = (0.0, [0.0; 2]);
    for (i, j) in (0..16).map(|k| (k / 4, k % 4)).filter(|(i, j)| (i + j) % 2 == 0) {
        let (a, b) = (side(0, i), side(1, j));
        value += a[0] * b[0] / 32.0;
        slopes[0] += a[1] * b[0] / 32.0;
        slopes[1] += a[0] * b[1] / 32.0;
    }
    (value.ln(), slopes.map(|slope| slope / value))
}

fn compare(name: &str, exact: impl Fn([f64; 2], [f64; 2]) -> (f64, [f64; 2])) {
    let toy = Toy::named(name).unwrap();
    for noise in NOISE {
        let smoothed = SmoothedToy::new(&toy, noise).unwrap();
        for x in points(&toy, noise) {
            let ((got, score), (log_prob, truth)) =
                (smoothed.log_prob_and_score(&x), exact(x, noise));
            // Further out error functions have lost their digits, and grids their mass.
            if log_prob < -20.0 {
                continue;
            }
            let scale = QUADRATURE * log_prob.abs().max(1.0);
            assert!((got - log_prob).abs() < scale, "{x:?} {noise:?} {got} {log_prob}");
            for i in 0..2 {
                let scale = QUADRATURE * truth[i].abs().max(noise[i].recip());
                assert!((score[i] - truth[i]).abs() < scale, "{x:?} {noise:?} {score:?} {truth:?}");
            }
        }
    }
}

#[test]
fn smoothed_mixtures_are_mixtures() {
    compare("eight-gaussians", eight_gaussians);
}

#[test]
fn smoothed_squares_are_error_functions() {
    compare("checkerboard", checkerboard);
}

#[test]
fn scores_are_slopes_of_log_densities() {
    let h = 1e-4;
    for name in ["two-moons", "rings", "checkerboard"] {
        let toy = Toy::named(name).unwrap();
        let smoothed = SmoothedToy::new(&toy, [0.4, 0.2]).unwrap();
        // Both the near sum and, in the far points, the full one.
        for x in points(&toy, [0.4, 0.2]) {
            let score = smoothed.score(&x);
            for i in 0..2 {
                let at = |by: f64| {
                    let mut moved = x;
                    moved[i] += by;
                    smoothed.log_prob(&moved)
                };
                let slope = (at(h) - at(-h)) / (2.0 * h);
                assert!((score[i] - slope).abs() < 1e-5 * slope.abs().max(1.0), "{name} {x:?}");
            }
        }
    }
}

#[test]
fn every_toy_fits_on_its_grid() {
    for info in Toy::all() {
        let smoothed = SmoothedToy::new(&Toy::from(info), [0.5, 0.5]).unwrap();
        // A Gaussian falls off like 1e-200 and beyond: still numbers.
        assert!(smoothed.log_prob(&[60.0, -60.0]).is_finite(), "{}", info.name);
        assert!(smoothed.score(&[0.1, 60.0])[1] < 0.0, "{}", info.name);
    }
}

#[test]
fn what_is_no_noise_or_no_point_is_said() {
    let toy = Toy::named("two-moons").unwrap();
    for noise in [[0.0, 1.0], [1.0, f64::NAN], [1.0, f64::INFINITY], [1e-3, 1e-3], [1e-300, 1.0]] {
        assert!(matches!(SmoothedToy::new(&toy, noise), Err(Error::Config { .. })), "{noise:?}");
    }
    let smoothed = SmoothedToy::new(&toy, [1.0, 1.0]).unwrap();
    assert!(smoothed.log_prob(&[f64::NAN, 0.0]).is_nan());
    assert!(smoothed.log_prob(&[f64::INFINITY, 0.0]).is_infinite());
    assert!(smoothed.score(&[f64::INFINITY, 0.0])[0].is_nan());
}

#[test]
fn many_points_are_the_points_one_by_one() {
    let toy = Toy::named("two-moons").unwrap();
    let smoothed = SmoothedToy::new(&toy, [1.0, 1.0]).unwrap();
    let points = toy.sample_points(50, &mut generator(0, Stream::Evaluation, 1));
    for (x, (log_prob, score)) in points.iter().zip(smoothed.log_probs_and_scores(&points)) {
        assert_eq!(log_prob.to_bits(), smoothed.log_prob(x).to_bits());
        assert_eq!(score[1].to_bits(), smoothed.score(x)[1].to_bits());
    }
}
