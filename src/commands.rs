//! One file a command.

mod aligned;
mod check;
mod completions;
mod evaluate;
mod field;
mod fit;
mod info;
mod list;
mod log_prob;
mod outliers;
mod plot;
mod sample;
mod seen;
mod toy;

use crate::args::{Cli, Command, Common, OutputArgs};
use crate::failure::Usage;
use crate::input::Data;
use diffeo::data::{DataSource, Dropped, Missing, ReadOptions, Target};
use diffeo::flows::model::Model;
use std::process::ExitCode;

/// Runs the command.
///
/// # Errors
/// Whatever it fails with.
pub fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    let common = &cli.common;
    match &cli.command {
        Command::List => list::run(common)?,
        Command::Toy(args) => toy::run(common, args)?,
        Command::Fit(flags) => return fit::run(common, flags),
        Command::LogProb(args) => log_prob::run(common, args)?,
        Command::Sample(args) => sample::run(common, args)?,
        Command::Evaluate(args) => evaluate::run(common, args)?,
        Command::Check(args) => return check::run(common, args),
        Command::Field(args) => field::run(common, args)?,
        Command::Outliers(args) => outliers::run(common, args)?,
        Command::Info(args) => info::run(common, args)?,
        Command::Plot(args) => plot::run(common, args)?,
        Command::Completions(args) => completions::run(common, args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where rows go; with `--json` stdout is taken, so a file is needed.
fn target(common: &Common, output: &OutputArgs) -> anyhow::Result<Target> {
    let target = Target::new(output.output.as_deref(), output.force);
    if common.json && target == Target::Stdout {
        let message = "--json takes stdout for its one object: name a file with -o";
        return Err(Usage(message.to_owned()).into());
    }
    Ok(target)
}

/// With `--json`, says what was written where.
fn written(
    common: &Common,
    output: &OutputArgs,
    mut facts: serde_json::Value,
) -> anyhow::Result<()> {
    if !common.json {
        return Ok(());
    }
    facts["file"] = serde_json::json!(output.output);
    common.voice().result(&facts, ToString::to_string)
}

/// The columns of a table that a model needs, or none when they have no names of the model.
fn columns_of(model: &Model, source: &DataSource) -> Option<Vec<String>> {
    let named =
        matches!(source, DataSource::Csv { .. } | DataSource::Parquet { .. } | DataSource::Stdin);
    let spec = model.spec();
    let given = spec.context_columns().into_iter().map(|c| c.name);
    let names = spec.columns.iter().map(|c| c.name.clone()).chain(given);
    named.then(|| names.collect())
}

/// Share of the rows from which a word is due that they are left out.
const MANY: f64 = 0.2;

/// Says which rows were left out for their missing values, if any were, beside so many kept.
fn say_dropped(common: &Common, dropped: &Dropped, kept: usize) {
    if dropped.rows() == 0 {
        return;
    }
    common.voice().note(&dropped.to_string());
    let all = kept as f64 + dropped.rows() as f64;
    let share = dropped.rows() as f64 / all;
    if share >= MANY {
        common.voice().note(&format!(
            "warning: --missing drop leaves out {} of {all} rows ({:.0} %), and those that are left need \
             not be like them; leave out columns with many missing values instead",
            dropped.rows(),
            100.0 * share
        ));
    }
}

/// Says which rows have missing values, where the output has an empty row for each.
fn say_empty(common: &Common, dropped: &Dropped) {
    if dropped.rows() > 0 {
        common.voice().note(&format!("{dropped}; their rows of the output are empty"));
    }
}

/// The most row numbers that a note lists.
const LISTED: usize = 10;

/// Says which rows, by their numbers from 1, have no log-density because a solver could not follow them.
fn say_not_computed(common: &Common, rows: &[usize]) {
    if rows.is_empty() {
        return;
    }
    let listed: Vec<String> = rows.iter().take(LISTED).map(ToString::to_string).collect();
    let more = if rows.len() > LISTED { ", …" } else { "" };
    common.voice().note(&format!(
        "the log-density of {} row{} could not be computed: the solver could not follow row {}{more}; \
         look at their values, or take another solver at fit",
        rows.len(),
        if rows.len() == 1 { "" } else { "s" },
        listed.join(", ")
    ));
}

/// How a table is read that a model is asked about.
fn reading(model: &Model, source: &DataSource) -> ReadOptions {
    let spec = model.spec();
    let given = spec.context_columns().into_iter().map(|c| c.name);
    let names = spec.columns.iter().map(|c| c.name.clone()).chain(given);
    ReadOptions {
        columns: columns_of(model, source),
        labels: crate::input::labels(model),
        expected: names.collect(),
        besides: spec.data.weight.clone(),
        ..ReadOptions::default()
    }
}

/// How data are read that a model is asked about.
fn options(model: &Model, data: &Data, missing: Missing) -> ReadOptions {
    match data {
        Data::Table(source) => ReadOptions { missing, ..reading(model, source) },
        Data::Toy(_) => ReadOptions::default(),
    }
}

/// Fails when a file exists and may not be replaced.
fn refuse_existing(path: &std::path::Path, force: bool) -> anyhow::Result<()> {
    if force || !path.exists() {
        return Ok(());
    }
    Err(Usage(format!("{} exists; replace it with --force", path.display())).into())
}
