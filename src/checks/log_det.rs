//! The log-determinant against that of the full Jacobian.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::rows::Rows;

pub(super) const NAME: &str = "log-det";
/// Single precision keeps four digits of a log-determinant where the map is steep.
const MOST: f64 = 1e-3;
/// The same in double precision, of differences.
const DOUBLE: f64 = 1e-5;
/// Of continuous flows: their own tolerance is 10⁻⁵ a unit, for a sum over features.
const SOLVED: f64 = 2e-3;

/// The largest difference of log|det ∂z/∂x| as it is reported, and as the density contains it, from
/// that of a Jacobian by differences in double precision and LU, over max(1, |log det|).
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let rows = subject.places_and_samples(subject.few())?;
    let exact = subject.claims.in_double()?;
    let images = subject.claims.to_latent(&rows)?;
    let base = subject.claims.base_log_prob(&with_context_of(&rows, images.points.clone())?)?;
    let log_prob = subject.claims.log_prob(&rows)?;
    let scale: f64 = subject.deviations.iter().map(|s| s.ln()).sum();
    let mut errors = vec![(f64::INFINITY, f64::INFINITY); rows.len()];
    for step in subject.steps() {
        let jacobians = subject.jacobians(exact.as_ref(), &rows, step)?;
        for (i, jacobian) in jacobians.into_iter().enumerate() {
            let expected = jacobian.lu().determinant().abs().ln() - scale;
            let of = |found: f64| (found - expected).abs() / expected.abs().max(1.0);
            let (map, density) = (of(images.log_det[i]), of(log_prob[i] - base[i]));
            // A kink within one difference is in none of another length.
            errors[i] = (errors[i].0.min(map), errors[i].1.min(density));
        }
        if largest(&errors) <= tolerance(subject) {
            break;
        }
    }
    let of_map = errors.iter().fold(0.0_f64, |most, e| most.max(e.0));
    let of_density = errors.iter().fold(0.0_f64, |most, e| most.max(e.1));
    let detail = format!(
        "largest error against the Jacobian by differences on {} rows, over max(1, |log det|): \
         {of_map:.1e} of the map, {of_density:.1e} of log p − log p(z)",
        rows.len()
    );
    Ok(Outcome::Checked(Check::at_most(NAME, largest(&errors), tolerance(subject), &detail)))
}

fn tolerance(subject: &Subject<'_>) -> f64 {
    match (subject.is_solved(), subject.is_double()) {
        (true, _) => SOLVED,
        (false, true) => DOUBLE,
        (false, false) => MOST,
    }
}

/// The largest of all, not a number where one is none.
fn largest(errors: &[(f64, f64)]) -> f64 {
    let all = errors.iter().flat_map(|e| [e.0, e.1]);
    all.fold(0.0, |most, e| if e.is_nan() || e > most { e } else { most })
}

/// Other points with the contexts of these rows.
pub(super) fn with_context_of(rows: &Rows, points: Vec<f64>) -> Result<Rows> {
    let moved = Rows::new(rows.features(), points)?;
    match rows.context() {
        Some((width, values)) => moved.with_context(width, values.to_vec()),
        None => Ok(moved),
    }
}
