//! Continuous flows to be timed, as other libraries' benchmarks have them: three layers of 64 units;
//! `cnf` trained by likelihood with twenty steps of RK4 (`cnf-dopri5`: adaptive ones), `cfm` by flow
//! matching; `dsm`, of 128 units, by denoising score matching, and `dsm-potential` as the gradient
//! of a scalar.

use crate::Metric;
use candle_core::Tensor;
use diffeo::flows::calculus::Probe;
use diffeo::flows::config::{
    BaseConfig, ContinuousConfig, ContinuousTraining, DivergenceConfig, Matching, Method,
    ObjectiveConfig, ScoreMatching, SolverConfig, TrainingDivergence,
};
use diffeo::flows::fields::{FieldConfig, TimeForm};
use diffeo::flows::nets::Activation;
use diffeo::flows::ode::{PointsAndVolume, State, System, solve};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::score::NoiseLevels;
use diffeo::flows::{Flow, FlowConfig, Params, Result};
use rand::Rng;

/// Steps of training by RK4.
const STEPS: usize = 20;
/// Steps of a sample of `cfm` and `dsm` by Euler's method.
const SAMPLE_STEPS: usize = 100;

/// The flow of that name and what it is trained by, if it is one of these.
pub(crate) fn plan(model: &str, features: usize) -> Option<(FlowConfig, ObjectiveConfig)> {
    let (method, steps) = (Method::Euler, Some(SAMPLE_STEPS));
    let euler = SolverConfig { method, steps, ..SolverConfig::default() };
    let (activation, solver, objective) = match model {
        "cnf" | "cnf-dopri5" => {
            let rk4 =
                SolverConfig { method: Method::Rk4, steps: Some(STEPS), ..SolverConfig::default() };
            let dopri5 = SolverConfig { method: Method::Dopri5, ..SolverConfig::default() };
            let training = ContinuousTraining {
                solver: if model == "cnf" { rk4 } else { dopri5 },
                divergence: TrainingDivergence::Hutchinson { probe: Probe::Rademacher },
                ..ContinuousTraining::default()
            };
            (Activation::Tanh, dopri5, ObjectiveConfig::ContinuousLikelihood(training))
        }
        "cfm" => (Activation::Silu, euler, ObjectiveConfig::FlowMatching(Matching::default())),
        "dsm" | "dsm-potential" => {
            (Activation::Silu, euler, ObjectiveConfig::ScoreMatching(ScoreMatching::default()))
        }
        _ => return None,
    };
    // As the other libraries' benchmark has its score network.
    let (width, noise) = match objective {
        ObjectiveConfig::ScoreMatching(_) => {
            (128, Some(NoiseLevels { smallest: 0.01, largest: 3.0 }))
        }
        _ => (64, None),
    };
    let field = FieldConfig {
        hidden: vec![width; 3],
        activation,
        time: TimeForm::Concat,
        potential: model == "dsm-potential",
    };
    let layers =
        vec![ContinuousConfig { field, solver, divergence: DivergenceConfig::Exact, noise }.into()];
    let base = BaseConfig::default();
    Some((FlowConfig { features, context: 0, layers, base }, objective))
}

/// Makes weights and biases uniform in ±1/√inputs, as PyTorch starts: fresh ones give no velocity.
pub(crate) fn stir(params: &Params) -> Result<()> {
    let mut rng = generator(1, Stream::Initialisation, 0);
    let mut bound = 1.0;
    for param in params.trainable() {
        let shape = param.var().dims();
        if param.name().ends_with(".weight") {
            bound = 1.0 / (shape[0] as f64).sqrt();
        }
        let mut draw = || rng.random_range(-bound..bound);
        let values: Vec<f64> = (0..param.var().elem_count()).map(|_| draw()).collect();
        let tensor = Tensor::from_vec(values, shape, param.var().device())?;
        param.var().set(&tensor.to_dtype(param.var().dtype())?)?;
    }
    Ok(())
}

/// How often a row meets each weight.
pub(crate) fn products(
    config: &FlowConfig,
    flow: &Flow,
    objective: &ObjectiveConfig,
    metric: Metric,
) -> Result<f64> {
    // The path of values; then values and a tangent forward and, twice as much, backward.
    const OF_AN_EVALUATION: f64 = 7.0;
    let train = match (metric, objective) {
        (
            Metric::TrainStep,
            ObjectiveConfig::FlowMatching(_) | ObjectiveConfig::ScoreMatching(_),
        ) => return Ok(3.0 * ways(config)),
        (Metric::TrainStep, ObjectiveConfig::ContinuousLikelihood(training)) => {
            if let Some(steps) = training.solver.steps {
                return Ok((4 * steps) as f64 * OF_AN_EVALUATION);
            }
            true
        }
        _ => false,
    };
    let (Some(ContinuousConfig { solver, .. }), Some(field)) = (config.continuous(), flow.field())
    else {
        return Ok(0.0);
    };
    let points = crate::subject::rows(64, config.features)?.points;
    let velocity = |t: f64, state: &State| -> Result<State> {
        let velocity = field.velocity(t, &state.parts()[0], None)?.detach();
        let zero = state.parts()[1].zeros_like()?;
        Ok(State::new(vec![velocity, zero]))
    };
    let system: &dyn System = &velocity;
    let start = PointsAndVolume::start(&points)?;
    let evaluations = solve(system, &start, (0.0, 1.0), &solver.solver()?)?.evaluations as f64;
    let tangents = if metric == Metric::LogProb { config.features as f64 } else { 0.0 };
    Ok(evaluations * if train { OF_AN_EVALUATION } else { ways(config) * (1.0 + tangents) })
}

/// A potential goes up and down where another network goes up.
fn ways(config: &FlowConfig) -> f64 {
    if config.continuous().is_some_and(|layer| layer.field.potential) { 2.0 } else { 1.0 }
}
