//! Fits a density to rows: from a recipe's name to a model in data units.

use crate::config::{BaseConfig, FlowConfig, ObjectiveConfig, Recipe, recipe};
use crate::densities::expectation_maximisation::{Criterion, choose_components};
use crate::engine::Engine;
use crate::error::{Error, NonFinite, Result};
use crate::metrics::Estimate;
use crate::model::{
    Calibration, Column, DataSummary, GivenColumn, HeldOut, Model, ModelSpec, Precision,
    TrainingSummary, ranges_of,
};
use crate::pairing::Pairing;
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::train::{Evaluation, Observer, Outcome, Stop, TrainConfig, TrainState, Trainer};
use crate::transforms::Support;
use crate::workers::Workers;
use candle_core::Device;

/// What to fit, and how.
///
/// # Example
/// ```
/// use diffeo_flows::fit::{Fit, Parts};
/// use diffeo_flows::{Workers, rows::Rows, train::Quiet};
/// let rows = Rows::new(1, (0..200).map(|i| f64::from(i % 17)).collect())?;
/// let mut fit = Fit::new("nsf-ar")?;
/// fit.config.steps = 20;
/// let parts = Parts { train: &rows, valid: None, test: None };
/// let (model, _) = fit.run(parts, None, &Workers::new(1)?, &mut Quiet)?;
/// let log_prob = model.log_prob_rows(&rows, &Workers::new(1)?)?;
/// assert!(log_prob.iter().all(|v| v.is_finite()));
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
}

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
        })
    }

    /// The untrained model for these training rows, which decide the number of features, of context
    /// columns and, where the recipe asks for it, of mixture components.
    ///
    /// # Errors
    /// [`Error::Config`] when the settings do not fit the rows; [`Error::Data`] when the rows cannot
    /// be used.
    pub fn model(&self, train: &Rows) -> Result<Model> {
        let Some(up_to) = self.recipe.components_up_to else {
            return self.model_of(train, self.recipe.base);
        };
        let plain = self.model_of(train, BaseConfig::StandardNormal)?;
        let standardised = plain.standardised(train)?;
        let mut rng = generator(self.seed, Stream::Mixture, 1);
        let by = Criterion::Akaike;
        let components = choose_components(&standardised, train.features(), up_to, by, &mut rng)?;
        let base = BaseConfig::GaussianMixture { components };
        self.model_of(train, base)
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
    /// interrupted has no training summary.
    ///
    /// # Errors
    /// [`Error::Config`] when the checkpoint is of another fit; [`Error::Data`] when rows cannot be
    /// used; [`Error::NonFinite`] when training breaks down.
    pub fn run(
        &self,
        parts: Parts,
        resume: Option<(Model, TrainState)>,
        workers: &Workers,
        observer: &mut dyn FitObserver,
    ) -> Result<(Model, Outcome)> {
        self.config.check()?;
        self.check_pairing(parts.train)?;
        let fresh = workers.run(|| self.model(parts.train))?;
        for rows in [Some(parts.train), parts.valid, parts.test].into_iter().flatten() {
            fresh.check_supports(rows)?;
        }
        let (mut model, state) = if let Some((model, state)) = resume {
            same_fit(model.spec(), fresh.spec())?;
            (model.with_engine(self.engine), state)
        } else {
            workers.run(|| fresh.initialise(parts.train))?;
            let state = TrainState::new(fresh.params())?;
            (fresh, state)
        };
        let outcome = self
            .train(&model, parts, state, workers, observer)
            .map_err(|error| with_row_number(error, parts.train))?;
        if outcome.stop != Stop::Interrupted {
            let (summary, calibration) = summary(&model, parts, &outcome, workers)?;
            if !summary.train_log_likelihood.is_finite() {
                let cause = NonFinite { step: summary.steps, layer: None, row: None };
                return Err(Error::NonFinite(Box::new(cause)));
            }
            model.set_training(summary);
            if let Some(calibration) = calibration {
                model.set_calibration(calibration);
            }
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
        trainer.run(state, &mut Saving { model, observer })
    }
}

/// The number of the offending row in the table, from 1, in place of that among the training rows.
fn with_row_number(error: Error, train: &Rows) -> Error {
    match error {
        Error::NonFinite(mut cause) => {
            cause.row = cause.row.map(|row| train.number(row) + 1);
            Error::NonFinite(cause)
        }
        other => other,
    }
}

/// Watches a fit: an [`Observer`] that also sees the model.
pub trait FitObserver: Observer {
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
        self.observer.restarted(cause, scale);
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

/// Judges a fitted model by rows that had no part in the fit: sets the test figures of its training
/// summary and its calibration, as [`Fit::run`] does where it is given such rows.
///
/// # Errors
/// [`Error::Shape`] when the rows have other columns than the model.
pub fn judge(model: &mut Model, test: &Rows, workers: &Workers) -> Result<()> {
    let log_prob = model.log_prob_rows(test, workers)?;
    let estimate = Estimate::of(&log_prob, test.weights());
    let gaussian = on_gaussian(model, test);
    if let Some(mut summary) = model.spec().training.clone() {
        summary.test_log_likelihood = Some(estimate.mean);
        summary.test_standard_error = Some(estimate.standard_error);
        summary.test_gaussian = gaussian;
        summary.test_effective_rows = effective(test);
        model.set_training(summary);
    }
    if test.weights().is_none() {
        let held_out = (&*model, HeldOut::Test);
        let kept = Calibration::of_points(held_out, (test, &log_prob), workers)?;
        model.set_calibration(kept);
    }
    Ok(())
}

/// How many rows of equal weight these are worth; none without weights.
fn effective(rows: &Rows) -> Option<f64> {
    rows.weights().map(|_| rows.effective_len())
}

/// Mean log-density under the full Gaussian; none where its covariance is singular.
fn on_gaussian(model: &Model, rows: &Rows) -> Option<f64> {
    let values = model.baseline().log_prob(rows).ok()?;
    Some(Estimate::of(&values, rows.weights()).mean)
}

fn summary(
    model: &Model,
    parts: Parts,
    outcome: &Outcome,
    workers: &Workers,
) -> Result<(TrainingSummary, Option<Calibration>)> {
    let log_prob = |rows: &Rows| model.log_prob_rows(rows, workers);
    let (of_valid, of_test) =
        (parts.valid.map(log_prob).transpose()?, parts.test.map(log_prob).transpose()?);
    let estimate = |rows: Option<&Rows>, values: &Option<Vec<f64>>| {
        Some(Estimate::of(values.as_ref()?, rows?.weights()))
    };
    let test = estimate(parts.test, &of_test);
    let state = &outcome.state;
    let summary = TrainingSummary {
        steps: state.step(),
        best_step: outcome.step,
        train_log_likelihood: Estimate::of(&log_prob(parts.train)?, parts.train.weights()).mean,
        valid_log_likelihood: estimate(parts.valid, &of_valid).map(|e| e.mean),
        test_log_likelihood: test.map(|e| e.mean),
        test_standard_error: test.map(|e| e.standard_error),
        test_gaussian: parts.test.and_then(|rows| on_gaussian(model, rows)),
        train_effective_rows: effective(parts.train),
        test_effective_rows: parts.test.and_then(effective),
        // A count is not worth a trained model.
        evaluations: model.evaluations(parts.train).ok().flatten(),
        fingerprint: model.fingerprint(parts.train, workers).ok(),
        history: state.history().to_vec(),
    };
    // Rows with weights are no sample of the distribution that the model is fitted to.
    let test = parts.test.zip(of_test).map(|kept| (HeldOut::Test, kept));
    let kept = test.or(parts.valid.zip(of_valid).map(|kept| (HeldOut::Valid, kept)));
    let kept = kept.filter(|_| parts.train.weights().is_none());
    let calibration = kept.map(|(held_out, (rows, log_prob))| {
        Calibration::of_points((model, held_out), (rows, &log_prob), workers)
    });
    Ok((summary, calibration.transpose()?))
}
