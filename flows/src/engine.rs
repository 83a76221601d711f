//! Chooses the tier that computes a flow: the one place that does.

use crate::config::{
    ContinuousConfig, ContinuousTraining, DivergenceConfig, FlowConfig, ObjectiveConfig,
    SolverConfig, TrainingDivergence,
};
use crate::densities::StandardNormalConfig;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::fast::simd::Level;
use crate::fast::{self, FastFlow, FieldFlow, FieldProgram, Program, Unsupported};
use crate::flow::Flow;
use crate::objective::Objective;
use crate::objectives::{Judged, single_field};
use crate::ode::Solver;
use crate::params::{Params, to_f64};
use crate::score::{self, Sampler};
use crate::workers::Workers;
use candle_core::Tensor;
use rand::RngCore;
use std::sync::Arc;

/// Which tier computes a flow.
///
/// Both give the same values, log-determinants and losses within |a − b| ≤ 1e-5 · max(1, |b|), and
/// gradients within 1e-4 of the largest entry; where single precision itself moves a result by more,
/// as in very steep splines, within three times that. The reference tier runs any
/// flow, in any precision, on any device; the fast tier flows of known layers, in single precision,
/// on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// The fast tier where it can, the reference tier elsewhere.
    #[default]
    Auto,
    /// Plain tensor operations.
    Reference,
    /// Kernels, or an error naming the part that has none.
    Fast,
}

/// What runs, and why not the other.
#[derive(Debug)]
pub enum Choice {
    /// Kernels of layers.
    Fast(Arc<Program>),
    /// Kernels of the one field of a continuous flow.
    FastField(FastField),
    /// Tensor operations: because they were asked for, or because a part has no kernel.
    Reference(Option<Unsupported>),
}

/// The kernels of a field, and how log-densities are found that are reported.
#[derive(Debug)]
pub struct FastField {
    program: Arc<FieldProgram>,
    solver: SolverConfig,
    reported: (Solver, DivergenceConfig),
    seed: u64,
    /// The base where it is not N(0, I), with the weights as they stand.
    base: Option<Arc<dyn Density>>,
    /// Whether nothing else may run.
    only: bool,
}

impl Engine {
    /// The tier that runs the flow which `config` builds from these parameters.
    ///
    /// # Errors
    /// [`Error::Config`] naming the part without a kernel when kernels were asked for, or a solver
    /// that cannot be used.
    pub fn choose(self, config: &FlowConfig, params: &Params) -> Result<Choice> {
        if self == Self::Reference {
            return Ok(Choice::Reference(None));
        }
        let found = match config.continuous() {
            Some(layer) => {
                let divergence = layer.divergence.resolved(config.features);
                FastField::new(config, layer, (layer.solver.solver()?, divergence), params)
                    .map(|fast| Choice::FastField(FastField { only: self == Self::Fast, ..fast }))
            }
            None => Program::new(config, params, Level::best()).map(|p| Choice::Fast(p.into())),
        };
        match (found, self) {
            (Ok(choice), _) => Ok(choice),
            (Err(why), Self::Fast) => Err(Error::config(
                "engine",
                format!("the fast engine cannot run this flow: {why}"),
                "take the reference engine, or leave the choice to the program",
            )),
            (Err(why), _) => Ok(Choice::Reference(Some(why))),
        }
    }
}

impl FastField {
    fn new(
        config: &FlowConfig,
        layer: &ContinuousConfig,
        reported: (Solver, DivergenceConfig),
        params: &Params,
    ) -> std::result::Result<Self, Unsupported> {
        let part = format!("0.{}", config.layers[0].name());
        if let DivergenceConfig::HutchPlusPlus { .. } = reported.1 {
            return Err(Unsupported { part, reason: "there is no kernel for hutch++".into() });
        }
        let (path, sizes) = (format!("flow.{part}"), (config.features, config.context));
        let level = Level::best();
        let base = &config.base;
        let mut program = FieldProgram::new(&path, sizes, &layer.field, base, params, level)?;
        if let Some(levels) = layer.noise {
            program = program.over(levels);
        }
        let base = if base.of::<StandardNormalConfig>().is_some() {
            None
        } else {
            let mut frozen = params.frozen();
            let built = base.build(frozen.scope("base"), config.features);
            let unread = |e: Error| Unsupported { part: "base".into(), reason: e.to_string() };
            Some(built.map_err(unread)?.into())
        };
        Ok(Self {
            program: program.into(),
            solver: layer.solver,
            reported,
            seed: params.seed(),
            base,
            only: false,
        })
    }

    /// The vector instructions it runs on.
    pub fn level(&self) -> Level {
        self.program.level()
    }

    /// Whether there are kernels for the gradients of an objective.
    fn trains(&self, objective: &ObjectiveConfig) -> bool {
        match objective {
            ObjectiveConfig::FlowMatching(_) => self.program.trains_velocities(),
            ObjectiveConfig::ScoreMatching(config) => self.program.trains_scores(config.objective),
            ObjectiveConfig::MaximumLikelihood | ObjectiveConfig::ContinuousLikelihood(_) => {
                self.program.trains_likelihoods()
            }
        }
    }

    /// The likelihood, trained so.
    fn likelihood<'a>(
        &'a self,
        training: ContinuousTraining,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Box<dyn Objective + 'a>> {
        let Self { program, reported, seed, .. } = self;
        let loss =
            fast::ContinuousLikelihood::new(program, training, *reported, *seed, flow, workers)?;
        Ok(Box::new(loss))
    }

    fn objective<'a>(
        &'a self,
        objective: &'a ObjectiveConfig,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Box<dyn Objective + 'a>> {
        match objective {
            ObjectiveConfig::MaximumLikelihood => {
                let divergence = TrainingDivergence::Exact;
                let solver = self.solver;
                let training =
                    ContinuousTraining { solver, divergence, ..ContinuousTraining::default() };
                self.likelihood(training, flow, workers)
            }
            ObjectiveConfig::ContinuousLikelihood(training) => {
                self.likelihood(*training, flow, workers)
            }
            ObjectiveConfig::FlowMatching(matching) => {
                matching.check()?;
                let mut training =
                    fast::FlowMatching::new(&self.program, *matching, flow, workers)?;
                if let Some(base) = &self.base {
                    training = training.with_base(Arc::clone(base));
                }
                let judge = self.likelihood(ContinuousTraining::default(), flow, workers)?;
                Ok(Box::new(Judged { training: Box::new(training), judge }))
            }
            ObjectiveConfig::ScoreMatching(config) => {
                let training = fast::ScoreMatching::new(&self.program, *config, flow, workers)?;
                let judge = self.likelihood(ContinuousTraining::default(), flow, workers)?;
                Ok(Box::new(Judged { training: Box::new(training), judge }))
            }
        }
    }
}

/// A diffusion that samplers walk on, on the tier that runs it, with its weights as they stand.
#[derive(Debug)]
pub enum Walker {
    /// By kernels.
    Fast(FieldFlow),
    /// In tensor operations.
    Reference(Flow),
}

impl Walker {
    /// Walks latent points `[n, d]` to data; `after` sees the number of the first row of some points,
    /// the step, and the points, row-major.
    ///
    /// # Errors
    /// As [`crate::score::walk`].
    pub fn walk(
        &self,
        sampler: &Sampler,
        latent: &Tensor,
        context: Option<&Tensor>,
        rng: &mut dyn RngCore,
        mut after: impl FnMut(usize, usize, &[f64]) -> Result<()>,
    ) -> Result<Tensor> {
        match self {
            Self::Fast(flow) => flow.walk(sampler, latent, context, rng, |first, step, points| {
                after(first, step, &points.iter().map(|x| f64::from(*x)).collect::<Vec<_>>())
            }),
            Self::Reference(flow) => {
                let field = single_field(flow)?;
                score::walk(field, sampler, latent, context, rng, |step, _, points| {
                    after(0, step, &to_f64(points)?)
                })
            }
        }
    }
}

impl Choice {
    /// The flow that `config` builds from these parameters as a diffusion to walk on, with its weights
    /// as they stand, whatever becomes of them later.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn walker(self, config: &FlowConfig, params: &Params) -> Result<Walker> {
        let flow = config.build(&mut params.snapshot()?)?;
        Ok(match self {
            Self::FastField(FastField { program, reported, seed, .. }) => {
                Walker::Fast(FieldFlow::new(&program, flow, params, reported, seed)?)
            }
            Self::Fast(_) | Self::Reference(_) => Walker::Reference(flow),
        })
    }

    /// The flow that `config` builds from these parameters as a density outside any gradient, with its
    /// weights as they stand, whatever becomes of them later. The log-density of a row that a solver
    /// cannot follow is NaN.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn density(self, config: &FlowConfig, params: &Params) -> Result<Box<dyn Density>> {
        let flow = config.build(&mut params.snapshot()?)?;
        Ok(match self {
            Self::Fast(program) => Box::new(FastFlow::new(program, flow, params)?),
            Self::FastField(FastField { program, reported, seed, .. }) => {
                Box::new(FieldFlow::new(&program, flow, params, reported, seed)?)
            }
            Self::Reference(_) => Box::new(Detached(flow)),
        })
    }

    /// The loss of an objective.
    ///
    /// # Errors
    /// [`Error::Config`] when the flow is none that can be trained so.
    pub fn objective<'a>(
        &'a self,
        objective: &'a ObjectiveConfig,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Box<dyn Objective + 'a>> {
        match (self, objective) {
            (Self::Fast(program), ObjectiveConfig::MaximumLikelihood) => {
                Ok(Box::new(fast::MaximumLikelihood::new(program, flow, workers)))
            }
            (Self::FastField(field), _) if field.only || field.trains(objective) => {
                field.objective(objective, flow, workers)
            }
            _ => objective.build(flow, workers),
        }
    }

    /// The vector instructions of the kernels that run, if any do.
    pub fn level(&self) -> Option<Level> {
        match self {
            Self::Fast(program) => Some(program.level()),
            Self::FastField(field) => Some(field.level()),
            Self::Reference(_) => None,
        }
    }
}

/// A flow outside any gradient, row by row.
#[derive(Debug)]
struct Detached(Flow);

impl Density for Detached {
    fn features(&self) -> usize {
        self.0.features()
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        self.0.log_prob_detached(x, context)
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        Ok(self.0.sample(n, context, rng)?.detach())
    }
}
