//! The Jacobians of the map from data to latent points.

use super::Model;
use super::differences::central_difference;
use crate::error::Result;
use crate::params::to_f64;
use crate::rows::Rows;
use crate::transform::Transform;
use crate::workers::Workers;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 1024;
/// Tolerance of the solver behind points that are differenced: far below the step.
const TOLERANCE: f64 = 1e-9;

impl Model {
    /// ∂zᵢ/∂xⱼ of the map of [`Model::to_latent`] at each row, row-major `[n, d, d]`, in data units, by
    /// central differences in the prepared space and double precision, times the exact derivative of
    /// the preparation. NaN where the row lies outside the support of a column.
    ///
    /// # Errors
    /// As [`Model::to_latent`]; [`Error::Solver`](crate::Error::Solver) when the solver of a continuous
    /// flow fails.
    pub fn latent_jacobians(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        self.check_rows(rows)?;
        let d = rows.features();
        let double = self.in_double_within(TOLERANCE)?.frozen()?;
        let chunks = workers.map_chunks(rows.len(), CHUNK_ROWS, |range| {
            let (device, preparation) = (double.params.device(), &double.preparation);
            let points = rows.points_tensor(&range, device)?;
            let (points, derivatives) = preparation.with_derivatives(&points)?;
            let context = preparation.context(rows.context_tensor(&range, device)?.as_ref())?;
            let mut jacobians = vec![0.0; range.len() * d * d];
            for j in 0..d {
                let slopes = central_difference(&points, j, |moved| {
                    let mapped = double.flow.transform().forward(moved, context.as_ref())?;
                    to_f64(&mapped.points)
                })?;
                for (row, slopes) in slopes.chunks_exact(d).enumerate() {
                    for (i, slope) in slopes.iter().enumerate() {
                        jacobians[(row * d + i) * d + j] = slope * derivatives[row * d + j].slope;
                    }
                }
            }
            for (matrix, of) in jacobians.chunks_exact_mut(d * d).zip(derivatives.chunks_exact(d)) {
                if of.iter().any(|of| of.slope.is_nan()) {
                    matrix.fill(f64::NAN);
                }
            }
            Ok(jacobians)
        })?;
        Ok(chunks.concat())
    }
}
