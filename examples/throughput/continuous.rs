//! Continuous flows to be timed: `cnf` trained by likelihood, `cfm` by flow matching, and both with
//! concat-squash layers, `cnf-squash` and `cfm-squash`.

use crate::Metric;
use crate::machine::{Machine, Timing};
use crate::subject::{Subject, rows, step};
use candle_core::{DType, Device};
use diffeo::flows::calculus::Probe;
use diffeo::flows::config::{
    BaseConfig, ContinuousTraining, DivergenceConfig, Method, SolverConfig, TrainingDivergence,
};
use diffeo::flows::densities::StandardNormal;
use diffeo::flows::fast::simd::Level;
use diffeo::flows::fast::{
    ContinuousLikelihood, FieldFlow, FieldProgram, FlowMatching, MatchingPath,
};
use diffeo::flows::fields::{FieldConfig, TimeForm, TimeMlp};
use diffeo::flows::nets::{Activation, LastLayer};
use diffeo::flows::objective::Objective;
use diffeo::flows::ode::{ContinuousFlow, EULER, Solver};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::transform::Layer;
use diffeo::flows::{Chain, Density, Error, Flow, Params, Result, Workers};
use std::sync::Arc;

const PATH: &str = "flow.0.continuous";
/// Steps of training.
const STEPS: usize = 20;
/// Steps of a sample of `cfm`.
const SAMPLE_STEPS: usize = 100;

/// A field of three layers of 64 units: tanh and RK4 for `cnf`, SiLU for `cfm`.
#[derive(Debug)]
pub(crate) struct Continuous {
    model: String,
    matches: bool,
    config: FieldConfig,
    features: usize,
    params: Params,
    program: Arc<FieldProgram>,
    workers: Workers,
}

impl Continuous {
    pub(crate) fn new(model: &str, features: usize, threads: usize) -> Result<Self> {
        let matches = model.starts_with("cfm");
        let squash = model.ends_with("squash");
        let time = if squash { TimeForm::ConcatSquash } else { TimeForm::Concat };
        let activation = if matches { Activation::Silu } else { Activation::Tanh };
        let config = FieldConfig { hidden: vec![64; 3], activation, time };
        let mut params = Params::new(DType::F32, &Device::Cpu, 0);
        TimeMlp::new(params.scope(PATH), features, 0, &config, LastLayer::Scaled)?;
        let (sizes, base) = ((features, 0), BaseConfig::StandardNormal);
        let program = FieldProgram::new(PATH, sizes, &config, base, &params, Level::best());
        let program = program
            .map_err(|why| Error::config("engine", why.to_string(), "take another model"))?;
        let workers = Workers::new(threads)?;
        let model = model.to_owned();
        Ok(Self { model, matches, config, features, params, program: program.into(), workers })
    }

    fn flow(&self) -> Result<Flow> {
        let mut frozen = self.params.frozen();
        let scope = frozen.scope(PATH);
        let field = TimeMlp::new(scope, self.features, 0, &self.config, LastLayer::Scaled)?;
        let transform = Box::new(ContinuousFlow::new(field, Solver::default())?);
        let layer = Layer { name: "0.continuous".to_owned(), transform };
        let base = StandardNormal::new(self.features).on(DType::F32, &Device::Cpu);
        let chain = Chain::new(self.features, vec![layer])?;
        Flow::new(chain, Box::new(base), 0, (DType::F32, &Device::Cpu))
    }

    fn objective<'a>(&'a self, flow: &'a Flow) -> Result<Box<dyn Objective + 'a>> {
        let Self { program, workers, .. } = self;
        if self.matches {
            let path = MatchingPath::Straight;
            return Ok(Box::new(FlowMatching::new(program, path, None, flow, workers)?));
        }
        let reported = (dopri5()?, DivergenceConfig::Exact);
        let training = ContinuousTraining {
            solver: SolverConfig {
                method: Method::Rk4,
                steps: Some(STEPS),
                ..SolverConfig::default()
            },
            divergence: TrainingDivergence::Hutchinson { probe: Probe::Rademacher },
            kinetic: 0.0,
            jacobian: 0.0,
        };
        Ok(Box::new(ContinuousLikelihood::new(program, training, reported, flow, workers)?))
    }

    fn density(&self, solver: Solver) -> Result<FieldFlow> {
        let reported = (solver, DivergenceConfig::Exact);
        FieldFlow::new(&self.program, self.flow()?, &self.params, reported, 0)
    }

    fn sampler(&self) -> Result<Solver> {
        if self.matches { Ok(Solver::fixed(&EULER, SAMPLE_STEPS)) } else { dopri5() }
    }

    /// Evaluations of the field for a tile of rows.
    fn evaluations(&self, metric: Metric) -> Result<f64> {
        let one =
            self.density(if metric == Metric::Sample { self.sampler()? } else { dopri5()? })?;
        let points = rows(64, self.features)?.points;
        let mut rng = generator(0, Stream::Sample, 0);
        match metric {
            Metric::Sample => one.sample(64, None, &mut rng)?,
            _ => one.log_prob(&points, None)?,
        };
        Ok(one.evaluations() as f64)
    }
}

fn dopri5() -> Result<Solver> {
    SolverConfig { method: Method::Dopri5, ..SolverConfig::default() }.solver()
}

impl Subject for Continuous {
    fn model(&self) -> &str {
        &self.model
    }

    fn features(&self) -> usize {
        self.features
    }

    fn tier(&self) -> &'static str {
        "diffeo"
    }

    fn engine(&self) -> &'static str {
        self.program.level().name()
    }

    fn parameters(&self) -> usize {
        self.params.count()
    }

    fn weights(&self) -> usize {
        let weights = self.params.trainable().filter(|p| p.name().ends_with(".weight"));
        weights.map(|param| param.var().elem_count()).sum()
    }

    fn products(&self, metric: Metric) -> Result<f64> {
        Ok(match metric {
            Metric::TrainStep if self.matches => 3.0,
            // The path; then values and a tangent forward and, twice as much, backward.
            Metric::TrainStep => (4 * STEPS * 7) as f64,
            Metric::LogProb => self.evaluations(metric)? * (1 + self.features) as f64,
            Metric::Sample => self.evaluations(metric)?,
        })
    }

    fn train_step(&self, batch: usize, machine: &Machine) -> Result<Timing> {
        let flow = self.flow()?;
        let objective = self.objective(&flow)?;
        step(objective.as_ref(), &self.params, (batch, self.features), machine)
    }

    fn log_prob(&self, count: usize, machine: &Machine) -> Result<Timing> {
        let (density, batch) = (self.density(dopri5()?)?, rows(count, self.features)?);
        let per_thread = count.div_ceil(self.workers.threads());
        machine.time(|| {
            let part = |range: std::ops::Range<usize>| {
                density.log_prob(&batch.narrow(range.start, range.len())?.points, None)
            };
            self.workers.map_chunks(count, per_thread, part).map(|_| ())
        })
    }

    fn sample(&self, count: usize, machine: &Machine) -> Result<Timing> {
        let density = self.density(self.sampler()?)?;
        crate::subject::draw(&density, &self.workers, count, machine)
    }
}
