//! The Jacobians of the map from data to latent points.

use super::{Images, Model};
use crate::error::Result;
use crate::rows::Rows;
use crate::workers::Workers;

/// Length of a difference, in standard deviations of the column: its cube root of rounding in `f64`.
const STEP: f64 = 1e-5;
/// Tolerance of the solver behind points that are differenced: far below the step.
const TOLERANCE: f64 = 1e-9;

impl Model {
    /// ∂zᵢ/∂xⱼ of the map of [`Model::to_latent`] at each row, row-major `[n, d, d]`, in data units, by
    /// central differences in double precision. NaN where the row or a neighbour at the length of a
    /// difference lies outside the support of a column.
    ///
    /// # Errors
    /// As [`Model::to_latent`]; [`Error::Solver`](crate::Error::Solver) when the solver of a continuous
    /// flow fails.
    pub fn latent_jacobians(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let d = rows.features();
        let double = self.in_double_within(TOLERANCE)?;
        let mut jacobians = vec![0.0; rows.len() * d * d];
        for (j, deviation) in self.baseline.standard_deviations()?.into_iter().enumerate() {
            let step = STEP * deviation;
            let shifted = |by: f64| -> Result<Images> {
                let mut points = rows.points().to_vec();
                points.iter_mut().skip(j).step_by(d).for_each(|value| *value += by);
                let mut moved = Rows::new(d, points)?;
                if let Some((width, context)) = rows.context() {
                    moved = moved.with_context(width, context.to_vec())?;
                }
                double.to_latent(&moved, workers)
            };
            let (before, after) = (shifted(-step)?, shifted(step)?);
            for (row, matrix) in jacobians.chunks_exact_mut(d * d).enumerate() {
                let inside = before.log_det[row].is_finite() && after.log_det[row].is_finite();
                for i in 0..d {
                    let (a, b) = (before.points[row * d + i], after.points[row * d + i]);
                    matrix[i * d + j] = if inside { (b - a) / (2.0 * step) } else { f64::NAN };
                }
            }
        }
        Ok(jacobians)
    }
}
