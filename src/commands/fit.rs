//! `diffeo fit`: fit a density, hold out, save, check, draw.

mod results;

use crate::args::Common;
use crate::column_hints::hints;
use crate::failure::INTERRUPTED;
use crate::fit_flags::FitFlags;
use crate::fit_settings::FitSettings;
use crate::input::{Data, device, modelled_rows, workers};
use crate::progress::{Progress, Record};
use crate::run_folder::RunFolder;
use crate::schema_file::Schema;
use anyhow::{Context, Result};
use diffeo::data::{ReadOptions, RoleRequest, split};
use diffeo::flows::Engine;
use diffeo::flows::config::recipe;
use diffeo::flows::fit::{Fit, Parts, same_fit};
use diffeo::flows::model::{DataSummary, Evaluations, Model, RowCounts, encode};
use diffeo::flows::rng::Stream;
use diffeo::flows::rows::Rows;
use diffeo::flows::train::Stop;
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
    baselines: Baselines,
    /// Of the field of a continuous flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluations: Option<Evaluations>,
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
struct Baselines {
    gaussian: Option<f64>,
}

/// The rows of a fit, split.
struct Split {
    train: Rows,
    valid: Option<Rows>,
    test: Option<Rows>,
}

pub fn run(common: &Common, flags: &FitFlags) -> Result<ExitCode> {
    let flags = flags.with_file(common.seed, common.threads)?;
    let (resume, force) = (flags.resume, flags.force);
    let (output, workers) = (flags.output.clone(), workers(flags.threads)?);
    let mut settings = flags.resolve()?;
    let folder = RunFolder::new(output.as_deref(), &settings.data);
    folder.refuse_existing(force, resume)?;
    let (fit, split) = plan(&mut settings, common)?;

    let previous = if resume { folder.checkpoint(&fit.device)? } else { None };
    if resume && previous.is_none() && folder.has_model() {
        let model = folder.model()?.with_engine(fit.engine);
        same_fit(model.spec(), fit.model(&split.train)?.spec())?;
        common.voice().note("the run is complete; nothing to resume");
        return finish(common, &model, &folder, None);
    }
    let resumed_at = previous.as_ref().map(|(_, state)| state.step());
    let record = Record { folder: &folder, settings: &settings, resumed_at };
    let mut progress = Progress::new(common.voice(), record, watch_for_interrupts()?);
    let parts =
        Parts { train: &split.train, valid: split.valid.as_ref(), test: split.test.as_ref() };
    let (model, outcome) = fit.run(parts, previous, &workers, &mut progress)?;
    progress.finish();
    if outcome.stop == Stop::Interrupted {
        let path = folder.path().display();
        crate::output::complain(&format!(
            "interrupted at step {}; go on with the same command and --resume -o {path}",
            outcome.state.step()
        ));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let seconds = progress.seconds();
    model.save(folder.model_path())?;
    folder.remove_checkpoint()?;
    let results = Results { model: &model, split: &split, folder: &folder, workers: &workers };
    results.write(common.voice(), !settings.no_plots);
    let steps = model.spec().training.as_ref().map_or(0, |t| t.steps) - resumed_at.unwrap_or(0);
    finish(common, &model, &folder, Some((steps, seconds)))
}

/// Reads and splits the data, and decides what to fit.
fn plan(settings: &mut FitSettings, common: &Common) -> Result<(Fit, Split)> {
    let request = RoleRequest {
        columns: settings.columns.clone(),
        given: settings.given.clone(),
        weight: settings.weight.clone(),
    };
    let data = Data::parse(&settings.data)?;
    let schema = Schema::read(settings.schema.as_deref())?;
    let (columns, labels) = (request.columns_to_read(), schema.labels());
    let options = ReadOptions { columns, labels, missing: settings.missing };
    let (table, dropped) =
        data.read_with(&options, settings.rows, settings.seed, Stream::Sample)?;
    super::say_dropped(common, &dropped);
    split(table.rows(), settings.valid, settings.test, settings.seed)?;
    let (source, hash) = (table.source().to_owned(), table.hash());
    let (roles, rows) = modelled_rows(table, &request)?;
    let parts = split(rows.len(), settings.valid, settings.test, settings.seed)?;
    let counts =
        RowCounts { train: parts.train.len(), valid: parts.valid.len(), test: parts.test.len() };
    let mut columns = settings.columns(&schema, &roles.features)?;
    if matches!(data, Data::Table(_)) {
        let described: Vec<bool> =
            roles.features.iter().map(|name| settings.describes(&schema, name)).collect();
        let hints = hints(&roles.features, &described, rows.points());
        for hint in hints {
            common.voice().note(&hint);
        }
    }
    let d = columns.len();
    for (at, column) in columns.iter_mut().enumerate() {
        column.cut(parts.train.iter().map(|row| rows.points()[row * d + at]));
    }
    let rows = encode(&columns, rows, settings.seed)?;
    let data = DataSummary { source, hash, weight: roles.weight, rows: counts };
    let engine = common.engine.into();
    let fit = Fit { columns, engine, ..describe(settings, data, roles.context)? };
    let [train, valid, test] = rows.partition([parts.train, parts.valid, parts.test]);
    let held_out = |rows: Rows| (!rows.is_empty()).then_some(rows);
    Ok((fit, Split { train, valid: held_out(valid), test: held_out(test) }))
}

fn describe(settings: &mut FitSettings, data: DataSummary, given: Vec<String>) -> Result<Fit> {
    let recipe = recipe(&settings.flow)?
        .with_sizes(&settings.sizes())?
        .with_continuous(&settings.continuous)?
        .with_score(&settings.score)?;
    settings.settle(&recipe, data.rows.train);
    Ok(Fit {
        name: settings.flow.clone(),
        config: settings.train(&recipe),
        engine: Engine::default(),
        recipe,
        seed: settings.seed,
        dtype: settings.dtype,
        device: device(&settings.device)?,
        columns: Vec::new(),
        given,
        data,
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
    work: Option<(usize, f64)>,
) -> Result<ExitCode> {
    let spec = model.spec();
    let training = spec.training.as_ref().context("the model says nothing of its training")?;
    let (steps, seconds) = work.unwrap_or((0, 0.0));
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
        baselines: Baselines { gaussian: training.test_gaussian },
        evaluations: training.evaluations,
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
    if let Some(gaussian) = report.baselines.gaussian {
        lines.push(format!("                      {gaussian:.4} of a full Gaussian on test rows"));
    }
    if let Some(Evaluations { log_prob, sample }) = report.evaluations {
        lines.push(format!(
            "evaluations           {log_prob} of the field for log-densities, {sample} for samples"
        ));
    }
    lines.join("\n")
}
