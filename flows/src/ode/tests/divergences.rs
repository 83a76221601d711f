//! Estimated log-volumes against exact ones.

use crate::calculus::Probe;
use crate::config::DivergenceConfig;
use crate::error::Error;
use crate::fields::{FieldConfig, TimeForm, TimeMlp};
use crate::nets::{Activation, LastLayer};
use crate::ode::{ContinuousFlow, RK4, Solver};
use crate::params::{Params, to_f64};
use crate::transform::Transform;
use candle_core::{DType, Device, Tensor};

const PROBES: [Probe; 3] = [Probe::Rademacher, Probe::Gaussian, Probe::Orthogonal];
const FEATURES: usize = 4;

fn flow(divergence: DivergenceConfig, seed: u64) -> ContinuousFlow<TimeMlp> {
    with_steps(6, divergence, seed)
}

fn with_steps(steps: usize, divergence: DivergenceConfig, seed: u64) -> ContinuousFlow<TimeMlp> {
    let mut params = Params::new(DType::F64, &Device::Cpu, 4);
    let config = FieldConfig {
        hidden: vec![8, 8],
        activation: Activation::Tanh,
        time: TimeForm::ConcatSquash,
        potential: false,
    };
    let field = TimeMlp::new(params.scope("f"), FEATURES, 1, &config, LastLayer::Scaled).unwrap();
    let strong: Vec<f64> = params.read_flat().unwrap().iter().map(|w| 2.5 * w).collect();
    params.write_flat(&strong).unwrap();
    let flow = ContinuousFlow::new(field, Solver::fixed(&RK4, steps)).unwrap();
    flow.with_divergence(divergence, seed).unwrap()
}

fn hutchinson(probe: Probe, probes: usize) -> DivergenceConfig {
    DivergenceConfig::Hutchinson { probe, probes }
}

/// Points and context of n rows, more than a block of draws.
fn rows(n: usize) -> (Tensor, Tensor) {
    let wave = |columns: usize, speed: f64| {
        let values = (0..n * columns).map(|i| 1.5 * (speed * i as f64).sin()).collect();
        Tensor::from_vec(values, (n, columns), &Device::Cpu).unwrap()
    };
    (wave(FEATURES, 0.7), wave(1, 0.9))
}

fn log_det(divergence: DivergenceConfig, seed: u64, n: usize) -> Vec<f64> {
    let (x, context) = rows(n);
    to_f64(&flow(divergence, seed).forward(&x, Some(&context)).unwrap().log_det).unwrap()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn enough_probes_of_the_right_kind_are_exact() {
    let exact = log_det(DivergenceConfig::Exact, 0, 70);
    assert!(exact.iter().any(|l| l.abs() > 0.1));
    let alike = |divergence| largest_difference(&log_det(divergence, 5, 70), &exact);
    assert!(alike(DivergenceConfig::Auto) < 1e-15);
    assert!(alike(hutchinson(Probe::Orthogonal, FEATURES)) < 1e-13);
    assert!(alike(hutchinson(Probe::Orthogonal, 3 * FEATURES)) < 1e-13);
    assert!(alike(DivergenceConfig::HutchPlusPlus { probes: 3 * FEATURES }) < 1e-12);
    assert!(alike(DivergenceConfig::HutchPlusPlus { probes: 4 * FEATURES }) < 1e-12);
    assert!(alike(hutchinson(Probe::Orthogonal, 2)) > 1e-3);
    assert!(alike(DivergenceConfig::HutchPlusPlus { probes: 5 }) > 1e-6);
}

#[test]
fn the_mean_over_probes_is_the_exact_one() {
    let (n, count) = (3, 1200);
    let exact = log_det(DivergenceConfig::Exact, 0, n);
    let (x, context) = rows(n);
    for probe in PROBES {
        let flow = flow(hutchinson(probe, 1), 8);
        let (points, each) = flow.log_det_each(&x, Some(&context), count, 0).unwrap();
        let mapped = flow.forward(&x, Some(&context)).unwrap();
        assert!(
            largest_difference(&to_f64(&points).unwrap(), &to_f64(&mapped.points).unwrap()) < 1e-13
        );
        let each: Vec<Vec<f64>> = each.iter().map(|l| to_f64(l).unwrap()).collect();
        assert_eq!(each.len(), count);
        for row in 0..n {
            let mean = each.iter().map(|l| l[row]).sum::<f64>() / count as f64;
            let squares = each.iter().map(|l| (l[row] - mean).powi(2)).sum::<f64>();
            let error = (squares / (count * (count - 1)) as f64).sqrt();
            println!("{probe:?} {row}: {mean} ± {error}, exact {}", exact[row]);
            let off = (mean - exact[row]).abs();
            // Orthogonal probes come in whole bases, each of which is exact.
            assert!(off < if probe == Probe::Orthogonal { 1e-12 } else { 4.0 * error });
            assert!(error > 1e-4);
        }
    }
}

#[test]
fn hutch_plus_plus_has_the_exact_mean() {
    let exact = log_det(DivergenceConfig::Exact, 0, 3);
    let count = 300;
    let draws: Vec<Vec<f64>> = (0..count)
        .map(|seed| log_det(DivergenceConfig::HutchPlusPlus { probes: 4 }, seed, 3))
        .collect();
    for (row, exact) in exact.iter().enumerate() {
        let n = count as f64;
        let mean = draws.iter().map(|l| l[row]).sum::<f64>() / n;
        let squares = draws.iter().map(|l| (l[row] - mean).powi(2)).sum::<f64>();
        let error = (squares / (n * (n - 1.0))).sqrt();
        println!("{mean} ± {error}, exact {exact}");
        assert!((mean - exact).abs() < 4.0 * error);
    }
}

#[test]
fn each_probe_is_what_the_setting_averages() {
    let (x, context) = rows(3);
    for probe in PROBES {
        let flow = flow(hutchinson(probe, 3), 8);
        let each = |count, first| -> Vec<Vec<f64>> {
            let (_, each) = flow.log_det_each(&x, Some(&context), count, first).unwrap();
            each.iter().map(|l| to_f64(l).unwrap()).collect()
        };
        let all = each(3, 0);
        let mean: Vec<f64> = (0..3).map(|i| all.iter().map(|l| l[i]).sum::<f64>() / 3.0).collect();
        let mapped = flow.forward(&x, Some(&context)).unwrap();
        assert!(largest_difference(&mean, &to_f64(&mapped.log_det).unwrap()) < 1e-13, "{probe:?}");
        // Cut anywhere, also within a basis, the probes are the same.
        let (long, late) = (each(9, 0), each(4, 5));
        for (a, b) in long[5..].iter().zip(&late).chain(long.iter().zip(&all)) {
            assert!(largest_difference(a, b) < 1e-13, "{probe:?}");
        }
    }
}

#[test]
fn log_volumes_depend_on_the_seed_and_not_on_the_rows_that_follow() {
    let settings =
        [hutchinson(Probe::Rademacher, 2), DivergenceConfig::HutchPlusPlus { probes: 4 }];
    for setting in settings {
        let long = log_det(setting, 1, 130);
        assert!(long == log_det(setting, 1, 130));
        assert!(largest_difference(&long[..70], &log_det(setting, 1, 70)) < 1e-13);
        assert!(largest_difference(&long, &log_det(setting, 2, 130)) > 1e-3);
    }
}

#[test]
fn a_row_has_the_same_log_volume_wherever_it_stands() {
    let (x, context) = rows(130);
    for setting in [hutchinson(Probe::Gaussian, 2), DivergenceConfig::HutchPlusPlus { probes: 4 }] {
        let flow = with_steps(8, setting, 3);
        let table = to_f64(&flow.forward(&x, Some(&context)).unwrap().log_det).unwrap();
        for row in [0, 63, 64, 129] {
            let cut = |t: &Tensor| t.narrow(0, row, 1).unwrap().contiguous().unwrap();
            let alone = flow.forward(&cut(&x), Some(&cut(&context))).unwrap().log_det;
            assert!((to_f64(&alone).unwrap()[0] - table[row]).abs() < 1e-12, "row {row}");
        }
    }
}

#[test]
fn the_inverse_gives_the_log_volume_back() {
    let (x, context) = rows(5);
    // Estimates each way have probes of their own, by the points that they start from.
    let flow = with_steps(60, DivergenceConfig::Exact, 3);
    let there = flow.forward(&x, Some(&context)).unwrap();
    let back = flow.inverse(&there.points, Some(&context)).unwrap();
    let sum = (there.log_det + back.log_det).unwrap();
    assert!(to_f64(&sum).unwrap().iter().all(|s| s.abs() < 1e-6));
}

#[test]
fn too_few_probes_are_errors() {
    let config = |result| matches!(result, Err(Error::Config { .. }));
    let exact = flow(DivergenceConfig::Exact, 0);
    let (x, context) = rows(2);
    assert!(config(exact.log_det_each(&x, Some(&context), 0, 0).map(|_| ())));
    for setting in [hutchinson(Probe::Rademacher, 0), DivergenceConfig::HutchPlusPlus { probes: 2 }]
    {
        assert!(config(flow(DivergenceConfig::Exact, 0).with_divergence(setting, 0).map(|_| ())));
    }
}
