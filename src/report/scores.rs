//! The race of a model against simpler densities.

use super::Report;
use super::numbers::nats;
use diffeo_flows::metrics::{Estimate, bits_per_dim};
use maud::{Markup, html};

/// The standard normal quantile of a two-sided 95 % interval.
const NORMAL_95: f64 = 1.959_964;

/// A density's mean log-likelihood on the held-out rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// What it is called.
    pub name: String,
    /// Nats a row, in data units.
    pub log_likelihood: Estimate,
    /// By how much the model is ahead of it; none for the model.
    pub advantage: Option<Advantage>,
}

/// The mean of the rows' differences of log-density, model minus rival, with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advantage {
    /// The mean difference, nats a row.
    pub mean: f64,
    /// A 95 % interval.
    pub interval: [f64; 2],
}

impl Advantage {
    fn verdict(self) -> &'static str {
        match self.interval {
            [low, _] if low > 0.0 => "the flow is better",
            [_, high] if high < 0.0 => "the flow is worse",
            _ => "no clear difference",
        }
    }
}

pub(super) fn section(report: &Report<'_>) -> Markup {
    let (features, spec) = (report.model.spec().columns.len(), report.model.spec());
    let held_out = if spec.data.rows.test > 0 {
        "rows held out from training and from the choice of the weights"
    } else if spec.data.rows.valid > 0 {
        "the rows that chose the weights, for lack of others: a little optimistic"
    } else {
        "the training rows, for lack of others: optimistic"
    };
    html! {
        section {
            h2 { "Scores" }
            @if report.scores.is_empty() {
                p { "No rows were scored." }
            } @else {
                p { "Mean log-likelihood in nats a row, in the units of the data, on " (held_out) ". "
                    "Differences are paired row by row; intervals cover 95 %." }
                div.scroll { table {
                    thead { tr {
                        th { "Density" } th.number { "Log-likelihood" } th.number { "Interval" }
                        th.number { "Bits/dim" } th.number { "Flow ahead by" } th { "Verdict" }
                    } }
                    tbody { @for score in &report.scores { (row(score, features)) } }
                } }
            }
        }
    }
}

fn row(score: &Score, features: usize) -> Markup {
    let Estimate { mean, standard_error } = score.log_likelihood;
    let interval = [mean - NORMAL_95 * standard_error, mean + NORMAL_95 * standard_error];
    let is_model = score.advantage.is_none();
    html! {
        tr class=[is_model.then_some("own")] {
            th scope="row" { (score.name) }
            td.number { (nats(mean)) }
            td.number { "[" (nats(interval[0])) ", " (nats(interval[1])) "]" }
            td.number { (nats(bits_per_dim(mean, features))) }
            @match score.advantage {
                Some(ahead) => {
                    td.number { (nats(ahead.mean)) " [" (nats(ahead.interval[0])) ", " (nats(ahead.interval[1])) "]" }
                    td { (ahead.verdict()) }
                }
                None => { td.number { "—" } td { "this model" } }
            }
        }
    }
}
