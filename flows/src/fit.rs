//! Fits a density to rows: from a recipe's name to a model in data units.

mod fitted;
mod plan;
mod summary;

pub use fitted::Fitted;
pub use plan::Plan;
pub use summary::judge;

use crate::cancel::Cancel;
use crate::config::{BaseConfig, FlowConfig, ObjectiveConfig, Recipe, recipe};
use crate::densities::GaussianMixtureConfig;
use crate::densities::expectation_maximisation::{Criterion, Search, choose_components};
use crate::engine::Engine;
use crate::error::{Error, NonFinite, Result};
use crate::model::{Column, DataSummary, GivenColumn, Model, ModelSpec, Precision, ranges_of};
use crate::pairing::Pairing;
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::train::{
    Evaluation, Observer, Outcome, Stop, TrainConfig, TrainState, Trainer, Warning,
};
use crate::transforms::Support;
use crate::workers::Workers;
use candle_core::Device;

/// What to fit, and how.
///
/// # Example
/// ```
/// use diffeo_flows::{Workers, fit::Fit, rows::Rows, train::Quiet};
/// let (rows, workers) =
///     (Rows::new(1, (0..200).map(|i| f64::from(i % 17)).collect())?, Workers::new(1)?);
/// let mut fit = Fit::new("nsf-ar")?;
/// fit.config.steps = 20; // as many as the recipe takes for these rows, if left alone
/// let fitted = fit.split_and_run(&rows, &workers, &mut Quiet)?;
/// let log_prob = fitted.model.log_prob_rows(&rows, &workers)?;
/// assert!(log_prob.iter().all(|v| v.is_finite()));
/// // Of the tenth of the rows that had no part in the fit, nats a row.
/// assert!(fitted.model.spec().training.as_ref().is_some_and(|t| t.test_log_likelihood.is_some()));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fit {
    /// The recipe's name, for the record.
    pub name: String,
    /// The flow.
    pub recipe: Recipe,
    /// Settings of the training run.
    pub config: TrainConfig,
    /// The seed of initial weights and shuffling.
    pub seed: u64,
    /// The precision of the weights.
    pub dtype: Precision,
    /// The device to train on.
    pub device: Device,
    /// The tier to train on.
    pub engine: Engine,
    /// Names and supports of the features; `x1`, `x2`, … on the whole line when empty.
    pub columns: Vec<Column>,
    /// Names of the context columns; `c1`, `c2`, … when empty.
    pub given: Vec<String>,
    /// The columns of a table that these are made of; empty where each is one of numbers.
    pub given_columns: Vec<GivenColumn>,
    /// Where the rows are from, for the record.
    pub data: DataSummary,
    /// Shares of the rows that [`Fit::split_and_run`] holds out to choose the weights and to judge the
    /// result.
    pub held_out: (f64, f64),
    /// Asked while mixtures are fitted, which takes its time on wide tables; once training has begun
    /// that is the observer's to break off.
    pub cancel: Cancel,
}

/// Share of the rows that choose the weights, and of those that judge the result.
const HELD_OUT: f64 = 0.1;

/// The parts that rows are split into.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// Rows to train on.
    pub train: &'a Rows,
    /// Rows to choose the best weights by.
    pub valid: Option<&'a Rows>,
    /// Rows to judge the result by.
    pub test: Option<&'a Rows>,
}

impl Fit {
    /// A fit of the recipe of that name, with default settings.
    ///
    /// # Errors
    /// [`Error::Config`] when there is no such recipe.
    pub fn new(name: &str) -> Result<Self> {
        let recipe = recipe(name)?;
        Ok(Self {
            name: name.to_owned(),
            config: recipe.train.clone(),
            recipe,
            seed: 0,
            dtype: Precision::F32,
            device: Device::Cpu,
            engine: Engine::default(),
            columns: Vec::new(),
            given: Vec::new(),
            given_columns: Vec::new(),
            data: DataSummary::default(),
            held_out: (HELD_OUT, HELD_OUT),
            cancel: Cancel::new(),
        })
    }

    /// The untrained model for these training rows, which decide the number of features, of context
    /// columns and, where the recipe asks for it, of mixture components.
    ///
    /// # Errors
    /// [`Error::Config`] when the settings do not fit the rows; [`Error::Data`] when the rows cannot
    /// be used.
    pub fn model(&self, train: &Rows) -> Result<Model> {
        let counted = train.of_weight();
        let plain = self.plain_model(&counted)?;
        self.with_components(plain, &counted)
    }

    /// The model whose number of components is still open.
    fn plain_model(&self, train: &Rows) -> Result<Model> {
        let base = match self.recipe.components_up_to {
            Some(_) => BaseConfig::default(),
            None => self.recipe.base.clone(),
        };
        self.model_of(train, base)
    }

    /// The same with as many components as the rows bear, where the recipe asks for them.
    fn with_components(&self, plain: Model, train: &Rows) -> Result<Model> {
        let Some(up_to) = self.recipe.components_up_to else { return Ok(plain) };
        self.cancel.check()?;
        let standardised = plain.standardised(train)?;
        let seen = (standardised.len() / train.features()) as f64;
        let search = Search {
            up_to,
            by: Criterion::Akaike,
            // Of the rows seen, of which there are no more than of all.
            effective_rows: train.weights().map(|_| train.effective_len().min(seen)),
            cancel: self.cancel.clone(),
        };
        let mut rng = generator(self.seed, Stream::Mixture, 1);
        let components = choose_components(&standardised, train.features(), &search, &mut rng)?;
        self.model_of(train, GaussianMixtureConfig { components }.into())
    }

    fn model_of(&self, train: &Rows, base: BaseConfig) -> Result<Model> {
        let (features, context) = (train.features(), train.context().map_or(0, |(k, _)| k));
        let columns = if self.columns.is_empty() {
            let real = |name| Column::new(name, Support::Real);
            numbered("x", features).map(real).collect()
        } else {
            self.columns.clone()
        };
        let given = if self.given.is_empty() {
            numbered("c", context).collect()
        } else {
            self.given.clone()
        };
        let spec = ModelSpec {
            recipe: self.name.clone(),
            flow: FlowConfig { base, ..self.recipe.flow(features, context)? },
            columns,
            given,
            given_columns: self.given_columns.clone(),
            given_ranges: ranges_of(train),
            dtype: self.dtype,
            seed: self.seed,
            data: self.data.clone(),
            objective: self.recipe.objective,
            train: self.config.clone(),
            training: None,
        };
        Ok(Model::new(spec, &self.device)?.with_engine(self.engine))
    }

    /// Trains from the start, or goes on from a checkpoint's model and state. A model whose run was
    /// interrupted has no training summary. Rows of weight 0 count for nothing, in no part.
    ///
    /// # Errors
    /// [`Error::Config`] when the checkpoint is of another fit; [`Error::Data`] when rows cannot be
    /// used; [`Error::NonFinite`] when training breaks down before anything was learnt;
    /// [`Error::Cancelled`].
    pub fn run(
        &self,
        parts: Parts,
        resume: Option<(Model, TrainState)>,
        workers: &Workers,
        observer: &mut dyn FitObserver,
    ) -> Result<(Model, Outcome)> {
        self.config.check()?;
        self.check_pairing(parts.train)?;
        let train = parts.train.of_weight();
        let [valid, test] = [parts.valid, parts.test].map(|rows| rows.map(Rows::of_weight));
        if train.is_empty() {
            let remedy = "hold out fewer rows, or take another seed";
            return Err(Error::data("training rows", "none has a weight above 0", remedy));
        }
        if valid.as_ref().is_some_and(|rows| rows.is_empty()) {
            observer.warned(&Warning::NoHeldOutWeight);
        }
        let [valid, test] =
            [&valid, &test].map(|rows| rows.as_deref().filter(|rows| !rows.is_empty()));
        let parts = Parts { train: &train, valid, test };
        let plain = workers.run(|| self.plain_model(parts.train))?;
        observer.plans(&Plan::of(self, &plain, parts.train.len()));
        let fresh = workers.run(|| self.with_components(plain, parts.train))?;
        for rows in [Some(parts.train), parts.valid, parts.test].into_iter().flatten() {
            fresh.check_supports(rows)?;
        }
        let (mut model, state) = if let Some((model, state)) = resume {
            same_fit(model.spec(), fresh.spec())?;
            (model.with_engine(self.engine), state)
        } else {
            workers.run(|| fresh.initialise_unless(&self.cancel, parts.train))?;
            let state = TrainState::new(fresh.params())?;
            (fresh, state)
        };
        let outcome = self
            .train(&model, parts, state, workers, observer)
            .map_err(|error| with_row_number(error, parts.train))?;
        if outcome.stop != Stop::Interrupted {
            summary::record(&mut model, parts, &outcome, workers, observer)?;
        }
        Ok((model, outcome))
    }

    /// Fails for pairs that would not be independent of context or weights, as flow matching needs them.
    fn check_pairing(&self, train: &Rows) -> Result<()> {
        let ObjectiveConfig::FlowMatching(matching) = self.recipe.objective else { return Ok(()) };
        let plain = train.context().is_none() && train.weights().is_none();
        if plain || matching.pairing == Pairing::Independent {
            return Ok(());
        }
        Err(Error::config(
            "pairing",
            "pairs chosen by distance alone are biased given a context or weights",
            "take independent pairs",
        ))
    }

    fn train(
        &self,
        model: &Model,
        parts: Parts,
        state: TrainState,
        workers: &Workers,
        observer: &mut dyn FitObserver,
    ) -> Result<Outcome> {
        let train = model.batch(parts.train)?;
        let valid = parts.valid.map(|rows| model.batch(rows)).transpose()?;
        let engine = model.engine()?;
        let objective = engine.objective(&self.recipe.objective, model.flow(), workers)?;
        observer.begins(model)?;
        let trainer = Trainer {
            config: &self.config,
            objective: objective.as_ref(),
            params: model.params(),
            train: &train,
            valid: valid.as_ref(),
        };
        trainer.run(state, &mut Saving { model, parts, observer })
    }
}

/// The number of the offending row in the table, from 1, in place of that among the training rows.
fn with_row_number(error: Error, train: &Rows) -> Error {
    match error {
        Error::NonFinite(cause) => Error::NonFinite(Box::new(in_table(&cause, train))),
        other => other,
    }
}

fn in_table(cause: &NonFinite, train: &Rows) -> NonFinite {
    NonFinite { row: cause.row.map(|row| train.number(row) + 1), ..cause.clone() }
}

/// Watches a fit: an [`Observer`] that also sees the model.
pub trait FitObserver: Observer {
    /// Called before anything is computed, with what it will take.
    fn plans(&mut self, _plan: &Plan) {}

    /// Called once before the first step, when settings and rows have been found good.
    ///
    /// # Errors
    /// An error ends the run.
    fn begins(&mut self, _model: &Model) -> Result<()> {
        Ok(())
    }

    /// Called after each evaluation; the place to save a checkpoint.
    ///
    /// # Errors
    /// An error ends the run.
    fn checkpoint(&mut self, _model: &Model, _state: &TrainState) -> Result<()> {
        Ok(())
    }
}

impl FitObserver for crate::train::Quiet {}

/// Hands the model on with each evaluation.
struct Saving<'a> {
    model: &'a Model,
    parts: Parts<'a>,
    observer: &'a mut dyn FitObserver,
}

impl Observer for Saving<'_> {
    fn stepped(&mut self, step: usize, loss: f64) -> std::ops::ControlFlow<()> {
        self.observer.stepped(step, loss)
    }

    fn evaluated(&mut self, evaluation: &Evaluation, state: &TrainState) -> Result<()> {
        self.observer.evaluated(evaluation, state)?;
        self.observer.checkpoint(self.model, state)
    }

    fn restarted(&mut self, cause: &NonFinite, scale: f64) {
        self.observer.restarted(&in_table(cause, self.parts.train), scale);
    }

    fn diverged(&mut self, cause: &NonFinite, kept: usize) {
        self.observer.diverged(&in_table(cause, self.parts.train), kept);
    }

    fn warned(&mut self, warning: &Warning) {
        match (warning, self.parts.valid) {
            (Warning::Unjudged { step, rows, count, of }, Some(valid)) => {
                let rows = rows.iter().map(|row| valid.number(*row) + 1).collect();
                let (step, count, of) = (*step, *count, *of);
                self.observer.warned(&Warning::Unjudged { step, rows, count, of });
            }
            _ => self.observer.warned(warning),
        }
    }
}

/// `x1`, `x2`, …
fn numbered(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |i| format!("{prefix}{i}"))
}

/// Fails when a model is of another fit, naming what differs.
///
/// # Errors
/// [`Error::Config`].
pub fn same_fit(saved: &ModelSpec, asked: &ModelSpec) -> Result<()> {
    let differs = [
        ("seed", saved.seed != asked.seed),
        ("data", saved.data != asked.data),
        ("columns", saved.columns != asked.columns || saved.given != asked.given),
        ("context", saved.given_columns != asked.given_columns),
        ("dtype", saved.dtype != asked.dtype),
        ("flow", saved.flow != asked.flow),
        ("objective", saved.objective != asked.objective),
        ("training settings", saved.train != asked.train),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((name, _)) => Err(Error::config(
            "resume",
            format!("the run to go on with has another {name} than this fit"),
            "repeat the command of the interrupted run, or start anew with --force",
        )),
    }
}
