//! A flow to be timed.

use crate::Metric;
use crate::continuous;
use crate::machine::{Machine, Timing};
use candle_core::{DType, Device, Tensor};
use diffeo::flows::config::{ObjectiveConfig, recipe};
use diffeo::flows::engine::Choice;
use diffeo::flows::fast::simd::Level;
use diffeo::flows::objective::{Batch, Objective};
use diffeo::flows::params::to_f64;
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::train::{Moving, TrainConfig, Update, steps};
use diffeo::flows::{Density, Engine, Flow, FlowConfig, Params, Result, Workers};
use rand::Rng;
use rand_distr::StandardNormal;

/// Rows of the training set.
const ROWS: usize = 65_536;

/// A recipe built at one size, and the tier that runs it.
#[derive(Debug)]
pub(crate) struct Built {
    model: String,
    config: FlowConfig,
    objective: ObjectiveConfig,
    params: Params,
    flow: Flow,
    engine: Engine,
    choice: Choice,
    workers: Workers,
}

impl Built {
    pub(crate) fn new(
        model: &str,
        features: usize,
        engine: Engine,
        threads: usize,
    ) -> Result<Self> {
        let mut params = Params::new(DType::F32, &Device::Cpu, 0);
        let plan = continuous::plan(model, features);
        let is_continuous = plan.is_some();
        let (config, objective) = match plan {
            Some(plan) => plan,
            None => (recipe(model)?.flow(features, 0)?, ObjectiveConfig::default()),
        };
        let flow = config.build(&mut params)?;
        if is_continuous {
            continuous::stir(&params)?;
        }
        let choice = engine.choose(&config, &params)?;
        let model = model.to_owned();
        let workers = Workers::new(threads)?;
        Ok(Self { model, config, objective, params, flow, engine, choice, workers })
    }

    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    pub(crate) fn features(&self) -> usize {
        self.config.features
    }

    /// What tables of several libraries call it.
    pub(crate) fn tier(&self) -> &'static str {
        if self.choice.level().is_some() { "diffeo" } else { "diffeo-reference" }
    }

    /// The tier and its vector instructions.
    pub(crate) fn engine(&self) -> &'static str {
        self.choice.level().map_or("reference", Level::name)
    }

    /// Trainable scalars.
    pub(crate) fn parameters(&self) -> usize {
        self.params.count()
    }

    /// Weights of the networks that no mask removes.
    pub(crate) fn weights(&self) -> usize {
        let weights = self.params.trainable().filter_map(|p| p.name().strip_suffix(".weight"));
        weights
            .map(|path| match self.params.get(&format!("{path}.mask")) {
                Some(mask) => {
                    to_f64(mask.var()).map_or(0, |mask| mask.iter().filter(|m| **m > 0.5).count())
                }
                None => self.params.get(&format!("{path}.weight")).map_or(0, count),
            })
            .sum()
    }

    /// How often a row meets each weight.
    pub(crate) fn products(&self, metric: Metric) -> Result<f64> {
        if self.flow.field().is_some() {
            return continuous::products(&self.config, &self.flow, &self.objective, metric);
        }
        // A forward product, and for a training step two of the same size backward.
        Ok(if metric == Metric::TrainStep { 3.0 } else { 1.0 })
    }

    /// Steps with Adam, the default clipping and averaging included.
    pub(crate) fn train_step(&self, rows: usize, machine: &Machine) -> Result<Timing> {
        let objective = self.choice.objective(&self.objective, &self.flow, &self.workers)?;
        step(objective.as_ref(), &self.params, (rows, self.config.features), machine)
    }

    pub(crate) fn log_prob(&self, rows: usize, machine: &Machine) -> Result<Timing> {
        let batch = self::rows(rows, self.config.features)?;
        let objective = self.choice.objective(&self.objective, &self.flow, &self.workers)?;
        let mut rng = generator(0, Stream::Objective, 0);
        machine.time(|| objective.row_losses(&self.params, &batch, &mut rng).map(|_| ()))
    }

    pub(crate) fn sample(&self, rows: usize, machine: &Machine) -> Result<Timing> {
        let choice = self.engine.choose(&self.config, &self.params)?;
        draw(choice.density(&self.config, &self.params)?.as_ref(), &self.workers, rows, machine)
    }
}

/// Normal rows.
pub(crate) fn rows(rows: usize, d: usize) -> Result<Batch> {
    let mut rng = generator(0, Stream::Sample, 0);
    let values: Vec<f32> = (0..rows * d).map(|_| rng.sample(StandardNormal)).collect();
    Ok(Batch::new(Tensor::from_vec(values, (rows, d), &Device::Cpu)?))
}

/// Times steps of an objective.
pub(crate) fn step(
    objective: &dyn Objective,
    params: &Params,
    (batch, features): (usize, usize),
    machine: &Machine,
) -> Result<Timing> {
    let train = rows(ROWS.max(batch), features)?;
    let config = TrainConfig::default();
    let mut steps = steps(objective, params, &train)?;
    steps.load(&Moving::new(params.read_flat()?))?;
    let update = Update { config: &config, learning_rate: 1e-4, average_decay: Some(0.995) };
    let mut rng = generator(0, Stream::Objective, 0);
    let (mut start, all) = (0, (0..ROWS.max(batch) as u32).collect::<Vec<_>>());
    machine.time(|| {
        let step = steps.step(&all[start..start + batch], &update, &mut rng);
        start = if start + 2 * batch <= ROWS { start + batch } else { 0 };
        step.map(|_| ())
    })
}

/// Times samples of a density.
pub(crate) fn draw(
    density: &dyn Density,
    workers: &Workers,
    rows: usize,
    machine: &Machine,
) -> Result<Timing> {
    let per_thread = rows.div_ceil(workers.threads());
    machine.time(|| {
        let part = |range: std::ops::Range<usize>| {
            let mut rng = generator(0, Stream::Sample, range.start as u64);
            density.sample(range.len(), None, &mut rng)
        };
        workers.map_chunks(rows, per_thread, part).map(|_| ())
    })
}

fn count(param: &diffeo::flows::params::Param) -> usize {
    param.var().elem_count()
}
