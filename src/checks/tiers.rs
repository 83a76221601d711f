//! What users get against the same in double precision.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;

pub(super) const NAME: &str = "tiers";
pub(super) const SAMPLING: &str = "tiers-sampling";
/// Over max(1, |log p|). Kernels agree with the same operations in single precision to 10⁻⁵; against
/// double precision what rounding of the points does to a steep map is added: at most 6·10⁻⁴ of ten
/// fits measured, of magic gamma.
const MOST: f64 = 3e-3;
/// Of continuous flows, where it is the error of the solver, too.
const SOLVED: f64 = 5e-3;
const REFERENCE: &str = "reference";
/// In standard deviations of a column.
const APART: f64 = 1e-3;
/// The share of draws that may differ more: a random number at the edge of two components of a
/// mixture goes one way in one precision and the other way in the other.
const SHARE: f64 = 0.01;

/// The largest difference of log p from that in double precision by tensor operations.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    if let Some(why) = is_specification(subject) {
        return Ok(Outcome::Skipped { name: NAME, why });
    }
    let rows = subject.places_and_samples(2 * subject.sizes.mapped)?;
    let (given, exact) =
        (subject.claims.log_prob(&rows)?, subject.claims.in_double()?.log_prob(&rows)?);
    let errors = given.iter().zip(&exact).map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
    // Both −∞ agree.
    let errors: Vec<f64> = errors
        .zip(given.iter().zip(&exact))
        .map(|(e, (a, b))| if a.is_infinite() && a.total_cmp(b).is_eq() { 0.0 } else { e })
        .collect();
    let most = errors.iter().fold(0.0, |m, e| if e.is_nan() || *e > m { *e } else { m });
    let detail = format!(
        "largest |a − b|/max(1, |b|) of log p by the {} tier and in double precision by the \
         reference tier, on {} rows, in the mean {:.1e}",
        tier(subject),
        rows.len(),
        errors.iter().sum::<f64>() / errors.len() as f64
    );
    let tolerance = if subject.is_solved() { SOLVED } else { MOST };
    Ok(Outcome::Checked(Check::at_most(NAME, most, tolerance, &detail)))
}

/// The share of draws that differ from those of the same seed in double precision.
pub(super) fn check_sampling(subject: &Subject<'_>) -> Result<Outcome> {
    if let Some(why) = is_specification(subject) {
        return Ok(Outcome::Skipped { name: SAMPLING, why });
    }
    let n = subject.sizes.mapped.min(subject.samples.len());
    let context: Option<Vec<f64>> =
        subject.samples.context().map(|(width, values)| values[..n * width].to_vec());
    let draw = |claims: &dyn super::Claims| claims.sample(n, context.as_deref(), subject.seed);
    let (given, exact) =
        (draw(subject.claims.as_ref())?, draw(subject.claims.in_double()?.as_ref())?);
    let d = subject.samples.features();
    let apart = |(a, b): (&[f64], &[f64])| -> f64 {
        let unit = a.iter().zip(b).zip(&subject.deviations);
        unit.map(|((a, b), s)| (a - b).abs() / s.max(b.abs() * f64::from(f32::EPSILON)))
            .fold(0.0, f64::max)
    };
    let errors: Vec<f64> = given.chunks_exact(d).zip(exact.chunks_exact(d)).map(apart).collect();
    let others = errors.iter().filter(|error| **error > APART || error.is_nan()).count();
    let mut sorted = errors;
    sorted.sort_unstable_by(f64::total_cmp);
    let detail = format!(
        "share of {n} draws further than {APART} standard deviations from those of the same seed in \
         double precision; half of them nearer than {:.1e}",
        sorted[sorted.len() / 2]
    );
    let share = others as f64 / n as f64;
    Ok(Outcome::Checked(Check::at_most(SAMPLING, share, SHARE, &detail)))
}

/// Why there is nothing to compare, if so: a solver's tolerance differs from the tight one in double
/// precision, too.
fn is_specification(subject: &Subject<'_>) -> Option<String> {
    let same = subject.is_double() && !subject.is_solved() && tier(subject) == REFERENCE;
    let why = "the model computes in double precision on the reference tier, which is what others are \
               compared with";
    same.then(|| why.to_owned())
}

fn tier(subject: &Subject<'_>) -> &'static str {
    match subject.model.engine() {
        Ok(choice) if choice.level().is_some() => "fast",
        _ => REFERENCE,
    }
}
