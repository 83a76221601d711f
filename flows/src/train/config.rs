//! Settings of a training run.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Entries of a clipped gradient are no larger, so that their squares, of which the optimiser keeps a
/// mean, are finite in single precision.
const LARGEST_CLIP_NORM: f64 = 1e18;

/// Settings of a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Optimiser steps.
    pub steps: usize,
    /// Batch size, the rows of each step; all rows when there are fewer. Each row comes once in an epoch;
    /// a batch at the end of an epoch is filled up with the first rows of the next.
    pub batch_size: usize,
    /// Largest learning rate, reached after the warm-up.
    pub learning_rate: f64,
    /// Steps over which the learning rate rises linearly from 0.
    pub warmup_steps: usize,
    /// Learning rate at the last step, as a share of the largest.
    pub final_share: f64,
    /// Decay of first and second moments.
    pub betas: (f64, f64),
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, on the weight matrices of networks only.
    pub weight_decay: f64,
    /// Gradients of a larger norm are scaled down to it; at most 1e18, whose square single precision
    /// can hold.
    pub clip_norm: f64,
    /// Decay of the averaged weights; 0 for none.
    pub average_decay: f64,
    /// Steps between evaluations on held-out rows.
    pub evaluate_every: usize,
    /// Evaluations in a row that are much worse than the best (0.1 nats and three standard errors
    /// of the paired difference) and bring no progress among themselves, after which training
    /// stops; 0 for never.
    pub patience: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 5000,
            batch_size: 512,
            learning_rate: 5e-3,
            warmup_steps: 100,
            final_share: 0.0,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            weight_decay: 0.0,
            clip_norm: 5.0,
            average_decay: 0.995,
            evaluate_every: 100,
            patience: 5,
        }
    }
}

impl TrainConfig {
    /// Fails when a setting cannot be used.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting.
    pub fn check(&self) -> Result<()> {
        let positive = |name: &str, value: usize| match value {
            0 => Err(Error::config(name, "is 0", "give at least 1")),
            _ => Ok(()),
        };
        positive("steps", self.steps)?;
        positive("batch-size", self.batch_size)?;
        positive("evaluate-every", self.evaluate_every)?;
        let within = |name: &str, value: f64, low: f64, high: f64| {
            if value >= low && value <= high {
                return Ok(());
            }
            let problem = format!("{value:?} lies outside {low:?} to {high:?}");
            Err(Error::config(name, problem, "give a value in that range"))
        };
        within("lr", self.learning_rate, f64::MIN_POSITIVE, 10.0)?;
        within("final-share", self.final_share, 0.0, 1.0)?;
        within("betas", self.betas.0, 0.0, 1.0 - f64::EPSILON)?;
        within("betas", self.betas.1, 0.0, 1.0 - f64::EPSILON)?;
        within("epsilon", self.epsilon, f64::MIN_POSITIVE, 1.0)?;
        within("weight-decay", self.weight_decay, 0.0, 10.0)?;
        within("clip-norm", self.clip_norm, f64::MIN_POSITIVE, LARGEST_CLIP_NORM)?;
        within("average-decay", self.average_decay, 0.0, 1.0 - f64::EPSILON)
    }
}
