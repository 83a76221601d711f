//! Checks that the tests of all densities share.

use crate::density::Density;
use crate::error::Error;
use crate::params::{Params, to_f64};
use crate::rng::{Stream, generator};
use candle_core::{DType, Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;

/// Largest relative error of a central difference with the step below, in f64.
const GRADIENT_TOLERANCE: f64 = 1e-6;
const STEP: f64 = 1e-5;

pub(super) fn rng() -> ChaCha8Rng {
    generator(11, Stream::Sample, 0)
}

pub(super) fn params() -> Params {
    Params::new(DType::F64, &Device::Cpu, 3)
}

/// Points row-major, each standing for the same volume.
pub(super) struct Grid {
    pub(super) points: Vec<f64>,
    pub(super) cell: f64,
}

/// Midpoints of n equal cells; for smooth densities without tails the error falls exponentially.
pub(super) fn grid_1d(low: f64, high: f64, n: usize) -> Grid {
    let h = (high - low) / n as f64;
    Grid { points: (0..n).map(|i| low + (i as f64 + 0.5) * h).collect(), cell: h }
}

/// Midpoints of n × n cells of a square.
pub(super) fn grid_2d([low, high]: [f64; 2], n: usize) -> Grid {
    let side = grid_1d(low, high, n);
    let points = side.points.iter().flat_map(|x| side.points.iter().flat_map(|y| [*x, *y]));
    Grid { points: points.collect(), cell: side.cell * side.cell }
}

/// log p of f64 points, row-major.
pub(super) fn log_prob(density: &dyn Density, points: &[f64]) -> Vec<f64> {
    let d = density.features();
    let x = Tensor::from_slice(points, (points.len() / d, d), &Device::Cpu).unwrap();
    density.log_prob(&x, None).unwrap().to_vec1().unwrap()
}

pub(super) fn integral_is_one(density: &dyn Density, grid: &Grid, tolerance: f64) {
    let sum: f64 = log_prob(density, &grid.points).iter().map(|l| l.exp()).sum();
    assert!((sum * grid.cell - 1.0).abs() < tolerance, "integral {}", sum * grid.cell);
}

/// −∫ p ln p by the midpoint rule.
pub(super) fn entropy_on(density: &dyn Density, grid: &Grid) -> f64 {
    let terms = log_prob(density, &grid.points);
    -terms.iter().filter(|l| l.is_finite()).map(|l| l * l.exp()).sum::<f64>() * grid.cell
}

/// The samples' mean −log p is the entropy within four standard errors.
pub(super) fn entropy_is(density: &dyn Density, entropy: f64) {
    let n = 100_000;
    let x = density.sample(n, None, &mut rng()).unwrap();
    let values = to_f64(&density.log_prob(&x, None).unwrap()).unwrap();
    let mean = -values.iter().sum::<f64>() / n as f64;
    let variance = values.iter().map(|l| (l + mean).powi(2)).sum::<f64>() / n as f64;
    let error = (variance / n as f64).sqrt();
    assert!((mean - entropy).abs() < 4.0 * error + 1e-9, "{mean} ± {error}, entropy {entropy}");
}

fn agree(what: &str, got: f64, plus: f64, minus: f64, step: f64) {
    let expected = (plus - minus) / (2.0 * step);
    let error = (got - expected).abs();
    assert!(error < GRADIENT_TOLERANCE * expected.abs().max(1.0), "{what}: {got} {expected}");
}

/// Gradients of Σ log p with respect to points and parameters against central differences.
pub(super) fn gradients(density: &dyn Density, params: Option<&Params>, points: &[f64]) {
    let d = density.features();
    let x = Tensor::from_slice(points, (points.len() / d, d), &Device::Cpu).unwrap();
    let x = Var::from_tensor(&x).unwrap();
    let total = density.log_prob(&x, None).unwrap().sum_all().unwrap();
    let gradients = total.backward().unwrap();
    let sum = |points: &[f64]| log_prob(density, points).iter().sum::<f64>();
    let gradient = to_f64(gradients.get(&x).unwrap()).unwrap();
    for (i, got) in gradient.into_iter().enumerate() {
        let step = STEP * points[i].abs().max(1.0);
        let moved = |by: f64| {
            let mut points = points.to_vec();
            points[i] += by;
            sum(&points)
        };
        agree(&format!("point entry {i}"), got, moved(step), moved(-step), step);
    }
    let Some(params) = params else { return };
    let flat = params.read_flat().unwrap();
    let gradient: Vec<f64> = params
        .trainable()
        .flat_map(|p| to_f64(gradients.get(p.var()).expect("a gradient")).unwrap())
        .collect();
    for (i, got) in gradient.into_iter().enumerate() {
        let moved = |by: f64| {
            let mut flat = flat.clone();
            flat[i] += by;
            params.write_flat(&flat).unwrap();
            sum(points)
        };
        agree(&format!("parameter {i}"), got, moved(STEP), moved(-STEP), STEP);
    }
    params.write_flat(&flat).unwrap();
}

/// Same seed, same samples; shapes and errors; a context changes nothing; nothing far is NaN.
pub(super) fn house_rules(density: &dyn Density) {
    let d = density.features();
    let x = density.sample(7, None, &mut rng()).unwrap();
    assert_eq!(x.dims(), [7, d]);
    let context = Tensor::zeros((7, 3), DType::F64, &Device::Cpu).unwrap();
    let again = density.sample(7, Some(&context), &mut rng()).unwrap();
    assert_eq!(bits(&x), bits(&again));

    let log_prob = density.log_prob(&x, None).unwrap();
    assert_eq!(log_prob.dims(), [7]);
    assert_eq!(log_prob.dtype(), x.dtype());
    assert_eq!(bits(&log_prob), bits(&density.log_prob(&x, Some(&context)).unwrap()));
    assert!(to_f64(&log_prob).unwrap().iter().all(|l| l.is_finite()));

    for shape in [vec![7, d + 1], vec![d], vec![1, 7, d]] {
        let wrong = Tensor::zeros(shape, DType::F64, &Device::Cpu).unwrap();
        assert!(matches!(density.log_prob(&wrong, None), Err(Error::Shape { .. })));
    }
    for size in [1e6, 1e200, f64::INFINITY, f64::NEG_INFINITY] {
        let far = Tensor::full(size, (1, d), &Device::Cpu).unwrap();
        let l = to_f64(&density.log_prob(&far, None).unwrap()).unwrap()[0];
        assert!(l < -10.0, "log p({size}) = {l}");
    }
}

pub(super) fn bits(x: &Tensor) -> Vec<u64> {
    to_f64(x).unwrap().into_iter().map(f64::to_bits).collect()
}
