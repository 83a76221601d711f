//! Whether the model is the one that was trained.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;

pub(super) const NAME: &str = "fingerprint";
/// Over max(1, |log p|): what kernels of other processors, and the reference tier, differ by.
const MOST: f64 = 1e-4;

/// The largest difference of log p, at the points of the fingerprint, from what it was when the model
/// was done.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let spec = subject.model.spec();
    let Some(known) = spec.training.as_ref().and_then(|t| t.fingerprint.as_ref()) else {
        let why = "the model has no fingerprint: it was trained before there were any".to_owned();
        return Ok(Outcome::Skipped { name: NAME, why });
    };
    let rows = known.rows(spec.columns.len(), spec.given.len())?;
    let now = subject.claims.log_prob(&rows)?;
    let errors = now.iter().zip(&known.log_prob).map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
    let most = errors.fold(0.0, |most, e| if e.is_nan() || e > most { e } else { most });
    let detail = format!(
        "largest difference of log p at {} points from what it was after training, over \
         max(1, |log p|)",
        rows.len()
    );
    Ok(Outcome::Checked(Check::at_most(NAME, most, MOST, &detail)))
}
