//! The noise of a diffusion, in data units.

use super::Model;
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::rng::{Stream, generator};
use crate::transforms::Support;
use candle_core::Tensor;
use rand_distr::{Distribution, StandardNormal};

impl Model {
    /// What a noise level of 1 is along each column of a diffusion, in data units.
    ///
    /// # Errors
    /// [`Error::Config`] for a model that is no diffusion or is conditional, or with a column that is
    /// not on the whole line, where noise has no such unit.
    pub fn noise_units(&self) -> Result<Vec<f64>> {
        self.noise_levels()?;
        let plain = self.spec.columns.iter().all(|c| c.support == Support::Real);
        if !plain || !self.spec.given.is_empty() {
            let remedy = "it needs columns on the whole line, and no context";
            return Err(Error::config("noise", "the columns have no unit of noise", remedy));
        }
        let d = self.spec.columns.len();
        let ends = [0.0, 1.0].map(|value| vec![value; d]).concat();
        let ends = Tensor::from_vec(ends, (2, d), self.flow.device())?;
        let ends = to_f64(&self.preparation.inverse(&ends)?.points)?;
        Ok((0..d).map(|i| ends[d + i] - ends[i]).collect())
    }

    /// Points `[n · d]` in data units, row-major, with noise of a level of this diffusion.
    ///
    /// # Errors
    /// As [`Model::noise_units`].
    pub fn with_noise(&self, points: &[f64], level: f64, seed: u64) -> Result<Vec<f64>> {
        let units = self.noise_units()?;
        let mut rng = generator(seed, Stream::Evaluation, 2);
        let noisy = |(x, unit): (&f64, &f64)| {
            let z: f64 = StandardNormal.sample(&mut rng);
            x + level * unit * z
        };
        Ok(points.iter().zip(units.iter().cycle()).map(noisy).collect())
    }
}
