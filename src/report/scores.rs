//! The race of a model against simpler densities.

use super::numbers::{interval, nats, rows};
use super::{Judges, Report};
use crate::baselines::{Advantage, INTERVAL, Race, Rival};
use diffeo_flows::metrics::{Estimate, bits_per_dim};
use maud::{Markup, html};

/// Of a baseline, where the flow rules out so many of the rows.
fn verdict(rival: &Rival, by_flow: usize) -> String {
    let advantage = rival.advantage.map(|ahead| ahead.is_worth_it());
    match (by_flow, rival.impossible, advantage) {
        (0, 0, Some(Some(true))) => "the flow is better".to_owned(),
        (0, 0, Some(Some(false))) => "the flow is worse".to_owned(),
        (0, 0, Some(None)) => "no clear difference".to_owned(),
        (0, 0, None) => "not to be compared".to_owned(),
        (0, n, _) => format!("rules out {}, the flow none", rows(n)),
        (n, 0, _) => format!("the flow is worse: it rules out {}, this none", rows(n)),
        (m, n, _) => format!("rules out {}, the flow {}", rows(n), rows(m)),
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
                        (rows(race.rows)) " of " (judges.name()) ", " (judges.worth()) ". "
                        "Differences are paired row by row; "
                        "intervals cover 95 %." }
                    div.scroll { table {
                        thead { tr {
                            th { "Density" } th.number { "Log-likelihood" } th.number { "Interval" }
                            th.number { "Bits/dim" } th.number { "Flow ahead by" } th { "Verdict" }
                        } }
                        tbody {
                            tr.own { (own(race, &spec.recipe, features)) }
                            @for rival in &race.rivals { tr { (row(rival, race.model_impossible, features)) } }
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
        td { @if race.model_impossible > 0 { "rules out " (rows(race.model_impossible)) }
            @else { "this model" } }
    }
}

fn row(rival: &Rival, by_flow: usize, features: usize) -> Markup {
    html! {
        th scope="row" { (rival.baseline.title())
            @if let Some(detail) = &rival.detail { ", " (detail) } }
        (likelihood(rival.log_likelihood, features))
        @match rival.advantage {
            Some(Advantage { mean, interval: ends, .. }) => {
                td.number { (nats(mean)) " " (interval(ends)) }
            }
            None => { td.number { "—" } }
        }
        td { (verdict(rival, by_flow)) }
    }
}

fn likelihood(Estimate { mean, standard_error }: Estimate, features: usize) -> Markup {
    let ends = [mean - INTERVAL * standard_error, mean + INTERVAL * standard_error];
    html! {
        td.number { (nats(mean)) }
        td.number { (interval(ends)) }
        td.number { (nats(bits_per_dim(mean, features))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baselines::Baseline;

    #[test]
    fn a_flow_that_rules_out_rows_is_not_called_as_good() {
        let rival = |impossible, advantage| Rival {
            baseline: Baseline::Kde,
            detail: None,
            log_likelihood: Estimate { mean: -1.0, standard_error: 0.1 },
            impossible,
            advantage,
        };
        let even = Advantage { mean: 0.0, standard_error: 1.0, interval: [-2.0, 2.0] };
        assert_eq!(verdict(&rival(0, Some(even)), 0), "no clear difference");
        assert_eq!(verdict(&rival(0, None), 1), "the flow is worse: it rules out 1 row, this none");
        assert_eq!(verdict(&rival(2, None), 0), "rules out 2 rows, the flow none");
        assert_eq!(verdict(&rival(2, None), 1), "rules out 2 rows, the flow 1 row");
        assert_eq!(verdict(&rival(0, None), 0), "not to be compared");
    }
}
