//! Whether the map can be undone.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;

pub(super) const NAME: &str = "smallest-singular-value";
/// Of the largest one: single precision keeps seven digits, and a map that squeezes one direction a
/// million times as much as another leaves one of them.
const LEAST: f64 = 1e-6;
/// The same of sixteen digits.
const DOUBLE: f64 = 1e-13;

/// The smallest singular value of ∂z/∂x, over the largest one at the same row, with x in standard
/// deviations.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let rows = subject.some_places(subject.few());
    let exact = subject.claims.in_double()?;
    let jacobians = subject.jacobians(exact.as_ref(), &rows, subject.steps()[0])?;
    let (mut ratio, mut smallest, mut largest) = (f64::INFINITY, f64::INFINITY, 0.0_f64);
    for jacobian in jacobians {
        if jacobian.iter().any(|entry| !entry.is_finite()) {
            let why = "an entry of the Jacobian is not finite";
            return Ok(Outcome::Checked(Check::impossible(NAME, why)));
        }
        let values = jacobian.singular_values();
        // A map that is constant has none.
        let own = if values.max() > 0.0 { values.min() / values.max() } else { 0.0 };
        ratio = ratio.min(own);
        (smallest, largest) = (smallest.min(values.min()), largest.max(values.max()));
    }
    let detail = format!(
        "of ∂z/∂x over the largest at the same row, on {} rows in standard deviations; from \
         {smallest:.2e} to {largest:.2e} over all",
        rows.len()
    );
    let least = if subject.is_double() { DOUBLE } else { LEAST };
    Ok(Outcome::Checked(Check::at_least(NAME, ratio, least, &detail)))
}
