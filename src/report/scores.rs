//! The race of a model against simpler densities.

use super::numbers::{count, nats};
use super::{Judges, Report};
use crate::baselines::{Advantage, INTERVAL, Race, Rival};
use diffeo_flows::metrics::{Estimate, bits_per_dim};
use maud::{Markup, html};

fn verdict(rival: &Rival) -> String {
    match (rival.impossible, rival.advantage.and_then(|ahead| ahead.is_worth_it())) {
        (0, Some(true)) => "the flow is better".to_owned(),
        (0, Some(false)) => "the flow is worse".to_owned(),
        (0, None) => "no clear difference".to_owned(),
        (n, _) => format!("rules out {} of the rows", count(n)),
    }
}

pub(super) fn section(report: &Report<'_>) -> Markup {
    let (features, spec) = (report.model.spec().columns.len(), report.model.spec());
    let judges = Judges::of(&spec.data.rows);
    html! {
        section {
            h2 { "Scores" }
            @match report.race {
                None => { p { "No rows were scored." } }
                Some(race) => {
                    p { "Mean log-likelihood in nats a row, in the units of the data, of "
                        (count(race.rows)) " of " (judges.name()) ", " (judges.worth()) ". Differences are paired row by row; "
                        "intervals cover 95 %." }
                    div.scroll { table {
                        thead { tr {
                            th { "Density" } th.number { "Log-likelihood" } th.number { "Interval" }
                            th.number { "Bits/dim" } th.number { "Flow ahead by" } th { "Verdict" }
                        } }
                        tbody {
                            tr.own { (own(race, &spec.recipe, features)) }
                            @for rival in &race.rivals { tr { (row(rival, features)) } }
                        }
                    } }
                    @for note in &race.notes { p { (note) } }
                }
            }
        }
    }
}

fn own(race: &Race, name: &str, features: usize) -> Markup {
    html! {
        th scope="row" { (name) }
        (likelihood(race.model, features))
        td.number { "—" }
        td { @if race.model_impossible > 0 { "rules out " (count(race.model_impossible)) " of the rows" }
            @else { "this model" } }
    }
}

fn row(rival: &Rival, features: usize) -> Markup {
    html! {
        th scope="row" { (rival.baseline.title())
            @if let Some(detail) = &rival.detail { ", " (detail) } }
        (likelihood(rival.log_likelihood, features))
        @match rival.advantage {
            Some(Advantage { mean, interval: [low, high], .. }) => {
                td.number { (nats(mean)) " [" (nats(low)) ", " (nats(high)) "]" }
            }
            None => { td.number { "—" } }
        }
        td { (verdict(rival)) }
    }
}

fn likelihood(Estimate { mean, standard_error }: Estimate, features: usize) -> Markup {
    let interval = [mean - INTERVAL * standard_error, mean + INTERVAL * standard_error];
    html! {
        td.number { (nats(mean)) }
        td.number { "[" (nats(interval[0])) ", " (nats(interval[1])) "]" }
        td.number { (nats(bits_per_dim(mean, features))) }
    }
}
