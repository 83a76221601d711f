//! `diffeo sample`: rows drawn from a model, in chunks.

use super::aligned::Aligned;
use crate::args::{Common, SampleArgs};
use crate::failure::Usage;
use crate::input::{Data, labels, model, warn_of_contexts, workers};
use anyhow::Result;
use diffeo::data::{Dropped, Precision, ReadOptions, Table};
use diffeo::flows::model::{GivenColumn, Model};
use diffeo::flows::rng::Stream;
use serde_json::json;

/// Rows in memory at a time.
const CHUNK: usize = 16 * Model::SAMPLE_CHUNK;
/// Rows drawn when no number is given.
const ROWS: usize = 10_000;

pub fn run(common: &Common, args: &SampleArgs) -> Result<()> {
    let (model, workers) = (model(&args.model, common.engine)?, workers(common.threads)?);
    let target = super::target(common, &args.output)?;
    let sampler = args.sampler.sampler()?;
    if sampler.is_some() {
        model.noise_levels()?;
    }
    let context = contexts(common, args, &model)?;
    let k = model.spec().given.len();
    let n = match (&context, args.n) {
        (Some(given), asked) => {
            let rows = given.table.rows() + given.dropped.rows() as usize;
            if let Some(n) = asked.filter(|n| *n != rows) {
                return Err(Usage(format!("-n {n}: --given has {rows} rows; leave -n out")).into());
            }
            given.table.rows()
        }
        (None, n) => n.unwrap_or(ROWS),
    };
    let names: Vec<String> = model.spec().columns.iter().map(|c| c.name.clone()).collect();
    let labels = labels(&model);
    let create = || Ok(target.create_labelled(&names, &labels, Precision::Double)?);
    let mut output = Aligned::new(names.len(), create);
    let evaluator = model.evaluator()?;
    for start in (0..n).step_by(CHUNK) {
        let rows = CHUNK.min(n - start);
        let given = context.as_ref().map(|c| &c.values[start * k..(start + rows) * k]);
        let seed = common.seed();
        let mut drawn = match &sampler {
            None => evaluator.sample_from(start, rows, given, seed, &workers)?,
            Some(sampler) => model.sample_rows_by(sampler, (start, rows), given, seed, &workers)?,
        };
        require_finite(&drawn, names.len(), start)?;
        model.decode(&mut drawn);
        let number = |row: usize| context.as_ref().map_or(row, |given| given.table.number(row));
        output.write_at((start..start + rows).map(number), &drawn)?;
    }
    let dropped = context.map(|given| given.dropped).unwrap_or_default();
    let rows = output.finish(n, &dropped)?;
    super::say_empty(common, &dropped);
    common.voice().note(&format!("{rows} rows, seed {}", common.seed()));
    let facts = json!({"rows": rows, "dropped": dropped.rows(), "seed": common.seed()});
    super::written(common, &args.output, facts)
}

/// Fails where a draw is infinite or not a number: such rows would be refused by whoever reads them.
fn require_finite(drawn: &[f64], width: usize, start: usize) -> Result<()> {
    match drawn.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Usage(format!(
            "draw {} is {}: the model gives no sample there; look at its context, or train anew",
            start + at / width + 1,
            drawn[at]
        ))
        .into()),
    }
}

/// The contexts to draw at, as a table and as the model takes them, and the rows left out.
struct Contexts {
    table: Table,
    values: Vec<f64>,
    dropped: Dropped,
}

fn contexts(common: &Common, args: &SampleArgs, model: &Model) -> Result<Option<Contexts>> {
    let columns = model.spec().context_columns();
    let names: &Vec<String> = &columns.iter().map(|column| column.name.clone()).collect();
    match &args.given {
        None if names.is_empty() => Ok(None),
        None => Err(Usage(format!(
            "the model is conditional on {}: give a table of these columns with --given",
            names.join(", ")
        ))
        .into()),
        Some(_) if names.is_empty() => {
            Err(Usage("--given: the model is not conditional; leave it out".to_owned()).into())
        }
        Some(data) => {
            let data = Data::parse(data)?;
            if matches!(data, Data::Toy(_)) {
                return Err(Usage("--given: give a table, not a toy".to_owned()).into());
            }
            let options = ReadOptions {
                columns: Some(names.clone()),
                labels: labels(model),
                missing: args.missing,
                ..ReadOptions::default()
            };
            let (table, dropped) = data.read_with(&options, 0, common.seed(), Stream::Sample)?;
            let table = table.select(names)?;
            let values = GivenColumn::encode(&columns, table.values());
            warn_of_contexts(model, Some(&values));
            Ok(Some(Contexts { table, values, dropped }))
        }
    }
}
