//! `diffeo check`: the certificate of a model.

use super::seen::{Seen, training_rows};
use crate::args::{CheckArgs, Common};
use crate::failure::Usage;
use crate::input::{Data, model, rows_for, workers};
use crate::output::complain;
use anyhow::Result;
use diffeo::checks::{Certificate, Check, Evidence, Skipped, Subject};
use diffeo::flows::rng::Stream;
use serde::Serialize;
use std::path::Path;
use std::process::ExitCode;

/// A check has failed.
const FAILED: u8 = 1;
/// Rows drawn of a toy.
const TOY_ROWS: usize = 2_000;

pub fn run(common: &Common, args: &CheckArgs) -> Result<ExitCode> {
    let (model, workers) = (model(&args.model, common.engine)?, workers(common.threads)?);
    let mut seen = None;
    let rows = match &args.data {
        None if !model.spec().given.is_empty() => {
            let message = "the model is conditional: give DATA whose contexts to check it at";
            return Err(Usage(message.to_owned()).into());
        }
        None => None,
        Some(text) => {
            let data = Data::parse(text)?;
            let options = super::options(&model, &data, args.missing);
            // Not the stream of `fit`, whose rows of the same seed are what it was trained on.
            let (table, dropped) =
                data.read_with(&options, TOY_ROWS, common.seed(), Stream::Evaluation)?;
            super::say_dropped(common, &dropped, table.rows());
            let rows = rows_for(&model, &table)?;
            let training = training_rows(&model, &args.model);
            let found = Seen::of(&model, training.as_ref(), &table, &rows);
            if let Some(told) = found.told(table.source()) {
                complain(&format!(
                    "warning: {told}; whether the model fits new rows is not checked: give rows that \
                     its fit has not seen"
                ));
            }
            seen = Some(found);
            model.check_supports(&rows)?;
            Some(rows)
        }
    };
    let is_seen = seen.is_some_and(|seen| seen.is_telling());
    let (train, held_out) = if is_seen { (rows.as_ref(), None) } else { (None, rows.as_ref()) };
    let evidence = Evidence { train, held_out, ..Evidence::default() };
    let subject = Subject::new(&model, evidence, common.seed(), &workers)?;
    let certificate = Certificate::of(&subject)?;
    for Skipped { name, why } in &certificate.skipped {
        common.voice().note(&format!("{name}: not checked, {why}"));
    }
    let checked = Checked { certificate: &certificate, seen_in_training: seen };
    common.voice().result(&checked, |checked| text(checked.certificate))?;
    Ok(if certificate.passed { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// What `--json` prints.
#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    certificate: &'a Certificate,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_in_training: Option<Seen>,
}

/// How the checks of a model went, in short.
#[derive(Debug, Serialize)]
pub struct Verdict {
    passed: bool,
    #[serde(skip)]
    checks: usize,
    failed: Vec<String>,
}

impl Verdict {
    /// What the certificate in a run folder says, if there is one.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn of_folder(folder: &Path) -> Result<Option<Self>> {
        let file = folder.join("certificate.json");
        if !file.exists() {
            return Ok(None);
        }
        let certificate = Certificate::load(file)?;
        let failed = certificate.failed().map(|check| check.name.clone()).collect();
        Ok(Some(Self { passed: certificate.passed, checks: certificate.checks.len(), failed }))
    }

    /// `19 of 20 checks pass, failed: round-trip`.
    pub fn text(&self) -> String {
        let (all, failed) = (self.checks, self.failed.len());
        let names = if failed > 0 {
            format!(", failed: {}", self.failed.join(", "))
        } else {
            String::new()
        };
        format!("{} of {all} checks pass{names}", all - failed)
    }
}

pub fn text(certificate: &Certificate) -> String {
    let width = certificate.checks.iter().map(|c| c.name.len()).max().unwrap_or(0);
    let line = |c: &Check| {
        let verdict = if c.passed { "pass" } else { "FAIL" };
        format!("{verdict}  {:width$}  {:<9}  {}", c.name, shown(c.value), c.detail)
    };
    let mut lines: Vec<String> = certificate.checks.iter().map(line).collect();
    let failed = certificate.checks.iter().filter(|c| !c.passed).count();
    lines.push(match failed {
        0 if certificate.checks.is_empty() => "nothing could be checked".to_owned(),
        0 => format!("all {} checks pass", certificate.checks.len()),
        _ => format!("{failed} of {} checks fail", certificate.checks.len()),
    });
    lines.join("\n")
}

/// Four digits after the point; three significant ones below a thousandth.
pub fn shown(value: f64) -> String {
    if value.abs() >= f64::MAX {
        return "none".to_owned();
    }
    let is_small = value.abs() < 1e-3 && value.abs() > 0.0;
    if is_small { format!("{value:.2e}") } else { format!("{value:.4}") }
}
