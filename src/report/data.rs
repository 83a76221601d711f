//! The data in a report.

use super::numbers::{count, nats, shown};
use super::{ColumnProfile, Outlier, Profile, Report};
use maud::{Markup, html};

/// Columns of the least likely rows that are shown.
const SHOWN: usize = 8;

pub(super) fn section(report: &Report<'_>) -> Markup {
    let data = &report.model.spec().data;
    html! {
        section {
            h2 { "Data" }
            p { (data.source) ", " (count(data.rows.train)) " rows to train on, " (count(data.rows.valid))
                " to choose the weights by, " (count(data.rows.test)) " to judge the result."
                @if let Some(weight) = &data.weight { " Rows are weighted by " (weight) "." }
            }
            @if let Some(profile) = &report.profile {
                (columns(profile))
                p { (repeated(profile)) }
                (unlikely(report, profile))
            }
        }
    }
}

fn repeated(profile: &Profile) -> String {
    match profile.duplicates {
        0 => "No training row repeats another.".to_owned(),
        n => {
            let share = 100.0 * n as f64 / profile.rows as f64;
            format!(
                "{} of {} training rows ({share:.1} %) repeat an earlier row, value for value; where \
                 values repeat, a density has no upper bound.",
                count(n),
                count(profile.rows)
            )
        }
    }
}

fn columns(profile: &Profile) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th { "Column" } th.number { "Least" } th.number { "5 %" } th.number { "Median" }
                th.number { "95 %" } th.number { "Largest" } th.number { "Mean" }
                th.number { "Deviation" } th.number { "Distinct" }
            } }
            tbody { @for column in &profile.columns { (column_row(column)) } }
        } }
    }
}

fn column_row(column: &ColumnProfile) -> Markup {
    html! {
        tr {
            th scope="row" { (column.name) }
            @for value in column.quantiles { td.number { (shown(value)) } }
            td.number { (shown(column.mean)) }
            td.number { (shown(column.deviation)) }
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
            p { "The rows with the lowest log-density among " (count(profile.judged))
                " that training did not see, by their number in the table."
                @if hidden > 0 { " " (hidden) " more columns are not shown." } }
            div.scroll { table {
                thead { tr { th.number { "Row" } th.number { "Log-density" }
                    @for name in &names { th.number { (name) } } } }
                tbody { @for outlier in &profile.outliers { (outlier_row(outlier)) } }
            } }
        }
    }
}

fn outlier_row(outlier: &Outlier) -> Markup {
    html! {
        tr {
            td.number { (outlier.row) }
            td.number { (nats(outlier.log_prob)) }
            @for value in outlier.values.iter().take(SHOWN) { td.number { (shown(*value)) } }
        }
    }
}
