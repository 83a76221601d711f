//! The certificate in a report.

use super::numbers::shown;
use crate::checks::{Certificate, Check};
use maud::{Markup, html};

pub(super) fn section(certificate: Option<&Certificate>) -> Markup {
    html! {
        section {
            h2 { "Certificate" }
            @match certificate {
                None => { p { "The model was not checked." } }
                Some(certificate) => {
                    p { "What must hold for a density, measured on this model. "
                        code { "diffeo check" } " repeats it." }
                    div.scroll { table {
                        thead { tr { th { "Verdict" } th { "Check" } th.number { "Value" } th { "What was measured" } } }
                        tbody { @for check in &certificate.checks { (row(check)) } }
                    } }
                    @if !certificate.skipped.is_empty() {
                        details {
                            summary { (certificate.skipped.len()) " checks say nothing about this model" }
                            ul { @for skipped in &certificate.skipped {
                                li { (skipped.name) ": " (skipped.why) }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn row(check: &Check) -> Markup {
    let (class, verdict) = if check.passed { ("good", "pass") } else { ("bad", "FAIL") };
    html! {
        tr {
            td { span class=(class) { (verdict) } }
            th scope="row" { (check.name) }
            td.number { (shown(check.value)) }
            td { (check.detail) }
        }
    }
}
