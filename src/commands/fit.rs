//! `diffeo fit`: fit a density, hold out, save, check, draw.

mod auto;
mod results;

use crate::args::Common;
use crate::failure::INTERRUPTED;
use crate::fit_flags::FitFlags;
use crate::fit_settings::FitSettings;
use crate::input::{Data, device, modelled_rows, workers};
use crate::output::{Voice, complain};
use crate::progress::{Progress, Record};
use crate::run_folder::RunFolder;
use anyhow::{Context, Result};
use auto::Selection;
use diffeo::baselines::{Baseline, Baselines};
use diffeo::data::{RoleRequest, Roles, Table, split};
use diffeo::flows::config::recipe;
use diffeo::flows::fit::{Fit, Parts, same_fit};
use diffeo::flows::model::{Column, DataSummary, Evaluations, Model, RowCounts};
use diffeo::flows::rng::Stream;
use diffeo::flows::rows::Rows;
use diffeo::flows::train::Stop;
use diffeo::flows::{Engine, Workers};
use results::Results;
use serde::Serialize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What `fit --json` prints.
#[derive(Serialize)]
struct Report {
    model: String,
    flow: String,
    features: usize,
    rows: RowCounts,
    steps: usize,
    seconds: f64,
    steps_per_second: f64,
    log_likelihood: LogLikelihood,
    baselines: TestBaselines,
    /// Of the field of a continuous flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluations: Option<Evaluations>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto: Option<Selection>,
    seed: u64,
}

#[derive(Serialize)]
struct LogLikelihood {
    train: f64,
    valid: Option<f64>,
    test: Option<f64>,
    test_standard_error: Option<f64>,
}

/// Mean log-likelihoods of simpler densities on the test rows.
#[derive(Serialize)]
struct TestBaselines {
    gaussian: Option<f64>,
    gmm: Option<f64>,
    kde: Option<f64>,
}

/// The rows of a fit, split.
struct Split {
    train: Rows,
    valid: Option<Rows>,
    test: Option<Rows>,
}

impl Split {
    fn parts(&self) -> Parts<'_> {
        Parts { train: &self.train, valid: self.valid.as_ref(), test: self.test.as_ref() }
    }
}

/// The table of a fit, what its columns are, and its rows.
struct Loaded {
    table: Table,
    roles: Roles,
    counts: RowCounts,
    split: Split,
}

/// Optimiser steps done by this command, and the time that they took.
#[derive(Default)]
struct Work {
    steps: usize,
    seconds: f64,
}

pub fn run(common: &Common, flags: &FitFlags) -> Result<ExitCode> {
    let flags = flags.with_file(common.seed, common.threads)?;
    if flags.flow.as_deref() == Some(auto::AUTO) {
        return auto::run(common, &flags);
    }
    let (resume, force) = (flags.resume, flags.force);
    let (output, workers) = (flags.output.clone(), workers(flags.threads)?);
    let mut settings = flags.resolve()?;
    let folder = RunFolder::new(output.as_deref(), &settings.data);
    folder.refuse_existing(force, resume)?;
    let loaded = load(&settings)?;
    let fit = describe(&mut settings, &loaded, common.engine.into())?;
    let split = &loaded.split;

    if resume && folder.has_model() && !folder.has_checkpoint() {
        let model = folder.model()?.with_engine(fit.engine);
        same_fit(model.spec(), fit.model(&split.train)?.spec())?;
        common.voice().note("the run is complete; nothing to resume");
        return finish(common, &model, &folder, (Work::default(), None));
    }
    let flag = watch_for_interrupts()?;
    let (what, place) = ((&fit, split.parts()), (&folder, &settings));
    let Some((model, work)) = train(common.voice(), what, place, (&workers, &flag), resume)? else {
        return Ok(interrupted(&folder));
    };
    model.save(folder.model_path())?;
    folder.remove_checkpoint()?;
    let results = Results { model: &model, split, folder: &folder, workers: &workers };
    results.write(common.voice(), !settings.no_plots);
    finish(common, &model, &folder, (work, None))
}

/// Fits in a folder, from the start or from its checkpoint; nothing when interrupted.
fn train(
    voice: Voice,
    (fit, parts): (&Fit, Parts<'_>),
    (folder, settings): (&RunFolder, &FitSettings),
    (workers, interrupted): (&Workers, &Arc<AtomicBool>),
    resume: bool,
) -> Result<Option<(Model, Work)>> {
    let previous = if resume { folder.checkpoint(&fit.device)? } else { None };
    let resumed_at = previous.as_ref().map(|(_, state)| state.step());
    let record = Record { folder, settings, resumed_at };
    let mut progress = Progress::new(voice, record, interrupted.clone());
    let (model, outcome) = fit.run(parts, previous, workers, &mut progress)?;
    progress.finish();
    if outcome.stop == Stop::Interrupted {
        let name = &model.spec().recipe;
        complain(&format!("interrupted at step {} of {name}", outcome.state.step()));
        return Ok(None);
    }
    let steps = model.spec().training.as_ref().map_or(0, |t| t.steps) - resumed_at.unwrap_or(0);
    Ok(Some((model, Work { steps, seconds: progress.seconds() })))
}

/// Says how to go on.
fn interrupted(folder: &RunFolder) -> ExitCode {
    let path = folder.path().display();
    complain(&format!("go on with the same command and --resume -o {path}"));
    ExitCode::from(INTERRUPTED)
}

/// Reads and splits the data.
fn load(settings: &FitSettings) -> Result<Loaded> {
    let request = RoleRequest {
        columns: settings.columns.clone(),
        given: settings.given.clone(),
        weight: settings.weight.clone(),
    };
    let data = Data::parse(&settings.data)?;
    let columns = request.columns_to_read();
    let table = data.read(columns.as_deref(), settings.rows, settings.seed, Stream::Sample)?;
    split(table.rows(), settings.valid, settings.test, settings.seed)?;
    let (roles, rows) = modelled_rows(&table, &request)?;
    let parts = split(rows.len(), settings.valid, settings.test, settings.seed)?;
    let counts =
        RowCounts { train: parts.train.len(), valid: parts.valid.len(), test: parts.test.len() };
    let take = |part: &[usize]| (!part.is_empty()).then(|| rows.take(part));
    let split = Split {
        train: rows.take(&parts.train),
        valid: take(&parts.valid),
        test: take(&parts.test),
    };
    Ok(Loaded { table, roles, counts, split })
}

/// Decides what to fit.
fn describe(settings: &mut FitSettings, loaded: &Loaded, engine: Engine) -> Result<Fit> {
    let Loaded { table, roles, counts, .. } = loaded;
    let supports = settings.supports(&roles.features)?;
    let columns = roles.features.iter().zip(supports);
    let recipe = recipe(&settings.flow)?
        .with_sizes(&settings.sizes())?
        .with_continuous(&settings.continuous)?
        .with_score(&settings.score)?;
    settings.settle(&recipe, counts.train);
    Ok(Fit {
        name: settings.flow.clone(),
        config: settings.train(&recipe),
        engine,
        recipe,
        seed: settings.seed,
        dtype: settings.dtype,
        device: device(&settings.device)?,
        columns: columns.map(|(name, support)| Column { name: name.clone(), support }).collect(),
        given: roles.context.clone(),
        data: DataSummary {
            source: table.source().to_owned(),
            hash: table.hash(),
            weight: roles.weight.clone(),
            rows: *counts,
        },
    })
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program at once.
fn watch_for_interrupts() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = flag.clone();
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(INTERRUPTED));
        }
    })
    .context("cannot watch for Ctrl-C")?;
    Ok(flag)
}

fn finish(
    common: &Common,
    model: &Model,
    folder: &RunFolder,
    (Work { steps, seconds }, auto): (Work, Option<Selection>),
) -> Result<ExitCode> {
    let spec = model.spec();
    let training = spec.training.as_ref().context("the model says nothing of its training")?;
    let baselines = Baselines::load(model, folder.path().join(Baselines::FILE)).ok();
    let on_test = |which| baselines.as_ref()?.on_test_rows(which);
    let report = Report {
        model: folder.path().display().to_string(),
        flow: spec.recipe.clone(),
        features: spec.columns.len(),
        rows: spec.data.rows,
        steps: training.steps,
        seconds,
        steps_per_second: if seconds > 0.0 { steps as f64 / seconds } else { 0.0 },
        log_likelihood: LogLikelihood {
            train: training.train_log_likelihood,
            valid: training.valid_log_likelihood,
            test: training.test_log_likelihood,
            test_standard_error: training.test_standard_error,
        },
        baselines: TestBaselines {
            gaussian: training.test_gaussian,
            gmm: on_test(Baseline::Gmm),
            kde: on_test(Baseline::Kde),
        },
        evaluations: training.evaluations,
        auto,
        seed: spec.seed,
    };
    common.voice().result(&report, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(report: &Report) -> String {
    let l = &report.log_likelihood;
    let mut lines = vec![format!(
        "{}: {} on {} columns, {} steps in {:.1} s, seed {}",
        report.model, report.flow, report.features, report.steps, report.seconds, report.seed
    )];
    lines.push(format!("mean log-likelihood   {:.4} nats on training rows", l.train));
    if let Some(valid) = l.valid {
        lines.push(format!("                      {valid:.4} on the rows that chose the weights"));
    }
    if let (Some(test), Some(error)) = (l.test, l.test_standard_error) {
        lines.push(format!("                      {test:.4} ± {error:.4} on test rows"));
    }
    let TestBaselines { gaussian, gmm, kde } = report.baselines;
    for (value, name) in
        [(gaussian, "full Gaussian"), (gmm, "Gaussian mixture"), (kde, "kernel estimate")]
    {
        if let Some(value) = value {
            lines.push(format!("                      {value:.4} of a {name} on test rows"));
        }
    }
    if let Some(Evaluations { log_prob, sample }) = report.evaluations {
        lines.push(format!(
            "evaluations           {log_prob} of the field for log-densities, {sample} for samples"
        ));
    }
    if let Some(selection) = &report.auto {
        lines.extend(auto::text(selection));
    }
    lines.join("\n")
}
