//! The certificate of a model: what must hold for it, checked.
//!
//! One file a check. A new one is a function from [`Subject`] to [`Outcome`], and a line in [`run`].

mod agreement;
mod base;
mod calibration;
mod certificate;
mod claims;
mod cubature;
mod discrepancy;
mod fingerprint;
mod finite;
mod importance;
mod integral;
mod jacobian;
mod leakage;
mod log_det;
mod overfitting;
mod recorded;
mod rotation;
mod round_trip;
mod rounding;
mod sampler;
mod singular_value;
mod stein;
mod subject;
mod tails;
mod tiers;
mod two_samples;

use diffeo_flows::Result;
use serde::{Deserialize, Serialize};

pub use certificate::{Certificate, Skipped};
pub use claims::{Claims, ModelClaims};
pub use subject::{Evidence, Subject};

/// What was found out about one property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The property.
    pub name: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was measured; the largest number where that is not finite, which has no place in JSON.
    pub value: f64,
    /// Where it stops holding.
    pub tolerance: f64,
    /// How it was measured, and on which side of the tolerance it must lie.
    pub detail: String,
}

/// A check, or why this model has none.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was made.
    Checked(Check),
    /// It says nothing about this model.
    Skipped {
        /// The property.
        name: &'static str,
        /// Why.
        why: String,
    },
}

impl Check {
    /// A value that must not be larger than the tolerance.
    fn at_most(name: &'static str, value: f64, tolerance: f64, detail: &str) -> Self {
        let detail = format!("{detail}; at most {}", shown(tolerance));
        Self::judged(name, value <= tolerance, (value, tolerance), detail)
    }

    /// A value that must not be smaller than the tolerance.
    fn at_least(name: &'static str, value: f64, tolerance: f64, detail: &str) -> Self {
        let detail = format!("{detail}; at least {}", shown(tolerance));
        Self::judged(name, value >= tolerance, (value, tolerance), detail)
    }

    /// An effect that must not be both larger than the tolerance and beyond chance: of enough rows
    /// the smallest difference is beyond chance, and of few a large one is chance.
    fn effect(
        name: &'static str,
        (value, p_value): (f64, f64),
        tolerance: f64,
        detail: &str,
    ) -> Self {
        let detail = format!(
            "{detail}; p-value {}: fails above {tolerance} with a p-value below {CHANCE}",
            shown(p_value)
        );
        let passed = value <= tolerance || (value.is_finite() && p_value >= CHANCE);
        Self::judged(name, passed, (value, tolerance), detail)
    }

    /// A failed check, which could not be made.
    fn impossible(name: &'static str, why: &str) -> Self {
        Self::judged(name, false, (f64::NAN, 0.0), format!("could not be made: {why}"))
    }

    fn judged(name: &str, passed: bool, (value, tolerance): (f64, f64), detail: String) -> Self {
        if value.is_finite() {
            return Self { name: name.to_owned(), passed, value, tolerance, detail };
        }
        let detail = format!("the value is not finite; {detail}");
        Self { name: name.to_owned(), passed: false, value: f64::MAX, tolerance, detail }
    }
}

/// A right model is refused once in a thousand runs, at most.
const CHANCE: f64 = 1e-3;

/// A small number as people read it.
fn shown(value: f64) -> String {
    let is_small = value.abs() < 1e-3 && value.abs() > 0.0;
    if is_small { format!("{value:.0e}") } else { format!("{}", (1e3 * value).round() / 1e3) }
}

type Made = fn(&Subject<'_>) -> Result<Outcome>;

/// All checks: whether its numbers are any, whether it is a density and the map is right, whether it is the model that was
/// trained, whether it fits.
const CHECKS: [(&str, Made); 21] = [
    (finite::NAME, finite::check),
    (integral::NAME, integral::check),
    (round_trip::NAME, round_trip::check),
    (log_det::NAME, log_det::check),
    (singular_value::NAME, singular_value::check),
    (tiers::NAME, tiers::check),
    (tiers::SAMPLING, tiers::check_sampling),
    (sampler::NAME, sampler::check),
    (stein::NAME, stein::check),
    (discrepancy::NAME, discrepancy::check),
    (rotation::NAME, rotation::check),
    (agreement::NAME, agreement::check),
    (fingerprint::NAME, fingerprint::check),
    (recorded::NAME, recorded::check),
    (calibration::COVERAGE, calibration::check_coverage),
    (calibration::PIT, calibration::check_columns),
    (two_samples::CLASSIFIER, two_samples::check_classifier),
    (two_samples::DISCREPANCY, two_samples::check_discrepancy),
    (overfitting::NAME, overfitting::check),
    (leakage::NAME, leakage::check),
    (tails::NAME, tails::check),
];

/// Makes all checks. One that breaks down has failed.
///
/// # Example
/// ```no_run
/// use diffeo::checks::{Evidence, Outcome, Subject, run};
/// use diffeo::flows::{Workers, model::Model};
/// let model = Model::load("runs/two-moons", &candle_core::Device::Cpu)?;
/// let workers = Workers::new(1)?;
/// let subject = Subject::new(&model, Evidence::default(), 0, &workers)?;
/// for outcome in run(&subject) {
///     assert!(!matches!(outcome, Outcome::Checked(check) if !check.passed));
/// }
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub fn run(subject: &Subject<'_>) -> Vec<Outcome> {
    let made = |&(name, check): &(&'static str, Made)| {
        let failed = |error: diffeo_flows::Error| {
            Outcome::Checked(Check::impossible(name, &error.to_string()))
        };
        check(subject).unwrap_or_else(failed)
    };
    CHECKS.iter().map(made).collect()
}
