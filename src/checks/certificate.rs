//! All checks of a model, as they are stored and shown.

use super::{Check, Outcome, Subject, run};
use diffeo_flows::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What was checked of a model, and what was not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whether something was checked and every check passed.
    pub passed: bool,
    /// The checks, in the order they were made.
    pub checks: Vec<Check>,
    /// Those that say nothing about this model.
    pub skipped: Vec<Skipped>,
    /// The seed of samples and probes, which differ from model to model as well.
    pub seed: u64,
}

/// A check that says nothing about a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The property.
    pub name: String,
    /// Why.
    pub why: String,
}

impl Certificate {
    /// Makes all checks.
    ///
    /// # Errors
    /// When the model cannot be evaluated.
    pub fn of(subject: &Subject<'_>) -> Result<Self> {
        let (mut checks, mut skipped) = (Vec::new(), Vec::new());
        for outcome in run(subject) {
            match outcome {
                Outcome::Checked(check) => checks.push(check),
                Outcome::Skipped { name, why } => {
                    skipped.push(Skipped { name: name.to_owned(), why });
                }
            }
        }
        // What could not be checked has not passed.
        let passed = !checks.is_empty() && checks.iter().all(|check| check.passed);
        Ok(Self { passed, checks, skipped, seed: subject.asked })
    }

    /// The checks that did not pass.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.passed)
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// [`Error::Io`] when there is none, or it is damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
        serde_json::from_str(&text).map_err(|e| Error::io(path, e.into()))
    }
}
