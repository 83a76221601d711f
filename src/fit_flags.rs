//! The settings of `fit`: flags beat the file given by `--config`, the file beats the defaults.

use crate::failure::Usage;
use anyhow::{Context, Result};
use clap::Args;
use diffeo::flows::config::{Recipe, Sizes, recipe};
use diffeo::flows::model::Precision;
use diffeo::flows::train::TrainConfig;
use diffeo::flows::transforms::Support;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The flow that is fitted when none is asked for: the one that wins most often.
const DEFAULT_FLOW: &str = "nsf-gmm";
/// Rows drawn of a toy.
const TOY_ROWS: usize = 20_000;
/// Passes over the rows beyond which small tables are only learnt by heart.
const EPOCHS: usize = 150;
const FEWEST_STEPS: usize = 500;
/// Share of the rows that choose the weights, and of those that judge the result.
const HELD_OUT: f64 = 0.1;

/// Arguments of `fit`; every one but `--config` is a key of the configuration file too.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FitFlags {
    /// Toy name, .csv, .tsv, .npy, .npz[:key], .parquet, or - for CSV on stdin
    pub data: Option<String>,
    /// Read settings from this file; every flag is a key
    #[arg(long, value_name = "FILE.toml")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Run folder to create [default: runs/NAME]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Replace the run folder if it exists
    #[arg(long)]
    pub force: bool,
    /// Go on from the checkpoint in the run folder, or start if there is none
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Flow to fit; see `diffeo list` [default: nsf-gmm]
    #[arg(long, value_name = "NAME")]
    pub flow: Option<String>,
    /// Columns to model [default: all others]
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub columns: Option<Vec<String>>,
    /// Columns that the density is conditional on
    #[arg(long, value_delimiter = ',', value_name = "C,D")]
    pub given: Option<Vec<String>>,
    /// Column that weighs the rows
    #[arg(long, value_name = "W")]
    pub weight: Option<String>,
    /// Values a column can take: NAME=positive, NAME=positive-softplus or NAME=LOW:HIGH; repeatable
    #[arg(long, value_name = "NAME=KIND")]
    pub support: Option<Vec<String>>,
    /// Rows to draw of a toy [default: 20000]
    #[arg(long, value_name = "N")]
    pub rows: Option<usize>,
    /// Share of rows held out to choose the weights by [default: 0.1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub valid: Option<f64>,
    /// Share of rows held out to judge the result by [default: 0.1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub test: Option<f64>,
    /// Optimiser steps [default: 5000, fewer for small tables]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Rows of one step
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Largest learning rate
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Steps over which the learning rate rises
    #[arg(long, value_name = "N")]
    pub warmup: Option<usize>,
    /// Decoupled weight decay of the networks
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub weight_decay: Option<f64>,
    /// Largest norm of a gradient
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    pub clip_norm: Option<f64>,
    /// Decay of the averaged weights, 0 for none
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub average_decay: Option<f64>,
    /// Steps between evaluations on the held-out rows
    #[arg(long, value_name = "N")]
    pub evaluate_every: Option<usize>,
    /// Evaluations much worse than the best, without progress, after which training stops, 0 for never
    #[arg(long, value_name = "N")]
    pub patience: Option<usize>,
    /// Number of blocks of layers
    #[arg(long, value_name = "N")]
    pub layers: Option<usize>,
    /// Widths of the hidden layers
    #[arg(long, value_delimiter = ',', value_name = "64,64")]
    pub hidden: Option<Vec<usize>>,
    /// Bins of each spline
    #[arg(long, value_name = "N")]
    pub bins: Option<usize>,
    /// Components of a Gaussian mixture as base, 0 for a standard normal base
    #[arg(long, value_name = "N")]
    pub components: Option<usize>,
    /// Device to train on: cpu or cuda:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Precision of the weights: f32 or f64
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<String>,
    /// Draw no pictures
    #[arg(long)]
    pub no_plots: bool,
    /// The seed, for the file; `--seed` on the command line
    #[arg(skip)]
    pub seed: Option<u64>,
    /// The threads, for the file; `--threads` on the command line
    #[arg(skip)]
    pub threads: Option<usize>,
}

/// The resolved settings, as written into the run folder; sizes that are left out are the recipe's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FitSettings {
    pub data: String,
    pub flow: String,
    pub seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub support: Vec<String>,
    pub rows: usize,
    pub valid: f64,
    pub test: f64,
    /// None before the rows are known, unless asked for.
    pub steps: Option<usize>,
    pub batch_size: usize,
    pub lr: f64,
    pub warmup: usize,
    pub weight_decay: f64,
    pub clip_norm: f64,
    pub average_decay: f64,
    pub evaluate_every: usize,
    pub patience: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bins: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<usize>,
    pub device: String,
    pub dtype: Precision,
    pub no_plots: bool,
}

impl FitFlags {
    /// The flags, with `--seed` and `--threads`, and with the gaps filled from the configuration file.
    ///
    /// # Errors
    /// When the file cannot be read or has unknown keys.
    pub fn with_file(&self, seed: Option<u64>, threads: Option<usize>) -> Result<Self> {
        let file = match &self.config {
            Some(path) => read(path)?,
            None => Self::default(),
        };
        let f = self.clone();
        Ok(Self {
            data: f.data.or(file.data),
            config: f.config,
            output: f.output.or(file.output),
            force: f.force || file.force,
            resume: f.resume || file.resume,
            flow: f.flow.or(file.flow),
            columns: f.columns.or(file.columns),
            given: f.given.or(file.given),
            weight: f.weight.or(file.weight),
            support: f.support.or(file.support),
            rows: f.rows.or(file.rows),
            valid: f.valid.or(file.valid),
            test: f.test.or(file.test),
            steps: f.steps.or(file.steps),
            batch_size: f.batch_size.or(file.batch_size),
            lr: f.lr.or(file.lr),
            warmup: f.warmup.or(file.warmup),
            weight_decay: f.weight_decay.or(file.weight_decay),
            clip_norm: f.clip_norm.or(file.clip_norm),
            average_decay: f.average_decay.or(file.average_decay),
            evaluate_every: f.evaluate_every.or(file.evaluate_every),
            patience: f.patience.or(file.patience),
            layers: f.layers.or(file.layers),
            hidden: f.hidden.or(file.hidden),
            bins: f.bins.or(file.bins),
            components: f.components.or(file.components),
            device: f.device.or(file.device),
            dtype: f.dtype.or(file.dtype),
            no_plots: f.no_plots || file.no_plots,
            seed: seed.or(file.seed),
            threads: threads.or(file.threads),
        })
    }

    /// Fills what is still open with the defaults, those of the flow's recipe where it has some.
    ///
    /// # Errors
    /// When no data are named, or there is no such flow or precision.
    pub fn resolve(self) -> Result<FitSettings> {
        let flow = self.flow.unwrap_or_else(|| DEFAULT_FLOW.to_owned());
        let train = recipe(&flow)?.train;
        let data = self.data.ok_or_else(|| {
            Usage("no data: give a toy's name (see `diffeo list`) or a file".to_owned())
        })?;
        Ok(FitSettings {
            data,
            flow,
            seed: self.seed.unwrap_or(0),
            columns: self.columns,
            given: self.given.unwrap_or_default(),
            weight: self.weight,
            support: self.support.unwrap_or_default(),
            rows: self.rows.unwrap_or(TOY_ROWS),
            valid: self.valid.unwrap_or(HELD_OUT),
            test: self.test.unwrap_or(HELD_OUT),
            steps: self.steps,
            batch_size: self.batch_size.unwrap_or(train.batch_size),
            lr: self.lr.unwrap_or(train.learning_rate),
            warmup: self.warmup.unwrap_or(train.warmup_steps),
            weight_decay: self.weight_decay.unwrap_or(train.weight_decay),
            clip_norm: self.clip_norm.unwrap_or(train.clip_norm),
            average_decay: self.average_decay.unwrap_or(train.average_decay),
            evaluate_every: self.evaluate_every.unwrap_or(train.evaluate_every),
            patience: self.patience.unwrap_or(train.patience),
            layers: self.layers,
            hidden: self.hidden,
            bins: self.bins,
            components: self.components,
            device: self.device.unwrap_or_else(|| "cpu".to_owned()),
            dtype: precision(self.dtype.as_deref())?,
            no_plots: self.no_plots,
        })
    }
}

impl FitSettings {
    /// Settles what depends on the number of training rows: without being asked for, the steps are
    /// the recipe's, or [`EPOCHS`] passes over the rows if these are fewer, but no fewer than
    /// [`FEWEST_STEPS`].
    pub fn settle(&mut self, recipe: &Recipe, train_rows: usize) {
        let size = self.batch_size.clamp(1, train_rows.max(1));
        let few = (EPOCHS * train_rows).div_ceil(size).max(FEWEST_STEPS);
        self.steps.get_or_insert(few.min(recipe.train.steps));
    }

    /// The settings of the training run.
    pub fn train(&self, recipe: &Recipe) -> TrainConfig {
        TrainConfig {
            steps: self.steps.unwrap_or(recipe.train.steps),
            batch_size: self.batch_size,
            learning_rate: self.lr,
            warmup_steps: self.warmup,
            weight_decay: self.weight_decay,
            clip_norm: self.clip_norm,
            average_decay: self.average_decay,
            evaluate_every: self.evaluate_every,
            patience: self.patience,
            ..recipe.train.clone()
        }
    }

    /// Sizes that replace those of the recipe.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            layers: self.layers,
            hidden: self.hidden.clone(),
            bins: self.bins,
            components: self.components,
        }
    }

    /// The support of each of these columns.
    ///
    /// # Errors
    /// When a support names no such column or cannot be understood.
    pub fn supports(&self, columns: &[String]) -> Result<Vec<Support>> {
        let mut supports = vec![Support::Real; columns.len()];
        for text in &self.support {
            let (name, kind) = text.split_once('=').unwrap_or((text, ""));
            let at = columns.iter().position(|c| c == name).ok_or_else(|| {
                Usage(format!("--support {text}: no modelled column is called `{name}`"))
            })?;
            supports[at] = support(kind).ok_or_else(|| {
                Usage(format!(
                    "--support {text}: give NAME=positive, NAME=positive-softplus or NAME=LOW:HIGH"
                ))
            })?;
        }
        Ok(supports)
    }
}

fn support(kind: &str) -> Option<Support> {
    match kind {
        "real" => Some(Support::Real),
        "positive" => Some(Support::Positive),
        "positive-softplus" => Some(Support::PositiveSoftplus),
        _ => {
            let (low, high) = kind.split_once(':')?;
            Some(Support::Interval { low: low.parse().ok()?, high: high.parse().ok()? })
        }
    }
}

fn precision(text: Option<&str>) -> Result<Precision> {
    match text {
        None | Some("f32") => Ok(Precision::F32),
        Some("f64") => Ok(Precision::F64),
        Some(other) => Err(Usage(format!("--dtype {other}: give f32 or f64")).into()),
    }
}

fn read(path: &Path) -> Result<FitFlags> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text).map_err(|e| Usage(format!("{}: {}", path.display(), e.message())).into())
}
