//! Baselines as a file.

use super::{Baseline, Baselines, FittedWith};
use crate::seen::TrainingRows;
use diffeo_flows::densities::expectation_maximisation::Mixture;
use diffeo_flows::densities::{KernelDensity, KernelParts};
use diffeo_flows::error::ModelFileError;
use diffeo_flows::model::{Arrays, Model};
use diffeo_flows::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the file says it is.
const KIND: &str = "baselines";

/// What stands beside the arrays.
#[derive(Serialize, Deserialize)]
struct Description {
    of: FittedWith,
    features: usize,
    mixture: Option<MixtureFacts>,
    bandwidth: Option<f64>,
    test: Vec<(Baseline, f64)>,
    notes: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct MixtureFacts {
    mean_log_likelihood: f64,
    iterations: usize,
}

impl Baselines {
    /// Writes the file, replacing what is there only once all is written.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn save(&self, model: &Model, path: impl AsRef<Path>) -> Result<()> {
        let spec = model.spec();
        let mixture = self.mixture.as_ref();
        let description = Description {
            of: FittedWith::of(spec),
            features: spec.columns.len() + spec.given.len(),
            mixture: mixture.map(|m| MixtureFacts {
                mean_log_likelihood: m.mean_log_likelihood,
                iterations: m.iterations,
            }),
            bandwidth: self.kernels.as_ref().map(|k| k.parts().bandwidth),
            test: self.test.clone(),
            notes: self.notes.clone(),
        };
        let description = serde_json::to_string(&description).map_err(|e| {
            Error::config("baselines", e.to_string(), "this is a fault of the library")
        })?;
        let mut file = Arrays { description, ..Arrays::default() };
        let mut put = |name: &str, values: Vec<f64>| drop(file.arrays.insert(name.into(), values));
        if let Some(m) = mixture {
            put("mixture.weights", m.weights.clone());
            put("mixture.means", m.means.clone());
            put("mixture.whitenings", m.whitenings.clone());
            put("mixture.centre", m.centre.clone());
            put("mixture.spread", m.spread.clone());
        }
        if let Some(kernels) = &self.kernels {
            let parts = kernels.parts();
            put("kernels.rows", parts.kernels.iter().map(|v| f64::from(*v)).collect());
            put("kernels.weights", parts.weights.clone());
            put("kernels.centre", parts.centre.clone());
            put("kernels.whitening", parts.whitening.clone());
        }
        if let Some(training) = &self.training {
            put("training.fingerprints", training.to_numbers());
        }
        file.write(path, KIND)
    }

    /// Reads the baselines that were fitted with a model.
    ///
    /// # Errors
    /// [`Error::Io`] when there are none; [`Error::ModelFile`] when the file is damaged;
    /// [`Error::Config`] when it belongs to another fit.
    pub fn load(model: &Model, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let corrupted = |detail: String| Error::ModelFile {
            path: path.to_owned(),
            problem: ModelFileError::Corrupted { detail },
        };
        let mut file = Arrays::read(path, KIND)?;
        let description: Description =
            serde_json::from_str(&file.description).map_err(|e| corrupted(e.to_string()))?;
        if description.of != FittedWith::of(model.spec()) {
            let problem = format!("{} belongs to another fit than the model", path.display());
            return Err(Error::config("baselines", problem, "keep the files of a run together"));
        }
        let d = description.features;
        let training = file.arrays.remove("training.fingerprints");
        let training = training.map(|numbers| TrainingRows::from_numbers(&numbers));
        let mut take = |name: &str| {
            file.arrays.remove(name).ok_or_else(|| corrupted(format!("{name} is missing")))
        };
        let mixture = match description.mixture {
            Some(facts) => {
                let mixture = Mixture {
                    weights: take("mixture.weights")?,
                    means: take("mixture.means")?,
                    whitenings: take("mixture.whitenings")?,
                    centre: take("mixture.centre")?,
                    spread: take("mixture.spread")?,
                    mean_log_likelihood: facts.mean_log_likelihood,
                    iterations: facts.iterations,
                };
                let m = mixture.weights.len();
                let sizes = [mixture.means.len(), mixture.whitenings.len(), mixture.centre.len()];
                if m == 0 || sizes != [m * d, m * d * d, d] {
                    return Err(corrupted("the mixture has arrays of other sizes".to_owned()));
                }
                Some(mixture)
            }
            None => None,
        };
        let kernels = match description.bandwidth {
            Some(bandwidth) => Some(KernelDensity::from_parts(KernelParts {
                features: d,
                kernels: take("kernels.rows")?.into_iter().map(|v| v as f32).collect(),
                weights: take("kernels.weights")?,
                centre: take("kernels.centre")?,
                whitening: take("kernels.whitening")?,
                bandwidth,
            })?),
            None => None,
        };
        Ok(Self { mixture, kernels, training, test: description.test, notes: description.notes })
    }
}
