//! The data in a report.

use super::numbers::{count, nats, shown};
use super::{ColumnProfile, Judges, Outlier, Profile, Report};
use diffeo_flows::model::Column;
use maud::{Markup, html};

/// Columns of the least likely rows that are shown.
const SHOWN: usize = 8;

pub(super) fn section(report: &Report<'_>) -> Markup {
    let spec = report.model.spec();
    let data = &spec.data;
    let effective = spec.training.as_ref().and_then(|t| t.train_effective_rows);
    html! {
        section {
            h2 { "Data" }
            p { (data.source) ", " (count(data.rows.train)) " rows to train on, " (count(data.rows.valid))
                " to choose the weights by, " (count(data.rows.test)) " to judge the result."
                @if let Some(weight) = &data.weight { " Rows are weighted by " (weight)
                    @if let Some(effective) = effective {
                        ", which makes the training rows count for " (shown(effective)) " of equal weight"
                    }
                    "." }
            }
            @if let Some(profile) = &report.profile {
                (columns(report, profile))
                p { (repeated(report, profile)) }
                (unlikely(report, profile))
            }
        }
    }
}

fn repeated(report: &Report<'_>, profile: &Profile) -> String {
    let is_density = !report.model.spec().columns.iter().all(Column::is_discrete);
    match profile.duplicates {
        0 => "No training row repeats another.".to_owned(),
        n => {
            let share = 100.0 * n as f64 / profile.rows as f64;
            let warning = if is_density {
                "; where values repeat, a density has no upper bound."
            } else {
                "."
            };
            format!(
                "{} of {} training rows ({share:.1} %) repeat an earlier row, value for value{warning}",
                count(n),
                count(profile.rows)
            )
        }
    }
}

/// A value of a column, which may be the index of a label.
fn value(column: Option<&Column>, value: f64) -> String {
    let label = column.and_then(Column::labels).and_then(|labels| labels.get(value as usize));
    label.cloned().unwrap_or_else(|| shown(value))
}

fn columns(report: &Report<'_>, profile: &Profile) -> Markup {
    // The context follows the features.
    let kinds = report.model.spec().columns.iter().map(Some).chain(std::iter::repeat(None));
    html! {
        div.scroll { table {
            thead { tr {
                th { "Column" } th.number { "Least" } th.number { "5 %" } th.number { "Median" }
                th.number { "95 %" } th.number { "Largest" } th.number { "Mean" }
                th.number { "Deviation" } th.number { "Distinct" }
            } }
            tbody { @for (column, kind) in profile.columns.iter().zip(kinds) { (column_row(column, kind)) } }
        } }
    }
}

fn column_row(column: &ColumnProfile, kind: Option<&Column>) -> Markup {
    let has_labels = kind.is_some_and(|kind| kind.labels().is_some());
    let moment = |value| if has_labels { "—".to_owned() } else { shown(value) };
    html! {
        tr {
            th scope="row" { (column.name) }
            @for quantile in column.quantiles { td.number { (value(kind, quantile)) } }
            td.number { (moment(column.mean)) }
            td.number { (moment(column.deviation)) }
            td.number { (count(column.distinct)) }
        }
    }
}

fn unlikely(report: &Report<'_>, profile: &Profile) -> Markup {
    let names: Vec<&str> =
        report.model.spec().columns.iter().map(|c| c.name.as_str()).take(SHOWN).collect();
    let hidden = report.model.spec().columns.len() - names.len();
    html! {
        @if !profile.outliers.is_empty() {
            h3 { "Least likely rows" }
            p { "The rows with the lowest log-density among " (count(profile.judged)) " of "
                (Judges::of(&report.model.spec().data.rows).name())
                ", by their number in the table."
                @if hidden > 0 { " " (hidden) " more columns are not shown." } }
            div.scroll { table {
                thead { tr { th.number { "Row" } th.number { "Log-density" }
                    @for name in &names { th.number { (name) } } } }
                tbody { @for outlier in &profile.outliers { (outlier_row(report, outlier)) } }
            } }
        }
    }
}

fn outlier_row(report: &Report<'_>, outlier: &Outlier) -> Markup {
    let cells = report.model.spec().columns.iter().zip(&outlier.values).take(SHOWN);
    html! {
        tr {
            td.number { (outlier.row) }
            td.number { (nats(outlier.log_prob)) }
            @for (column, cell) in cells { td.number { (value(Some(column), *cell)) } }
        }
    }
}
