//! `diffeo field`: the score or velocity of a model at given points, in chunks.

use super::aligned::Aligned;
use crate::args::{Common, FieldArgs};
use crate::input::{Data, count_outside, model, table_rows, warn_outside, workers};
use crate::output::complain;
use anyhow::Result;
use diffeo::data::{Dropped, Precision, Table};
use diffeo::flows::Workers;
use diffeo::flows::model::{FieldKind, Model, ModelField, OutsideRange};
use diffeo::flows::rng::Stream;
use serde_json::json;

/// Rows in memory at a time.
const CHUNK: usize = 16_384;
/// Rows drawn of a toy.
const TOY_ROWS: usize = 1_000;

/// What is computed for each row.
struct Job<'a> {
    args: &'a FieldArgs,
    model: &'a Model,
    field: ModelField,
    workers: Workers,
    /// Rows without a field.
    unknown: usize,
    /// Contexts outside what training saw.
    outside: Vec<OutsideRange>,
}

pub fn run(common: &Common, args: &FieldArgs) -> Result<()> {
    let (model, workers) = (model(&args.model, common.engine)?, workers(common.threads)?);
    let target = super::target(common, &args.output)?;
    let data = Data::parse(&args.points)?;
    let kind = args.which.of(&model);
    let field = ModelField::new(&model, kind)?;
    if args.curl {
        field.check_plane()?;
    }
    let options = super::options(&model, &data, args.missing);
    let reader = match &data {
        Data::Toy(_) => None,
        Data::Table(source) => Some(source.open_with(&options)?),
    };
    if model.has_discrete_columns() {
        common
            .voice()
            .note("whole numbers and labels are taken at the middle of their cell [k, k + 1)");
    }
    let outside = model.context_ranges();
    let mut job = Job { args, model: &model, field, workers, unknown: 0, outside };
    let header = header(args, &model, kind);
    let create = || Ok(target.create(&header, Precision::Double)?);
    let (mut output, mut dropped, mut kept) =
        (Aligned::new(header.len(), create), Dropped::default(), 0);
    let mut write = |table: &Table| -> Result<()> {
        kept += table.rows();
        output.write(table, &job.values(table)?)
    };
    match reader {
        None => write(&data.read(None, TOY_ROWS, common.seed(), Stream::Sample)?)?,
        Some(mut reader) => {
            while let Some(chunk) = reader.next_rows(CHUNK)? {
                write(&chunk)?;
            }
            dropped = reader.dropped().clone();
        }
    }
    let rows = output.finish(kept, &dropped)?;
    super::say_empty(common, &dropped);
    warn_outside(&job.outside);
    let unknown = job.unknown;
    if unknown > 0 {
        complain(&format!(
            "warning: the field of {unknown} of {rows} rows cannot be computed, and is left empty: the \
             density there is too small for double precision, or a solver fails"
        ));
    }
    let (name, time, noise) = match kind {
        FieldKind::Score => ("score", None, None),
        FieldKind::NoisyScore { level } => ("score", None, Some(level)),
        FieldKind::Velocity { time } => ("velocity", Some(time), None),
    };
    let report = json!({
        "rows": rows, "dropped": dropped.rows(), "field": name, "time": time, "noise": noise,
        "unknown": unknown,
    });
    super::written(common, &args.output, report)
}

/// `score_x1`, …, `divergence`, `curl`.
fn header(args: &FieldArgs, model: &Model, kind: FieldKind) -> Vec<String> {
    let is_velocity = matches!(kind, FieldKind::Velocity { .. });
    let prefix = if is_velocity { "velocity" } else { "score" };
    let columns = model.spec().columns.iter();
    let mut names: Vec<String> = columns.map(|c| format!("{prefix}_{}", c.name)).collect();
    names.extend(args.divergence.then(|| "divergence".to_owned()));
    names.extend(args.curl.then(|| "curl".to_owned()));
    names
}

impl Job<'_> {
    /// What is asked of each row, row after row.
    fn values(&mut self, table: &Table) -> Result<Vec<f64>> {
        let rows = self.model.encode_middles(table_rows(self.model, table)?)?;
        count_outside(&mut self.outside, rows.context().map(|(_, values)| values));
        self.model.check_supports(&rows)?;
        let d = rows.features();
        let mut columns = vec![(d, self.field.at(&rows, &self.workers)?)];
        if self.args.divergence {
            columns.push((1, self.field.divergence(&rows, &self.workers)?));
        }
        if self.args.curl {
            columns.push((1, self.field.curl(&rows, &self.workers)?));
        }
        let known = columns[0].1.chunks_exact(d).filter(|v| v.iter().all(|v| v.is_finite()));
        self.unknown += rows.len() - known.count();
        let row = |i: usize| columns.iter().flat_map(move |(w, all)| &all[i * w..(i + 1) * w]);
        Ok((0..rows.len()).flat_map(row).copied().collect())
    }
}
