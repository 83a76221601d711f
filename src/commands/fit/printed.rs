//! What a fit prints at its end.

use super::Work;
use super::auto::{self, Selection};
use super::findings::Findings;
use crate::args::Common;
use crate::commands::check::Verdict;
use crate::output::complain;
use crate::run_folder::RunFolder;
use anyhow::{Context, Result};
use diffeo::baselines::{Baseline, Baselines};
use diffeo::flows::model::{Evaluations, Model, RowCounts};
use serde::Serialize;
use std::process::ExitCode;

/// What `fit --json` prints.
#[derive(Serialize)]
struct Report {
    model: String,
    flow: String,
    features: usize,
    rows: RowCounts,
    /// Of rows with weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_rows: Option<EffectiveRows>,
    steps: usize,
    seconds: f64,
    steps_per_second: f64,
    #[serde(flatten)]
    findings: Findings,
    log_likelihood: LogLikelihood,
    baselines: TestBaselines,
    /// Of the field of a continuous flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluations: Option<Evaluations>,
    /// Null when the model could not be checked.
    certificate: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto: Option<Selection>,
    seed: u64,
    /// Where the report is; null when there is none.
    #[expect(clippy::struct_field_names, reason = "the key of the JSON")]
    report: Option<String>,
    /// A command to go on with.
    next: String,
}

/// (Σ w)² / Σ w² of the weights.
#[derive(Serialize)]
struct EffectiveRows {
    train: f64,
    test: Option<f64>,
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

/// Prints the figures of a finished fit.
pub fn finish(
    common: &Common,
    model: &Model,
    folder: &RunFolder,
    (Work { steps, seconds, .. }, auto): (Work, Option<Selection>),
) -> Result<ExitCode> {
    let spec = model.spec();
    let training = spec.training.as_ref().context("the model says nothing of its training")?;
    let baselines = baselines(model, folder);
    let on_test = |which| baselines.as_ref()?.on_test_rows(which);
    let report = Report {
        model: folder.path().display().to_string(),
        flow: spec.recipe.clone(),
        features: spec.columns.len(),
        rows: spec.data.rows,
        effective_rows: training
            .train_effective_rows
            .map(|train| EffectiveRows { train, test: training.test_effective_rows }),
        steps: training.steps,
        findings: Findings::of(spec, training),
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
        certificate: Verdict::of_folder(folder.path()).ok().flatten(),
        auto,
        seed: spec.seed,
        report: folder
            .is_complete()
            .then(|| folder.path().join("report.html").display().to_string()),
        next: next(model, folder),
    };
    common.voice().result(&report, text)?;
    Ok(ExitCode::SUCCESS)
}

/// The baselines beside a model, where there are any that can be read.
fn baselines(model: &Model, folder: &RunFolder) -> Option<Baselines> {
    let path = folder.path().join(Baselines::FILE);
    if !path.exists() {
        return None;
    }
    let warn = |error: &diffeo::flows::Error| {
        complain(&format!("warning: the baselines are left out: {error}; fit anew with --force"));
    };
    Baselines::load(model, path).inspect_err(warn).ok()
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
    if let Some(EffectiveRows { train, test }) = &report.effective_rows {
        let of_test = test.map_or(String::new(), |test| {
            format!(", {} test rows for {test:.1}", report.rows.test)
        });
        lines.push(format!(
            "effective rows        the weights make {} training rows count for {train:.1}{of_test}",
            report.rows.train
        ));
    }
    if let Some(Evaluations { log_prob, sample }) = report.evaluations {
        lines.push(format!(
            "evaluations           {log_prob} of the field for log-densities, {sample} for samples"
        ));
    }
    if let Some(selection) = &report.auto {
        lines.extend(auto::text(selection));
    }
    lines.extend(report.findings.text());
    if let Some(path) = &report.report {
        lines.push(format!("report                {path}"));
    }
    lines.push(format!("next                  {}", report.next));
    lines.join("\n")
}

/// A command to go on with.
fn next(model: &Model, folder: &RunFolder) -> String {
    let spec = model.spec();
    let path = folder.path().display().to_string();
    let mut words = vec!["diffeo", "plot", "density", &path];
    if !spec.given.is_empty() {
        // A density is drawn given values that only the user knows.
        words = vec!["diffeo", "log-prob", &path, &spec.data.source];
    }
    shlex::try_join(words.iter().copied()).unwrap_or_else(|_| words.join(" "))
}
