//! The training loop.

use super::order::Order;
use super::score::{Score, paired, unjudged};
use super::{
    Best, Evaluation, Observer, Steps, TrainConfig, TrainState, Update, Warning, learning_rate,
    steps,
};
use crate::error::{Error, NonFinite, Result};
use crate::metrics::Estimate;
use crate::objective::{Batch, Objective};
use crate::params::{Params, to_f64};
use crate::rng::{Stream, generator};
use serde::{Deserialize, Serialize};

/// What a learning rate is scaled by after a loss that was not finite.
const RESTART_SCALE: f64 = 0.1;

/// Nats and standard errors by which an evaluation is much worse than the best.
const HOPELESS_NATS: f64 = 0.1;
const HOPELESS_ERRORS: f64 = 3.0;

/// Evaluations after which a restart is forgiven, so that another breakdown is a first one again.
const FORGIVEN_AFTER: usize = 10;

/// A batch counts for nothing whose weights sum to less: their mean over all rows is about 1, and the
/// reciprocal of the sum has to be a number in single precision.
const NO_WEIGHT: f64 = f32::MIN_POSITIVE as f64;

/// Held-out rows that a warning names, at most.
const NAMED_ROWS: usize = 5;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// All steps were done.
    Completed,
    /// The held-out loss had become much worse than the best, for the given patience.
    Patience,
    /// The observer broke off.
    Interrupted,
    /// The loss was not finite a second time, soon after a restart: the best weights so far are kept.
    Diverged,
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
    /// Where the loss stopped being finite, of a run that diverged.
    pub cause: Option<NonFinite>,
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
    order: Order,
    /// Weights of the rows to train on, and of those held out.
    weights: Option<Vec<f64>>,
    valid_weights: Option<Vec<f64>>,
    loss_since_evaluation: (f64, usize),
    /// Held-out losses of the best weights, row by row; computed when first needed.
    best_losses: Option<Vec<f64>>,
    /// The most held-out rows without a finite loss that a warning has told of.
    told: usize,
}

/// How the loop ended.
enum End {
    Stopped(Stop),
    Diverged(NonFinite),
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
    /// last evaluation with a tenth of the learning rate, and nothing has been learnt by then that could
    /// be kept; what the observer fails with.
    pub fn run(self, state: TrainState, observer: &mut dyn Observer) -> Result<Outcome> {
        self.config.check()?;
        let rows = self.train.rows()?;
        if rows == 0 {
            return Err(Error::data("training rows", "there are none", "give at least one"));
        }
        let mut steps = steps(self.objective, self.params, self.train)?;
        steps.load(&state.moving)?;
        let size = self.config.batch_size;
        let mut run = Run {
            trainer: self,
            anchor: state.clone(),
            state,
            steps,
            order: Order::new(rows, size, self.params.seed()),
            weights: weights(self.train)?,
            valid_weights: self.valid.map(weights).transpose()?.flatten(),
            loss_since_evaluation: (0.0, 0),
            best_losses: None,
            told: 0,
        };
        let end = run.go_on(observer)?;
        let state = run.anchor;
        let chosen = self.choose(&state);
        let (stop, cause) = match end {
            End::Stopped(stop) => (stop, None),
            End::Diverged(cause) if chosen.step == 0 => {
                return Err(Error::NonFinite(Box::new(cause)));
            }
            End::Diverged(cause) => {
                observer.diverged(&cause, chosen.step);
                (Stop::Diverged, Some(cause))
            }
        };
        self.params.write_flat(&chosen.weights)?;
        Ok(Outcome { stop, step: chosen.step, state, cause })
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

/// The weights of the rows of a batch.
fn weights(batch: &Batch) -> Result<Option<Vec<f64>>> {
    batch.weights.as_ref().map(to_f64).transpose()
}

impl Run<'_> {
    fn go_on(&mut self, observer: &mut dyn Observer) -> Result<End> {
        let config = self.trainer.config;
        if self.state.counters.step == 0 && self.state.history.is_empty() {
            self.evaluate(observer)?;
        }
        while self.state.counters.step < config.steps {
            if config.patience > 0 && self.state.counters.hopeless_evaluations >= config.patience {
                return Ok(End::Stopped(Stop::Patience));
            }
            let rows = self.order.batch(self.state.counters.step);
            let loss = if self.has_weight(&rows) {
                let Some(loss) = self.step(&rows)? else {
                    match self.restart(&rows, observer)? {
                        Some(cause) => return Ok(End::Diverged(cause)),
                        None => continue,
                    }
                };
                self.loss_since_evaluation.0 += loss;
                self.loss_since_evaluation.1 += 1;
                loss
            } else {
                self.state.counters.step += 1;
                self.state.counters.skipped += 1;
                f64::NAN
            };
            let interrupted = observer.stepped(self.state.counters.step, loss).is_break();
            let step = self.state.counters.step;
            if step.is_multiple_of(config.evaluate_every) || step == config.steps {
                self.evaluate(observer)?;
            }
            if interrupted {
                return Ok(End::Stopped(Stop::Interrupted));
            }
        }
        Ok(End::Stopped(Stop::Completed))
    }

    /// Whether these rows have a mean: the loss of rows of weight 0 is 0 / 0.
    fn has_weight(&self, rows: &[u32]) -> bool {
        let Some(weights) = &self.weights else { return true };
        rows.iter().map(|row| weights[*row as usize]).sum::<f64>() >= NO_WEIGHT
    }

    /// One optimiser step; none when loss or gradient is not finite.
    fn step(&mut self, rows: &[u32]) -> Result<Option<f64>> {
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
        let loss = match self.steps.step(rows, &update, &mut rng) {
            // A path that no solver follows has no loss.
            Err(Error::Solver { .. }) => None,
            other => other?,
        };
        counters.step += usize::from(loss.is_some());
        Ok(loss)
    }

    /// Evaluates on the held-out rows, keeps the best weights, and makes this state the anchor.
    fn evaluate(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let step = self.state.counters.step;
        self.steps.store(&mut self.state.moving);
        let held_out = match self.trainer.valid {
            Some(valid) => Some(self.judge(valid, observer)?),
            None => None,
        };
        let counters = &mut self.state.counters;
        if counters.restarted {
            counters.sound_evaluations += 1;
            counters.restarted = counters.sound_evaluations < FORGIVEN_AFTER;
        }
        let (sum, count) = std::mem::take(&mut self.loss_since_evaluation);
        let rate = learning_rate(self.trainer.config, step.saturating_sub(1));
        let evaluation = Evaluation {
            step,
            loss: (count > 0).then(|| sum / count as f64),
            valid_loss: held_out.map(|score| score.loss.mean),
            unjudged: held_out.map_or(0, |score| score.unjudged),
            learning_rate: rate * self.state.counters.learning_rate_scale,
        };
        self.state.history.push(evaluation);
        self.anchor = self.state.clone();
        observer.evaluated(&evaluation, &self.anchor)
    }

    /// The better held-out loss of the weights and of their average; remembers the best so far.
    fn judge(&mut self, valid: &Batch, observer: &mut dyn Observer) -> Result<Score> {
        let trainer = self.trainer;
        let weights = self.state.moving.weights.clone();
        let mut losses = trainer.held_out_losses(&weights, valid)?;
        let mut score = Score::of(&losses, self.valid_weights.as_deref());
        self.keep_if_best(score, weights);
        if trainer.config.average_decay > 0.0 {
            let average = self.state.moving.average.clone();
            let of_average = trainer.held_out_losses(&average, valid)?;
            let next = Score::of(&of_average, self.valid_weights.as_deref());
            self.keep_if_best(next, average);
            if next.beats(score.unjudged, score.loss.mean) || !score.is_usable() {
                (score, losses) = (next, of_average);
            }
        }
        trainer.params.write_flat(&self.state.moving.weights)?;
        self.tell_of_unjudged(&losses, score, observer);
        self.count_if_hopeless(&losses, score, valid)?;
        Ok(score)
    }

    fn keep_if_best(&mut self, score: Score, weights: Vec<f64>) {
        let best = self.state.best.as_ref();
        if score.is_usable() && best.is_none_or(|best| score.beats(best.unjudged, best.loss)) {
            let (step, loss) = (self.state.counters.step, score.loss.mean);
            self.state.best = Some(Best { step, loss, unjudged: score.unjudged, weights });
            self.best_losses = None;
        }
    }

    /// Names the held-out rows that weights are not compared by, when they are more than before.
    fn tell_of_unjudged(&mut self, losses: &[f64], score: Score, observer: &mut dyn Observer) {
        if score.unjudged <= self.told {
            return;
        }
        self.told = score.unjudged;
        let rows = unjudged(losses, self.valid_weights.as_deref()).take(NAMED_ROWS).collect();
        let (step, count, of) = (self.state.counters.step, score.unjudged, losses.len());
        observer.warned(&Warning::Unjudged { step, rows, count, of });
    }

    /// Counts evaluations in a row that are much worse than the best.
    fn count_if_hopeless(&mut self, losses: &[f64], score: Score, valid: &Batch) -> Result<()> {
        let Some(best) = &self.state.best else { return Ok(()) };
        let unjudged_by_best = best.unjudged;
        if self.best_losses.is_none() {
            self.best_losses = Some(self.trainer.held_out_losses(&best.weights, valid)?);
            self.trainer.params.write_flat(&self.state.moving.weights)?;
        }
        let best_losses = self.best_losses.as_deref().unwrap_or_default();
        let mut excess = paired(losses, best_losses, self.valid_weights.as_deref());
        if score.unjudged > unjudged_by_best {
            // Infinitely worse, as a number that can be stored.
            excess = Estimate { mean: f64::MAX, standard_error: 0.0 };
        }
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

    /// Goes back to the anchor with a smaller learning rate; the cause instead, when that was tried
    /// already and no sound progress came of it.
    fn restart(&mut self, rows: &[u32], observer: &mut dyn Observer) -> Result<Option<NonFinite>> {
        let cause = self.cause(rows)?;
        if self.anchor.counters.restarted {
            return Ok(Some(cause));
        }
        self.anchor.counters.restarted = true;
        self.anchor.counters.sound_evaluations = 0;
        self.anchor.counters.learning_rate_scale *= RESTART_SCALE;
        self.state = self.anchor.clone();
        self.loss_since_evaluation = (0.0, 0);
        self.steps.load(&self.state.moving)?;
        observer.restarted(&cause, self.state.counters.learning_rate_scale);
        Ok(None)
    }

    /// The first layer and training row at which the loss stops being finite.
    fn cause(&mut self, rows: &[u32]) -> Result<NonFinite> {
        self.steps.store(&mut self.state.moving);
        self.trainer.params.write_flat(&self.state.moving.weights)?;
        // Where it was is not worth the weights that were good.
        let found = self.trainer.objective.offender(&self.trainer.train.take(rows)?);
        let offender = found.ok().flatten();
        Ok(NonFinite {
            step: self.state.counters.step,
            row: offender.as_ref().map(|o| rows[o.row] as usize),
            layer: offender.map(|o| o.layer),
        })
    }
}
