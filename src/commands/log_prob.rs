//! `diffeo log-prob`: the log-density of each row, in chunks, so that any table fits in memory.

use super::aligned::Aligned;
use crate::args::{Common, LogProbArgs};
use crate::failure::Usage;
use crate::input::{Data, count_outside, model, table_rows, warn_outside, workers};
use anyhow::Result;
use diffeo::data::{Dropped, Precision, ReadOptions, Table};
use diffeo::flows::Workers;
use diffeo::flows::model::{Model, OutsideRange};
use diffeo::flows::rng::Stream;
use serde_json::json;
use std::cell::RefCell;

/// Rows in memory at a time.
const CHUNK: usize = 65_536;
/// Rows drawn of a toy.
const TOY_ROWS: usize = 10_000;

pub fn run(common: &Common, args: &LogProbArgs) -> Result<()> {
    let (model, workers) = (model(&args.model, common.engine)?, workers(common.threads)?);
    if let Some(error) = args.log_prob_se.filter(|error| error.is_nan() || *error <= 0.0) {
        return Err(Usage(format!("--log-prob-se {error}: give a positive number")).into());
    }
    check_draws(args, &model)?;
    let target = super::target(common, &args.output)?;
    let data = Data::parse(&args.data)?;
    let mut header = vec!["log_prob".to_owned()];
    if args.errors || args.log_prob_se.is_some() {
        header.push("standard_error".to_owned());
    }
    let create = || Ok(target.create(&header, Precision::Double)?);
    let asked = Asked {
        model: &model,
        with_errors: header.len() == 2,
        target: args.log_prob_se,
        draws: args.draws.unwrap_or(Model::DRAWS),
        seed: common.seed(),
        outside: RefCell::new(model.context_ranges()),
    };
    let mut dropped = Dropped::default();
    let mut unknown = Vec::new();
    let rows = match &data {
        Data::Toy(_) => {
            let table = data.read(None, TOY_ROWS, common.seed(), Stream::Sample)?;
            let values = asked.values(&table, &workers)?;
            unknown.extend(not_computed(&values, &table));
            let mut sink = create()?;
            sink.write_rows(&values)?;
            sink.finish()?;
            table.rows()
        }
        Data::Table(source) => {
            let missing = args.missing;
            let options = ReadOptions { missing, ..super::reading(&model, source) };
            let mut reader = source.open_with(&options)?;
            let mut kept = 0;
            let mut output = Aligned::new(header.len(), create);
            while let Some(chunk) = reader.next_rows(CHUNK)? {
                let values = asked.values(&chunk, &workers)?;
                unknown.extend(not_computed(&values, &chunk));
                output.write(&chunk, &values)?;
                kept += chunk.rows();
            }
            dropped = reader.dropped().clone();
            output.finish(kept, &dropped)?
        }
    };
    warn_outside(&asked.outside.borrow());
    super::say_empty(common, &dropped);
    super::say_not_computed(common, &unknown);
    let facts = json!({"rows": rows, "dropped": dropped.rows(), "not_computed": unknown});
    super::written(common, &args.output, facts)
}

/// The numbers, from 1, of the rows whose log-density is NaN.
fn not_computed(values: &[f64], table: &Table) -> Vec<usize> {
    let columns = values.len() / table.rows();
    let log_prob: Vec<f64> = values.iter().step_by(columns).copied().collect();
    Model::not_computed(&log_prob).into_iter().map(|row| table.number(row) + 1).collect()
}

/// Fails for settings of columns that the model does not have, or that such columns rule out.
fn check_draws(args: &LogProbArgs, model: &Model) -> Result<()> {
    let discrete = model.has_discrete_columns();
    let message = match (args.draws, args.log_prob_se) {
        (Some(0), _) => "--draws 0: give at least 1",
        (Some(_), _) if !discrete => "--draws: the model has no columns of whole numbers or labels",
        (_, Some(_)) if discrete => {
            "--log-prob-se: the model has columns of whole numbers or labels; give --draws, and \
             --errors to see the error"
        }
        _ => return Ok(()),
    };
    Err(Usage(message.to_owned()).into())
}

/// What is asked of each row.
struct Asked<'a> {
    model: &'a Model,
    with_errors: bool,
    target: Option<f64>,
    /// Of columns of whole numbers.
    draws: usize,
    seed: u64,
    /// Contexts outside what training saw, so far.
    outside: RefCell<Vec<OutsideRange>>,
}

impl Asked<'_> {
    /// What is asked, row after row.
    fn values(&self, table: &Table, workers: &Workers) -> Result<Vec<f64>> {
        let discrete = self.model.has_discrete_columns();
        let rows = table_rows(self.model, table)?;
        count_outside(&mut self.outside.borrow_mut(), rows.context().map(|(_, values)| values));
        if !self.with_errors {
            let found = self.model.log_prob_of_table(&rows, self.draws, self.seed, workers)?;
            return Ok(found.values);
        }
        let found = if discrete {
            self.model.log_prob_of_table(&rows, self.draws, self.seed, workers)?
        } else {
            let rows = self.model.encode(rows, self.seed)?;
            self.model.log_prob_with_errors(&rows, self.target, workers)?
        };
        let pairs = found.values.iter().zip(&found.standard_errors);
        Ok(pairs.flat_map(|(value, error)| [*value, *error]).collect())
    }
}
