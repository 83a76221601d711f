//! Networks as differentiable maps: tangents against reverse passes and differences.

use super::*;
use crate::Result;
use crate::nets::{Activation, LastLayer, Made, Mlp, NetConfig};
use crate::params::Params;
use candle_core::{DType, Device, Tensor};

const EXACT: f64 = 1e-10;
/// Fourth-order differences with the step 1e-3: the truncation is 1e-12 of a fifth derivative.
const DIFFERENCE: f64 = 1e-6;
const KINDS: [(bool, Activation); 2] = [(false, Activation::Tanh), (true, Activation::Silu)];

fn rows(entries: &[f64], width: usize) -> Tensor {
    Tensor::from_slice(entries, (entries.len() / width, width), &Device::Cpu).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn difference(f: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-3;
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "{got:?} against {expected:?}");
    }
}

fn config(residual: bool, activation: Activation) -> NetConfig {
    NetConfig { hidden: vec![5, 5, 5], activation, residual }
}

/// The gradient of every parameter, against differences of the loss.
fn trains(params: &Params, loss: impl Fn() -> Result<Tensor>) {
    let gradients = loss().unwrap().backward().unwrap();
    let start = params.read_flat().unwrap();
    let mut got = Vec::new();
    for param in params.trainable() {
        let none = || param.var().zeros_like().unwrap();
        got.extend(flat(&gradients.get(param.var()).cloned().unwrap_or_else(none)));
    }
    for (k, got) in got.iter().enumerate() {
        let expected = difference(|h| {
            let mut moved = start.clone();
            moved[k] += h;
            params.write_flat(&moved).unwrap();
            loss().unwrap().to_scalar::<f64>().unwrap()
        });
        assert!((got - expected).abs() < DIFFERENCE, "parameter {k}: {got} {expected}");
    }
}

/// The Jacobian of every row, by differences of the map.
fn differences(map: &impl DifferentiableMap, x: &Tensor) -> Vec<f64> {
    let (n, d) = x.dims2().unwrap();
    let mut jacobians = vec![0.0; n * map.outputs() * d];
    for (k, entry) in jacobians.iter_mut().enumerate() {
        let (row, output, input) = (k / (map.outputs() * d), k / d % map.outputs(), k % d);
        *entry = difference(|h| {
            let mut moved = flat(x);
            moved[row * d + input] += h;
            flat(&map.forward(&rows(&moved, d)).unwrap())[row * map.outputs() + output]
        });
    }
    jacobians
}

#[test]
fn perceptrons_carry_tangents_and_train_through_them() {
    for (residual, activation) in KINDS {
        let mut params = Params::new(DType::F64, &Device::Cpu, 4);
        let config = config(residual, activation);
        let net = Mlp::new(params.scope("net"), 2, 2, &config, LastLayer::Scaled).unwrap();
        let x = rows(&[0.3, -0.7, 1.1, 0.4], 2);
        let forward = jacobian_by(Mode::Forward, &net, &x).unwrap().matrix;
        let reverse = jacobian_by(Mode::Reverse, &net, &x).unwrap().matrix;
        close(&flat(&forward), &flat(&reverse), EXACT);
        let value = Dual::constant(&x).unwrap();
        let value = Mlp::forward_and_jvp(&net, &value, None).unwrap().value;
        close(&flat(&value), &flat(&DifferentiableMap::forward(&net, &x).unwrap()), EXACT);
        trains(&params, || Ok(divergence(&net, &x)?.sqr()?.sum_all()?));
    }
}

/// Output i, of two numbers, sees the inputs before i: its row of the Jacobian ends there.
#[test]
fn masked_networks_carry_tangents_and_train_through_them() {
    let (d, per_feature) = (3, 2);
    let x = rows(&[0.3, -0.7, 1.1, 0.4, 0.9, -1.3], d);
    let u = rows(&[1.0, -0.5, 2.0, 0.3, 0.8, -1.0], d);
    for (residual, activation) in KINDS {
        let mut params = Params::new(DType::F64, &Device::Cpu, 4);
        let config = config(residual, activation);
        let (scope, last) = (params.scope("net"), LastLayer::Scaled);
        let net = Made::new(scope, d, 0, per_feature, &config, last).unwrap();
        let forward = flat(&jacobian_by(Mode::Forward, &net, &x).unwrap().matrix);
        close(&forward, &differences(&net, &x), DIFFERENCE);
        for (k, entry) in forward.iter().enumerate() {
            let (feature, input) = (k / d % (d * per_feature) / per_feature, k % d);
            assert_eq!(entry.abs() > 0.0, input < feature, "∂{feature}/∂{input}: {entry}");
        }
        let tangent = || DifferentiableMap::forward_and_jvp(&net, &x, &u);
        let value = tangent().unwrap().0;
        close(&flat(&value), &flat(&DifferentiableMap::forward(&net, &x).unwrap()), EXACT);
        trains(&params, || Ok(tangent()?.1.sqr()?.sum_all()?));
    }
}

#[test]
fn contexts_move_a_masked_network_and_have_no_tangent() {
    let mut params = Params::new(DType::F64, &Device::Cpu, 4);
    let config = config(false, Activation::Tanh);
    let net = Made::new(params.scope("net"), 2, 1, 1, &config, LastLayer::Scaled).unwrap();
    let (x, u) = (rows(&[0.3, -0.7, 1.1, 0.4], 2), rows(&[1.0, 0.5, -0.3, 2.0], 2));
    let context = rows(&[0.6, -2.0], 1);
    let image = |x: &Tensor| {
        let x = Dual::new(x.clone(), u.clone())?;
        Made::forward_and_jvp(&net, &x, Some(&context))
    };
    let got = image(&x).unwrap();
    let value = crate::nets::Conditioner::forward(&net, &x, Some(&context)).unwrap();
    close(&flat(&got.value), &flat(&value), EXACT);
    for (k, tangent) in flat(&got.tangent).iter().enumerate() {
        let along = |h: f64| image(&(&x + u.affine(h, 0.0)?)?);
        let expected = difference(|h| flat(&along(h).unwrap().value)[k]);
        assert!((tangent - expected).abs() < DIFFERENCE, "{k}: {tangent} {expected}");
    }
    assert!(DifferentiableMap::forward(&net, &rows(&[1.0; 3], 3)).is_err());
}
