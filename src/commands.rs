//! One file a command.

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
mod toy;

use crate::args::{Cli, Command, Common, OutputArgs};
use crate::failure::Usage;
use diffeo::data::{DataSource, Dropped, ReadOptions, Target};
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

/// Says which rows were left out for their missing values, if any were.
fn say_dropped(common: &Common, dropped: &Dropped) {
    if dropped.rows() > 0 {
        common.voice().note(&dropped.to_string());
    }
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

/// Fails when a file exists and may not be replaced.
fn refuse_existing(path: &std::path::Path, force: bool) -> anyhow::Result<()> {
    if force || !path.exists() {
        return Ok(());
    }
    Err(Usage(format!("{} exists; replace it with --force", path.display())).into())
}
