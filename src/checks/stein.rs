//! Stein's identity on the model's own samples.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::score::diagnostics::{SteinFamily, stein_identity, stein_summary};

pub(super) const NAME: &str = "stein-identity";
/// A right score is refused once in a thousand runs.
const LEAST: f64 = 1e-3;

/// The largest deviation from E[φ s + ∇φ] = 0 over test functions φ could be chance.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    if let Some(why) = subject.has_edges() {
        return Ok(Outcome::Skipped { name: NAME, why });
    }
    let rng = &mut generator(subject.seed, Stream::Evaluation, 0);
    let (points, d) = (subject.samples.points(), subject.samples.features());
    let tests = stein_identity(points, &subject.score, d, SteinFamily::default(), rng)?;
    let summary = stein_summary(&tests);
    let worst = tests.iter().max_by(|a, b| a.z.abs().total_cmp(&b.z.abs()));
    let detail = format!(
        "p-value of the largest of {} tests of ∇ log p on {} samples: {:.2} standard errors, of {}",
        summary.tests,
        subject.samples.len(),
        summary.largest,
        worst.map_or("none", |test| test.name.as_str()),
    );
    Ok(Outcome::Checked(Check::at_least(NAME, summary.p_value, LEAST, &detail)))
}
