//! What a model is known by: log-densities at a few points, and a hash of its weights.

use super::Model;
use crate::error::{Error, Result};
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::workers::Workers;
use rand::Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// Points of a fingerprint.
const POINTS: usize = 16;
/// The number of its generators among those of evaluations.
const NUMBER: u64 = 0xF1;

/// Log-densities of a model at draws of its own, taken when its training was done.
///
/// Weights, standardisation or code that change afterwards change them. The draws are stored: they
/// are none of the training rows, and need no code that could change with the model's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The points in data units, row-major `[n · d]`.
    pub points: Vec<f64>,
    /// Their contexts, row-major `[n · k]`; drawn from normal distributions with the means and
    /// deviations of the training rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<f64>,
    /// log p of each, nats, `[n]`.
    pub log_prob: Vec<f64>,
}

impl Fingerprint {
    /// The points with their contexts.
    ///
    /// # Errors
    /// [`Error::Shape`] when they are not those of a model of so many features and context columns.
    pub fn rows(&self, features: usize, context: usize) -> Result<Rows> {
        let rows = Rows::new(features, self.points.clone())?;
        if rows.len() != self.log_prob.len() {
            let expected = format!("[{}]", rows.len());
            return Err(Error::shape("Fingerprint", expected, &[self.log_prob.len()]));
        }
        if context == 0 { Ok(rows) } else { rows.with_context(context, self.context.clone()) }
    }
}

impl Model {
    /// The fingerprint of the model as it stands: the same seed, weights and standardisation give the
    /// same one.
    ///
    /// # Errors
    /// When the model cannot be sampled or evaluated.
    pub fn fingerprint(&self, train: &Rows, workers: &Workers) -> Result<Fingerprint> {
        let seed = generator(self.spec.seed, Stream::Evaluation, NUMBER).random();
        let context = self.contexts_like(train);
        let given = (!context.is_empty()).then_some(context.as_slice());
        let points = self.sample_rows(POINTS, given, seed, workers)?;
        let fingerprint = Fingerprint { points, context, log_prob: vec![0.0; POINTS] };
        let rows = fingerprint.rows(self.spec.columns.len(), self.spec.given.len())?;
        let log_prob = self.log_prob_rows(&rows, workers)?;
        if let Some(i) = log_prob.iter().position(|value| !value.is_finite()) {
            let problem = format!("draw {i} of the model has log-density {}", log_prob[i]);
            return Err(Error::data("fingerprint", problem, "train with a lower learning rate"));
        }
        Ok(Fingerprint { log_prob, ..fingerprint })
    }

    /// Contexts drawn from normal distributions with the moments of these rows.
    fn contexts_like(&self, train: &Rows) -> Vec<f64> {
        let Some((width, values)) = train.context() else { return Vec::new() };
        let n = train.len() as f64;
        let moments: Vec<(f64, f64)> = (0..width)
            .map(|k| {
                let column = || values.iter().skip(k).step_by(width);
                let mean = column().sum::<f64>() / n;
                (mean, (column().map(|c| (c - mean).powi(2)).sum::<f64>() / n).sqrt())
            })
            .collect();
        let mut rng = generator(self.spec.seed, Stream::Evaluation, NUMBER + 1);
        let each = std::iter::repeat_n(moments, POINTS).flatten();
        each.map(|(mean, deviation)| mean + deviation * rng.sample::<f64, _>(StandardNormal))
            .collect()
    }

    /// A hash of what the model computes: BLAKE3, in hexadecimal, of the structure of the flow, the
    /// columns with their supports, and names, shapes and values of all weights and buffers.
    ///
    /// The same seed, data and settings give the same hash on the same kind of processor, whatever
    /// the number of threads. Where it is stored and what is recorded about the training do not count.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn result_hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        let described = (&self.spec.flow, &self.spec.columns, &self.spec.given, self.spec.dtype);
        let described = serde_json::to_vec(&described)
            .map_err(|e| Error::config("description", e.to_string(), "give finite settings"))?;
        hasher.update(&described);
        for param in self.params.iter() {
            let tensor = param.var().as_tensor();
            hasher.update(format!("{} {:?}", param.name(), tensor.dims()).as_bytes());
            for value in crate::params::to_f64(tensor)? {
                hasher.update(&value.to_le_bytes());
            }
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}
