//! The training loop.

use super::adamw::{clip, decayed};
use super::{Best, Evaluation, Observer, TrainConfig, TrainState, learning_rate};
use crate::error::{Error, NonFinite, Result};
use crate::objective::{Batch, Objective};
use crate::params::Params;
use crate::rng::{Stream, generator};
use rand::seq::SliceRandom;

/// What a learning rate is scaled by after a loss that was not finite.
const RESTART_SCALE: f64 = 0.1;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All steps were done.
    Completed,
    /// The held-out loss had not improved for the given patience.
    Patience,
    /// The observer broke off.
    Interrupted,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why.
    pub stop: Stop,
    /// The state at the last evaluation, to resume from.
    pub state: TrainState,
}

/// Minimises an objective over batches of rows.
#[derive(Debug, Clone, Copy)]
pub struct Trainer<'a> {
    /// Settings.
    pub config: &'a TrainConfig,
    /// What is minimised.
    pub objective: &'a dyn Objective,
    /// The weights that move.
    pub params: &'a Params,
    /// Rows to train on.
    pub train: &'a Batch,
    /// Rows held out to choose the best weights; without them the last weights are kept.
    pub valid: Option<&'a Batch>,
}

/// A run under way.
struct Run<'a> {
    trainer: Trainer<'a>,
    state: TrainState,
    /// The state at the last evaluation: what a restart goes back to and an interruption keeps.
    anchor: TrainState,
    decayed: Vec<bool>,
    rows: usize,
    order: Vec<u32>,
    epoch: Option<usize>,
    loss_since_evaluation: (f64, usize),
}

impl Trainer<'_> {
    /// Trains from `state` to the last step, and leaves the best weights in the parameters: those
    /// of the lowest held-out loss, or without held-out rows the last averaged ones.
    ///
    /// Interrupted at any step and resumed from the outcome's state, it ends with the same bits.
    ///
    /// # Errors
    /// [`Error::NonFinite`] when the loss is not finite a second time, after one restart from the
    /// last evaluation with a tenth of the learning rate; what the observer fails with.
    pub fn run(&self, state: TrainState, observer: &mut dyn Observer) -> Result<Outcome> {
        self.config.check()?;
        let rows = self.train.rows()?;
        if rows == 0 {
            return Err(Error::data("training rows", "there are none", "give at least one"));
        }
        self.params.write_flat(&state.weights)?;
        let mut run = Run {
            trainer: *self,
            anchor: state.clone(),
            state,
            decayed: decayed(self.params),
            rows,
            order: Vec::new(),
            epoch: None,
            loss_since_evaluation: (0.0, 0),
        };
        let stop = run.to_end(observer)?;
        let state = run.anchor;
        self.params.write_flat(match &state.best {
            Some(best) => &best.weights,
            None => self.averaged(&state),
        })?;
        Ok(Outcome { stop, state })
    }

    /// The weights that are evaluated: averaged where averaging is on.
    fn averaged<'s>(&self, state: &'s TrainState) -> &'s [f64] {
        if self.config.average_decay > 0.0 { &state.average } else { &state.weights }
    }
}

impl Run<'_> {
    fn to_end(&mut self, observer: &mut dyn Observer) -> Result<Stop> {
        let config = self.trainer.config;
        while self.state.counters.step < config.steps {
            if config.patience > 0 && self.state.counters.evaluations_since_best >= config.patience {
                return Ok(Stop::Patience);
            }
            let batch = self.next_batch()?;
            let Some(loss) = self.step(&batch)? else {
                self.restart(&batch, observer)?;
                continue;
            };
            self.loss_since_evaluation.0 += loss;
            self.loss_since_evaluation.1 += 1;
            let interrupted = observer.stepped(self.state.counters.step, loss).is_break();
            let step = self.state.counters.step;
            if step.is_multiple_of(config.evaluate_every) || step == config.steps {
                self.evaluate(observer)?;
            }
            if interrupted {
                return Ok(Stop::Interrupted);
            }
        }
        Ok(Stop::Completed)
    }

    /// The batch of the current step: each epoch has its own order of the rows.
    fn next_batch(&mut self) -> Result<Batch> {
        let size = self.trainer.config.batch_size.min(self.rows);
        let per_epoch = self.rows / size;
        let step = self.state.counters.step;
        let epoch = step / per_epoch;
        if self.epoch != Some(epoch) {
            self.order = (0..self.rows as u32).collect();
            let seed = self.trainer.params.seed();
            self.order.shuffle(&mut generator(seed, Stream::Shuffle, epoch as u64));
            self.epoch = Some(epoch);
        }
        let start = (step % per_epoch) * size;
        self.trainer.train.take(&self.order[start..start + size])
    }

    /// One optimiser step; none when loss or gradient is not finite.
    fn step(&mut self, batch: &Batch) -> Result<Option<f64>> {
        let Trainer { config, objective, params, .. } = self.trainer;
        let counters = &mut self.state.counters;
        let mut rng = generator(params.seed(), Stream::Objective, counters.step as u64);
        let (loss, mut gradient) = objective.loss_and_gradients(params, batch, &mut rng)?;
        let norm = clip(&mut gradient, config.clip_norm);
        if !(loss.is_finite() && norm.is_finite()) {
            return Ok(None);
        }
        let rate = learning_rate(config, counters.step) * counters.learning_rate_scale;
        let weights = &mut self.state.weights;
        self.state.optimizer.step(weights, &gradient, &self.decayed, rate, config);
        counters.step += 1;
        if config.average_decay > 0.0 {
            // Young averages follow the weights closely.
            let t = counters.step as f64;
            let decay = config.average_decay.min((1.0 + t) / (10.0 + t));
            for (average, weight) in self.state.average.iter_mut().zip(weights.iter()) {
                *average = decay * *average + (1.0 - decay) * weight;
            }
        }
        params.write_flat(weights)?;
        Ok(Some(loss))
    }

    /// Evaluates on the held-out rows, keeps the best weights, and makes this state the anchor.
    fn evaluate(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let Trainer { config, objective, params, valid, .. } = self.trainer;
        let step = self.state.counters.step;
        let mut valid_loss = None;
        if let Some(valid) = valid {
            let weights = self.trainer.averaged(&self.state).to_vec();
            params.write_flat(&weights)?;
            let mut rng = generator(params.seed(), Stream::Objective, u64::MAX);
            let loss = objective.loss(params, valid, &mut rng)?;
            params.write_flat(&self.state.weights)?;
            valid_loss = Some(loss);
            self.keep_if_best(step, loss, weights);
        }
        let (sum, count) = std::mem::take(&mut self.loss_since_evaluation);
        let scale = self.state.counters.learning_rate_scale;
        let evaluation = Evaluation {
            step,
            loss: sum / count.max(1) as f64,
            valid_loss,
            learning_rate: scale * learning_rate(config, step.saturating_sub(1)),
        };
        self.state.history.push(evaluation);
        self.anchor = self.state.clone();
        observer.evaluated(&evaluation, &self.anchor)
    }

    fn keep_if_best(&mut self, step: usize, loss: f64, weights: Vec<f64>) {
        let improved =
            loss.is_finite() && self.state.best.as_ref().is_none_or(|best| loss < best.loss);
        if improved {
            self.state.best = Some(Best { step, loss, weights });
            self.state.counters.evaluations_since_best = 0;
        } else {
            self.state.counters.evaluations_since_best += 1;
        }
    }

    /// Goes back to the anchor with a smaller learning rate, once.
    fn restart(&mut self, batch: &Batch, observer: &mut dyn Observer) -> Result<()> {
        let cause = self.cause(batch)?;
        if self.anchor.counters.restarted || self.state.counters.restarted {
            return Err(Error::NonFinite(Box::new(cause)));
        }
        self.anchor.counters.restarted = true;
        self.anchor.counters.learning_rate_scale *= RESTART_SCALE;
        self.state = self.anchor.clone();
        self.epoch = None;
        self.loss_since_evaluation = (0.0, 0);
        self.trainer.params.write_flat(&self.state.weights)?;
        observer.restarted(&cause, self.state.counters.learning_rate_scale);
        Ok(())
    }

    /// The first layer and training row at which the loss stops being finite.
    fn cause(&self, batch: &Batch) -> Result<NonFinite> {
        let step = self.state.counters.step;
        let offender = self.trainer.objective.offender(batch)?;
        let size = self.trainer.config.batch_size.min(self.rows);
        let start = (step % (self.rows / size)) * size;
        Ok(NonFinite {
            step,
            row: offender.as_ref().map(|o| self.order[start + o.row] as usize),
            layer: offender.map(|o| o.layer),
        })
    }
}
