//! Gradients of scalar networks.

use super::{FORMS, STEP, TOLERANCE, close, difference, points, tensor};
use crate::config::{ScoreMatching, ScoreObjective};
use crate::error::Error;
use crate::field::VectorField;
use crate::fields::{FieldConfig, PotentialField, TimeForm};
use crate::nets::{Activation, LastLayer};
use crate::objective::{Batch, Objective};
use crate::objectives;
use crate::params::{Params, to_f64};
use crate::rng::{Stream, generator};
use crate::score::{NoiseLevels, ProbabilityFlow};
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor};

const CURVED: [Activation; 2] = [Activation::Silu, Activation::Tanh];

fn build_from(
    time: TimeForm,
    activation: Activation,
    context: usize,
    last: LastLayer,
) -> (Params, PotentialField) {
    let mut params = Params::new(DType::F64, &Device::Cpu, 5);
    let config = FieldConfig { hidden: vec![7, 6, 5], activation, time, potential: true };
    let field = PotentialField::new(params.scope("f"), 3, context, &config, last).unwrap();
    (params, field)
}

fn build(time: TimeForm, activation: Activation, context: usize) -> (Params, PotentialField) {
    let (params, field) = build_from(time, activation, context, LastLayer::Scaled);
    let larger: Vec<f64> = params.read_flat().unwrap().iter().map(|w| 2.0 * w).collect();
    params.write_flat(&larger).unwrap();
    (params, field)
}

fn every(check: impl Fn(Params, PotentialField, &Tensor)) {
    let context = tensor(&[0.4, -0.3, 1.0, 0.6], 2);
    for form in FORMS {
        for activation in CURVED {
            let (params, field) = build(form, activation, 2);
            check(params, field, &context);
        }
    }
}

#[test]
fn velocities_are_the_slopes_of_the_potential() {
    every(|_, field, context| {
        let (t, x) = (0.3, points());
        let velocity = field.velocity(t, &x, Some(context)).unwrap();
        for i in 0..3 {
            let unit: Vec<f64> = (0..6).map(|k| f64::from(u8::from(k % 3 == i)) * STEP).collect();
            let unit = tensor(&unit, 3);
            let at = |x: candle_core::Result<Tensor>| {
                field.potential(t, &x.unwrap(), Some(context)).unwrap().unwrap()
            };
            let slope = ((at(&x + &unit) - at(&x - &unit)).unwrap() / (2.0 * STEP)).unwrap();
            close(&velocity.narrow(1, i, 1).unwrap().squeeze(1).unwrap(), &slope, TOLERANCE);
        }
    });
}

#[test]
fn derivatives_match_central_differences_and_are_symmetric() {
    let (t, x) = (0.3, points());
    let u = tensor(&[0.5, 1.0, -2.0, 0.2, -0.4, 1.5], 3);
    let v = tensor(&[-1.0, 0.3, 0.8, 0.9, 0.7, 0.1], 3);
    every(|_, field, context| {
        let context = Some(context);
        let (velocity, along) = field.velocity_and_jvp(t, &x, &u, context).unwrap();
        close(&velocity, &field.velocity(t, &x, context).unwrap(), 1e-13);
        close(&along, &difference(&field, t, &x, &u, context), TOLERANCE);
        let both = Tensor::stack(&[&u, &v], 0).unwrap();
        let (_, jvps) = field.velocity_and_jvps(t, &x, &both, context).unwrap();
        close(&jvps.get(0).unwrap(), &along, 1e-13);
        let dot = |a: &Tensor, b: &Tensor| (a * b).unwrap().sum(1).unwrap();
        close(&dot(&v, &along), &dot(&u, &jvps.get(1).unwrap()), 1e-13);
        let (_, divergence) = field.velocity_and_divergence(t, &x, context).unwrap();
        let mut trace = divergence.zeros_like().unwrap();
        for i in 0..3 {
            let unit: Vec<f64> = (0..6).map(|k| f64::from(u8::from(k % 3 == i))).collect();
            let unit = tensor(&unit, 3);
            let (_, column) = field.velocity_and_jvp(t, &x, &unit, context).unwrap();
            trace = (trace + dot(&column, &unit)).unwrap();
        }
        close(&divergence, &trace, 1e-13);
    });
}

#[test]
fn a_time_for_each_row_gives_what_it_gives_alone() {
    let (times, x) = ([0.1, 0.8], points());
    let u = tensor(&[0.5, 1.0, -2.0, 0.2, -0.4, 1.5], 3).unsqueeze(0).unwrap();
    every(|_, field, context| {
        let all = tensor(&times, 1).squeeze(1).unwrap();
        let got = field.velocity_at(&all, &x, Some(context)).unwrap();
        let (same, along) = field.velocity_and_jvps_at(&all, &x, &u, Some(context)).unwrap();
        close(&same, &got, 1e-13);
        for (i, t) in times.into_iter().enumerate() {
            let row = |of: &Tensor| of.narrow(0, i, 1).unwrap();
            let (x, u) = (row(&x), u.narrow(1, i, 1).unwrap());
            let (alone, jvp) = field.velocity_and_jvps(t, &x, &u, Some(&row(context))).unwrap();
            close(&row(&got), &alone, 1e-13);
            close(&along.narrow(1, i, 1).unwrap(), &jvp, 1e-13);
        }
        assert!(field.velocity_at(&all.narrow(0, 0, 1).unwrap(), &x, Some(context)).is_err());
        assert!(field.velocity_and_jvps_at(&all, &x, &x, Some(context)).is_err());
    });
}

#[test]
fn score_matching_has_the_gradients_of_its_loss() {
    let workers = Workers::new(1).unwrap();
    for objective in [ScoreObjective::Denoising, ScoreObjective::Implicit] {
        every(|params, field, context| {
            let field = ProbabilityFlow::new(field, NoiseLevels::default()).unwrap();
            let config = ScoreMatching { objective, ..ScoreMatching::default() };
            let loss = objectives::ScoreMatching::new(&field, config, &workers).unwrap();
            let batch = Batch { context: Some(context.clone()), ..Batch::new(points()) };
            let rng = || generator(4, Stream::Objective, 7);
            let gradients = loss.loss_and_gradients(&params, &batch, &mut rng()).unwrap().1;
            let start = params.read_flat().unwrap();
            assert_eq!(gradients.len(), start.len());
            let mut moved = start.clone();
            let mut at = |i: usize, by: f64| {
                moved[i] = start[i] + by;
                params.write_flat(&moved).unwrap();
                moved[i] = start[i];
                let each = loss.row_losses(&params, &batch, &mut rng()).unwrap();
                each.iter().sum::<f64>() / each.len() as f64
            };
            let largest = gradients.iter().fold(0.0, |largest: f64, g| largest.max(g.abs()));
            for (i, gradient) in gradients.iter().enumerate() {
                let slope = (at(i, STEP) - at(i, -STEP)) / (2.0 * STEP);
                assert!((gradient - slope).abs() < 1e-6 * largest, "{i}: {gradient} {slope}");
            }
        });
    }
}

#[test]
fn every_start_is_trained_from() {
    let workers = Workers::new(1).unwrap();
    for form in FORMS {
        for last in [LastLayer::Zero, LastLayer::Scaled] {
            let (params, field) = build_from(form, Activation::Silu, 0, last);
            let velocity = to_f64(&field.velocity(0.6, &points(), None).unwrap()).unwrap();
            assert_eq!(velocity == [0.0; 6], last == LastLayer::Zero, "{form:?}");
            let field = ProbabilityFlow::new(field, NoiseLevels::default()).unwrap();
            let config = ScoreMatching::default();
            let loss = objectives::ScoreMatching::new(&field, config, &workers).unwrap();
            let rng = &mut generator(4, Stream::Objective, 7);
            let (_, gradients) =
                loss.loss_and_gradients(&params, &Batch::new(points()), rng).unwrap();
            let readout = &gradients[gradients.len() - 5..];
            assert!(readout.iter().all(|g| g.abs() > 1e-6), "{form:?} {readout:?}");
        }
    }
}

#[test]
fn the_probability_flow_has_the_potential_times_its_rate() {
    let (_, field) = build(TimeForm::Concat, Activation::Silu, 0);
    let (t, x, levels) = (0.4, points(), NoiseLevels::default());
    let network = field.potential(t, &x, None).unwrap().unwrap();
    let flow: Box<dyn VectorField> = Box::new(ProbabilityFlow::new(field, levels).unwrap());
    let potential = flow.potential(t, &x, None).unwrap().unwrap();
    close(&potential, &(network * levels.rate(t)).unwrap(), 1e-14);
    assert!(super::build(FORMS[0], CURVED[0], 0).1.potential(t, &x, None).unwrap().is_none());
}

#[test]
fn settings_say_which_network_there_is() {
    let read = |text: &str| toml::from_str::<FieldConfig>(text).unwrap();
    let (free, potential) = (read("hidden = [4]"), read("hidden = [4]\npotential = true"));
    assert!(!toml::to_string(&free).unwrap().contains("potential"));
    assert_eq!(read(&toml::to_string(&potential).unwrap()), potential);
    let mut params = Params::new(DType::F64, &Device::Cpu, 5);
    for (name, config) in [("free", &free), ("potential", &potential)] {
        let field = config.build(params.scope(name), (3, 0), LastLayer::Zero).unwrap();
        let phi = field.potential(0.1, &points(), None).unwrap();
        assert_eq!(phi.is_some(), config.potential);
    }
    let straight = FieldConfig { activation: Activation::Relu, ..potential };
    let refused = PotentialField::new(params.scope("relu"), 3, 0, &straight, LastLayer::Zero);
    assert!(matches!(refused, Err(Error::Config { .. })));
    assert!(matches!(straight.check(), Err(Error::Config { .. })));
    assert!(FieldConfig { potential: false, ..straight }.check().is_ok());
}
