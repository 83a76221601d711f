//! Fields against closed forms and central differences.

use super::{FieldConfig, FieldFn, LinearField, TimeForm, TimeMlp};
use crate::error::Error;
use crate::field::VectorField;
use crate::nets::{Activation, LastLayer};
use crate::params::{Params, to_f64};
use candle_core::{DType, Device, Tensor};

mod potential;

const STEP: f64 = 1e-5;
/// Of a central difference with the step above, in f64.
const TOLERANCE: f64 = 1e-8;

const FORMS: [TimeForm; 3] =
    [TimeForm::Concat, TimeForm::ConcatSquash, TimeForm::Fourier { frequencies: 3 }];
const ACTIVATIONS: [Activation; 3] = [Activation::Relu, Activation::Silu, Activation::Tanh];

fn build(time: TimeForm, activation: Activation, context: usize) -> (Params, TimeMlp) {
    let mut params = Params::new(DType::F64, &Device::Cpu, 5);
    let config = FieldConfig { hidden: vec![7, 6], activation, time, potential: false };
    let scope = params.scope("field");
    let field = TimeMlp::new(scope, 3, context, &config, LastLayer::Scaled).unwrap();
    (params, field)
}

fn tensor(values: &[f64], columns: usize) -> Tensor {
    Tensor::from_slice(values, (values.len() / columns, columns), &Device::Cpu).unwrap()
}

fn points() -> Tensor {
    tensor(&[0.3, -1.2, 0.8, 2.0, 0.1, -0.7], 3)
}

fn close(got: &Tensor, expected: &Tensor, tolerance: f64) {
    let (got, expected) = (to_f64(got).unwrap(), to_f64(expected).unwrap());
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(&expected) {
        assert!((g - e).abs() < tolerance * e.abs().max(1.0), "{g} {e}");
    }
}

/// (v(x + εu) − v(x − εu)) / 2ε
fn difference(
    field: &dyn VectorField,
    t: f64,
    x: &Tensor,
    u: &Tensor,
    c: Option<&Tensor>,
) -> Tensor {
    let at = |by: f64| field.velocity(t, &(x + (u * by).unwrap()).unwrap(), c).unwrap();
    ((at(STEP) - at(-STEP)).unwrap() / (2.0 * STEP)).unwrap()
}

#[test]
fn tangents_match_central_differences() {
    let (x, u) = (points(), tensor(&[0.5, 1.0, -2.0, 0.2, -0.4, 1.5], 3));
    let context = tensor(&[0.4, -0.3, 1.0, 0.6], 2);
    for form in FORMS {
        for activation in ACTIVATIONS {
            let (_, field) = build(form, activation, 2);
            let (velocity, jvp) = field.velocity_and_jvp(0.3, &x, &u, Some(&context)).unwrap();
            close(&velocity, &field.velocity(0.3, &x, Some(&context)).unwrap(), 1e-13);
            close(&jvp, &difference(&field, 0.3, &x, &u, Some(&context)), TOLERANCE);
            let both = Tensor::stack(&[&x, &u], 0).unwrap();
            let (velocity, jvps) = field.velocity_and_jvps(0.3, &x, &both, Some(&context)).unwrap();
            close(&velocity, &field.velocity(0.3, &x, Some(&context)).unwrap(), 1e-13);
            close(&jvps.get(1).unwrap(), &jvp, 1e-13);
            assert!(field.velocity_and_jvps(0.3, &x, &u, Some(&context)).is_err());
        }
    }
}

#[test]
fn a_time_for_each_row_gives_what_it_gives_alone() {
    let times = [0.0, 0.35, 1.0];
    let x = tensor(&[0.3, -1.2, 0.8, 2.0, 0.1, -0.7, -0.4, 0.9, 1.6], 3);
    let context = tensor(&[0.4, -0.3, 1.0, 0.6, -0.8, 0.1], 2);
    let mut fields: Vec<(Box<dyn VectorField>, bool)> = Vec::new();
    for form in FORMS {
        fields.extend(ACTIVATIONS.map(|a| (Box::new(build(form, a, 2).1) as Box<_>, true)));
    }
    fields.push((Box::new(LinearField::new(&x).unwrap()), false));
    let bent = FieldFn::new(3, |t, x| Ok((x.sqr()? * t.cos())?), |_, _, u| Ok(u.clone()));
    fields.push((Box::new(bent), false));
    for (field, conditional) in &fields {
        let all = tensor(&times, 1).squeeze(1).unwrap();
        let context = conditional.then_some(&context);
        let got = field.velocity_at(&all, &x, context).unwrap();
        for (i, t) in times.into_iter().enumerate() {
            let row = |of: &Tensor| of.narrow(0, i, 1).unwrap();
            let alone = field.velocity(t, &row(&x), context.map(row).as_ref()).unwrap();
            close(&row(&got), &alone, 1e-14);
        }
        let short = all.narrow(0, 0, 2).unwrap();
        assert!(matches!(field.velocity_at(&short, &x, context), Err(Error::Shape { .. })));
    }
}

#[test]
fn divergence_is_the_trace_of_the_jacobian() {
    let x = points();
    for form in FORMS {
        for activation in ACTIVATIONS {
            let (_, field) = build(form, activation, 0);
            let (velocity, divergence) = field.velocity_and_divergence(0.7, &x, None).unwrap();
            close(&velocity, &field.velocity(0.7, &x, None).unwrap(), 1e-13);
            let mut trace = Tensor::zeros(2, DType::F64, &Device::Cpu).unwrap();
            for i in 0..3 {
                let mut unit = [0.0; 6];
                (unit[i], unit[3 + i]) = (1.0, 1.0);
                let column = difference(&field, 0.7, &x, &tensor(&unit, 3), None);
                trace = (trace + column.narrow(1, i, 1).unwrap().squeeze(1).unwrap()).unwrap();
            }
            close(&divergence, &trace, TOLERANCE);
        }
    }
}

/// A scalar of everything a field returns.
fn scalar(field: &dyn VectorField, x: &Tensor) -> Tensor {
    let (velocity, divergence) = field.velocity_and_divergence(0.4, x, None).unwrap();
    let u = x.affine(-0.6, 0.3).unwrap();
    let (_, jvp) = field.velocity_and_jvp(0.4, x, &u, None).unwrap();
    let times = tensor(&[0.2, 0.9], 1).squeeze(1).unwrap();
    let there = field.velocity_at(&times, x, None).unwrap();
    let velocity = (velocity + there.affine(0.7, 0.0).unwrap()).unwrap();
    let all = [velocity.sqr(), jvp.sqr()].map(|t| t.unwrap().sum_all().unwrap());
    (divergence.sqr().unwrap().sum_all().unwrap() + (&all[0] + &all[1]).unwrap()).unwrap()
}

#[test]
fn parameter_gradients_match_central_differences() {
    for form in FORMS {
        for activation in ACTIVATIONS {
            let (params, field) = build(form, activation, 0);
            let store = scalar(&field, &points()).backward().unwrap();
            let gradient: Vec<f64> = params
                .trainable()
                .flat_map(|p| to_f64(store.get(p.var()).expect("a gradient")).unwrap())
                .collect();
            let start = params.read_flat().unwrap();
            for (i, got) in gradient.into_iter().enumerate() {
                let at = |by: f64| {
                    let mut moved = start.clone();
                    moved[i] += by;
                    params.write_flat(&moved).unwrap();
                    to_f64(&scalar(&field, &points())).unwrap()[0]
                };
                let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                let error = (got - expected).abs() / expected.abs().max(1.0);
                assert!(error < 1e-7, "{form:?} {activation:?} entry {i}: {got} {expected}");
            }
        }
    }
}

#[test]
fn concat_squash_is_the_published_formula() {
    let mut params = Params::new(DType::F64, &Device::Cpu, 0);
    let config = FieldConfig {
        hidden: vec![1],
        activation: Activation::Tanh,
        time: TimeForm::ConcatSquash,
        potential: false,
    };
    let field = TimeMlp::new(params.scope("f"), 1, 0, &config, LastLayer::Scaled).unwrap();
    let w = [0.7, -0.2, 0.5, 0.3, -0.9, 1.1, 0.4, -0.6, 0.8, 0.25];
    params.write_flat(&w).unwrap();
    let (t, x) = (0.35, 1.3);
    let layer =
        |w: &[f64], x: f64| (w[0] * x + w[1]) / (1.0 + (-(w[2] * t + w[3])).exp()) + w[4] * t;
    let expected = layer(&w[5..], layer(&w[..5], x).tanh());
    close(&field.velocity(t, &tensor(&[x], 1), None).unwrap(), &tensor(&[expected], 1), 1e-14);
    let names: Vec<&str> = params.iter().map(crate::params::Param::name).collect();
    assert_eq!(&names[..3], ["f.first.weight", "f.first.bias", "f.first.gate_weight"]);
    assert_eq!(names[9], "f.last.drift");
}

#[test]
fn every_form_knows_the_time_and_the_context() {
    for form in FORMS {
        let (_, field) = build(form, Activation::Silu, 1);
        let at = |t: f64, c: f64| {
            to_f64(&field.velocity(t, &points(), Some(&tensor(&[c, c], 1))).unwrap()).unwrap()
        };
        assert!((at(0.0, 0.0)[0] - at(1.0, 0.0)[0]).abs() > 1e-3, "{form:?}");
        assert!((at(0.0, 0.0)[0] - at(0.0, 1.0)[0]).abs() > 1e-3, "{form:?}");
    }
}

#[test]
fn a_last_layer_of_zero_gives_no_velocity() {
    for time in FORMS {
        let mut params = Params::new(DType::F64, &Device::Cpu, 5);
        let config =
            FieldConfig { hidden: vec![4], activation: Activation::Silu, time, potential: false };
        let field = TimeMlp::new(params.scope("f"), 3, 0, &config, LastLayer::Zero).unwrap();
        assert!(to_f64(&field.velocity(0.6, &points(), None).unwrap()).unwrap() == [0.0; 6]);
    }
}

#[test]
fn wrong_shapes_are_errors() {
    let (_, field) = build(TimeForm::Concat, Activation::Silu, 2);
    let shape = |result: crate::Result<Tensor>| matches!(result, Err(Error::Shape { .. }));
    assert!(shape(field.velocity(0.0, &points(), None)));
    assert!(shape(field.velocity(0.0, &tensor(&[1.0, 2.0], 2), None)));
    let u = tensor(&[1.0, 2.0, 3.0], 3);
    assert!(matches!(field.velocity_and_jvp(0.0, &points(), &u, None), Err(Error::Shape { .. })));
    assert!(LinearField::new(&u).is_err());
    let config = FieldConfig {
        hidden: vec![4],
        activation: Activation::Silu,
        time: TimeForm::Fourier { frequencies: 0 },
        potential: false,
    };
    assert!(matches!(config.check(), Err(Error::Config { .. })));
}

#[test]
fn analytic_fields_match_central_differences() {
    let a = tensor(&[0.5, -1.0, 0.2, 1.0, -0.3, 0.4, 0.0, 2.0, 0.7], 3);
    let linear = LinearField::new(&a).unwrap();
    let (x, u) = (points(), tensor(&[0.5, 1.0, -2.0, 0.2, -0.4, 1.5], 3));
    close(&linear.velocity_and_jvp(0.0, &x, &u, None).unwrap().1, &x_times(&a, &u), 1e-14);
    let (_, divergence) = linear.velocity_and_divergence(0.0, &x, None).unwrap();
    close(&divergence, &Tensor::new(&[0.9, 0.9], &Device::Cpu).unwrap(), 1e-14);
    let cubic = FieldFn::new(
        3,
        |t, x| Ok(x.powf(3.0)?.affine(t, 0.0)?),
        |t, x, u| Ok((x.sqr()?.affine(3.0 * t, 0.0)? * u)?),
    );
    let (_, jvp) = cubic.velocity_and_jvp(0.8, &x, &u, None).unwrap();
    close(&jvp, &difference(&cubic, 0.8, &x, &u, None), TOLERANCE);
}

/// Rows A uᵢ.
fn x_times(a: &Tensor, u: &Tensor) -> Tensor {
    u.matmul(&a.t().unwrap().contiguous().unwrap()).unwrap()
}
