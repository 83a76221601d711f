//! The resolved settings of `fit`: what is left open by flags and file is the recipe's.

use crate::failure::Usage;
use crate::fit_flags::FitFlags;
use crate::schema_file::Schema;
use anyhow::Result;
use diffeo::data::{Format, Labels, Missing};
use diffeo::flows::config::{ContinuousSettings, Recipe, ScoreSettings, Sizes, recipe};
use diffeo::flows::model::{Column, Precision};
use diffeo::flows::train::TrainConfig;
use diffeo::flows::transforms::{Support, SupportMap};
use serde::Serialize;
use std::path::PathBuf;

/// The flow that is fitted when none is asked for: the one that wins most often.
const DEFAULT_FLOW: &str = "nsf-gmm";
/// Rows drawn of a toy.
const TOY_ROWS: usize = 20_000;
/// Share of the rows that choose the weights, and of those that judge the result.
const HELD_OUT: f64 = 0.1;

/// The resolved settings, as written into the run folder; sizes that are left out are the recipe's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct FitSettings {
    pub data: String,
    pub flow: String,
    pub seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub header: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_header: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub support: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<PathBuf>,
    pub missing: Missing,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    #[serde(flatten)]
    pub continuous: ContinuousSettings,
    #[serde(flatten)]
    pub score: ScoreSettings,
    pub device: String,
    pub dtype: Precision,
    pub no_plots: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub live: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub film: bool,
}

impl FitFlags {
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
            without: self.without.unwrap_or_default(),
            format: self.format,
            header: self.header,
            no_header: self.no_header,
            weight: self.weight,
            support: self.support.unwrap_or_default(),
            schema: self.schema,
            missing: self.missing.unwrap_or_default(),
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
            base: self.base,
            continuous: ContinuousSettings {
                solver: self.solver,
                solver_steps: self.solver_steps,
                train_tolerance: self.train_tolerance,
                atol: self.atol,
                rtol: self.rtol,
                divergence: self.divergence,
                probe: self.probe,
                probes: self.probes,
                kinetic: self.kinetic,
                jacobian: self.jacobian,
                path: self.path,
                pairing: self.pairing,
                time_power: self.time_power,
            },
            score: ScoreSettings {
                score_objective: self.score_objective,
                schedule: self.schedule,
                weighting: self.weighting,
                level_sampling: self.level_sampling,
                noise_min: self.noise_min,
                noise_max: self.noise_max,
                network: self.network,
            },
            device: self.device.unwrap_or_else(|| "cpu".to_owned()),
            dtype: precision(self.dtype.as_deref())?,
            no_plots: self.no_plots,
            live: self.live,
            film: self.film,
        })
    }
}

impl FitSettings {
    /// Settles what depends on the number of training rows: without being asked for, the steps are those
    /// that the recipe takes for so many.
    pub fn settle(&mut self, recipe: &Recipe, train_rows: usize) {
        self.steps.get_or_insert_with(|| recipe.steps_for(train_rows, self.batch_size));
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
            base: self.base.clone(),
        }
    }

    /// What these columns hold: what the schema says, unless `--support` says otherwise.
    ///
    /// # Errors
    /// When schema or support name no such column or cannot be understood.
    pub fn columns(
        &self,
        schema: &Schema,
        names: &[String],
        given: &[String],
    ) -> Result<Vec<Column>> {
        let mut columns = schema.columns(names, given, &self.without)?;
        for text in &self.support {
            let (name, kind) = text.split_once('=').unwrap_or((text, ""));
            let at = names.iter().position(|c| c == name).ok_or_else(|| {
                Usage(format!("--support {text}: no modelled column is called `{name}`"))
            })?;
            let support = support(kind).ok_or_else(|| {
                Usage(format!(
                    "--support {text}: give NAME=positive, NAME=positive-softplus or NAME=LOW:HIGH"
                ))
            })?;
            columns[at] = Column::new(name, support);
        }
        SupportMap::new(columns.iter().map(|column| column.support).collect())?;
        Ok(columns)
    }

    /// Whether a flag or the schema says what a column holds.
    pub fn describes(&self, schema: &Schema, name: &str) -> bool {
        schema.describes(name) || self.has_support(name)
    }

    /// The columns of which a flag or the schema says what they hold.
    pub fn described(&self, schema: &Schema) -> Vec<String> {
        let supported = self.support.iter().filter_map(|text| text.split_once('='));
        schema.names().cloned().chain(supported.map(|(name, _)| name.to_owned())).collect()
    }

    /// Whether the first row of a text holds names; none to find out.
    pub fn header(&self) -> Option<bool> {
        match (self.header, self.no_header) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// The labels of columns that are read as categories: `--support` makes numbers of them.
    pub fn labels(&self, schema: &Schema) -> Labels {
        schema.labels(|name| self.has_support(name))
    }

    fn has_support(&self, name: &str) -> bool {
        let named = |text: &String| text.split_once('=').is_some_and(|(column, _)| column == name);
        self.support.iter().any(named)
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
