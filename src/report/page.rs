//! The page of a report.

use super::{Report, checked, data, fitted, pictures, reproduce, scores};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

pub(super) fn page(report: &Report<'_>) -> Markup {
    let source = &report.model.spec().data.source;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(concat!("diffeo ", env!("CARGO_PKG_VERSION")));
                title { (source) " – diffeo report" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (fitted::head(report))
                    (scores::section(report))
                    (pictures::section(&report.figures))
                    (checked::section(report.certificate))
                    (data::section(report))
                    (fitted::section(report))
                    (reproduce::section(report))
                }
                footer { "Made by diffeo " (env!("CARGO_PKG_VERSION")) }
            }
        }
    }
}
