//! Continuous flows to be timed, as other libraries' benchmarks have them: three layers of 64 units;
//! `cnf` trained by likelihood, `cfm` by flow matching.

use crate::Metric;
use candle_core::Tensor;
use diffeo::flows::calculus::Probe;
use diffeo::flows::config::{
    BaseConfig, ContinuousTraining, DivergenceConfig, LayerConfig, Matching, Method,
    ObjectiveConfig, SolverConfig, TrainingDivergence,
};
use diffeo::flows::fields::{FieldConfig, TimeForm};
use diffeo::flows::nets::Activation;
use diffeo::flows::ode::{PointsAndVolume, State, System, solve};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::{Flow, FlowConfig, Params, Result};
use rand::Rng;

/// Steps of training by RK4.
const STEPS: usize = 20;
/// Steps of a sample of `cfm` by Euler's method.
const SAMPLE_STEPS: usize = 100;

/// The flow of that name and what it is trained by, if it is one of these.
pub(crate) fn plan(model: &str, features: usize) -> Option<(FlowConfig, ObjectiveConfig)> {
    let (activation, solver, objective) = match model {
        "cnf" => {
            let (method, steps) = (Method::Rk4, Some(STEPS));
            let training = ContinuousTraining {
                solver: SolverConfig { method, steps, ..SolverConfig::default() },
                divergence: TrainingDivergence::Hutchinson { probe: Probe::Rademacher },
                ..ContinuousTraining::default()
            };
            let solver = SolverConfig { method: Method::Dopri5, ..SolverConfig::default() };
            (Activation::Tanh, solver, ObjectiveConfig::ContinuousLikelihood(training))
        }
        "cfm" => {
            let (method, steps) = (Method::Euler, Some(SAMPLE_STEPS));
            let solver = SolverConfig { method, steps, ..SolverConfig::default() };
            (Activation::Silu, solver, ObjectiveConfig::FlowMatching(Matching::default()))
        }
        _ => return None,
    };
    let field = FieldConfig { hidden: vec![64; 3], activation, time: TimeForm::Concat };
    let layers =
        vec![LayerConfig::Continuous { field, solver, divergence: DivergenceConfig::Exact }];
    let base = BaseConfig::StandardNormal;
    Some((FlowConfig { features, context: 0, layers, base }, objective))
}

/// Makes the weights those of a field that moves points: fresh ones give no velocity.
pub(crate) fn stir(params: &Params) -> Result<()> {
    let mut rng = generator(1, Stream::Initialisation, 0);
    for param in params.trainable() {
        let shape = param.var().dims();
        let bound = 1.0 / 64f64.min(shape[0].max(2) as f64).sqrt();
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
    if metric == Metric::TrainStep {
        let matches = matches!(objective, ObjectiveConfig::FlowMatching(_));
        // The path of values; then values and a tangent forward and, twice as much, backward.
        return Ok(if matches { 3.0 } else { (4 * STEPS * 7) as f64 });
    }
    let ([LayerConfig::Continuous { solver, .. }], Some(field)) =
        (config.layers.as_slice(), flow.field())
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
    Ok(evaluations * (1.0 + tangents))
}
