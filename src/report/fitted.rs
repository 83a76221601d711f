//! What was fitted, in a report.

use super::numbers::{count, nats};
use super::{Judges, Report};
use maud::{Markup, html};

/// The first lines: what it is, and the figures that matter most.
pub(super) fn head(report: &Report<'_>) -> Markup {
    let spec = report.model.spec();
    html! {
        header {
            p.kind { "Density report" }
            h1 { (spec.data.source) }
            p { "The density of " (columns(report)) ", fitted by " (spec.recipe) "." }
            div.cards { (score_card(report)) (race_card(report)) (check_card(report)) }
        }
    }
}

fn columns(report: &Report<'_>) -> String {
    let spec = report.model.spec();
    let names: Vec<&str> = spec.columns.iter().map(|c| c.name.as_str()).collect();
    let over = match names.as_slice() {
        few if few.len() <= 4 => few.join(", "),
        many => format!("{} columns", many.len()),
    };
    if spec.given.is_empty() { over } else { format!("{over} given {}", spec.given.join(", ")) }
}

fn card(title: &str, value: &str, note: &str, class: &str) -> Markup {
    html! {
        div class=(format!("card {class}")) {
            p.title { (title) }
            p.value { (value) }
            p.note { (note) }
        }
    }
}

fn score_card(report: &Report<'_>) -> Markup {
    let title = format!("Log-likelihood of {}", Judges::of(&report.model.spec().data.rows).name());
    match report.race {
        Some(race) => card(
            &title,
            &nats(race.model.mean),
            &if race.model.standard_error.is_finite() {
                format!("± {} nats a row", nats(race.model.standard_error))
            } else {
                "nats a row".to_owned()
            },
            "",
        ),
        None => card(&title, "—", "no rows were scored", ""),
    }
}

/// The rival that comes closest, and by how much it is beaten.
fn race_card(report: &Report<'_>) -> Markup {
    let rivals = report.race.map_or(&[][..], |race| &race.rivals);
    let rivals = rivals.iter().filter_map(|rival| Some((rival, rival.advantage?)));
    let closest = rivals.min_by(|a, b| a.1.mean.total_cmp(&b.1.mean));
    let title = "Ahead of the closest baseline by";
    let Some((rival, ahead)) = closest else {
        let note = match report.race {
            Some(race) if race.model_impossible > 0 => "the flow rules out some of the rows",
            Some(race) if !race.rivals.is_empty() => "no baseline is to be compared with",
            _ => "no baseline was fitted",
        };
        return card(title, "—", note, "");
    };
    let class = if ahead.interval[0] > 0.0 { "good" } else { "plain" };
    let note = format!("nats a row: the {}", rival.baseline.title());
    card(title, &nats(ahead.mean), &note, class)
}

fn check_card(report: &Report<'_>) -> Markup {
    match report.certificate {
        Some(certificate) => {
            let failed = certificate.failed().count();
            let all = certificate.checks.len();
            let class = if certificate.passed { "good" } else { "bad" };
            let note =
                if failed == 0 { "checks pass".to_owned() } else { format!("{failed} fail") };
            card("Certificate", &format!("{} of {all}", all - failed), &note, class)
        }
        None => card("Certificate", "—", "not checked", ""),
    }
}

pub(super) fn section(report: &Report<'_>) -> Markup {
    let spec = report.model.spec();
    let layers: Vec<&str> = spec.flow.layers.iter().map(|layer| layer.name()).collect();
    let rows = [
        ("Flow", spec.recipe.clone()),
        ("Layers", repeated(&layers)),
        ("Parameters", count(report.parameters)),
        ("Engine", report.engine.to_owned()),
        ("Seed", spec.seed.to_string()),
    ];
    html! {
        section {
            h2 { "Model" }
            dl {
                @for (name, value) in &rows { dt { (name) } dd { (value) } }
                @if let Some(training) = &spec.training {
                    dt { "Training" }
                    dd { (count(training.steps)) " steps; the weights are those of step "
                        (count(training.best_step)) @if spec.data.rows.valid > 0 { ", the best on held-out rows" } }
                    dt { "Log-likelihood" }
                    dd { (nats(training.train_log_likelihood)) " on training rows"
                        @if let Some(valid) = training.valid_log_likelihood {
                            ", " (nats(valid)) " on those that chose the weights"
                        }
                        @if let Some(test) = training.test_log_likelihood {
                            ", " (nats(test)) " on test rows"
                        }
                    }
                }
            }
        }
    }
}

/// Names in a row, repetitions of one or two of them counted.
fn repeated(names: &[&str]) -> String {
    for period in [1, 2] {
        let times = names.len() / period.max(1);
        let (unit, rest) = names.split_at(period.min(names.len()));
        if times > 1
            && rest.iter().zip(names.iter()).all(|(a, b)| a == b)
            && names.len().is_multiple_of(period)
        {
            return format!("{times} × ({})", unit.join(", "));
        }
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::repeated;

    #[test]
    fn repeated_layers_are_counted() {
        assert_eq!(repeated(&["a", "a", "a"]), "3 × (a)");
        assert_eq!(repeated(&["a", "b", "a", "b"]), "2 × (a, b)");
        assert_eq!(repeated(&["a", "b", "a"]), "a, b, a");
        assert_eq!(repeated(&["a"]), "a");
        assert_eq!(repeated(&[]), "");
    }
}
