//! Whether the way back is the way back.

use super::log_det::with_context_of;
use super::{Check, Outcome, Subject};
use diffeo_flows::rows::Rows;
use diffeo_flows::{Error, Result};

pub(super) const NAME: &str = "round-trip";
/// In standard deviations of a column: single precision keeps seven digits, and a map as steep as
/// 10³ leaves four of them. Ten kinds of flows measured 10⁻⁷ to 3·10⁻⁵.
const MOST: f64 = 1e-3;
/// The same in double precision.
const DOUBLE: f64 = 1e-6;
/// Tails are latent points this many times as far out.
const TAIL: f64 = 1.5;

/// The largest |x − f⁻¹(f(x))| in standard deviations, over data, samples and tails; where a value is
/// further out than one deviation, over its distance from the mean.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let n = subject.sizes.mapped;
    let (data, samples) = (subject.some_places(n), subject.some_samples(n));
    let sets = [
        (if subject.evidence.held_out.is_some() { "held-out rows" } else { "rows" }, data),
        ("tail points", tails(subject, &samples)?),
        ("samples", samples),
    ];
    let (mut worst, mut all) = ((0.0, "", 0.0), 0);
    for (name, rows) in &sets {
        let mut errors = errors(subject, rows)?;
        all += rows.len();
        let unknown = errors.iter().copied().find(|error| error.is_nan());
        errors.sort_unstable_by(f64::total_cmp);
        let most = unknown.or(errors.last().copied()).unwrap_or(0.0);
        if most.is_nan() || most >= worst.0 {
            worst = (most, name, errors[errors.len() * 99 / 100]);
        }
        if most.is_nan() {
            break;
        }
    }
    let detail = format!(
        "largest |x − f⁻¹(f(x))| on {all} points in standard deviations, of {}, where 99 % are \
         below {:.1e}",
        worst.1, worst.2
    );
    let most = if subject.is_double() && !subject.is_solved() { DOUBLE } else { MOST };
    Ok(Outcome::Checked(Check::at_most(NAME, worst.0, most, &detail)))
}

/// Images of the samples' latent points, moved away from the centre.
fn tails(subject: &Subject<'_>, samples: &Rows) -> Result<Rows> {
    let latent = subject.claims.to_latent(samples)?.points;
    let moved = latent.iter().map(|z| TAIL * z).collect();
    let images = subject.claims.to_data(&with_context_of(samples, moved)?)?;
    with_context_of(samples, images.points)
}

fn errors(subject: &Subject<'_>, rows: &Rows) -> Result<Vec<f64>> {
    let there = subject.claims.to_latent(rows)?.points;
    if there.iter().any(|z| !z.is_finite()) {
        return Err(Error::data("round trip", "a latent point is not finite", "train anew"));
    }
    let back = subject.claims.to_data(&with_context_of(rows, there)?)?.points;
    let d = rows.features();
    let means: Vec<f64> = (0..d)
        .map(|k| {
            let column = subject.draws.points().iter().skip(k).step_by(d);
            column.sum::<f64>() / subject.draws.len() as f64
        })
        .collect();
    let error = |(i, (x, y)): (usize, (&f64, &f64))| {
        let unit = subject.deviations[i % d].max((x - means[i % d]).abs());
        (x - y).abs() / unit
    };
    Ok(rows.points().iter().zip(&back).enumerate().map(error).collect())
}
