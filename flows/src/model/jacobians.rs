//! The Jacobians of a model's fields.

use super::ModelField;
use crate::error::Result;
use crate::rows::Rows;
use crate::workers::Workers;

impl ModelField {
    /// ∂vᵢ/∂xⱼ at each row, row-major `[n, d, d]`: see [`ModelField::divergence`].
    ///
    /// # Errors
    /// As [`ModelField::at`].
    pub fn jacobians(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let d = rows.features();
        let mut jacobians = vec![0.0; rows.len() * d * d];
        for j in 0..d {
            let slopes = self.along(rows, j, workers)?;
            for (matrix, slope) in jacobians.chunks_exact_mut(d * d).zip(slopes.chunks_exact(d)) {
                (0..d).for_each(|i| matrix[i * d + j] = slope[i]);
            }
        }
        Ok(jacobians)
    }

    /// The same with each feature measured by its standard deviation in the data, so that none
    /// counts more for being large: ∂sᵢ/∂xⱼ σᵢ σⱼ of a score, ∂vᵢ/∂xⱼ σⱼ/σᵢ of a velocity.
    ///
    /// # Errors
    /// As [`ModelField::at`].
    pub fn standard_jacobians(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let (d, deviations) = (rows.features(), self.deviations()?);
        let unit = |i: usize| if self.is_score() { deviations[i] } else { 1.0 / deviations[i] };
        let mut jacobians = self.jacobians(rows, workers)?;
        for (k, entry) in jacobians.iter_mut().enumerate() {
            *entry *= unit(k / d % d) * deviations[k % d];
        }
        Ok(jacobians)
    }
}
