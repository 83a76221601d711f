//! `diffeo log-prob`: the log-density of each row, in chunks, so that any table fits in memory.

use crate::args::{Common, LogProbArgs};
use crate::input::{Data, model, rows_for, workers};
use anyhow::Result;
use diffeo::data::{Precision, RowSink, Table};
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
    let target = super::target(common, &args.output)?;
    let data = Data::parse(&args.data)?;
    let create = || target.create(&["log_prob".to_owned()], Precision::Double);
    let rows = match &data {
        Data::Toy(_) => {
            let mut sink = create()?;
            let table = data.read(None, TOY_ROWS, common.seed(), Stream::Sample)?;
            let rows = write(&model, &table, &mut sink, &workers)?;
            sink.finish()?;
            rows
        }
        Data::Table(source) => {
            let columns = super::columns_of(&model, source);
            let chunks = source.open(columns.as_deref())?.chunks(CHUNK);
            let mut sink = create()?;
            let mut rows = 0;
            for chunk in chunks {
                rows += write(&model, &chunk?, &mut sink, &workers)?;
            }
            sink.finish()?;
            rows
        }
    };
    super::written(common, &args.output, json!({"rows": rows}))
}

fn write(
    model: &Model,
    table: &Table,
    sink: &mut Box<dyn RowSink>,
    workers: &Workers,
) -> Result<usize> {
    sink.write_rows(&model.log_prob_rows(&rows_for(model, table)?, workers)?)?;
    Ok(table.rows())
}
