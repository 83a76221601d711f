//! What a training run tells those who watch it.

use super::TrainState;
use crate::error::{NonFinite, Result};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// The losses at one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Optimiser steps done.
    pub step: usize,
    /// Mean training loss since the last evaluation, nats; none before the first step.
    pub loss: Option<f64>,
    /// Loss on the held-out rows, of the weights or of their average, whichever is lower, nats.
    pub valid_loss: Option<f64>,
    /// Learning rate of the last step.
    pub learning_rate: f64,
}

/// Watches a training run; all methods have a default that does nothing.
pub trait Observer {
    /// Called after each step with the number of steps done and the loss; a break interrupts the
    /// run, whose state is then that of the last evaluation.
    fn stepped(&mut self, _step: usize, _loss: f64) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Called after each evaluation, with all that is needed to resume from there.
    ///
    /// # Errors
    /// An error ends the run.
    fn evaluated(&mut self, _evaluation: &Evaluation, _state: &TrainState) -> Result<()> {
        Ok(())
    }

    /// Called when a loss was not finite and the run restarts from the last evaluation with a
    /// learning rate scaled by `scale`.
    fn restarted(&mut self, _cause: &NonFinite, _scale: f64) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {}
