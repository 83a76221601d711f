//! The certificate of a model: what must hold for it, checked.
//!
//! One file a check. A new one is a function from [`Subject`] to [`Outcome`], and a line in [`run`].

mod agreement;
mod certificate;
mod claims;
mod discrepancy;
mod rotation;
mod stein;
mod subject;

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
    /// What was measured.
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
        let detail = format!("{detail}; at most {tolerance}");
        Self { name: name.to_owned(), passed: value <= tolerance, value, tolerance, detail }
    }

    /// A value that must not be smaller than the tolerance.
    fn at_least(name: &'static str, value: f64, tolerance: f64, detail: &str) -> Self {
        let detail = format!("{detail}; at least {tolerance}");
        Self { name: name.to_owned(), passed: value >= tolerance, value, tolerance, detail }
    }
}

/// Makes all checks.
///
/// # Example
/// ```no_run
/// use diffeo::checks::{Evidence, Outcome, Subject, run};
/// use diffeo::flows::{Workers, model::Model};
/// let model = Model::load("runs/two-moons", &candle_core::Device::Cpu)?;
/// let workers = Workers::new(1)?;
/// let subject = Subject::new(&model, Evidence::default(), 0, &workers)?;
/// for outcome in run(&subject)? {
///     assert!(!matches!(outcome, Outcome::Checked(check) if !check.passed));
/// }
/// # Ok::<(), diffeo::flows::Error>(())
/// ```
///
/// # Errors
/// When the model cannot be evaluated.
pub fn run(subject: &Subject<'_>) -> Result<Vec<Outcome>> {
    [stein::check, discrepancy::check, rotation::check, agreement::check]
        .iter()
        .map(|check| check(subject))
        .collect()
}
