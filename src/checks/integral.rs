//! Whether the density integrates to one.

use super::cubature::{Budget, integrate};
use super::importance::Proposal;
use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::metrics::Estimate;
use diffeo_flows::rows::Rows;
use diffeo_flows::transforms::Support;
use std::f64::consts::LN_2;

pub(super) const NAME: &str = "integral";
/// Of the difference from one.
const MOST: f64 = 2e-3;
/// Above this error, four standard errors of draws, an integral near one says nothing.
const UNCERTAIN: f64 = 0.2;
/// Draws that a sum must be worth to be trusted where it is too small: few of them may have missed
/// the mass, which makes their own error too small as well.
const TRUSTED: f64 = 100.0;
/// Contexts of a conditional model.
const CONTEXTS: usize = 3;
/// Draws at a context that show where the mass is.
const SEEN: usize = 3000;
/// Draws, and three times the rows of training or of the held-out ones, of a model that is solved.
const SOLVED_SEEN: usize = 1000;
/// The rule of three: of n points none lies in a set of mass 3/n with a probability of a twentieth.
///
/// Hanley and Lippman-Hand 1983, *If Nothing Goes Wrong, Is Everything All Right?*
const UNSEEN: f64 = 3.0;
/// How many times as far as the furthest point seen the integral goes: on the whole line, and on a support
/// with an edge, whose line is that of logarithms.
const BEYOND: f64 = 1e3;
const BEYOND_IN_LOGS: f64 = 10.0;
/// The exponential function of more is infinite.
const LARGEST_LOG: f64 = 700.0;
/// Rows of the proposal, and its centres.
const PROPOSED: usize = 4000;
const CENTRES: usize = 200;
/// Draws that an eighth of them must be worth.
const WORTH: f64 = 10.0;

/// An integral with a bound of its error, and how it was found.
struct Found {
    value: f64,
    /// What the value can be off by for other reasons than the density.
    error: f64,
    /// Whether a value further from one than that error is wrong.
    trusted: bool,
    detail: String,
}

impl Found {
    /// |∫ p − 1|; of what is no number the largest.
    fn off(&self) -> f64 {
        let off = (self.value - 1.0).abs();
        if off.is_nan() { f64::INFINITY } else { off }
    }

    fn tolerance(&self) -> f64 {
        // Of what is no number no error is known.
        MOST + self.error.max(0.0)
    }

    /// Further off than its error and the tolerance explain.
    fn is_wrong(&self) -> bool {
        self.trusted && self.off() > self.tolerance()
    }

    /// Whether it is wrong, or so well known that it could have been.
    fn says_something(&self) -> bool {
        self.is_wrong() || (self.trusted && self.error <= UNCERTAIN)
    }
}

/// |∫ p dx − 1|: by adaptive cubature of one and two features, else by importance sampling; of a
/// conditional model at a few contexts, each judged by itself.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let contexts: Vec<Option<Vec<f64>>> = match subject.some_places(CONTEXTS).context() {
        Some((width, values)) => values.chunks_exact(width).map(|c| Some(c.to_vec())).collect(),
        None => vec![None],
    };
    let found: Result<Vec<Found>> =
        contexts.iter().map(|context| integral(subject, context.as_deref())).collect();
    Ok(judged(&found?))
}

/// Wrong where one of the contexts is, whatever the others are; else as far off as the worst of those
/// that say anything.
fn judged(all: &[Found]) -> Outcome {
    let verdict = |found: &&Found| (found.is_wrong(), found.off());
    let worse = |a: &&Found, b: &&Found| {
        let (a, b) = (verdict(a), verdict(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    };
    let Some(worst) = all.iter().filter(|found| found.says_something()).max_by(worse) else {
        let why = match all.first() {
            Some(found) => format!("too uncertain: {}", found.detail),
            None => "there is no context".to_owned(),
        };
        return Outcome::Skipped { name: NAME, why };
    };
    let judged = all.iter().filter(|found| found.says_something()).count();
    let at = match all.len() {
        1 => String::new(),
        n if n == judged => format!(", the worst of {n} contexts"),
        n => format!(", the worst of {judged} contexts; {} more are too uncertain", n - judged),
    };
    let detail = format!("difference from 1 of {}{at}", worst.detail);
    Outcome::Checked(Check::at_most(NAME, worst.off(), worst.tolerance(), &detail))
}

fn integral(subject: &Subject<'_>, context: Option<&[f64]>) -> Result<Found> {
    let samples = match context {
        None => subject.draws.clone(),
        Some(context) => {
            let n = if subject.is_solved() { SOLVED_SEEN } else { SEEN };
            let given = context.repeat(n);
            let points = subject.claims.sample(n, Some(&given), subject.seed ^ 1)?;
            Rows::new(subject.samples.features(), points)?.with_context(context.len(), given)?
        }
    };
    if samples.features() <= 2 {
        by_cubature(subject, &samples, context)
    } else {
        by_importance(subject, &samples, context)
    }
}

/// Over x = h(c + s sinh t), with h from the whole line to the support.
fn by_cubature(subject: &Subject<'_>, samples: &Rows, context: Option<&[f64]>) -> Result<Found> {
    let d = samples.features();
    let known = seen(subject, samples, context);
    let axes: Vec<Axis> = (0..d)
        .map(|k| {
            let column = known.iter().skip(k).step_by(d).copied();
            Axis::over(subject.model.spec().columns[k].support, column)
        })
        .collect();
    let places: Vec<f64> = known
        .chunks_exact(d)
        .map(|x| x.iter().zip(&axes).map(|(x, axis)| axis.place(*x)).collect::<Vec<_>>())
        // On the very edge of a support.
        .filter(|places| places.iter().all(|t| t.is_finite()))
        .flatten()
        .collect();
    let density = |points: &[f64]| -> Result<Vec<f64>> {
        let mut log_volume = vec![0.0; points.len() / d];
        let mut moved = Vec::with_capacity(points.len());
        for (i, &t) in points.iter().enumerate() {
            let (x, log_slope) = axes[i % d].at(t);
            moved.push(x);
            log_volume[i / d] += log_slope;
        }
        let rows = given(Rows::new(d, moved)?, context)?;
        let log_prob = subject.claims.log_prob(&rows)?;
        Ok(log_prob.iter().zip(&log_volume).map(|(p, v)| (p + v).exp()).collect())
    };
    let evaluations = if subject.is_solved() { 20_000 } else { 200_000 };
    let budget = Budget { error: MOST / 2.0, evaluations };
    let half_widths: Vec<f64> = axes.iter().map(|axis| axis.half_width).collect();
    let found = integrate(density, &half_widths, &places, budget)?;
    let (low, high) = (found.value - found.error, found.value + found.error + found.missed);
    // Of peaks with this mass, one in twenty has no point in it.
    let high = high + UNSEEN / (places.len() / d).max(1) as f64;
    let detail = format!(
        "∫ p = {:.5}, between {low:.5} and {high:.5}, by cubature with {} evaluations",
        found.value, found.evaluations
    );
    let error = if found.value < 1.0 { high - found.value } else { found.value - low };
    let found = Found { value: found.value, error, trusted: true, detail };
    if found.is_wrong() {
        Ok(compared(found, by_importance(subject, samples, context)))
    } else {
        Ok(found)
    }
}

/// A wrong integral stands, as the error of cubature covers: where importance sampling contradicts it, which
/// may miss narrow peaks without a word, that is told.
fn compared(found: Found, other: Result<Found>) -> Found {
    let Ok(other) = other else { return found };
    let apart = (found.value - other.value).abs();
    if !other.says_something() || apart <= found.error + other.error {
        return found;
    }
    let detail = format!("{}; another way disagrees: {}", found.detail, other.detail);
    Found { detail, ..found }
}

/// Where the density is known to matter: draws, and the rows of the data where there is no context.
fn seen(subject: &Subject<'_>, samples: &Rows, context: Option<&[f64]>) -> Vec<f64> {
    let most = if subject.is_solved() { SOLVED_SEEN } else { subject.sizes.draws };
    let mut points = samples.evenly(most).points().to_vec();
    if context.is_none() {
        for rows in [subject.evidence.train, subject.evidence.held_out].into_iter().flatten() {
            points.extend_from_slice(rows.evenly(most / 3).points());
        }
    }
    points
}

/// E_q[p/q] over a proposal with heavy tails around the samples.
fn by_importance(subject: &Subject<'_>, samples: &Rows, context: Option<&[f64]>) -> Result<Found> {
    let exact = subject.claims.in_double()?;
    let (centres, n) = if subject.is_solved() {
        (subject.few(), PROPOSED / 4)
    } else {
        (CENTRES.min(4 * subject.few()), PROPOSED)
    };
    let proposal = Proposal::around(subject, exact.as_ref(), samples, centres)?;
    // A few draws say whether more are worth their time.
    let pilot = weights(subject, (&proposal, context), n / 8, 6)?;
    let n = if effective(&pilot) < WORTH { n / 8 } else { n };
    let weights =
        if n > pilot.len() { weights(subject, (&proposal, context), n, 5)? } else { pilot };
    let (estimate, worth) = (Estimate::of(&weights, None), effective(&weights));
    let detail = format!(
        "∫ p = {:.4} ± {:.4}, by importance sampling with {n} draws, worth {:.0}",
        estimate.mean, estimate.standard_error, worth
    );
    let trusted = estimate.mean > 1.0 || worth >= TRUSTED || worth.is_nan();
    Ok(Found { value: estimate.mean, error: 4.0 * estimate.standard_error, trusted, detail })
}

/// p/q of n draws of the proposal.
fn weights(
    subject: &Subject<'_>,
    (proposal, context): (&Proposal, Option<&[f64]>),
    n: usize,
    index: u64,
) -> Result<Vec<f64>> {
    let d = subject.samples.features();
    let rows = given(Rows::new(d, proposal.sample(n, subject.seed, index)?)?, context)?;
    let log_p = subject.claims.log_prob(&rows)?;
    let log_q = subject.workers.map_chunks(n, 64, |range| {
        let rows = rows.points()[range.start * d..range.end * d].chunks_exact(d);
        Ok(rows.map(|x| proposal.log_prob(x)).collect::<Vec<_>>())
    })?;
    Ok(log_p.iter().zip(log_q.concat()).map(|(p, q)| (p - q).exp()).collect())
}

/// How many draws of the density itself these are worth, (Σw)²/Σw².
fn effective(weights: &[f64]) -> f64 {
    let squares: f64 = weights.iter().map(|w| w * w).sum();
    weights.iter().sum::<f64>().powi(2) / squares
}

fn given(rows: Rows, context: Option<&[f64]>) -> Result<Rows> {
    match context {
        Some(context) => {
            let all = context.repeat(rows.len());
            rows.with_context(context.len(), all)
        }
        None => Ok(rows),
    }
}

/// A column's support as the image of (−h, h), by x = c + s sinh t on the line: even in the middle, even
/// in factors in the tails, so that places millions of scales apart have digits.
#[derive(Debug, Clone, Copy)]
struct Axis {
    support: Support,
    centre: f64,
    scale: f64,
    half_width: f64,
}

impl Axis {
    /// Centred at the median of these values and scaled as the middle half of them: one that lies far
    /// out does not change where most of them are.
    fn over(support: Support, values: impl Iterator<Item = f64>) -> Self {
        let mut line: Vec<f64> =
            values.map(|x| on_the_line(support, x)).filter(|y| y.is_finite()).collect();
        line.sort_unstable_by(f64::total_cmp);
        let quantile = |q: f64| line.get((q * line.len() as f64) as usize).copied().unwrap_or(0.0);
        let centre = quantile(0.5);
        let furthest = line.iter().map(|y| (y - centre).abs()).fold(0.0, f64::max);
        // Most values may be one and the same.
        let spreads = [(0.25, 0.75), (0.05, 0.95)].map(|(a, b)| (quantile(b) - quantile(a)) / 2.0);
        let scale = spreads.into_iter().chain([furthest]).find(|spread| *spread > 0.0);
        let scale = scale.unwrap_or(f64::MIN_POSITIVE.max(centre.abs() * f64::EPSILON));
        let furthest = furthest.max(scale);
        let reach = match support {
            Support::Real => BEYOND * furthest,
            _ => (BEYOND_IN_LOGS * furthest).min(LARGEST_LOG - centre.abs()).max(furthest),
        };
        let half_width = (reach / scale).asinh();
        Self { support, centre, scale, half_width }
    }

    /// The t of a value.
    fn place(self, x: f64) -> f64 {
        ((on_the_line(self.support, x) - self.centre) / self.scale).asinh()
    }

    /// The value at t, and ln dx/dt.
    fn at(self, t: f64) -> (f64, f64) {
        let y = self.centre + self.scale * t.sinh();
        // ln cosh t without overflow.
        let stretch = self.scale.ln() + t.abs() + (-2.0 * t.abs()).exp().ln_1p() - LN_2;
        let (x, log_slope) = match self.support {
            Support::Real => (y, 0.0),
            Support::Positive | Support::PositiveSoftplus => (y.exp(), y),
            Support::Interval { low, high } => {
                let (width, far) = (high - low, -y.abs());
                let left = if y < 0.0 { far.exp() } else { 1.0 } / (1.0 + far.exp());
                (low + width * left, width.ln() + far - 2.0 * far.exp().ln_1p())
            }
        };
        (x, log_slope + stretch)
    }
}

/// The support as the whole line.
fn on_the_line(support: Support, x: f64) -> f64 {
    match support {
        Support::Real => x,
        Support::Positive | Support::PositiveSoftplus => x.ln(),
        Support::Interval { low, high } => ((x - low) / (high - x)).ln(),
    }
}

#[cfg(test)]
mod tests;
