//! `fit --flow auto`: fits several flows and chooses one by the validation rows.

use super::plan::Loaded;
use super::{
    Job, Results, Work, describe, finish, how_to_finish, how_to_go_on, load, require_plane,
};
use crate::args::Common;
use crate::failure::Usage;
use crate::fit_flags::FitFlags;
use crate::fit_settings::FitSettings;
use crate::input::workers;
use crate::run_folder::RunFolder;
use crate::signals::Signals;
use anyhow::{Context, Result};
use diffeo::flows::config::Recipe;
use diffeo::flows::fit::{Fit, Parts, judge, same_fit};
use diffeo::flows::metrics::Estimate;
use diffeo::flows::model::Model;
use diffeo::flows::{Error, Workers};
use diffeo::pictures::Moment;
use diffeo::selection::{Scored, choose};
use serde::{Deserialize, Deserializer, Serialize};
use std::process::ExitCode;

/// The flow that stands for a choice.
pub const AUTO: &str = "auto";
/// The flows to choose from.
const CANDIDATES: [&str; 4] = ["nsf-gmm", "nsf-ar", "maf", "realnvp"];
/// Settings that are each flow's own unless asked for.
const OWN: [&str; 9] = [
    "steps",
    "batch-size",
    "lr",
    "warmup",
    "weight-decay",
    "clip-norm",
    "average-decay",
    "evaluate-every",
    "patience",
];

/// What was tried, what was chosen, and why: `candidates.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Selection {
    /// The recipe chosen.
    pub chosen: String,
    /// Why.
    pub reason: String,
    /// All that were tried.
    pub candidates: Vec<Candidate>,
}

/// A flow that was tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Candidate {
    /// Its recipe.
    pub flow: String,
    /// Number of its parameters.
    pub parameters: Option<usize>,
    /// Optimiser steps.
    pub steps: Option<usize>,
    /// Mean log-likelihood of the validation rows, nats.
    #[serde(deserialize_with = "mean")]
    pub valid: Option<Estimate>,
    /// How far it is behind the best on them, paired.
    #[serde(deserialize_with = "lag")]
    pub behind: Option<Estimate>,
    /// Why it could not be fitted, if so.
    pub failure: Option<String>,
}

/// An estimate as JSON has it: null where it is infinite.
#[derive(Deserialize)]
struct Written {
    mean: Option<f64>,
    standard_error: Option<f64>,
}

impl Written {
    fn estimate(self, infinite: f64) -> Estimate {
        Estimate {
            mean: self.mean.unwrap_or(infinite),
            standard_error: self.standard_error.unwrap_or(f64::INFINITY),
        }
    }
}

/// A mean log-likelihood, −∞ where a row is impossible.
fn mean<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<Estimate>, D::Error> {
    Ok(Option::<Written>::deserialize(from)?.map(|w| w.estimate(f64::NEG_INFINITY)))
}

/// How far one is behind, ∞ where a row is impossible.
fn lag<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Option<Estimate>, D::Error> {
    Ok(Option::<Written>::deserialize(from)?.map(|w| w.estimate(f64::INFINITY)))
}

/// A candidate that could be fitted.
struct Fitted {
    model: Model,
    log_prob: Vec<f64>,
    moments: Vec<Moment>,
}

pub fn run(common: &Common, flags: &FitFlags, signals: &Signals) -> Result<ExitCode> {
    let settings_of = |name: &str| {
        let flow = Some(name.to_owned());
        FitFlags { flow, ..flags.clone() }.resolve()
    };
    let mut settings: Vec<FitSettings> =
        CANDIDATES.iter().map(|name| settings_of(name)).collect::<Result<_>>()?;
    let folder = RunFolder::new(flags.output.as_deref(), &settings[0].data);
    let _lock = folder.claim(flags.force, flags.resume)?;
    let workers = workers(flags.threads)?;
    let loaded = load(&settings[0], common)?;
    if loaded.split.valid.is_none() {
        let message =
            "--flow auto: it chooses by the validation rows; give --valid a share above 0";
        return Err(Usage(message.to_owned()).into());
    }
    let fits = settings
        .iter_mut()
        .map(|s| describe(s, &loaded, common.engine.into()).with_context(|| in_flow(&s.flow)))
        .collect::<Result<Vec<Fit>>>()?;
    let (settings, fits): (Vec<FitSettings>, Vec<Fit>) =
        settings.into_iter().zip(fits).filter(|(_, fit)| takes_columns(common, fit)).unzip();
    check(&fits, &loaded, flags.film)?;
    if flags.resume && folder.has_model() && folder.has_choice() {
        return resume_finished((common, flags), (&folder, &workers), signals, (&fits, &loaded));
    }
    let config = config(flags, &settings[0])?;
    if flags.resume && !folder.has_candidates() {
        let is_plain = folder.has_model() && !folder.has_choice() && !folder.has_begun(&config)?;
        refuse_plain(&folder, is_plain || folder.has_checkpoint())?;
    }
    if !flags.resume || !folder.has_candidates() {
        folder.remove_candidates()?;
        folder.create(&config, None)?;
    }
    let race = Candidates { common, folder: &folder, loaded: &loaded, workers: &workers };
    let (mut fitted, mut work) = (Vec::new(), Work::default());
    for (settings, fit) in settings.iter().zip(&fits) {
        let Some((outcome, done)) = race.fit(settings, fit, flags.resume, signals)? else {
            return Ok(how_to_go_on(&folder));
        };
        work.steps += done.steps;
        work.seconds += done.seconds;
        fitted.push(outcome);
    }
    let (selection, mut model, moments) = race.choose(fitted)?;
    if let Some(test) = &loaded.split.test {
        judge(&mut model, test, &workers)?;
    }
    let own = folder.candidate(&selection.chosen);
    folder.replace_model(&model)?;
    folder.settle()?;
    folder.put("metrics.jsonl", &std::fs::read(own.path().join("metrics.jsonl"))?)?;
    // Last of all that a choice needs: with it the choice is made.
    folder.put(RunFolder::CHOICE, &serde_json::to_vec_pretty(&selection)?)?;
    let (split, folder, workers) = (&loaded.split, &folder, &workers);
    let results = Results { model: &model, split, folder, workers, signals };
    if !results.write(common.voice(), !flags.no_plots, &moments) {
        return Ok(how_to_finish(folder));
    }
    finish(common, &model, folder, (work, Some(selection)))
}

fn in_flow(name: &str) -> String {
    format!("--flow auto, which tries {name}")
}

/// Whether a flow can be fitted to so many columns; says so where it cannot.
fn takes_columns(common: &Common, fit: &Fit) -> bool {
    let takes = fit.columns.len() > 1 || !needs_two(&fit.recipe);
    if !takes {
        common.voice().note(&format!("{}: left out, it needs two columns", fit.name));
    }
    takes
}

/// Whether a flow splits the columns in two halves.
fn needs_two(recipe: &Recipe) -> bool {
    recipe.block_of_one.is_none() && recipe.block.iter().any(|layer| layer.least_features() > 1)
}

/// Fails for a folder whose fit was of one flow by name.
fn refuse_plain(folder: &RunFolder, is_plain: bool) -> Result<()> {
    if !is_plain {
        return Ok(());
    }
    let path = folder.path().display();
    let message = format!(
        "{path}: its fit is of one flow, not of --flow auto: go on with that, start anew with \
         --force, or choose another -o DIR"
    );
    Err(Usage(message).into())
}

/// Finds what can be found to be wrong before anything is written.
fn check(fits: &[Fit], loaded: &Loaded, film: bool) -> Result<()> {
    let parts = loaded.split.parts();
    for fit in fits {
        fit.config.check().with_context(|| in_flow(&fit.name))?;
    }
    // The last is quick to build, which the default with its mixture is not.
    let Some(fit) = fits.last() else { return Ok(()) };
    if film {
        require_plane(fit)?;
    }
    let model = fit.model(parts.train).with_context(|| in_flow(&fit.name))?;
    for rows in [Some(parts.train), parts.valid, parts.test].into_iter().flatten() {
        model.check_supports(rows)?;
    }
    Ok(())
}

/// The settings that repeat the choice: those of a flow without what is its own.
fn config(flags: &FitFlags, settings: &FitSettings) -> Result<toml::Table> {
    let mut table = toml::Table::try_from(settings)?;
    table.insert("flow".to_owned(), AUTO.into());
    let asked = [
        flags.steps.is_some(),
        flags.batch_size.is_some(),
        flags.lr.is_some(),
        flags.warmup.is_some(),
        flags.weight_decay.is_some(),
        flags.clip_norm.is_some(),
        flags.average_decay.is_some(),
        flags.evaluate_every.is_some(),
        flags.patience.is_some(),
    ];
    for (key, _) in OWN.iter().zip(asked).filter(|(_, asked)| !asked) {
        table.remove(*key);
    }
    Ok(table)
}

/// A finished choice, asked for again.
fn resume_finished(
    (common, flags): (&Common, &FitFlags),
    (folder, workers): (&RunFolder, &Workers),
    signals: &Signals,
    (fits, loaded): (&[Fit], &Loaded),
) -> Result<ExitCode> {
    let model = folder.model()?;
    let chosen = fits.iter().find(|fit| fit.name == model.spec().recipe);
    let Some(fit) = chosen else {
        let path = folder.path().display();
        let message = format!("{path}: its flow was not chosen by auto; start anew with --force");
        return Err(Usage(message).into());
    };
    same_fit(model.spec(), fit.model(&loaded.split.train)?.spec())?;
    let results = Results { model: &model, split: &loaded.split, folder, workers, signals };
    if !results.complete(common.voice(), !flags.no_plots)? {
        return Ok(how_to_finish(folder));
    }
    super::say_idle(common.voice(), (flags.live, flags.film));
    let selection = std::fs::read(folder.path().join(RunFolder::CHOICE))?;
    finish(common, &model, folder, (Work::default(), Some(serde_json::from_slice(&selection)?)))
}

/// The race of the candidates.
struct Candidates<'a> {
    common: &'a Common,
    folder: &'a RunFolder,
    loaded: &'a Loaded,
    workers: &'a Workers,
}

type Attempt = (Candidate, Option<Fitted>);

impl Candidates<'_> {
    /// Fits one in its own folder, goes on with it, or finds it finished; nothing when interrupted.
    fn fit(
        &self,
        settings: &FitSettings,
        fit: &Fit,
        resume: bool,
        signals: &Signals,
    ) -> Result<Option<(Attempt, Work)>> {
        let (folder, split) = (self.folder.candidate(&fit.name), &self.loaded.split);
        // The rows that judge have no part in the choice.
        let parts = Parts { test: None, ..split.parts() };
        let mut work = Work::default();
        let model = if resume && folder.has_model() && !folder.has_checkpoint() {
            let model = folder.model()?.with_engine(fit.engine);
            same_fit(model.spec(), fit.model(&split.train)?.spec())?;
            model
        } else {
            let (voice, workers) = (self.common.voice(), self.workers);
            let job = Job { voice, fit, parts, folder: &folder, settings, workers, signals };
            match job.run(resume) {
                Ok(None) => return Ok(None),
                Ok(Some((model, done))) => {
                    work = done;
                    folder.replace_model(&model)?;
                    model
                }
                Err(error) if is_breakdown(&error) => {
                    let failure = format!("{error:#}");
                    crate::output::complain(&format!("warning: {}: {failure}", fit.name));
                    return Ok(Some((failed(&fit.name, failure), work)));
                }
                Err(error) => return Err(error.context(in_flow(&fit.name))),
            }
        };
        let moments = std::mem::take(&mut work.moments);
        Ok(Some((self.score(fit, model, moments)?, work)))
    }

    /// What the validation rows say of a fitted candidate.
    fn score(&self, fit: &Fit, model: Model, moments: Vec<Moment>) -> Result<Attempt> {
        let valid = self.loaded.split.valid.as_ref();
        let log_prob = valid.map(|rows| model.log_prob_rows(rows, self.workers)).transpose()?;
        let log_prob = log_prob.unwrap_or_default();
        let weights = valid.and_then(|rows| rows.weights());
        let candidate = Candidate {
            flow: fit.name.clone(),
            parameters: Some(model.params().count()),
            steps: model.spec().training.as_ref().map(|t| t.steps),
            valid: Some(Estimate::of(&log_prob, weights)),
            behind: None,
            failure: None,
        };
        Ok((candidate, Some(Fitted { model, log_prob, moments })))
    }

    /// The best of them, or the simplest that is as good.
    fn choose(&self, attempts: Vec<Attempt>) -> Result<(Selection, Model, Vec<Moment>)> {
        let (mut candidates, fitted): (Vec<Candidate>, Vec<Option<Fitted>>) =
            attempts.into_iter().unzip();
        let places: Vec<usize> = (0..fitted.len()).filter(|i| fitted[*i].is_some()).collect();
        let scored: Vec<Scored<'_>> = fitted
            .iter()
            .zip(&candidates)
            .filter_map(|(fitted, candidate)| {
                let Fitted { model, log_prob, .. } = fitted.as_ref()?;
                let (name, parameters) = (candidate.flow.as_str(), model.params().count());
                Some(Scored { name, parameters, log_prob })
            })
            .collect();
        let weights = self.loaded.split.valid.as_ref().and_then(|rows| rows.weights());
        let choice = choose(&scored, weights).ok_or_else(|| {
            let (problem, remedy) = if scored.is_empty() {
                ("none of the flows could be fitted to the rows", "look at the warnings, or name a flow")
            } else {
                (
                    "each of the flows gives some validation row density 0, so that none can be chosen",
                    "look for rows that are far from all others, or name a flow",
                )
            };
            Error::data("--flow auto", problem, format!("{remedy} with --flow"))
        })?;
        for (place, behind) in places.iter().zip(&choice.behind) {
            candidates[*place].behind = Some(*behind);
        }
        let place = places[choice.chosen];
        let chosen = candidates[place].flow.clone();
        let fitted = fitted.into_iter().nth(place).flatten();
        let Fitted { model, moments, .. } = fitted.context("the flow chosen has no model")?;
        let selection = Selection { chosen, reason: choice.reason, candidates };
        self.common.voice().note(&selection.reason);
        Ok((selection, model, moments))
    }
}

/// Whether training broke down, which another flow may survive.
fn is_breakdown(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<Error>(), Some(Error::NonFinite(_)))
}

fn failed(name: &str, failure: String) -> Attempt {
    let candidate = Candidate {
        flow: name.to_owned(),
        parameters: None,
        steps: None,
        valid: None,
        behind: None,
        failure: Some(failure),
    };
    (candidate, None)
}

/// A line for each candidate.
pub fn text(selection: &Selection) -> Vec<String> {
    let line = |c: &Candidate| match (&c.valid, &c.behind) {
        (Some(valid), Some(behind)) => format!(
            "                      {:<10} {:.4} on validation rows, behind by {:.4} ± {:.4}",
            c.flow, valid.mean, behind.mean, behind.standard_error
        ),
        _ => format!("                      {:<10} could not be fitted", c.flow),
    };
    let mut lines = vec![format!("chosen                {}", selection.reason)];
    lines.extend(selection.candidates.iter().map(line));
    lines
}
