//! Scores and velocities in the units of the data.

use super::{given, layer, model, rk4, within};
use diffeo_flows::config::{DivergenceConfig, LayerConfig, Sizes, recipe};
use diffeo_flows::model::{FieldKind, Model, ModelField};
use diffeo_flows::rows::Rows;
use diffeo_flows::transforms::Support;
use diffeo_flows::{Error, Workers};

/// A positive column of tens, one that is far from 0 and narrow, and one of unit scale.
const SUPPORTS: [Support; 3] = [Support::Positive, Support::Real, Support::Real];

fn rows(n: usize, d: usize) -> Rows {
    let row = |i: usize| {
        let a = i as f64;
        [(3.0 + (1.3 * a).sin()).exp(), 1000.0 + 0.02 * (0.7 * a).cos(), (2.1 * a + 0.4).sin()]
    };
    Rows::new(d, (0..n).flat_map(|i| row(i)[..d].to_vec()).collect()).unwrap()
}

fn with_context(rows: &Rows) -> Rows {
    let context = given(rows.len(), 1).context().unwrap().1.to_vec();
    rows.clone().with_context(1, context).unwrap()
}

/// The layers of a spline flow, which is smooth enough but at knots.
fn splines(features: usize) -> Vec<LayerConfig> {
    let sizes = Sizes { layers: Some(2), hidden: Some(vec![6]), bins: Some(4), ..Sizes::default() };
    let recipe = recipe("nsf").unwrap().with_sizes(&sizes).unwrap();
    recipe.flow(features, 0).unwrap().layers
}

fn continuous() -> Vec<LayerConfig> {
    vec![layer(within(1e-11), DivergenceConfig::Exact)]
}

fn workers() -> Workers {
    Workers::new(2).unwrap()
}

/// Central differences of a function of rows along feature i, whose step is this share of the
/// standard deviation.
fn slope(rows: &Rows, i: usize, f: impl Fn(&Rows) -> Vec<f64>) -> Vec<f64> {
    let column: Vec<f64> = rows.points().iter().skip(i).step_by(rows.features()).copied().collect();
    let mean = column.iter().sum::<f64>() / column.len() as f64;
    let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / column.len() as f64;
    let step = 1e-4 * variance.sqrt();
    let at = |by: f64| {
        let mut points = rows.points().to_vec();
        points.iter_mut().skip(i).step_by(rows.features()).for_each(|v| *v += by);
        let mut moved = Rows::new(rows.features(), points).unwrap();
        if let Some((k, context)) = rows.context() {
            moved = moved.with_context(k, context.to_vec()).unwrap();
        }
        f(&moved)
    };
    let (after, before) = (at(step), at(-step));
    after.iter().zip(before).map(|(after, before)| (after - before) / (2.0 * step)).collect()
}

/// Fails unless |a − b| ≤ tolerance · the largest |b|.
fn close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0f64, |a, b| a.max(b.abs()));
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() <= tolerance * largest, "{what}: {got}, not {expected}");
    }
}

/// The column of a field `[n · d]`.
fn column(field: &[f64], d: usize, i: usize) -> Vec<f64> {
    field.iter().skip(i).step_by(d).copied().collect()
}

/// Differences of step h = 1e-4 are off by h² times a third derivative and by rounding over h.
const TOLERANCE: f64 = 1e-6;

fn score_is_the_slope(what: &str, model: &Model, rows: &Rows) {
    let score = ModelField::new(model, FieldKind::Score).unwrap().at(rows, &workers()).unwrap();
    for i in 0..3 {
        let log_prob = |rows: &Rows| model.log_prob_rows(rows, &workers()).unwrap();
        let expected = slope(rows, i, log_prob);
        close(&format!("{what}, feature {i}"), &column(&score, 3, i), &expected, TOLERANCE);
    }
}

#[test]
fn scores_are_slopes_of_the_log_density() {
    let rows = rows(60, 3);
    score_is_the_slope("nsf", &model(splines(3), &SUPPORTS, &rows, 0), &rows);
    score_is_the_slope("continuous", &model(continuous(), &SUPPORTS, &rows, 0), &rows);
    let given = with_context(&rows);
    score_is_the_slope("given", &model(continuous(), &SUPPORTS, &given, 0), &given);
}

#[test]
fn velocities_are_displacements_over_time() {
    let model = model(continuous(), &SUPPORTS, &rows(60, 3), 0);
    let latent: Vec<f64> = (0..60).map(|i| 1.5 * (0.7 * f64::from(i)).sin()).collect();
    let (time, h) = (0.4, 1e-4);
    let at = model.trajectories(&latent, &[1.0, time + h, time, time - h], &workers()).unwrap();
    let displacement: Vec<f64> =
        at[1].iter().zip(&at[3]).map(|(after, before)| (after - before) / (2.0 * h)).collect();
    let field = ModelField::new(&model, FieldKind::Velocity { time }).unwrap();
    let velocity = field.at(&Rows::new(3, at[2].clone()).unwrap(), &workers()).unwrap();
    for i in 0..3 {
        let expected = column(&displacement, 3, i);
        close(&format!("feature {i}"), &column(&velocity, 3, i), &expected, TOLERANCE);
    }
    let end = model.trajectories(&latent, &[1.0, 0.0], &workers()).unwrap().remove(1);
    let data = Rows::new(3, end).unwrap();
    let start = ModelField::new(&model, FieldKind::Velocity { time: 0.0 }).unwrap();
    assert_ne!(start.at(&data, &workers()).unwrap(), field.at(&data, &workers()).unwrap());
}

/// The field's own step is ten times smaller and rounding weighs more.
#[test]
fn divergence_and_curl_are_made_of_slopes_of_the_field() {
    let rows = rows(60, 2);
    let continuous = model(continuous(), &SUPPORTS[..2], &rows, 0);
    let splines = model(splines(2), &SUPPORTS[..2], &rows, 0);
    for (what, model, kind) in [
        ("velocity", &continuous, FieldKind::Velocity { time: 0.7 }),
        ("score", &continuous, FieldKind::Score),
        ("score of splines", &splines, FieldKind::Score),
    ] {
        let field = ModelField::new(model, kind).unwrap();
        let along = |i| slope(&rows, i, |rows| field.at(rows, &workers()).unwrap());
        let (first, second) = (along(0), along(1));
        let pairs = || first.chunks_exact(2).zip(second.chunks_exact(2));
        let divergence: Vec<f64> = pairs().map(|(a, b)| a[0] + b[1]).collect();
        close(what, &field.divergence(&rows, &workers()).unwrap(), &divergence, 1e-5);
        let curl: Vec<f64> = pairs().map(|(a, b)| a[1] - b[0]).collect();
        let scale = pairs().fold(0.0f64, |m, (a, b)| m.max(a[1].abs()).max(b[0].abs()));
        let got = field.curl(&rows, &workers()).unwrap();
        for (got, expected) in got.iter().zip(&curl) {
            assert!((got - expected).abs() <= 1e-5 * scale, "{what}: {got}, not {expected}");
            let is_gradient = kind == FieldKind::Score;
            assert!(!is_gradient || got.abs() < 1e-5 * scale, "a gradient has no curl: {got}");
        }
    }
}

#[test]
fn fields_that_there_are_not_are_refused() {
    let rows = rows(60, 3);
    let continuous = model(vec![layer(rk4(4), DivergenceConfig::Exact)], &SUPPORTS, &rows, 0);
    let splines = model(splines(3), &SUPPORTS, &rows, 0);
    let refused = |error: Error, word: &str| {
        assert!(
            matches!(error, Error::Config { .. }) && error.to_string().contains(word),
            "{error}"
        );
    };
    for time in [2.0, -0.1, f64::NAN, f64::INFINITY] {
        let kind = FieldKind::Velocity { time };
        refused(ModelField::new(&continuous, kind).unwrap_err(), "time");
    }
    let kind = FieldKind::Velocity { time: 0.0 };
    refused(ModelField::new(&splines, kind).unwrap_err(), "velocity");
    for (model, kind) in [(&continuous, kind), (&splines, FieldKind::Score)] {
        let field = ModelField::new(model, kind).unwrap();
        refused(field.curl(&rows, &workers()).unwrap_err(), "curl");
        refused(field.check_plane().unwrap_err(), "curl");
        let narrow = Rows::new(2, vec![1.0; 4]).unwrap();
        assert!(matches!(field.at(&narrow, &workers()), Err(Error::Shape { .. })));
    }
    refused(splines.trajectories(&[0.0; 3], &[1.0, 0.0], &workers()).unwrap_err(), "trajectories");
    refused(splines.solver().unwrap_err(), "solver");
}
