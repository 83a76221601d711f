//! The kernel Stein discrepancy of the model's own samples.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::score::diagnostics::{DiscrepancyOptions, kernel_stein_discrepancy};

pub(super) const NAME: &str = "kernel-stein-discrepancy";
/// A right score is refused about once in a thousand runs.
const LEAST: f64 = 1e-3;
/// So many that the least p-value lies below the tolerance.
const BOOTSTRAPS: usize = 2000;
/// The cost grows with their square.
const SAMPLES: usize = 1000;

/// The discrepancy between samples and score, in standard deviations of the features, could be
/// chance.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    if let Some(why) = subject.has_edges() {
        return Ok(Outcome::Skipped { name: NAME, why });
    }
    let d = subject.samples.features();
    let n = subject.samples.len().min(SAMPLES);
    let scale = || subject.deviations.iter().cycle();
    let points: Vec<f64> =
        subject.samples.points()[..n * d].iter().zip(scale()).map(|(x, s)| x / s).collect();
    let score: Vec<f64> = subject.score[..n * d].iter().zip(scale()).map(|(v, s)| v * s).collect();
    let rng = &mut generator(subject.seed, Stream::Evaluation, 1);
    let options = DiscrepancyOptions { bootstraps: BOOTSTRAPS, ..DiscrepancyOptions::default() };
    let found = kernel_stein_discrepancy(&points, &score, d, options, subject.workers, rng)?;
    let detail =
        format!("p-value of ∇ log p on {n} samples, squared discrepancy {:.2e}", found.squared);
    Ok(Outcome::Checked(Check::at_least(NAME, found.p_value, LEAST, &detail)))
}
