//! What a training run tells those who watch it.

use super::TrainState;
use crate::error::{NonFinite, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::ControlFlow;

/// The losses at one evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Optimiser steps done.
    pub step: usize,
    /// Mean training loss since the last evaluation, nats; none before the first step.
    pub loss: Option<f64>,
    /// Loss on the held-out rows, of the weights or of their average, whichever is better, nats: the mean
    /// over the rows whose loss is a finite number.
    pub valid_loss: Option<f64>,
    /// Held-out rows that are not in that mean: those given density 0, and those whose density cannot
    /// be computed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unjudged: usize,
    /// Learning rate of the last step.
    pub learning_rate: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What a run has to say that is no reason to end it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Held-out rows that weights are not compared by, as they have density 0 or none can be computed.
    Unjudged {
        /// The step of the evaluation.
        step: usize,
        /// The first of them: numbers among the held-out rows, counted from 0; from a fit to a table,
        /// their numbers in that table, counted from 1.
        rows: Vec<usize>,
        /// How many they are.
        count: usize,
        /// Held-out rows.
        of: usize,
    },
    /// No held-out row has a weight above 0, so that none can choose the weights.
    NoHeldOutWeight,
    /// Something that is reported of a trained model could not be computed.
    Unreported {
        /// What.
        what: &'static str,
        /// Why not.
        problem: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unjudged { step, rows, count, of } => {
                let named: Vec<String> = rows.iter().map(ToString::to_string).collect();
                let more = if *count > rows.len() { ", …" } else { "" };
                let (rows, have) = if *count == 1 { ("row", "has") } else { ("rows", "have") };
                write!(
                    f,
                    "step {step}: {count} of {of} held-out rows {have} density 0, or none that can be \
                     computed ({rows} {}{more} of the table): the best weights are chosen by the others; \
                     look at {}",
                    named.join(", "),
                    if *count == 1 { "that row" } else { "those rows" },
                )
            }
            Self::NoHeldOutWeight => write!(
                f,
                "no held-out row has a weight above 0: the last weights are kept, not the best; hold out \
                 a larger share"
            ),
            Self::Unreported { what, problem } => {
                write!(f, "{what}: could not be computed ({problem}); the model is kept")
            }
        }
    }
}

/// Watches a training run; all methods have a default that does nothing.
pub trait Observer {
    /// Called after each step with the number of steps done and the loss, NaN for a step that was
    /// skipped as its rows have no weight; a break interrupts the run, whose state is then that of the
    /// last evaluation.
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

    /// Called when a loss was not finite again, soon after a restart: the run ends, and the best weights
    /// so far are kept.
    fn diverged(&mut self, _cause: &NonFinite, _kept: usize) {}

    /// Called with what should be known and ends nothing.
    fn warned(&mut self, _warning: &Warning) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {}
