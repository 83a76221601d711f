//! Comparisons of kernels with candle's automatic differentiation in `f64`.

use super::layout::Layout;
use super::tile::{Column, ROWS};
use crate::params::{Params, to_f64};
use crate::rng::{Stream, generator};
use candle_core::{DType, Device, Tensor, Var};
use rand::Rng;
use rand_distr::StandardNormal;

/// Gradients that a kernel may leave at 0.
const SMALL: f64 = 1e-20;

/// Normal numbers that `f32` holds exactly.
pub(super) fn random(count: usize, seed: u64, scale: f64) -> Vec<f64> {
    let mut rng = generator(seed, Stream::Sample, 0);
    let mut draw = || (scale * rng.sample::<f64, _>(StandardNormal)) as f32;
    (0..count).map(|_| f64::from(draw())).collect()
}

pub(super) fn params() -> Params {
    Params::new(DType::F64, &Device::Cpu, 0)
}

/// Normal values for all variables.
pub(super) fn randomise(params: &Params, seed: u64, scale: f64) {
    params.write_flat(&random(params.count(), seed, scale)).unwrap();
}

/// The parameters, and room for what is prepared.
pub(super) fn theta(params: &Params, layout: &Layout) -> Vec<f32> {
    let mut theta: Vec<f32> = params.read_flat().unwrap().iter().map(|x| *x as f32).collect();
    theta.resize(layout.len(), 0.0);
    theta
}

/// Columns of row-major numbers, 64 rows.
pub(super) fn tile(values: &[f64], columns: usize) -> Vec<Column> {
    let entry = |i: usize, r: usize| values[r * columns + i] as f32;
    (0..columns).map(|i| Column(std::array::from_fn(|r| entry(i, r)))).collect()
}

/// What a map of rows gives, and the gradient of Σ w₁ points + Σ w₂ log, row-major.
pub(super) struct Reference {
    pub(super) points: Vec<f64>,
    pub(super) log: Vec<f64>,
    pub(super) d_x: Vec<f64>,
    pub(super) d_params: Vec<f64>,
}

/// `map` gives points and logarithms of each row.
pub(super) fn reference(
    params: &Params,
    map: impl Fn(&Tensor) -> (Tensor, Tensor),
    x: &[f64],
    (d_points, d_log): (&[f64], &[f64]),
) -> Reference {
    let d = x.len() / ROWS;
    let tensor = |values: &[f64]| {
        Tensor::from_slice(values, (ROWS, values.len() / ROWS), &Device::Cpu).unwrap()
    };
    let x = Var::from_tensor(&tensor(x)).unwrap();
    let (points, log) = map(&x);
    let weighted_log = (&log * tensor(d_log).squeeze(1).unwrap()).unwrap().sum_all().unwrap();
    let weighted = (&points * tensor(d_points)).unwrap().sum_all().unwrap();
    let gradients = (weighted + weighted_log).unwrap().backward().unwrap();
    let of = |var: &Var| match gradients.get(var) {
        Some(gradient) => to_f64(gradient).unwrap(),
        None => vec![0.0; var.elem_count()],
    };
    assert_eq!(points.dims(), [ROWS, d]);
    Reference {
        points: to_f64(&points).unwrap(),
        log: to_f64(&log).unwrap(),
        d_x: of(&x),
        d_params: params.trainable().flat_map(|param| of(param.var())).collect(),
    }
}

/// Asserts that a tile holds the row-major numbers, to the tolerance that each of them allows.
pub(super) fn assert_tile(
    what: &str,
    tile: &[Column],
    expected: &[f64],
    tolerance: impl Fn(f64) -> f64,
) {
    for (r, row) in expected.chunks_exact(tile.len()).enumerate() {
        for (i, (column, expected)) in tile.iter().zip(row).enumerate() {
            let error = (f64::from(column.0[r]) - expected).abs() / tolerance(*expected);
            assert!(error <= 1.0, "{what}, row {r}, column {i}: {} for {expected}", column.0[r]);
        }
    }
}

/// Asserts that a gradient of parameters is right to that share of the largest entry of each of
/// them.
pub(super) fn assert_gradient(
    what: &str,
    params: &Params,
    gradient: &[f32],
    expected: &[f64],
    tolerance: f64,
) {
    let mut start = 0;
    for param in params.trainable() {
        let places = start..start + param.var().elem_count();
        start = places.end;
        let (gradient, expected) = (&gradient[places.clone()], &expected[places]);
        let largest = expected.iter().fold(0.0, |largest, g| f64::max(largest, g.abs()));
        for (i, (got, expected)) in gradient.iter().zip(expected).enumerate() {
            let error = (f64::from(*got) - expected).abs();
            let name = param.name();
            let allowed = tolerance * largest + SMALL;
            assert!(error <= allowed, "{what}, {name} {i}: {got} for {expected:e}");
        }
    }
}
