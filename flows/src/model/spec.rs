//! The description stored with a model's weights.

use super::column::Column;
use super::number;
use crate::config::{ContinuousConfig, FlowConfig, ObjectiveConfig, SolverConfig};
use crate::error::{Error, Result};
use crate::metrics::Estimate;
use crate::train::{Evaluation, Stop, TrainConfig};
use candle_core::DType;
use serde::{Deserialize, Serialize};

/// Everything about a model but its weights.
///
/// What it does not know in a file it refuses: a setting that only later versions have may change
/// what the weights mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// The recipe's name.
    pub recipe: String,
    /// The structure of the flow.
    pub flow: FlowConfig,
    /// The columns the density is over.
    pub columns: Vec<Column>,
    /// The columns it is given.
    pub given: Vec<String>,
    /// The columns of a table that these are made of; empty where each is a column of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_columns: Vec<super::GivenColumn>,
    /// The least and the largest value of each among the training rows; empty in models of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_ranges: Vec<[f64; 2]>,
    /// The precision of the weights.
    pub dtype: Precision,
    /// The seed of initial weights, shuffling and split.
    pub seed: u64,
    /// The data it was fitted to.
    pub data: DataSummary,
    /// What it was trained by.
    #[serde(default)]
    pub objective: ObjectiveConfig,
    /// The settings of its training.
    pub train: TrainConfig,
    /// What its training came to; none before.
    pub training: Option<TrainingSummary>,
}

impl ModelSpec {
    /// Fails for solvers held to tolerances that the precision of the weights cannot deliver.
    pub(super) fn check_tolerances(&self) -> Result<()> {
        let mut solvers: Vec<&SolverConfig> = Vec::new();
        let continuous = self.flow.layers.iter().filter_map(|layer| layer.of::<ContinuousConfig>());
        solvers.extend(continuous.map(|layer| &layer.solver));
        if let ObjectiveConfig::ContinuousLikelihood(training) = &self.objective {
            solvers.push(&training.solver);
        }
        solvers.into_iter().try_for_each(|solver| solver.check_for(self.dtype.into()))
    }

    /// Fails unless every column is one of the flow's.
    pub(super) fn check_columns(&self) -> Result<()> {
        let of_columns = super::GivenColumn::names(&self.given_columns);
        if !(self.given_columns.is_empty() || of_columns == self.given) {
            let problem = "its labels make other contexts than the model has";
            return Err(Error::config("given", problem, "describe each column once"));
        }
        if !(self.given_ranges.is_empty() || self.given_ranges.len() == self.given.len()) {
            let problem = "the number of ranges differs from that of the contexts";
            return Err(Error::config("given", problem, "give a range for each"));
        }
        if self.flow.features == self.columns.len() && self.flow.context == self.given.len() {
            return Ok(());
        }
        let problem = "their number differs from the flow's features and context";
        Err(Error::config("columns", problem, "describe each column once"))
    }
}

/// The precision of a model's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Single precision.
    #[default]
    F32,
    /// Double precision.
    F64,
}

impl From<Precision> for DType {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F64 => Self::F64,
        }
    }
}

/// The data a model was fitted to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DataSummary {
    /// The file or toy.
    pub source: String,
    /// A hash of names and values.
    pub hash: String,
    /// The weight column.
    pub weight: Option<String>,
    /// How the rows were split.
    pub rows: RowCounts,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Numbers of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RowCounts {
    /// Trained on.
    pub train: usize,
    /// Held out to choose the weights.
    pub valid: usize,
    /// Held out to judge the result.
    pub test: usize,
}

impl RowCounts {
    /// Whether no part has rows.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Nats a feature by which a loss is above the lowest of its run when training blew up: no overfitting
/// costs as much.
const BLOWN_UP: f64 = 100.0;

impl TrainingSummary {
    /// Whether the weights kept are better on the held-out rows than those that training started from;
    /// none without held-out rows, by which that could be known.
    pub fn improved_on_start(&self) -> Option<bool> {
        let judged = self.history.first().is_some_and(|start| start.valid_loss.is_some());
        (judged || self.valid_log_likelihood.is_some()).then_some(self.best_step > 0)
    }

    /// Whether training of a model of so many features diverged: it ended by losses that were not
    /// finite, or the loss at its end, held-out where there are such rows, is beyond all measure above the
    /// lowest, by 100 nats a feature or more.
    pub fn diverged(&self, features: usize) -> bool {
        let judged = self.history.iter().any(|e| e.valid_loss.is_some());
        let losses = self.history.iter().map(|e| if judged { e.valid_loss } else { e.loss });
        // A loss that is no number has none in JSON.
        let losses: Vec<f64> = losses.map(|loss| loss.unwrap_or(f64::NAN)).collect();
        let lowest = losses.iter().copied().filter(|l| l.is_finite()).fold(f64::INFINITY, f64::min);
        let held = |last: &f64| last - lowest <= BLOWN_UP * features as f64;
        // The first evaluation precedes all training losses.
        let trained = losses.len() > 1;
        self.stop == Some(Stop::Diverged) || trained && !losses.last().is_none_or(held)
    }
}

/// What a training run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// Optimiser steps done.
    pub steps: usize,
    /// The step the weights are from.
    pub best_step: usize,
    /// Why training ended; none in models of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
    /// Steps of these whose rows had no weight, so that nothing moved.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: usize,
    /// Mean log-likelihood of the training rows, nats: −∞ where the density of one is 0, NaN where it
    /// could not be computed.
    #[serde(with = "number")]
    pub train_log_likelihood: f64,
    /// Of the held-out rows the weights were chosen by.
    #[serde(with = "number::optional")]
    pub valid_log_likelihood: Option<f64>,
    /// Of the rows held out to judge.
    #[serde(with = "number::optional")]
    pub test_log_likelihood: Option<f64>,
    /// Its standard error.
    #[serde(default, with = "number::optional")]
    pub test_standard_error: Option<f64>,
    /// Rows of each part whose log-density is not a finite number.
    #[serde(default, skip_serializing_if = "RowCounts::is_empty")]
    pub unjudged: RowCounts,
    /// Of those rows under the full Gaussian; none where its covariance is singular.
    #[serde(default)]
    pub test_gaussian: Option<f64>,
    /// By how much the model is above that Gaussian on those rows, nats a row: the mean of the
    /// differences and its standard error; none where either is not finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_over_gaussian: Option<Estimate>,
    /// Of how many rows of equal weight the training rows are worth, where rows have weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_effective_rows: Option<f64>,
    /// The same of the rows held out to judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_effective_rows: Option<f64>,
    /// Evaluations of the field of a continuous flow; see
    /// [`Model::evaluations`](super::Model::evaluations).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluations: Option<super::Evaluations>,
    /// Log-densities of the model when it was done, by which it is known again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<super::Fingerprint>,
    /// The losses along the way.
    pub history: Vec<Evaluation>,
}
