//! All that a training run needs to go on as if never interrupted.

use super::{AdamW, Evaluation, Moving};
use crate::error::Result;
use crate::params::Params;
use serde::{Deserialize, Serialize};

/// The best weights so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The step they were found at.
    pub step: usize,
    /// Their held-out loss, nats: the mean over the rows whose loss is finite.
    pub loss: f64,
    /// Held-out rows whose loss is not.
    pub unjudged: usize,
    /// The weights.
    pub weights: Vec<f64>,
}

/// The state of a run at an evaluation.
///
/// Random numbers are no part of it: they are derived from the seed and the step.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainState {
    pub(super) counters: Counters,
    pub(super) moving: Moving,
    pub(super) best: Option<Best>,
    pub(super) history: Vec<Evaluation>,
}

/// The scalars of a state.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Counters {
    pub(super) step: usize,
    pub(super) hopeless_evaluations: usize,
    /// The lowest excess over the best among the evaluations that are much worse in a row, nats.
    pub(super) hopeless_low: Option<f64>,
    pub(super) learning_rate_scale: f64,
    pub(super) restarted: bool,
    /// Evaluations since that restart.
    #[serde(default)]
    pub(super) sound_evaluations: usize,
    /// Steps whose rows had no weight.
    #[serde(default)]
    pub(super) skipped: usize,
}

/// The vectors of a state by name, and its scalars as JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Parts {
    /// Flat vectors, each of one entry a trainable scalar.
    pub vectors: Vec<(String, Vec<f64>)>,
    /// Everything else.
    pub json: String,
}

#[derive(Serialize, Deserialize)]
struct Scalars {
    counters: Counters,
    optimizer_steps: usize,
    best: Option<(usize, f64)>,
    #[serde(default)]
    best_unjudged: usize,
    history: Vec<Evaluation>,
}

impl TrainState {
    /// The state before the first step, from the weights as they stand.
    ///
    /// # Errors
    /// When a device cannot be read.
    pub fn new(params: &Params) -> Result<Self> {
        let weights = params.read_flat()?;
        Ok(Self {
            counters: Counters {
                step: 0,
                hopeless_evaluations: 0,
                hopeless_low: None,
                learning_rate_scale: 1.0,
                restarted: false,
                sound_evaluations: 0,
                skipped: 0,
            },
            moving: Moving::new(weights),
            best: None,
            history: Vec::new(),
        })
    }

    /// Optimiser steps done.
    pub fn step(&self) -> usize {
        self.counters.step
    }

    /// Steps of these that moved nothing, as their rows had no weight.
    pub fn skipped(&self) -> usize {
        self.counters.skipped
    }

    /// The best weights so far, by held-out loss.
    pub fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    /// All evaluations so far.
    pub fn history(&self) -> &[Evaluation] {
        &self.history
    }

    /// Takes the state apart for saving.
    pub fn to_parts(&self) -> Parts {
        let Moving { weights, average, optimizer } = &self.moving;
        let mut vectors = vec![
            ("weights".to_owned(), weights.clone()),
            ("first_moment".to_owned(), optimizer.first.clone()),
            ("second_moment".to_owned(), optimizer.second.clone()),
            ("average".to_owned(), average.clone()),
        ];
        if let Some(best) = &self.best {
            vectors.push(("best".to_owned(), best.weights.clone()));
        }
        let scalars = Scalars {
            counters: self.counters,
            optimizer_steps: optimizer.steps,
            best: self.best.as_ref().map(|b| (b.step, b.loss)),
            best_unjudged: self.best.as_ref().map_or(0, |b| b.unjudged),
            history: self.history.clone(),
        };
        Parts { vectors, json: serde_json::to_string(&scalars).unwrap_or_default() }
    }

    /// Puts a state together again; none when a vector is missing or has the wrong length.
    pub fn from_parts(parts: Parts, count: usize) -> Option<Self> {
        let Scalars { counters, optimizer_steps, best, best_unjudged: unjudged, history } =
            serde_json::from_str(&parts.json).ok()?;
        let mut vectors = parts.vectors;
        let mut take = |name: &str| {
            let at = vectors.iter().position(|(n, v)| n == name && v.len() == count)?;
            Some(vectors.swap_remove(at).1)
        };
        Some(Self {
            counters,
            moving: Moving {
                weights: take("weights")?,
                average: take("average")?,
                optimizer: AdamW {
                    first: take("first_moment")?,
                    second: take("second_moment")?,
                    steps: optimizer_steps,
                },
            },
            best: match best {
                Some((step, loss)) => Some(Best { step, loss, unjudged, weights: take("best")? }),
                None => None,
            },
            history,
        })
    }
}
