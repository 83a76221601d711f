//! True scores pass, wrong ones do not, and the formulas are those of their definitions.

use super::discrepancy::stein_kernel;
use super::*;
use crate::Workers;
use crate::calculus::{Dual, FromDual, jacobian};
use crate::params::to_f64;
use crate::rng::{Stream, generator};
use crate::score::{GaussianScore, Target};
use candle_core::{Device, Tensor};
use statrs::distribution::{ContinuousCDF, Normal};
use std::f64::consts::TAU;

const DIFFERENCE: f64 = 1e-8;

fn correlated() -> GaussianScore {
    GaussianScore::normal(&[1.0, -3.0], &[4.0, 0.9, 0.9, 0.25]).unwrap()
}

fn eight_gaussians() -> GaussianScore {
    let means: Vec<f64> = (0..8)
        .flat_map(|k| {
            [2.0 * (TAU * f64::from(k) / 8.0).cos(), 2.0 * (TAU * f64::from(k) / 8.0).sin()]
        })
        .collect();
    GaussianScore::mixture(&[1.0; 8], &means, &[0.04, 0.0, 0.0, 0.04].repeat(8)).unwrap()
}

fn turned(score: &[f64], degrees: f64) -> Vec<f64> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    score.chunks(2).flat_map(|s| [cos * s[0] - sin * s[1], sin * s[0] + cos * s[1]]).collect()
}

fn scaled(score: &[f64], by: f64) -> Vec<f64> {
    score.iter().map(|s| by * s).collect()
}

fn summary(x: &[f64], score: &[f64], seed: u64) -> SteinSummary {
    let rng = &mut generator(seed, Stream::Evaluation, 0);
    stein_summary(&stein_identity(x, score, 2, SteinFamily::default(), rng).unwrap())
}

/// 2 (1 + 2 + 3 + 16 + 32) tests for each of 60 seeds, of which 4.55 % are beyond 2. The tests of one
/// seed are correlated: the share is measured to spread by 0.08 between seeds, so by 0.01 in their
/// mean; corrected p-values below 0.05 come from at most 5 % of seeds, 3 of 60, and 9
/// has the probability 0.003 at that.
#[test]
fn true_scores_satisfy_the_identity() {
    for law in [correlated(), eight_gaussians()] {
        let (mut share, mut rejected) = (0.0, 0);
        for seed in 0..60 {
            let x = law.sample_rows(2000, &mut generator(seed, Stream::Sample, 0));
            let all = summary(&x, &law.score_rows(&x), seed);
            assert_eq!(all.tests, 108);
            share += all.share_beyond_two / 60.0;
            rejected += usize::from(all.p_value < 0.05);
        }
        assert!((0.025..0.07).contains(&share), "{share}");
        assert!(rejected < 9, "{rejected}");
    }
}

/// Among eight narrow modes scores are large and their scale takes more points to see than a turn.
#[test]
fn wrong_scores_do_not() {
    for (law, factors) in [(correlated(), [0.9, 1.1]), (eight_gaussians(), [0.7, 1.3])] {
        for seed in 0..4 {
            let x = law.sample_rows(20_000, &mut generator(seed, Stream::Sample, 1));
            let score = law.score_rows(&x);
            assert!(summary(&x, &score, seed).p_value > 1e-3);
            for wrong in
                [turned(&score, 10.0), scaled(&score, factors[0]), scaled(&score, factors[1])]
            {
                let all = summary(&x, &wrong, seed);
                assert!(all.p_value < 1e-3 && all.largest > 4.0, "{all:?}");
            }
        }
    }
}

/// φ = uⱼ for a Gaussian whose score is turned: E[uⱼ σₖ (R s)ₖ] + δⱼₖ = δⱼₖ − σₖ Rₖⱼ / σⱼ.
#[test]
fn values_are_those_of_the_closed_form() {
    let x = correlated().sample_rows(50_000, &mut generator(1, Stream::Sample, 2));
    let score = turned(&correlated().score_rows(&x), 30.0);
    let rng = &mut generator(1, Stream::Evaluation, 0);
    let tests = stein_identity(&x, &score, 2, SteinFamily::default(), rng).unwrap();
    let (sin, cos) = 30f64.to_radians().sin_cos();
    let expected = [1.0 - cos, -sin * 0.5 / 2.0, sin * 2.0 / 0.5, 1.0 - cos];
    for (test, expected) in tests[2..6].iter().zip(expected) {
        let z = (test.value - expected) / test.standard_error;
        assert!(z.abs() < 4.0 && test.standard_error < 0.05, "{test:?} {expected}");
        assert!((test.z - test.value / test.standard_error).abs() < 1e-9 * test.z.abs());
    }
}

#[test]
fn gradients_of_test_functions_are_their_slopes() {
    let rows = [0.3, -1.0, 0.7, 2.0, 0.1, -0.4, 1.0, 1.5, -0.2];
    let functions = SteinFamily::default().draw(&rows, 3, &mut generator(0, Stream::Sample, 0));
    assert_eq!(functions.len(), 1 + 3 + 6 + 48);
    let (h, mut gradient, mut unused) = (1e-5, [0.0; 3], [0.0; 3]);
    for function in functions {
        for k in 0..3 {
            let u = [0.4, -0.3, 1.1];
            function.evaluate(&u, &mut gradient);
            let mut at = |by: f64| {
                let mut moved = u;
                moved[k] += by;
                function.evaluate(&moved, &mut unused)
            };
            let slope = (at(h) - at(-h)) / (2.0 * h);
            assert!((gradient[k] - slope).abs() < DIFFERENCE, "{}", function.name());
        }
    }
}

#[test]
fn the_corrected_p_value_is_sidaks() {
    let test =
        |z: f64| SteinTest { name: String::new(), component: 0, value: z, standard_error: 1.0, z };
    let all = stein_summary(&[test(0.5), test(-2.5), test(2.1), test(0.0)]);
    let single = 2.0 * Normal::standard().cdf(-2.5);
    assert!((all.p_value - (1.0 - (1.0 - single).powi(4))).abs() < 1e-9);
    assert!((all.share_beyond_two - 0.5).abs() < 1e-12 && (all.largest - 2.5).abs() < 1e-12);
    assert!((stein_summary(&[]).p_value - 1.0).abs() < 1e-12);
    assert!(stein_summary(&[test(f64::INFINITY)]).p_value < 1e-12);
}

fn discrepancy(x: &[f64], score: &[f64], seed: u64, threads: usize) -> SteinDiscrepancy {
    let workers = Workers::new(threads).unwrap();
    let rng = &mut generator(seed, Stream::Evaluation, 1);
    let options = DiscrepancyOptions { bootstraps: 199, ..DiscrepancyOptions::default() };
    kernel_stein_discrepancy(x, score, 2, options, &workers, rng).unwrap()
}

/// 40 p-values that would be uniform (of 200, 3 % were measured below 0.05 and 10.5 % below 0.1): below 0.1 lie 4 ± 1.9, below 0.5 20 ± 3.2; three and a half
/// standard deviations are allowed.
#[test]
fn p_values_of_true_samples_are_nearly_uniform() {
    for law in [correlated(), eight_gaussians()] {
        let p_value = |seed: u64| {
            let x = law.sample_rows(300, &mut generator(seed, Stream::Sample, 3));
            discrepancy(&x, &law.score_rows(&x), seed, 1).p_value
        };
        let p_values: Vec<f64> = (0..40).map(p_value).collect();
        let below = |level: f64| p_values.iter().filter(|p| **p < level).count();
        assert!(below(0.1) <= 10 && (9..=31).contains(&below(0.5)), "{p_values:?}");
    }
}

#[test]
fn wrong_samples_and_wrong_scores_are_discrepant() {
    let law = GaussianScore::normal(&[1.0, -0.5], &[1.0, 0.6, 0.6, 0.8]).unwrap();
    for seed in 0..3 {
        let x = law.sample_rows(1000, &mut generator(seed, Stream::Sample, 4));
        let score = law.score_rows(&x);
        let wrong = |score: &[f64]| {
            let test = discrepancy(&x, score, seed, 1);
            assert!(test.squared > 0.0 && test.p_value < 0.01, "{test:?}");
        };
        wrong(&turned(&score, 30.0));
        wrong(&scaled(&score, 0.4));
        wrong(&scaled(&score, 2.0));
        let other = eight_gaussians().with_noise(0.5).unwrap();
        wrong(&other.score_rows(&x));
        for moved in [|x: f64| 1.5 * x, |x: f64| x + 0.4] {
            let moved: Vec<f64> = x.iter().map(|x| moved(*x)).collect();
            let test = discrepancy(&moved, &law.score_rows(&moved), seed, 1);
            assert!(test.squared > 0.0 && test.p_value < 0.01, "{test:?}");
        }
    }
}

/// h by its definition, with all derivatives of the kernel by differences.
#[test]
fn the_stein_kernel_is_its_definition() {
    let (x, y) = ([0.3, -1.0, 0.5], [1.2, 0.4, -0.1]);
    let (s, t) = ([1.0, 0.2, -0.7], [-0.4, 0.9, 0.3]);
    let (squared_length, h) = (1.7, 1e-4);
    let k = |x: &[f64], y: &[f64]| {
        let squared: f64 = x.iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum();
        (1.0 + squared / squared_length).powf(-0.5)
    };
    let moved = |p: [f64; 3], i: usize, by: f64| {
        let mut p = p;
        p[i] += by;
        p
    };
    let mut expected = s.iter().zip(&t).map(|(s, t)| s * t).sum::<f64>() * k(&x, &y);
    for i in 0..3 {
        let at = |a: f64, b: f64| k(&moved(x, i, a), &moved(y, i, b));
        expected += s[i] * (at(0.0, h) - at(0.0, -h)) / (2.0 * h);
        expected += t[i] * (at(h, 0.0) - at(-h, 0.0)) / (2.0 * h);
        expected += (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4.0 * h * h);
    }
    let got = stein_kernel(&x, &s, &y, &t, squared_length);
    assert!((got - expected).abs() < 1e-6, "{got} {expected}");
    assert!((got - stein_kernel(&y, &t, &x, &s, squared_length)).abs() < 1e-14);
}

#[test]
fn the_statistic_is_a_mean_over_pairs_for_any_number_of_threads() {
    let x = correlated().sample_rows(50, &mut generator(0, Stream::Sample, 5));
    let score = correlated().score_rows(&x);
    let (one, two) = (discrepancy(&x, &score, 0, 1), discrepancy(&x, &score, 0, 2));
    assert_eq!(one.squared.to_bits(), two.squared.to_bits());
    assert_eq!(one.p_value.to_bits(), two.p_value.to_bits());
    let row = |k: usize| (&x[2 * k..2 * k + 2], &score[2 * k..2 * k + 2]);
    let mut sum = 0.0;
    for (i, j) in (0..2500).map(|k| (k / 50, k % 50)).filter(|(i, j)| i != j) {
        let ((x, s), (y, t)) = (row(i), row(j));
        sum += stein_kernel(x, s, y, t, one.length * one.length);
    }
    assert!((one.squared - sum / (50.0 * 49.0)).abs() < 1e-12);
}

#[test]
fn gradients_have_no_antisymmetric_part_and_rotations_nothing_else() {
    let x = Tensor::new(&[[0.3f64, -1.0], [2.0, 0.7], [0.0, 1.1]], &Device::Cpu).unwrap();
    let law = eight_gaussians().with_noise(0.5).unwrap();
    let jacobians = difference_jacobians(|x| law.score(x), &x, 1e-4).unwrap();
    assert!(antisymmetric_share(&jacobians, 2).unwrap().mean < 1e-12);
    let turn = Tensor::new(&[[0f64, 1.0], [-1.0, 0.0]], &Device::Cpu).unwrap();
    let jacobians = difference_jacobians(|x| Ok(x.matmul(&turn)?), &x, 1e-4).unwrap();
    assert!((antisymmetric_share(&jacobians, 2).unwrap().mean - 1.0).abs() < 1e-9);
    // Half of −x + Jx is antisymmetric; Jacobians by tangents say the same.
    let field = FromDual::new(2, 2, |p: &Dual| p.matmul(&turn)?.sub(p));
    let jacobians = to_f64(&jacobian(&field, &x).unwrap().matrix).unwrap();
    let half = antisymmetric_share(&jacobians, 2).unwrap();
    assert!((half.mean - 0.5).abs() < 1e-12 && half.standard_error < 1e-12);
    assert!(difference_jacobians(|x| Ok(x.narrow(1, 0, 1)?), &x, 1e-4).is_err());
    assert!(difference_jacobians(|x| Ok(x.clone()), &x, 0.0).is_err());
}

/// E ‖0.1 s‖² = 0.01 E ‖s‖², and E ‖s‖² = tr Σ⁻¹ for a Gaussian.
#[test]
fn fisher_divergence_and_agreement_have_their_closed_forms() {
    let x = correlated().sample_rows(20_000, &mut generator(2, Stream::Sample, 6));
    let truth = correlated().score_rows(&x);
    let fisher = fisher_divergence(&scaled(&truth, 1.1), &truth, 2).unwrap();
    let trace = 4.25 / (4.0 * 0.25 - 0.81);
    let z = (fisher.absolute.mean - 0.01 * trace) / fisher.absolute.standard_error;
    assert!(z.abs() < 4.0, "{fisher:?}");
    assert!((fisher.relative.mean - 0.01).abs() < 1e-12);
    assert!(fisher.relative.standard_error < 1e-12);
    let both = agreement(&turned(&truth, 60.0), &truth, 2).unwrap();
    assert!((both.cosine.mean - 0.5).abs() < 1e-12 && (both.relative.mean - 1.0).abs() < 1e-12);
    let some = agreement(&[0.0, 0.0, 1.0, 0.0], &[1.0, 0.0, 1.0, 0.0], 2).unwrap();
    assert!((some.cosine.mean - 1.0).abs() < 1e-12 && (some.relative.mean - 0.5).abs() < 1e-12);
}

/// The error bar of the relative divergence is the spread that repetitions have.
#[test]
fn the_error_of_a_ratio_is_its_spread() {
    let repeat = |seed: u64| {
        let x = correlated().sample_rows(400, &mut generator(seed, Stream::Sample, 7));
        let truth = correlated().score_rows(&x);
        let moved: Vec<f64> = truth.iter().zip(&x).map(|(s, x)| s + 0.1 * x).collect();
        fisher_divergence(&moved, &truth, 2).unwrap().relative
    };
    let all: Vec<_> = (0..200).map(repeat).collect();
    let mean = all.iter().map(|e| e.mean).sum::<f64>() / 200.0;
    let spread = (all.iter().map(|e| (e.mean - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
    let claimed = all.iter().map(|e| e.standard_error).sum::<f64>() / 200.0;
    // A standard deviation from 200 values is known to 5 %.
    assert!((claimed / spread - 1.0).abs() < 0.2, "{claimed} {spread}");
}

#[test]
fn what_does_not_fit_is_said() {
    let rng = &mut generator(0, Stream::Evaluation, 0);
    let mut stein =
        |x: &[f64], s: &[f64], d| stein_identity(x, s, d, SteinFamily::default(), rng).map(|_| ());
    assert!(stein(&[1.0, 2.0], &[1.0], 1).is_err());
    assert!(stein(&[1.0, 2.0], &[1.0, f64::NAN], 1).unwrap_err().to_string().contains("row 1"));
    assert!(stein(&[1.0], &[1.0], 1).is_err() && stein(&[], &[], 0).is_err());
    assert!(stein(&[1.0, 1.0], &[1.0, 0.0], 1).unwrap_err().to_string().contains("constant"));
    assert!(fisher_divergence(&[], &[], 2).is_err());
    assert!(antisymmetric_share(&[1.0, 2.0], 2).is_err());
    let workers = Workers::new(1).unwrap();
    let rng = &mut generator(0, Stream::Evaluation, 0);
    let options = DiscrepancyOptions::default();
    let mut ksd =
        |x: &[f64], options| kernel_stein_discrepancy(x, x, 1, options, &workers, rng).map(|_| ());
    assert!(ksd(&[1.0; 5], options).is_err());
    assert!(ksd(&[1.0, 2.0], DiscrepancyOptions { length: Some(0.0), ..options }).is_err());
    assert!(ksd(&[1.0, 2.0], DiscrepancyOptions { length: Some(2.0), ..options }).is_ok());
}
