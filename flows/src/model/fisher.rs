//! How far a score model's field is from the exact score of a toy with noise.

use super::{FieldKind, Model, ModelField};
use crate::densities::{SmoothedToy, Toy};
use crate::error::{Error, Result};
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::score::diagnostics::{FisherDivergence, fisher_divergence};
use crate::workers::Workers;
use rand_distr::{Distribution, StandardNormal};
use serde::Serialize;

/// The error of a score model at one noise level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NoisyFisher {
    /// The standard deviation of the noise in data units: the geometric mean over the columns.
    pub noise: f64,
    /// The noise level, in standard deviations of the columns.
    pub level: f64,
    /// E‖s − ∇log p_σ‖², absolute and relative to E‖∇log p_σ‖².
    pub fisher: FisherDivergence,
}

impl Model {
    /// Compares the model's score with the exact one of a toy with noise, at n points of it.
    ///
    /// Noise is in proportion to the columns' standard deviations, as the model has it; `noise` is
    /// the geometric mean of its two standard deviations, in data units.
    ///
    /// # Errors
    /// [`Error::Config`] for a model that is no diffusion over two plain columns, or noise outside
    /// its levels.
    pub fn fisher_to_toy(
        &self,
        toy: &Toy,
        noise: f64,
        n: usize,
        seed: u64,
        workers: &Workers,
    ) -> Result<NoisyFisher> {
        let scales = self.noise_units()?;
        let [first, second] = scales[..] else {
            let problem = format!("{} columns", scales.len());
            return Err(Error::config("noise", problem, "it needs a model of a toy's two columns"));
        };
        let level = noise / (first * second).sqrt();
        let deviations = [level * first, level * second];
        let mut rng = generator(seed, Stream::Evaluation, 1);
        let mut points = toy.sample_points(n, &mut rng);
        for point in &mut points {
            for (x, deviation) in point.iter_mut().zip(deviations) {
                let z: f64 = StandardNormal.sample(&mut rng);
                *x += deviation * z;
            }
        }
        let field = ModelField::new(self, FieldKind::NoisyScore { level })?;
        let rows = Rows::new(2, points.concat())?;
        let score = field.at(&rows, workers)?;
        let truth = SmoothedToy::new(toy, deviations)?.log_probs_and_scores(&points);
        let truth: Vec<f64> = truth.into_iter().flat_map(|(_, score)| score).collect();
        Ok(NoisyFisher { noise, level, fisher: fisher_divergence(&score, &truth, 2)? })
    }
}
