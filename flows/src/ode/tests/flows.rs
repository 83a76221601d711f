//! Continuous flows as transforms: inverse, volume, conservation of probability.

use crate::densities::StandardNormal;
use crate::density::Density;
use crate::error::Error;
use crate::fields::{FieldConfig, LinearField, TimeForm, TimeMlp};
use crate::nets::{Activation, LastLayer};
use crate::ode::{ContinuousFlow, DOPRI5, ErrorNorm, RK4, Solver, Stepping, TSIT5, Tolerance};
use crate::params::{Params, to_f64};
use crate::transform::{Direction, Inverse, Transform, detached};
use candle_core::{DType, Device, Tensor};

/// Factor of all weights.
const STRENGTH: f64 = 2.5;

fn tensor(values: &[f64], columns: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / columns, columns), &Device::Cpu).unwrap()
}

fn random(time: TimeForm, context: usize, last: LastLayer) -> ContinuousFlow<TimeMlp> {
    let mut params = Params::new(DType::F64, &Device::Cpu, 4);
    let config =
        FieldConfig { hidden: vec![8, 8], activation: Activation::Tanh, time, potential: false };
    let field = TimeMlp::new(params.scope("f"), 2, context, &config, last).unwrap();
    // As drawn, such a small network hardly moves anything.
    let strong: Vec<f64> = params.read_flat().unwrap().iter().map(|w| STRENGTH * w).collect();
    params.write_flat(&strong).unwrap();
    ContinuousFlow::new(field, Solver::adaptive(&TSIT5, 1e-10, 1e-10)).unwrap()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    let (a, b) = (to_f64(a).unwrap(), to_f64(b).unwrap());
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn points() -> Tensor {
    tensor(&[0.3, -1.0, 1.4, 0.2, -2.5, 0.9], 2)
}

#[test]
fn the_inverse_undoes_the_forward_map() {
    for form in [TimeForm::Concat, TimeForm::ConcatSquash, TimeForm::Fourier { frequencies: 2 }] {
        let flow = random(form, 1, LastLayer::Scaled);
        let context = tensor(&[0.5, -1.0, 2.0], 1);
        let there = flow.forward(&points(), Some(&context)).unwrap();
        let back = flow.inverse(&there.points, Some(&context)).unwrap();
        assert!(largest_difference(&there.points, &points()) > 1e-2);
        assert!(largest_difference(&back.points, &points()) < 1e-8);
        assert!(largest_difference(&back.log_det, &there.log_det.neg().unwrap()) < 1e-8);
    }
}

#[test]
fn log_det_is_that_of_the_jacobian_of_differences() {
    let flow = random(TimeForm::ConcatSquash, 0, LastLayer::Scaled);
    let h = 1e-4;
    let column = |direction: [f64; 2]| -> Vec<f64> {
        let at = |by: f64| {
            let u = tensor(&direction.map(|v| v * by), 2);
            flow.forward(&points().broadcast_add(&u).unwrap(), None).unwrap().points
        };
        to_f64(&((at(h) - at(-h)).unwrap() / (2.0 * h)).unwrap()).unwrap()
    };
    let (first, second) = (column([1.0, 0.0]), column([0.0, 1.0]));
    let log_det = to_f64(&flow.forward(&points(), None).unwrap().log_det).unwrap();
    for (i, got) in log_det.iter().enumerate() {
        let expected = first[2 * i] * second[2 * i + 1] - first[2 * i + 1] * second[2 * i];
        assert!((got - expected.ln()).abs() < 1e-7, "{got} {}", expected.ln());
    }
}

#[test]
fn a_linear_field_has_its_exponential_and_its_trace() {
    // A rotation by 1.3 that grows by e^0.4 in each direction.
    let field = LinearField::new(&tensor(&[0.4, -1.3, 1.3, 0.4], 2)).unwrap();
    for solver in [Solver::fixed(&RK4, 100), Solver::adaptive(&DOPRI5, 1e-10, 1e-10)] {
        let flow = ContinuousFlow::new(field.clone(), solver).unwrap();
        let mapped = flow.forward(&tensor(&[2.0, -1.0], 2), None).unwrap();
        let (c, s, grown) = (1.3f64.cos(), 1.3f64.sin(), 0.4f64.exp());
        let expected = [grown * (2.0 * c + s), grown * (2.0 * s - c)];
        assert!(largest_difference(&mapped.points, &tensor(&expected, 2)) < 1e-8);
        assert!((to_f64(&mapped.log_det).unwrap()[0] - 0.8).abs() < 1e-13);
    }
}

#[test]
fn probability_is_conserved() {
    let flow = random(TimeForm::ConcatSquash, 0, LastLayer::Scaled);
    // Midpoints of cells; the error falls exponentially for smooth densities.
    let (side, n) = (10.0, 80);
    let at = |i: usize| -side + 2.0 * side * (i as f64 + 0.5) / f64::from(n);
    let grid: Vec<f64> = (0..80).flat_map(|i| (0..80).flat_map(move |j| [at(i), at(j)])).collect();
    let mapped = flow.forward(&tensor(&grid, 2), None).unwrap();
    let (low, high) = to_f64(&mapped.log_det)
        .unwrap()
        .into_iter()
        .fold((0.0f64, 0.0f64), |(low, high), l| (low.min(l), high.max(l)));
    println!("log_det between {low} and {high}");
    assert!(high - low > 0.05);
    let base = StandardNormal::new(2).log_prob(&mapped.points, None).unwrap();
    let log_prob = to_f64(&(base + mapped.log_det).unwrap()).unwrap();
    let cell = (2.0 * side / f64::from(n)).powi(2);
    let integral = log_prob.iter().map(|l| l.exp()).sum::<f64>() * cell;
    println!("integral − 1: {:e}", integral - 1.0);
    assert!((integral - 1.0).abs() < 1e-7, "{integral}");
}

#[test]
fn a_velocity_of_zero_is_the_identity() {
    let flow = random(TimeForm::ConcatSquash, 0, LastLayer::Zero);
    let mapped = flow.forward(&points(), None).unwrap();
    assert!(to_f64(&mapped.points).unwrap() == to_f64(&points()).unwrap());
    assert!(to_f64(&mapped.log_det).unwrap() == [0.0; 3]);
}

#[test]
fn wrong_shapes_and_solvers_are_errors() {
    let flow = random(TimeForm::Concat, 1, LastLayer::Scaled);
    assert!(matches!(flow.forward(&points(), None), Err(Error::Shape { .. })));
    assert!(matches!(flow.inverse(&tensor(&[1.0], 1), None), Err(Error::Shape { .. })));
    let field = LinearField::new(&tensor(&[1.0], 1)).unwrap();
    assert!(ContinuousFlow::new(field, Solver::fixed(&RK4, 0)).is_err());
}

/// A row that no allowed number of steps suffices for is NaN; the others are what they are without it.
#[test]
fn a_row_that_cannot_be_solved_fails_alone() {
    let mut tolerance = Tolerance { norm: ErrorNorm::LargestRow, ..Tolerance::new(1e-6, 0.0) };
    tolerance.max_steps = 60;
    let solver = Solver { tableau: &TSIT5, stepping: Stepping::Adaptive(tolerance) };
    let growth = LinearField::new(&Tensor::new(&[[1.0, -2.0], [2.0, 1.0]], &Device::Cpu).unwrap());
    let flow = ContinuousFlow::new(growth.unwrap(), solver).unwrap().with_rows_at_once(3).unwrap();
    let x = tensor(&[0.3, -1.0, 1e15, 0.2, -2.5, 0.9, 0.1, 0.2, f64::NAN, 0.0], 2);
    let got = detached(&flow, &x, None, Direction::Forward).unwrap();
    let (got, log_det) = (to_f64(&got.points).unwrap(), to_f64(&got.log_det).unwrap());
    for row in 0..5 {
        if row == 1 || row == 4 {
            assert!(got[2 * row].is_nan() && log_det[row].is_nan(), "row {row}");
            continue;
        }
        let alone = flow.forward(&x.narrow(0, row, 1).unwrap(), None).unwrap();
        let alone = to_f64(&alone.points).unwrap();
        assert!((got[2 * row] - alone[0]).abs() < 1e-4, "row {row}");
        assert!((log_det[row] - 2.0).abs() < 1e-9, "row {row}: {}", log_det[row]);
    }
}

/// A map around another forgets neither its flow nor its direction.
#[test]
fn the_inverse_of_a_flow_is_a_flow() {
    let inverse = Inverse(random(TimeForm::Concat, 0, LastLayer::Scaled));
    let (_, direction) = inverse.as_flow().unwrap();
    assert_eq!(direction, Direction::Inverse);
    let z = detached(&inverse, &points(), None, Direction::Forward).unwrap();
    let expected = inverse.forward(&points(), None).unwrap();
    assert!(largest_difference(&z.points, &expected.points) < 1e-12);
    assert!(largest_difference(&z.log_det, &expected.log_det) < 1e-12);
}
