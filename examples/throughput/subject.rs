//! A flow to be timed.

use crate::machine::{Machine, Timing};
use candle_core::{DType, Device, Tensor};
use diffeo::flows::config::recipe;
use diffeo::flows::engine::Choice;
use diffeo::flows::objective::Batch;
use diffeo::flows::params::to_f64;
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::train::{Moving, TrainConfig, Update, steps};
use diffeo::flows::{Engine, Flow, FlowConfig, Params, Result, Workers};
use rand::Rng;
use rand_distr::StandardNormal;

/// Rows of the training set.
const ROWS: usize = 65_536;

/// A recipe built at one size, and the tier that runs it.
#[derive(Debug)]
pub(crate) struct Subject {
    model: String,
    config: FlowConfig,
    params: Params,
    flow: Flow,
    engine: Engine,
    choice: Choice,
    workers: Workers,
}

impl Subject {
    pub(crate) fn new(
        model: &str,
        features: usize,
        engine: Engine,
        threads: usize,
    ) -> Result<Self> {
        let mut params = Params::new(DType::F32, &Device::Cpu, 0);
        let config = recipe(model)?.flow(features, 0)?;
        let flow = config.build(&mut params)?;
        let choice = engine.choose(&config, &params)?;
        let model = model.to_owned();
        Ok(Self { model, config, params, flow, engine, choice, workers: Workers::new(threads)? })
    }

    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    pub(crate) fn features(&self) -> usize {
        self.config.features
    }

    /// What tables of several libraries call it.
    pub(crate) fn tier(&self) -> &'static str {
        match &self.choice {
            Choice::Fast(_) => "diffeo",
            Choice::Reference(_) => "diffeo-reference",
        }
    }

    /// The tier and its vector instructions.
    pub(crate) fn engine(&self) -> &'static str {
        match &self.choice {
            Choice::Fast(program) => program.level().name(),
            Choice::Reference(_) => "reference",
        }
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

    fn batch(&self, rows: usize) -> Result<Batch> {
        let d = self.config.features;
        let mut rng = generator(0, Stream::Sample, 0);
        let values: Vec<f32> = (0..rows * d).map(|_| rng.sample(StandardNormal)).collect();
        Ok(Batch::new(Tensor::from_vec(values, (rows, d), &Device::Cpu)?))
    }

    /// Steps with Adam, the default clipping and averaging included.
    pub(crate) fn train_step(&self, rows: usize, machine: &Machine) -> Result<Timing> {
        let train = self.batch(ROWS.max(rows))?;
        let objective = self.choice.maximum_likelihood(&self.flow, &self.workers);
        let config = TrainConfig::default();
        let mut steps = steps(objective.as_ref(), &self.params, &train)?;
        steps.load(&Moving::new(self.params.read_flat()?))?;
        let update = Update { config: &config, learning_rate: 1e-4, average_decay: Some(0.995) };
        let mut rng = generator(0, Stream::Objective, 0);
        let (mut start, all) = (0, (0..ROWS.max(rows) as u32).collect::<Vec<_>>());
        machine.time(|| {
            let step = steps.step(&all[start..start + rows], &update, &mut rng);
            start = if start + 2 * rows <= ROWS { start + rows } else { 0 };
            step.map(|_| ())
        })
    }

    pub(crate) fn log_prob(&self, rows: usize, machine: &Machine) -> Result<Timing> {
        let batch = self.batch(rows)?;
        let objective = self.choice.maximum_likelihood(&self.flow, &self.workers);
        let mut rng = generator(0, Stream::Objective, 0);
        machine.time(|| objective.row_losses(&self.params, &batch, &mut rng).map(|_| ()))
    }

    pub(crate) fn sample(&self, rows: usize, machine: &Machine) -> Result<Timing> {
        let frozen = self.config.build(&mut self.params.frozen())?;
        let choice = self.engine.choose(&self.config, &self.params)?;
        let density = choice.density(frozen, &self.params)?;
        let per_thread = rows.div_ceil(self.workers.threads());
        machine.time(|| {
            let draw = |range: std::ops::Range<usize>| {
                let mut rng = generator(0, Stream::Sample, range.start as u64);
                density.sample(range.len(), None, &mut rng)
            };
            self.workers.map_chunks(rows, per_thread, draw).map(|_| ())
        })
    }
}

fn count(param: &diffeo::flows::params::Param) -> usize {
    param.var().elem_count()
}
