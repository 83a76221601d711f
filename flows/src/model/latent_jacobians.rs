//! The Jacobians of the map from data to latent points.

use super::Model;
use super::field::STEP;
use crate::error::Result;
use crate::params::to_f64;
use crate::rows::Rows;
use crate::transform::Transform;
use crate::workers::Workers;
use candle_core::Tensor;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 1024;
/// Tolerance of the solver behind points that are differenced: far below the step.
const TOLERANCE: f64 = 1e-9;

impl Model {
    /// ∂zᵢ/∂xⱼ of the map of [`Model::to_latent`] at each row, row-major `[n, d, d]`, in latent over data
    /// units: (∂zᵢ/∂yⱼ) / (∂xⱼ/∂yⱼ) of the prepared point y, by central differences in double precision.
    /// NaN where the row lies outside the support of a column.
    ///
    /// # Errors
    /// As [`Model::to_latent`]; [`Error::Solver`](crate::Error::Solver) when the solver of a continuous
    /// flow fails.
    pub fn latent_jacobians(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        self.check_rows(rows)?;
        let double = self.in_double_within(TOLERANCE)?.frozen()?;
        let device = double.params.device();
        let chunks = workers.map_chunks(rows.len(), CHUNK_ROWS, |range| {
            let mapped = double.preparation.forward(&rows.points_tensor(&range, device)?)?;
            let given = rows.context_tensor(&range, device)?;
            let context = double.preparation.context(given.as_ref())?;
            let mut matrices =
                double.prepared_jacobians(&mapped.points.detach(), context.as_ref())?;
            let log_det = to_f64(&mapped.log_det)?;
            let d = rows.features();
            for (matrix, log_det) in matrices.chunks_exact_mut(d * d).zip(log_det) {
                if !log_det.is_finite() {
                    matrix.fill(f64::NAN);
                }
            }
            Ok(matrices)
        })?;
        Ok(chunks.concat())
    }

    /// The same at prepared points `[n, d]`.
    fn prepared_jacobians(&self, y: &Tensor, context: Option<&Tensor>) -> Result<Vec<f64>> {
        let (n, d) = y.dims2()?;
        let slopes = to_f64(&self.slopes(y)?)?;
        let mut jacobians = vec![0.0; n * d * d];
        for j in 0..d {
            let along: Vec<f64> = (0..d).map(|i| if i == j { STEP } else { 0.0 }).collect();
            let along = Tensor::from_vec(along, (1, d), y.device())?;
            let image = |moved: Tensor| -> Result<Vec<f64>> {
                to_f64(&self.flow.transform().forward(&moved, context)?.points)
            };
            let (before, after) =
                (image(y.broadcast_sub(&along)?)?, image(y.broadcast_add(&along)?)?);
            for (row, matrix) in jacobians.chunks_exact_mut(d * d).enumerate() {
                for i in 0..d {
                    let change = after[row * d + i] - before[row * d + i];
                    matrix[i * d + j] = change / (2.0 * STEP * slopes[row * d + j]);
                }
            }
        }
        Ok(jacobians)
    }
}
