//! The training loop.

use super::{
    Best, Evaluation, Observer, Steps, TrainConfig, TrainState, Update, learning_rate, steps,
};
use crate::error::{Error, NonFinite, Result};
use crate::metrics::Estimate;
use crate::objective::{Batch, Objective};
use crate::params::{Params, to_f64};
use crate::rng::{Stream, generator};
use rand::seq::SliceRandom;
use std::ops::Range;

/// What a learning rate is scaled by after a loss that was not finite.
const RESTART_SCALE: f64 = 0.1;

/// Nats and standard errors by which an evaluation is much worse than the best.
const HOPELESS_NATS: f64 = 0.1;
const HOPELESS_ERRORS: f64 = 3.0;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// All steps were done.
    Completed,
    /// The held-out loss had become much worse than the best, for the given patience.
    Patience,
    /// The observer broke off.
    Interrupted,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Why.
    pub stop: Stop,
    /// The step that the weights left in the parameters are from.
    pub step: usize,
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
    steps: Box<dyn Steps + 'a>,
    rows: usize,
    order: Vec<u32>,
    epoch: Option<usize>,
    loss_since_evaluation: (f64, usize),
    /// Held-out losses of the best weights, row by row; computed when first needed.
    best_losses: Option<Vec<f64>>,
}

struct Chosen {
    step: usize,
    weights: Vec<f64>,
}

impl Trainer<'_> {
    /// Trains from `state` to the last step, and leaves in the parameters the weights that do best on
    /// the held-out rows, or without held-out rows the last averaged ones.
    ///
    /// Interrupted at any step and resumed from the outcome's state, with the same objective on the
    /// same kind of processor, it ends with the same bits.
    ///
    /// # Errors
    /// [`Error::NonFinite`] when the loss is not finite a second time, after one restart from the
    /// last evaluation with a tenth of the learning rate; what the observer fails with.
    pub fn run(self, state: TrainState, observer: &mut dyn Observer) -> Result<Outcome> {
        self.config.check()?;
        let rows = self.train.rows()?;
        if rows == 0 {
            return Err(Error::data("training rows", "there are none", "give at least one"));
        }
        let mut steps = steps(self.objective, self.params, self.train)?;
        steps.load(&state.moving)?;
        let mut run = Run {
            trainer: self,
            anchor: state.clone(),
            state,
            steps,
            rows,
            order: Vec::new(),
            epoch: None,
            loss_since_evaluation: (0.0, 0),
            best_losses: None,
        };
        let stop = run.go_on(observer)?;
        let state = run.anchor;
        let chosen = self.choose(&state);
        self.params.write_flat(&chosen.weights)?;
        Ok(Outcome { stop, step: chosen.step, state })
    }

    /// The weights to keep, and the step they are from.
    fn choose(&self, state: &TrainState) -> Chosen {
        if let (Some(best), Some(_)) = (&state.best, self.valid) {
            return Chosen { step: best.step, weights: best.weights.clone() };
        }
        let averaged = self.config.average_decay > 0.0;
        let last = if averaged { &state.moving.average } else { &state.moving.weights };
        Chosen { step: state.step(), weights: last.clone() }
    }

    /// The loss of each held-out row under these weights, which stay in the parameters.
    fn held_out_losses(&self, weights: &[f64], valid: &Batch) -> Result<Vec<f64>> {
        self.params.write_flat(weights)?;
        let mut rng = generator(self.params.seed(), Stream::Objective, u64::MAX);
        self.objective.row_losses(self.params, valid, &mut rng)
    }
}

/// Mean loss of the rows of a batch.
fn mean(losses: &[f64], batch: &Batch) -> Result<Estimate> {
    let weights = batch.weights.as_ref().map(to_f64).transpose()?;
    Ok(Estimate::of(losses, weights.as_deref()))
}

/// Mean of a − b over the same rows.
fn paired(a: &[f64], b: &[f64], batch: &Batch) -> Result<Estimate> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    mean(&differences, batch)
}

impl Run<'_> {
    fn go_on(&mut self, observer: &mut dyn Observer) -> Result<Stop> {
        let config = self.trainer.config;
        if self.state.counters.step == 0 && self.state.history.is_empty() {
            self.evaluate(observer)?;
        }
        while self.state.counters.step < config.steps {
            if config.patience > 0 && self.state.counters.hopeless_evaluations >= config.patience {
                return Ok(Stop::Patience);
            }
            let rows = self.next_rows();
            let Some(loss) = self.step(rows.clone())? else {
                self.restart(rows, observer)?;
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

    /// Where in the order of rows the batch of the current step stands; each epoch has an order of
    /// its own.
    fn next_rows(&mut self) -> Range<usize> {
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
        start..start + size
    }

    /// One optimiser step; none when loss or gradient is not finite.
    fn step(&mut self, rows: Range<usize>) -> Result<Option<f64>> {
        let Trainer { config, params, .. } = self.trainer;
        let counters = &mut self.state.counters;
        let mut rng = generator(params.seed(), Stream::Objective, counters.step as u64);
        // Young averages follow the weights closely.
        let t = counters.step as f64 + 1.0;
        let decay = config.average_decay.min((1.0 + t) / (10.0 + t));
        let update = Update {
            config,
            learning_rate: learning_rate(config, counters.step) * counters.learning_rate_scale,
            average_decay: (config.average_decay > 0.0).then_some(decay),
        };
        let loss = self.steps.step(&self.order[rows], &update, &mut rng)?;
        counters.step += usize::from(loss.is_some());
        Ok(loss)
    }

    /// Evaluates on the held-out rows, keeps the best weights, and makes this state the anchor.
    fn evaluate(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let step = self.state.counters.step;
        self.steps.store(&mut self.state.moving);
        let valid_loss = match self.trainer.valid {
            Some(valid) => Some(self.judge(valid)?),
            None => None,
        };
        let (sum, count) = std::mem::take(&mut self.loss_since_evaluation);
        let rate = learning_rate(self.trainer.config, step.saturating_sub(1));
        let evaluation = Evaluation {
            step,
            loss: (count > 0).then(|| sum / count as f64),
            valid_loss,
            learning_rate: rate * self.state.counters.learning_rate_scale,
        };
        self.state.history.push(evaluation);
        self.anchor = self.state.clone();
        observer.evaluated(&evaluation, &self.anchor)
    }

    /// The lower held-out loss of the weights and of their average; remembers the best so far.
    fn judge(&mut self, valid: &Batch) -> Result<f64> {
        let trainer = self.trainer;
        let mut candidates = vec![self.state.moving.weights.clone()];
        if trainer.config.average_decay > 0.0 {
            candidates.push(self.state.moving.average.clone());
        }
        let mut lowest: Option<(Estimate, Vec<f64>)> = None;
        for weights in candidates {
            let losses = trainer.held_out_losses(&weights, valid)?;
            let loss = mean(&losses, valid)?;
            if lowest.as_ref().is_none_or(|(l, _)| loss.mean < l.mean || l.mean.is_nan()) {
                lowest = Some((loss, losses));
            }
            self.keep_if_best(loss.mean, weights);
        }
        trainer.params.write_flat(&self.state.moving.weights)?;
        let Some((loss, losses)) = lowest else { return Ok(f64::NAN) };
        self.count_if_hopeless(&losses, valid)?;
        Ok(loss.mean)
    }

    fn keep_if_best(&mut self, loss: f64, weights: Vec<f64>) {
        let best = self.state.best.as_ref();
        if loss.is_finite() && best.is_none_or(|best| loss < best.loss) {
            self.state.best = Some(Best { step: self.state.counters.step, loss, weights });
            self.best_losses = None;
        }
    }

    /// Counts evaluations in a row that are much worse than the best.
    fn count_if_hopeless(&mut self, losses: &[f64], valid: &Batch) -> Result<()> {
        let Some(best) = &self.state.best else { return Ok(()) };
        if self.best_losses.is_none() {
            self.best_losses = Some(self.trainer.held_out_losses(&best.weights, valid)?);
            self.trainer.params.write_flat(&self.state.moving.weights)?;
        }
        let best_losses = self.best_losses.as_deref().unwrap_or_default();
        let excess = paired(losses, best_losses, valid)?;
        let hopeless = excess.mean.is_nan()
            || excess.mean > HOPELESS_NATS && excess.mean > HOPELESS_ERRORS * excess.standard_error;
        let counters = &mut self.state.counters;
        // A run that comes down from a rise, however high, is not hopeless.
        let lower = counters.hopeless_low.is_none_or(|low| excess.mean < low);
        counters.hopeless_low = match (hopeless, lower) {
            (false, _) => None,
            (true, true) => Some(excess.mean),
            (true, false) => counters.hopeless_low,
        };
        let counts = hopeless && !lower;
        counters.hopeless_evaluations = if counts { counters.hopeless_evaluations + 1 } else { 0 };
        Ok(())
    }

    /// Goes back to the anchor with a smaller learning rate, once.
    fn restart(&mut self, rows: Range<usize>, observer: &mut dyn Observer) -> Result<()> {
        let cause = self.cause(rows)?;
        if self.anchor.counters.restarted || self.state.counters.restarted {
            return Err(Error::NonFinite(Box::new(cause)));
        }
        self.anchor.counters.restarted = true;
        self.anchor.counters.learning_rate_scale *= RESTART_SCALE;
        self.state = self.anchor.clone();
        self.epoch = None;
        self.loss_since_evaluation = (0.0, 0);
        self.steps.load(&self.state.moving)?;
        observer.restarted(&cause, self.state.counters.learning_rate_scale);
        Ok(())
    }

    /// The first layer and training row at which the loss stops being finite.
    fn cause(&mut self, rows: Range<usize>) -> Result<NonFinite> {
        let rows = &self.order[rows];
        self.steps.store(&mut self.state.moving);
        self.trainer.params.write_flat(&self.state.moving.weights)?;
        let offender = self.trainer.objective.offender(&self.trainer.train.take(rows)?)?;
        Ok(NonFinite {
            step: self.state.counters.step,
            row: offender.as_ref().map(|o| rows[o.row] as usize),
            layer: offender.map(|o| o.layer),
        })
    }
}
