//! Optimiser steps on a training set: the seam between the loop and what moves the weights.

use super::adamw::{clip, decayed};
use super::{AdamW, TrainConfig};
use crate::error::Result;
use crate::objective::{Batch, Objective};
use crate::params::Params;
use rand::RngCore;
use std::fmt::Debug;

/// The flat vectors that training moves, in the order of [`Params::read_flat`].
#[derive(Debug, Clone, PartialEq)]
pub struct Moving {
    /// The weights.
    pub weights: Vec<f64>,
    /// Their exponential average.
    pub average: Vec<f64>,
    /// The moments of their gradients.
    pub optimizer: AdamW,
}

/// What differs from step to step.
#[derive(Debug, Clone, Copy)]
pub struct Update<'a> {
    /// Moments, decay and clipping.
    pub config: &'a TrainConfig,
    /// The learning rate.
    pub learning_rate: f64,
    /// The decay of the averaged weights; none when they are not kept.
    pub average_decay: Option<f64>,
}

/// Takes optimiser steps, on vectors in a precision of its own.
pub trait Steps: Debug {
    /// Starts from these vectors.
    ///
    /// # Errors
    /// When a device cannot be written.
    fn load(&mut self, moving: &Moving) -> Result<()>;

    /// Writes the vectors as they stand, exactly.
    fn store(&self, moving: &mut Moving);

    /// One step on these training rows: the loss; none, and nothing moved, when loss or gradient is
    /// not finite.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn step(&mut self, rows: &[u32], update: &Update, rng: &mut dyn RngCore)
    -> Result<Option<f64>>;
}

/// The steps of an objective on a training set: its own where it has some, or plain ones.
///
/// They start from what [`Steps::load`] is given.
///
/// # Errors
/// When a device cannot be read.
pub fn steps<'a>(
    objective: &'a dyn Objective,
    params: &'a Params,
    train: &'a Batch,
) -> Result<Box<dyn Steps + 'a>> {
    let decayed = decayed(params);
    if let Some(steps) = objective.steps(train, &decayed)? {
        return Ok(steps);
    }
    let moving = Moving::new(params.read_flat()?);
    Ok(Box::new(PlainSteps { objective, params, train, decayed, moving }))
}

impl Moving {
    /// These weights before the first step.
    pub fn new(weights: Vec<f64>) -> Self {
        let optimizer = AdamW::new(weights.len());
        Self { average: weights.clone(), weights, optimizer }
    }
}

/// Steps of any objective, in `f64`.
#[derive(Debug)]
struct PlainSteps<'a> {
    objective: &'a dyn Objective,
    params: &'a Params,
    train: &'a Batch,
    decayed: Vec<bool>,
    moving: Moving,
}

impl Steps for PlainSteps<'_> {
    fn load(&mut self, moving: &Moving) -> Result<()> {
        self.moving.clone_from(moving);
        self.params.write_flat(&moving.weights)
    }

    fn store(&self, moving: &mut Moving) {
        moving.clone_from(&self.moving);
    }

    fn step(
        &mut self,
        rows: &[u32],
        update: &Update,
        rng: &mut dyn RngCore,
    ) -> Result<Option<f64>> {
        let Update { config, learning_rate, average_decay } = *update;
        let batch = self.train.take(rows)?;
        let (loss, mut gradient) = self.objective.loss_and_gradients(self.params, &batch, rng)?;
        let norm = clip(&mut gradient, config.clip_norm);
        if !(loss.is_finite() && norm.is_finite()) {
            return Ok(None);
        }
        let Moving { weights, average, optimizer } = &mut self.moving;
        optimizer.step(weights, &gradient, &self.decayed, learning_rate, config);
        if let Some(decay) = average_decay {
            for (average, weight) in average.iter_mut().zip(weights.iter()) {
                *average = decay * *average + (1.0 - decay) * weight;
            }
        }
        self.params.write_flat(weights)?;
        Ok(Some(loss))
    }
}
