mod curved;
mod networks;

use super::*;
use crate::fast::against_reference::{
    Reference, assert_gradient, assert_tile, params, random, randomise, reference, theta, tile,
};
use crate::fast::kernel::{Pass, Reverse};
use crate::fast::layout::Layout;
use crate::fast::simd::Level;
use crate::fast::tile::ROWS;
use crate::nets::LastLayer;
use crate::params::Params;
use crate::transform::Transform;
use crate::transforms;
use candle_core::{Device, Tensor};

const SIZES: [usize; 4] = [1, 2, 5, 43];
const PATH: &str = "flow.3.layer";

/// Compares values, gradients and the inverse with the reference, given context features and with
/// parameters of that scale.
fn check_given(
    context: usize,
    scale: f64,
    params: &Params,
    layer: &dyn Transform,
    build: impl Fn(&mut Layout) -> Box<dyn Kernel>,
) {
    let d = layer.features();
    randomise(params, d as u64, scale);
    let x = random(ROWS * d, 1, 1.0);
    let (d_z, d_log) = (random(ROWS * d, 2, 1.0), random(ROWS, 3, 1.0));
    let given = random(ROWS * context, 4, 1.0);
    let tensor = Tensor::from_slice(&given, (ROWS, context), &Device::Cpu).unwrap();
    let map = |x: &_| {
        let mapped = layer.forward(x, (context > 0).then_some(&tensor)).unwrap();
        (mapped.points, mapped.log_det)
    };
    let expected = reference(params, map, &x, (&d_z, &d_log));
    let mut layout = Layout::new(params);
    let kernel = build(&mut layout);
    let mut theta = theta(params, &layout);
    kernel.prepare(&mut theta);
    let given = tile(&given, context);
    for level in Level::available() {
        let pass = Pass { level, theta: &theta, context: &given };
        check_level(&*kernel, &pass, params, &expected, [&x, &d_z, &d_log]);
    }
}

fn check_level(
    kernel: &dyn Kernel,
    pass: &Pass,
    params: &Params,
    expected: &Reference,
    [x, d_z, d_log]: [&[f64]; 3],
) {
    let d = x.len() / ROWS;
    let what = format!("{} {d}", pass.level.name());
    let close = |value: f64| 1e-5 * value.abs().max(1.0);
    let mut tape = vec![Column::splat(f32::NAN); kernel.tape()];
    let mut scratch = vec![Column::splat(f32::NAN); kernel.scratch()];
    let mut gradient = vec![0.0; pass.theta.len()];
    // Twice: what one round leaves behind must not matter to the next, and gradients add up.
    for _ in 0..2 {
        let (mut points, mut log_det) = (tile(x, d), Column::splat(1.0));
        kernel.forward(pass, &mut points, &mut log_det, &mut tape);
        assert_tile(&what, &points, &expected.points, close);
        let log: Vec<f64> = expected.log.iter().map(|log| log + 1.0).collect();
        assert_tile(&what, &[log_det], &log, close);

        let (mut d_points, d_log_det) = (tile(d_z, d), &tile(d_log, 1)[0]);
        let (tape, scratch, gradient) = (&mut tape[..], &mut scratch[..], &mut gradient[..]);
        let reverse = Reverse { tape, scratch, d_log_det, d_points: &mut d_points, gradient };
        kernel.backward(pass, reverse);
        assert_tile(&what, &d_points, &expected.d_x, close);
    }
    for sum in &mut gradient {
        *sum *= 0.5;
    }
    kernel.finish(pass.theta, &mut gradient);
    assert_gradient(&what, params, &gradient, &expected.d_params, 1e-5);

    let points: Vec<f64> = expected.points.iter().map(|z| f64::from(*z as f32)).collect();
    let log: Vec<f64> = expected.log.iter().map(|log| log + 1.0).collect();
    let (mut points, mut log_det) = (tile(&points, d), tile(&log, 1)[0]);
    kernel.inverse(pass, &mut points, &mut log_det, &mut tape);
    assert_tile(&what, &points, x, |value| 2e-5 * value.abs().max(1.0));
    assert_tile(&what, &[log_det], &[1.0; ROWS], close);
}

/// Compares the kernel of a layer with its reference.
fn check_kind(layer: impl Into<LayerConfig>, sizes: (usize, usize), scale: f64) {
    let (layer, mut params) = (layer.into(), params());
    let map = layer.build(params.scope(PATH), sizes, LastLayer::Zero).unwrap();
    check_given(sizes.1, scale, &params, &*map, |layout| {
        // What others prepare may stand before it.
        layout.reserve(3);
        kernel(&layer, &mut Site { layout, path: PATH, sizes }).unwrap()
    });
}

#[test]
fn layers_without_networks_agree_with_the_reference() {
    for d in SIZES {
        let scale = 0.5 / (d as f64).sqrt();
        check_kind(transforms::ActNormConfig {}, (d, 0), scale);
        check_kind(transforms::LuLinearConfig {}, (d, 0), scale);
        check_kind(transforms::ReverseConfig {}, (d, 0), scale);
        check_kind(transforms::ShuffleConfig {}, (d, 0), scale);
        if d > 1 {
            check_kind(transforms::RotationConfig { reflections: 3 }, (d, 0), scale);
        }
    }
}

/// Every kind says why it has no kernel: for lack of one, or of its parameters.
#[test]
fn a_missing_name_is_no_layer() {
    let params = params();
    let mut layout = Layout::new(&params);
    for layer in LayerConfig::examples() {
        let mut site = Site { layout: &mut layout, path: PATH, sizes: (2, 0) };
        let why = kernel(&layer, &mut site).unwrap_err();
        assert!(why.contains("there is no kernel for"), "{layer:?}: {why}");
    }
    assert_eq!(layout.len(), 0);
}
