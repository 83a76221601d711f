//! Whether the recorded log-density is that of the model.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::metrics::Estimate;

pub(super) const NAME: &str = "recorded";
/// Over max(1, |mean|): the same rows on the same tier.
const MOST: f64 = 1e-4;

/// The difference of the mean log-density of held-out rows from the recorded one.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let (Some(rows), Some(recorded)) = (subject.evidence.held_out, subject.evidence.recorded)
    else {
        let why = "the rows are not those that were held out when it was trained".to_owned();
        return Ok(Outcome::Skipped { name: NAME, why });
    };
    let now = match subject.held_out()? {
        Some(judged) if judged.rows.len() == rows.len() => {
            Estimate::of(&judged.log_prob, rows.weights())
        }
        _ => Estimate::of(&subject.claims.log_prob(rows)?, rows.weights()),
    };
    let difference = (now.mean - recorded).abs() / recorded.abs().max(1.0);
    let detail = format!(
        "difference of the mean log p of {} held-out rows, {:.4}, from the recorded {recorded:.4}, \
         over max(1, |mean|)",
        rows.len(),
        now.mean
    );
    Ok(Outcome::Checked(Check::at_most(NAME, difference, MOST, &detail)))
}
