//! Continuous flows as models: errors, fields, learning, resuming.

/// Energies of conservative diffusions.
mod energy;
/// Log-densities with standard errors hold what they promise.
mod error_bars;
/// Scores and velocities in the units of the data.
mod fields;
/// Both ways of training come near the truth, and settings that do not apply are refused.
mod learning;
/// Broken off, resumed, on any number of threads: the same bits.
mod resume;
mod scores;

use candle_core::Device;
use diffeo_flows::config::{
    BaseConfig, ContinuousConfig, DivergenceConfig, FlowConfig, LayerConfig, Method,
    ObjectiveConfig, SolverConfig,
};
use diffeo_flows::fields::{FieldConfig, TimeForm};
use diffeo_flows::model::{Column, DataSummary, Model, ModelSpec, Precision};
use diffeo_flows::nets::Activation;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::train::TrainConfig;
use diffeo_flows::transforms::Support;
use rand::Rng;

/// Adaptive steps of the default method within a tolerance.
fn within(tolerance: f64) -> SolverConfig {
    SolverConfig { absolute: tolerance, relative: tolerance, ..SolverConfig::default() }
}

/// A continuous flow of a small network.
fn layer(solver: SolverConfig, divergence: DivergenceConfig) -> LayerConfig {
    let (activation, time) = (Activation::Tanh, TimeForm::Concat);
    let field = FieldConfig { hidden: vec![12], activation, time, potential: false };
    ContinuousConfig { field, solver, divergence, noise: None }.into()
}

/// Columns of these supports, named as a fit names them.
fn columns(supports: &[Support]) -> Vec<Column> {
    let name = |i: usize| format!("x{}", i + 1);
    supports.iter().enumerate().map(|(i, s)| Column::new(name(i), *s)).collect()
}

/// An untrained model in double precision of these layers over columns of these supports.
fn model(layers: Vec<LayerConfig>, supports: &[Support], rows: &Rows, seed: u64) -> Model {
    let context = rows.context().map_or(0, |(k, _)| k);
    let base = BaseConfig::default();
    let spec = ModelSpec {
        recipe: "test".to_owned(),
        flow: FlowConfig { features: supports.len(), context, layers, base },
        columns: columns(supports),
        given: (0..context).map(|i| format!("c{i}")).collect(),
        given_columns: Vec::new(),
        given_ranges: Vec::new(),
        dtype: Precision::F64,
        seed,
        data: DataSummary::default(),
        objective: ObjectiveConfig::default(),
        train: TrainConfig::default(),
        training: None,
    };
    let model = Model::new(spec, &Device::Cpu).unwrap();
    model.initialise(rows).unwrap();
    stir(&model, 0.5);
    model
}

/// Gives all weights random values in ±`size`, the same whatever the model's seed.
fn stir(model: &Model, size: f64) {
    let mut rng = generator(5, Stream::Initialisation, 0);
    let weights: Vec<f64> =
        (0..model.params().count()).map(|_| rng.random_range(-size..size)).collect();
    model.params().write_flat(&weights).unwrap();
}

/// Smooth, uneven rows around 40, of spread 3 in each feature.
fn rows(n: usize, d: usize) -> Rows {
    let at = |i: usize| 40.0 + 4.0 * (1.7 * i as f64 + 0.3 * (i % 7) as f64).sin();
    Rows::new(d, (0..n * d).map(at).collect()).unwrap()
}

/// The same with one context value a row.
fn given(n: usize, d: usize) -> Rows {
    rows(n, d).with_context(1, (0..n).map(|i| (0.9 * i as f64).cos()).collect()).unwrap()
}

/// Fixed steps of the classical method.
fn rk4(steps: usize) -> SolverConfig {
    SolverConfig { method: Method::Rk4, steps: Some(steps), ..SolverConfig::default() }
}
