//! Values, tangents and their gradients.

use super::{ACTIVATIONS, FORMS, PATH, config, field, tensor};
use crate::fast::against_reference::{assert_gradient, assert_tile, random, theta, tile};
use crate::fast::field::backward::Gradients;
use crate::fast::field::net::{FieldNet, Start};
use crate::fast::kernel::Pass;
use crate::fast::layout::Layout;
use crate::fast::simd::Level;
use crate::fast::tile::{Column, ROWS};
use crate::field::VectorField;
use crate::fields::FieldConfig;
use crate::params::{Params, to_f64};
use candle_core::{Tensor, Var};

const TIME: f64 = 0.3;

/// What the reference gives, and gradients of the sum of all results times weights.
struct Expected {
    velocity: Vec<f64>,
    derivatives: Vec<Vec<f64>>,
    d_x: Vec<f64>,
    d_params: Vec<f64>,
}

/// Points, context, and for each tangent its direction and the weights of its derivative.
pub(super) struct Given {
    features: usize,
    context: usize,
    x: Vec<f64>,
    c: Vec<f64>,
    d_velocity: Vec<f64>,
    tangents: Vec<[Vec<f64>; 2]>,
}

impl Given {
    pub(super) fn new(features: usize, context: usize, sets: u64) -> Self {
        let draw = |columns: usize, seed: u64| random(ROWS * columns, seed, 1.0);
        let tangents = (0..sets).map(|k| [draw(features, 20 + k), draw(features, 40 + k)]);
        Self {
            features,
            context,
            x: draw(features, 1),
            c: draw(context, 2),
            d_velocity: draw(features, 3),
            tangents: tangents.collect(),
        }
    }

    fn expected(&self, params: &Params, field: &dyn VectorField) -> Expected {
        let x = Var::from_tensor(&tensor(&self.x, self.features)).unwrap();
        let c = (self.context > 0).then(|| tensor(&self.c, self.context));
        let velocity = field.velocity(TIME, &x, c.as_ref()).unwrap();
        let weighted = |value: &Tensor, weights: &[f64]| {
            (value * tensor(weights, self.features)).unwrap().sum_all().unwrap()
        };
        let mut sum = weighted(&velocity, &self.d_velocity);
        let mut derivatives = Vec::new();
        for [u, weights] in &self.tangents {
            let u = tensor(u, self.features);
            let (_, along) = field.velocity_and_jvp(TIME, &x, &u, c.as_ref()).unwrap();
            sum = (sum + weighted(&along, weights)).unwrap();
            derivatives.push(to_f64(&along).unwrap());
        }
        let store = sum.backward().unwrap();
        let of = |var: &Var| to_f64(store.get(var).unwrap()).unwrap();
        Expected {
            velocity: to_f64(&velocity).unwrap(),
            derivatives,
            d_x: of(&x),
            d_params: params.trainable().flat_map(|param| of(param.var())).collect(),
        }
    }

    fn sets(&self, which: usize) -> Vec<Column> {
        self.tangents.iter().flat_map(|tangent| tile(&tangent[which], self.features)).collect()
    }
}

pub(super) fn check(what: &str, given: &Given, config: &FieldConfig) {
    let sizes = (given.features, given.context);
    let (params, field) = field(sizes, config);
    let expected = given.expected(&params, field.as_ref());
    let layout = Layout::new(&params);
    let net = FieldNet::new(&layout, PATH, sizes, config).unwrap();
    let theta = theta(&params, &layout);
    for level in Level::available() {
        let pass = Pass { level, theta: &theta, context: &[] };
        let what = format!("{what}, {sizes:?}, {} tangents", given.tangents.len());
        check_level(&format!("{what}, {}", level.name()), &net, &pass, given, &expected, &params);
    }
}

fn check_level(
    what: &str,
    net: &FieldNet,
    pass: &Pass,
    given: &Given,
    expected: &Expected,
    params: &Params,
) {
    let (d, sets) = (given.features, given.tangents.len());
    let columns = |count: usize| vec![Column::ZERO; count];
    let mut input = tile(&given.x, d);
    input.extend(tile(&given.c, given.context));
    input.resize(net.inputs(), Column::ZERO);
    net.set_time(TIME, &mut input);
    let probes = given.sets(0);
    let mut first = columns(sets * net.first_width());
    net.first_tangents(pass, &probes, &mut first);
    let start = Start { input: &input, tangents: &first };
    let close = |b: f64| 1e-5 * b.abs().max(1.0);
    let mut tape = columns(net.tape(sets, false).max(net.tape(sets, true)));
    // Third derivatives have no kernels.
    let reverses = !net.is_potential() || sets == 0;
    for kept in [false, true].into_iter().take(1 + usize::from(reverses)) {
        let (mut velocity, mut derivatives) = (columns(d), columns(sets * d));
        let tape = &mut tape[..net.tape(sets, kept)];
        net.forward(pass, start, tape, (&mut velocity, &mut derivatives), kept);
        assert_tile(&format!("{what}: velocity"), &velocity, &expected.velocity, close);
        for (got, expected) in derivatives.chunks(d).zip(&expected.derivatives) {
            // Curvatures of steep potentials are sums of much larger terms.
            let largest = expected.iter().fold(1.0, |largest: f64, e| largest.max(e.abs()));
            let allowed = |b: f64| if net.is_potential() { 1e-5 * largest } else { close(b) };
            assert_tile(&format!("{what}: derivative"), got, expected, allowed);
        }
    }
    if !reverses {
        return;
    }
    let (mut points, mut tangents) = (columns(d), columns(sets * net.first_width()));
    let mut gradient = vec![0.0; params.count()];
    let mut gradients =
        Gradients { points: &mut points, tangents: &mut tangents, theta: &mut gradient };
    let cotangents = (&*tile(&given.d_velocity, d), &*given.sets(1));
    net.backward(
        pass,
        start,
        &mut tape,
        &mut columns(net.scratch(sets)),
        cotangents,
        &mut gradients,
    );
    net.first_weights(pass, &probes, &tangents, &mut gradient);
    let largest = expected.d_x.iter().fold(0.0, |largest: f64, g| largest.max(g.abs()));
    assert_tile(&format!("{what}: d_x"), &points, &expected.d_x, |_| 1e-4 * largest);
    assert_gradient(what, params, &gradient, &expected.d_params, 1e-4);
}

#[test]
fn networks_and_their_tangents_match_the_reference() {
    for time in FORMS {
        for activation in ACTIVATIONS {
            for (features, context, sets) in [(2, 0, 1), (3, 2, 3), (2, 1, 0), (5, 0, 2), (1, 0, 1)]
            {
                let given = Given::new(features, context, sets);
                check(&format!("{time:?}, {activation:?}"), &given, &config(activation, time));
            }
        }
    }
}

#[test]
fn wide_networks_match_the_reference() {
    for activation in ACTIVATIONS {
        let config = FieldConfig { hidden: vec![64, 70], ..config(activation, FORMS[0]) };
        check(&format!("wide, {activation:?}"), &Given::new(2, 0, 1), &config);
    }
}

#[test]
fn times_of_rows_are_those_of_the_form() {
    let times: Vec<f64> = (0..ROWS).map(|r| r as f64 / 64.0).collect();
    for time in FORMS {
        let mut columns = vec![Column::ZERO; time.inputs()];
        crate::fast::field::time::time_columns(time, &times, &mut columns);
        for (r, t) in times.iter().enumerate() {
            for (column, expected) in columns.iter().zip(time.values(*t)) {
                assert!((f64::from(column.0[r]) - expected).abs() < 1e-7);
            }
        }
    }
}
