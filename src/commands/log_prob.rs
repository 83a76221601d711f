//! `diffeo log-prob`: the log-density of each row, in chunks, so that any table fits in memory.

use crate::args::{Common, LogProbArgs};
use crate::failure::Usage;
use crate::input::{Data, model, rows_for, workers};
use anyhow::Result;
use diffeo::data::{Dropped, Precision, ReadOptions, RowSink, Table};
use diffeo::flows::Workers;
use diffeo::flows::model::Model;
use diffeo::flows::rng::Stream;
use serde_json::json;

/// Rows in memory at a time.
const CHUNK: usize = 65_536;
/// Rows drawn of a toy.
const TOY_ROWS: usize = 10_000;

pub fn run(common: &Common, args: &LogProbArgs) -> Result<()> {
    let (model, workers) = (model(&args.model, common.engine)?, workers(common.threads)?);
    if let Some(error) = args.log_prob_se.filter(|error| error.is_nan() || *error <= 0.0) {
        return Err(Usage(format!("--log-prob-se {error}: give a positive number")).into());
    }
    let target = super::target(common, &args.output)?;
    let data = Data::parse(&args.data)?;
    let mut header = vec!["log_prob".to_owned()];
    if args.errors || args.log_prob_se.is_some() {
        header.push("standard_error".to_owned());
    }
    let create = || target.create(&header, Precision::Double);
    let asked = Asked { model: &model, with_errors: header.len() == 2, target: args.log_prob_se };
    let mut dropped = Dropped::default();
    let rows = match &data {
        Data::Toy(_) => {
            let mut sink = create()?;
            let table = data.read(None, TOY_ROWS, common.seed(), Stream::Sample)?;
            let rows = asked.write(&table, &mut sink, &workers)?;
            sink.finish()?;
            rows
        }
        Data::Table(source) => {
            let columns = super::columns_of(&model, source);
            let options = ReadOptions { columns, missing: args.missing, ..Default::default() };
            let mut reader = source.open_with(&options)?;
            let mut rows = 0;
            // Read first: a table that is refused leaves no header behind.
            let mut next = reader.next_rows(CHUNK)?;
            let mut sink = create()?;
            while let Some(chunk) = next {
                rows += asked.write(&chunk, &mut sink, &workers)?;
                drop(chunk);
                next = reader.next_rows(CHUNK)?;
            }
            sink.finish()?;
            dropped = reader.dropped().clone();
            rows
        }
    };
    super::say_dropped(common, &dropped);
    let facts = json!({"rows": rows, "dropped": dropped.rows()});
    super::written(common, &args.output, facts)
}

/// What is asked of each row.
struct Asked<'a> {
    model: &'a Model,
    with_errors: bool,
    target: Option<f64>,
}

impl Asked<'_> {
    fn write(
        &self,
        table: &Table,
        sink: &mut Box<dyn RowSink>,
        workers: &Workers,
    ) -> Result<usize> {
        let rows = rows_for(self.model, table)?;
        if self.with_errors {
            let found = self.model.log_prob_with_errors(&rows, self.target, workers)?;
            let pairs = found.values.iter().zip(&found.standard_errors);
            sink.write_rows(
                &pairs.flat_map(|(value, error)| [*value, *error]).collect::<Vec<_>>(),
            )?;
        } else {
            sink.write_rows(&self.model.log_prob_rows(&rows, workers)?)?;
        }
        Ok(table.rows())
    }
}
