//! `diffeo outliers`: rows ranked by log-density, with conformal p-values.

mod labels;

use super::seen::{Seen, training_rows};
use crate::args::{Common, OutlierArgs};
use crate::failure::Usage;
use crate::input::{Data, model, table_rows, workers};
use anyhow::Result;
use diffeo::data::{Dropped, Labels as Texts, Precision, Table, Target};
use diffeo::flows::Workers;
use diffeo::flows::model::{HeldOut, Model};
use diffeo::flows::rng::Stream;
use diffeo::outliers::{Found, conformal_p_values, discoveries, found};
use diffeo::seen::TrainingRows;
use labels::Labels;
use serde::Serialize;
use std::path::PathBuf;

/// Rows drawn of a toy.
const TOY_ROWS: usize = 10_000;
/// Rows in JSON when no number is asked for.
const SHOWN: usize = 10;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    rows: usize,
    dropped: u64,
    seen_in_training: Seen,
    held_out: HeldOutRows,
    #[serde(flatten)]
    found: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discoveries: Option<usize>,
    /// The most unusual rows.
    outliers: Vec<Shown>,
    file: Option<PathBuf>,
    seed: u64,
}

/// The rows that p-values compare with.
#[derive(Debug, Clone, Copy, Serialize)]
struct HeldOutRows {
    rows: usize,
    from: &'static str,
}

#[derive(Serialize)]
struct Shown {
    row: usize,
    /// Null for −∞.
    log_prob: f64,
    p_value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<u8>,
}

/// All that is known of each row.
struct Judged {
    log_prob: Vec<f64>,
    p_values: Vec<f64>,
    discovered: Option<Vec<bool>>,
    labels: Option<Labels>,
    /// Places of rows in these, the lowest log-density first.
    order: Vec<usize>,
    /// The number of each row in its table, ascending, and how many rows that has.
    numbers: Vec<usize>,
    all: usize,
}

pub fn run(common: &Common, args: &OutlierArgs) -> Result<()> {
    let (model, workers) = (model(&args.model, common.engine)?, workers(common.threads)?);
    check(args)?;
    let target = Target::new(args.output.output.as_deref(), args.output.force);
    if let Target::File { path, overwrite } = &target {
        super::refuse_existing(path, *overwrite)?;
    }
    let training = training_rows(&model, &args.model);
    let (held_out, from) = held_out(common, args, &model, training.as_ref(), &workers)?;
    let Asked { table, labels, dropped } = read(common, args, &model)?;
    let rows = table_rows(&model, &table)?;
    let seen = Seen::of(&model, training.as_ref(), &table, &rows);
    if let Some(told) = seen.told(table.source()) {
        common.voice().note(&format!(
            "note: {told}: such rows have densities a little too high and p-values a little too large"
        ));
    }
    let log_prob = model.log_prob_to_rank(&rows, &workers)?;
    let found = labels.as_ref().map(|l| found(&log_prob, &l.values)).transpose()?;
    let p_values = conformal_p_values(&log_prob, &held_out);
    let discovered = args.alpha.map(|level| discoveries(&p_values, level));
    let mut order: Vec<usize> = (0..log_prob.len()).collect();
    order.sort_by(|a, b| log_prob[*a].total_cmp(&log_prob[*b]));
    order.truncate(args.top.unwrap_or(usize::MAX));
    let numbers: Vec<usize> = (0..table.rows()).map(|row| table.number(row)).collect();
    let all = numbers.len() + dropped.rows() as usize;
    let judged = Judged { log_prob, p_values, discovered, labels, order, numbers, all };
    if !common.json || target != Target::Stdout {
        judged.write(&target)?;
    }
    let count = |found: &Vec<bool>| found.iter().filter(|d| **d).count();
    let report = Report {
        rows: judged.log_prob.len(),
        dropped: dropped.rows(),
        seen_in_training: seen,
        held_out: HeldOutRows { rows: held_out.len(), from },
        found,
        alpha: args.alpha,
        discoveries: judged.discovered.as_ref().map(count),
        outliers: judged.shown(args.top.unwrap_or(SHOWN)),
        file: args.output.output.clone(),
        seed: common.seed(),
    };
    say(common, &report);
    if common.json {
        common.voice().result(&report, |_| String::new())?;
    }
    Ok(())
}

fn check(args: &OutlierArgs) -> Result<()> {
    if args.top == Some(0) {
        return Err(Usage("--top 0: give at least 1".to_owned()).into());
    }
    if let Some(level) = args.alpha.filter(|a| !(*a > 0.0 && *a < 1.0)) {
        return Err(Usage(format!("--alpha {level}: give a share between 0 and 1")).into());
    }
    let stdin = |text: &Option<String>| text.as_deref() == Some("-");
    let asked = [args.data == "-", stdin(&args.against), stdin(&args.labels)];
    if asked.iter().filter(|is| **is).count() > 1 {
        return Err(Usage("-: only one table can be read from stdin".to_owned()).into());
    }
    Ok(())
}

/// Log-densities of rows that the model was not fitted to, ascending, and where they are from.
fn held_out(
    common: &Common,
    args: &OutlierArgs,
    model: &Model,
    training: Option<&TrainingRows>,
    workers: &Workers,
) -> Result<(Vec<f64>, &'static str)> {
    if let Some(text) = &args.against {
        let data = Data::parse(text)?;
        let options = super::options(model, &data, args.missing);
        let (table, dropped) =
            data.read_with(&options, TOY_ROWS, common.seed(), Stream::Comparison)?;
        super::say_dropped(common, &dropped, table.rows());
        let rows = table_rows(model, &table)?;
        if let Some(told) = Seen::of(model, training, &table, &rows).told(text) {
            return Err(Usage(format!(
                "--against: {told}, so that p-values would not hold; give rows that its fit has not seen, \
                 or leave --against out to compare with those that it held out"
            ))
            .into());
        }
        let mut values = model.log_prob_to_rank(&rows, workers)?;
        values.sort_by(f64::total_cmp);
        return Ok((values, "against"));
    }
    match model.calibration() {
        Some(kept) if kept.held_out == HeldOut::Test => Ok((kept.log_prob.clone(), "test")),
        Some(kept) => {
            common.voice().note(
                "p-values compare with the rows that chose the model's weights, whose densities are \
                 a little too high: they are a little too small; hold out test rows, or give rows \
                 with --against",
            );
            Ok((kept.log_prob.clone(), "valid"))
        }
        None => Err(Usage(format!(
            "{}: the model keeps no log-densities of held-out rows, as it was fitted without any, to \
             rows with weights, or by an earlier version: give rows it has not seen with --against",
            args.model.display()
        ))
        .into()),
    }
}

/// The rows to rank, their labels, and the rows left out of them.
struct Asked {
    table: Table,
    labels: Option<Labels>,
    dropped: Dropped,
}

fn read(common: &Common, args: &OutlierArgs, model: &Model) -> Result<Asked> {
    let data = Data::parse(&args.data)?;
    let file = args.labels.as_deref().filter(|text| labels::is_a_file(text));
    let column = args.labels.as_ref().filter(|_| file.is_none());
    let mut options = super::options(model, &data, args.missing);
    if let Some(columns) = &mut options.columns {
        columns.extend(column.cloned());
    }
    // The rows of a toy are not those that a model was fitted to.
    let (table, dropped) = data.read_with(&options, TOY_ROWS, common.seed(), Stream::Evaluation)?;
    if dropped.rows() > 0 {
        common.voice().note(&format!("{dropped}; they come last, without a density"));
    }
    let labels = match (file, column) {
        (Some(file), _) => {
            let all = Labels::of_file(file, table.rows() + dropped.rows() as usize)?;
            Some(all.of_rows((0..table.rows()).map(|row| table.number(row))))
        }
        (_, Some(column)) => Some(Labels::of_column(&table, column)?),
        _ => None,
    };
    // A column of labels must not stop the others from being taken by position.
    let table = match column {
        Some(name) if !model.spec().columns.iter().any(|c| c.name == *name) => {
            table.without(&[name])?
        }
        _ => table,
    };
    Ok(Asked { table, labels, dropped })
}

impl Judged {
    fn write(&self, target: &Target) -> Result<()> {
        let mut columns = vec!["row".to_owned(), "log_prob".to_owned(), "p_value".to_owned()];
        columns.extend(self.discovered.as_ref().map(|_| "outlier".to_owned()));
        columns.extend(self.labels.as_ref().map(|labels| labels.name.clone()));
        let mut values = Vec::with_capacity(self.order.len() * columns.len());
        for i in &self.order {
            values.extend([(self.numbers[*i] + 1) as f64, self.log_prob[*i], self.p_values[*i]]);
            values.extend(self.discovered.as_ref().map(|d| f64::from(u8::from(d[*i]))));
            values.extend(self.labels.as_ref().map(|l| f64::from(u8::from(l.values[*i]))));
        }
        // Those left out have only their numbers; of the first few asked for they are none.
        if self.order.len() == self.numbers.len() {
            let left_out = (0..self.all).filter(|row| self.numbers.binary_search(row).is_err());
            for row in left_out {
                values.push((row + 1) as f64);
                values.resize(values.len() + columns.len() - 1, f64::NAN);
            }
        }
        let mut sink = target.create_labelled(&columns, &self.texts(), Precision::Double)?;
        sink.write_rows(&values)?;
        Ok(sink.finish()?)
    }

    /// Whole numbers as they are written: without a fraction.
    fn texts(&self) -> Texts {
        let whole = |name: &str, most: usize| {
            (name.to_owned(), (0..=most).map(|i| i.to_string()).collect::<Vec<_>>())
        };
        let label = self.labels.as_ref().map(|labels| whole(&labels.name, 1));
        let own = [whole("row", self.all), whole("outlier", 1)];
        own.into_iter().chain(label).collect()
    }

    fn shown(&self, most: usize) -> Vec<Shown> {
        let of = |i: &usize| Shown {
            row: self.numbers[*i] + 1,
            log_prob: self.log_prob[*i],
            p_value: self.p_values[*i],
            label: self.labels.as_ref().map(|l| u8::from(l.values[*i])),
        };
        self.order.iter().take(most).map(of).collect()
    }
}

fn say(common: &Common, report: &Report) {
    let HeldOutRows { rows, from } = report.held_out;
    let from = if from == "against" { "given" } else { from };
    let voice = common.voice();
    voice.note(&format!("{} rows, p-values against {rows} {from} rows", report.rows));
    if let (Some(count), Some(level)) = (report.discoveries, report.alpha) {
        voice.note(&format!(
            "{count} outliers; at most a share of {level} of them is expected wrong"
        ));
    }
    let few = report.alpha.map(|level| report.rows as f64 / (level * (rows + 1) as f64));
    if let (Some(0), Some(few)) = (report.discoveries, few.filter(|few| *few > 1.0)) {
        let few = few.ceil();
        voice.note(&format!(
            "of {} rows, {few} or more must be rarer than all {rows} they are compared with to be \
             told from chance; give more rows with --against",
            report.rows
        ));
    }
    if let Some(Found { auc, average_precision, labelled }) = report.found {
        voice.note(&format!(
            "ROC AUC {auc:.4}, average precision {average_precision:.4} of {labelled} labelled rows"
        ));
    }
}
