//! Simpler densities that a model has to beat, and the race between them.
//!
//! A fit leaves three: the full Gaussian, stored with the model, a Gaussian mixture and a kernel
//! density estimate. The last two lie in a file of their own beside the model, since the kernel
//! estimate consists of training rows, which a model file does not give away.

mod file;
mod fitting;
mod race;

pub(crate) use race::INTERVAL;
pub use race::{Advantage, Race, Rival};

use crate::seen::TrainingRows;
use diffeo_flows::densities::KernelDensity;
use diffeo_flows::densities::expectation_maximisation::Mixture;
use diffeo_flows::metrics::Estimate;
use diffeo_flows::model::{DataSummary, Model, ModelSpec, PreparedRows};
use diffeo_flows::rows::Rows;
use diffeo_flows::{Result, Workers};
use serde::{Deserialize, Serialize};

/// A simpler density.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Baseline {
    /// The normal distribution with full covariance.
    Gaussian,
    /// A mixture of normal distributions with full covariances.
    Gmm,
    /// A kernel density estimate.
    Kde,
}

impl Baseline {
    /// All of them, the simplest first.
    pub const ALL: [Self; 3] = [Self::Gaussian, Self::Gmm, Self::Kde];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Gmm => "gmm",
            Self::Kde => "kde",
        }
    }

    /// Its name in text.
    pub fn title(self) -> &'static str {
        match self {
            Self::Gaussian => "full Gaussian",
            Self::Gmm => "Gaussian mixture",
            Self::Kde => "kernel estimate",
        }
    }
}

/// A Gaussian mixture and a kernel estimate fitted to the training rows of a model.
///
/// Both work in the prepared space of the model, so that they are densities on the same support in
/// the same units; those of conditional models are joint densities of context and features, divided
/// by their own densities of the context.
#[derive(Debug, Default)]
pub struct Baselines {
    mixture: Option<Mixture>,
    kernels: Option<KernelDensity>,
    /// Fingerprints of the rows that model and baselines were fitted to.
    training: Option<TrainingRows>,
    /// Means on the test rows of the fit, nats.
    test: Vec<(Baseline, f64)>,
    notes: Vec<String>,
}

/// The fit that baselines belong to.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct FittedWith {
    columns: Vec<diffeo_flows::model::Column>,
    given: Vec<String>,
    data: DataSummary,
    seed: u64,
}

impl FittedWith {
    fn of(spec: &ModelSpec) -> Self {
        let (columns, given) = (spec.columns.clone(), spec.given.clone());
        Self { columns, given, data: spec.data.clone(), seed: spec.seed }
    }
}

impl Baselines {
    /// The file in a run folder.
    pub const FILE: &'static str = "baselines.safetensors";

    /// The rows that model and baselines were fitted to; none in files of earlier versions.
    pub fn training(&self) -> Option<&TrainingRows> {
        self.training.as_ref()
    }

    /// Why some are missing, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Mean log-density of the test rows of the fit, nats; none for the Gaussian, whose mean is in the
    /// training summary of the model.
    pub fn on_test_rows(&self, which: Baseline) -> Option<f64> {
        self.test.iter().find(|(b, _)| *b == which).map(|(_, mean)| *mean)
    }

    /// What a baseline consists of, for people.
    pub fn detail(&self, which: Baseline) -> Option<String> {
        match which {
            Baseline::Gaussian => None,
            Baseline::Gmm => {
                let count = self.mixture.as_ref()?.weights.len();
                Some(format!("{count} component{}", if count == 1 { "" } else { "s" }))
            }
            Baseline::Kde => {
                let parts = self.kernels.as_ref()?.parts();
                let (n, h) = (parts.weights.len(), parts.bandwidth);
                Some(format!("{n} kernels, bandwidth {h:.3}"))
            }
        }
    }

    /// Log-density of each row under a baseline, nats, in data units; nothing where there is none.
    ///
    /// −∞ outside the supports of the model's columns.
    ///
    /// # Errors
    /// When the rows have other columns than the model, or the Gaussian's covariance is singular.
    pub fn log_prob(
        &self,
        which: Baseline,
        model: &Model,
        rows: &Rows,
        workers: &Workers,
    ) -> Result<Option<Vec<f64>>> {
        match which {
            Baseline::Gaussian => Ok(Some(model.baseline().log_prob(rows)?)),
            Baseline::Gmm | Baseline::Kde => {
                self.log_prob_prepared(which, &model.prepared_rows(rows)?, workers)
            }
        }
    }

    fn log_prob_prepared(
        &self,
        which: Baseline,
        rows: &PreparedRows,
        workers: &Workers,
    ) -> Result<Option<Vec<f64>>> {
        let values = match (which, &self.mixture, &self.kernels) {
            (Baseline::Gmm, Some(mixture), _) => {
                mixture.log_prob_rows(&rows.values, rows.given, workers)?
            }
            (Baseline::Kde, _, Some(kernels)) => {
                kernels.log_prob_rows(&rows.values, rows.given, workers)?
            }
            _ => return Ok(None),
        };
        let in_data_units = |(value, log_det): (f64, &f64)| {
            if log_det.is_finite() { value + log_det } else { f64::NEG_INFINITY }
        };
        Ok(Some(values.into_iter().zip(&rows.log_det).map(in_data_units).collect()))
    }

    /// Means on the rows that the fit held out to judge by.
    fn judge(&mut self, model: &Model, test: &Rows, workers: &Workers) -> Result<()> {
        let prepared = model.prepared_rows(test)?;
        for which in [Baseline::Gmm, Baseline::Kde] {
            if let Some(values) = self.log_prob_prepared(which, &prepared, workers)? {
                self.test.push((which, Estimate::of(&values, test.weights()).mean));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
