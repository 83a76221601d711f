//! The description stored with a model's weights.

use super::column::Column;
use crate::config::{FlowConfig, ObjectiveConfig};
use crate::error::{Error, Result};
use crate::train::{Evaluation, TrainConfig};
use candle_core::DType;
use serde::{Deserialize, Serialize};

/// Everything about a model but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// What a training run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingSummary {
    /// Optimiser steps done.
    pub steps: usize,
    /// The step the weights are from.
    pub best_step: usize,
    /// Mean log-likelihood of the training rows, nats.
    pub train_log_likelihood: f64,
    /// Of the held-out rows the weights were chosen by.
    pub valid_log_likelihood: Option<f64>,
    /// Of the rows held out to judge.
    pub test_log_likelihood: Option<f64>,
    /// Its standard error.
    pub test_standard_error: Option<f64>,
    /// Of those rows under the full Gaussian; none where its covariance is singular.
    #[serde(default)]
    pub test_gaussian: Option<f64>,
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
