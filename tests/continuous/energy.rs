//! The energy of a diffusion whose network is the gradient of a scalar.

use super::{given, model, rows, stir, within};
use diffeo_flows::Workers;
use diffeo_flows::config::{ContinuousConfig, DivergenceConfig};
use diffeo_flows::fields::{FieldConfig, TimeForm};
use diffeo_flows::model::{FieldKind, Model, ModelField};
use diffeo_flows::nets::Activation;
use diffeo_flows::rows::Rows;
use diffeo_flows::score::NoiseLevels;
use diffeo_flows::transforms::Support;

/// A positive column of tens, one in an interval, and one on the line.
const SUPPORTS: [Support; 3] =
    [Support::Positive, Support::Interval { low: 30.0, high: 50.0 }, Support::Real];
/// A difference of step 1e-4 is off by 1e-8 times a third derivative and by rounding over it.
const TOLERANCE: f64 = 1e-6;

fn diffusion(potential: bool, rows: &Rows) -> Model {
    let (activation, time) = (Activation::Tanh, TimeForm::Concat);
    let field = FieldConfig { hidden: vec![12, 8], activation, time, potential };
    let noise = Some(NoiseLevels::default());
    let (solver, divergence) = (within(1e-6), DivergenceConfig::Exact);
    let model = model(
        vec![ContinuousConfig { field, solver, divergence, noise }.into()],
        &SUPPORTS[..rows.features()],
        rows,
        0,
    );
    stir(&model, 0.9);
    model
}

#[test]
fn the_energy_falls_along_the_noisy_score() {
    let workers = Workers::new(2).unwrap();
    for rows in [rows(40, 3), given(40, 2)] {
        let model = diffusion(true, &rows);
        assert!(model.has_energy());
        let d = rows.features();
        for level in [0.01, 0.3, 5.0] {
            let field = ModelField::new(&model, FieldKind::NoisyScore { level }).unwrap();
            let score = field.at(&rows, &workers).unwrap();
            let largest = score.iter().fold(0.0f64, |a, b| a.max(b.abs()));
            for i in 0..d {
                let at = |by: f64| {
                    let mut points = rows.points().to_vec();
                    points.iter_mut().skip(i).step_by(d).for_each(|v| *v += by);
                    let mut moved = Rows::new(d, points).unwrap();
                    if let Some((k, context)) = rows.context() {
                        moved = moved.with_context(k, context.to_vec()).unwrap();
                    }
                    model.energy_rows(level, &moved, &workers).unwrap()
                };
                let (after, before) = (at(1e-4), at(-1e-4));
                for (row, (after, before)) in after.iter().zip(before).enumerate() {
                    let (slope, score) = ((after - before) / 2e-4, score[row * d + i]);
                    let away = (slope + score).abs();
                    assert!(away <= TOLERANCE * largest, "{level}, {i}: {slope}, not −{score}");
                }
            }
        }
    }
}

#[test]
fn energies_that_there_are_not_are_refused() {
    let (rows, workers) = (rows(40, 2), Workers::new(1).unwrap());
    let free = diffusion(false, &rows);
    assert!(!free.has_energy());
    let refused = |model: &Model, level: f64, word: &str| {
        let error = model.energy_rows(level, &rows, &workers).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    };
    refused(&free, 0.1, "--network conservative");
    refused(&diffusion(true, &rows), 0.001, "trained levels");
    let field = super::layer(within(1e-6), DivergenceConfig::Exact);
    let flow = model(vec![field], &SUPPORTS[..2], &rows, 0);
    assert!(!flow.has_energy());
    refused(&flow, 0.1, "no noise levels");
}
