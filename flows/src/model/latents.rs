//! Rows carried to the latent space, and how the way there stretches space.

use super::Model;
use super::data_units::FAR_AWAY;
use crate::error::Result;
use crate::params::to_f64;
use crate::rows::Rows;
use crate::transform::Transform;
use crate::workers::Workers;

/// Rows of one chunk: a continuous flow keeps all stages of its solver.
const CHUNK_ROWS: usize = 1024;
/// Length of a difference, in standard deviations of the column: its cube root of rounding in `f64`.
const STEP: f64 = 1e-5;
/// Tolerance of the solver behind points that are differenced: far below the step.
const TOLERANCE: f64 = 1e-9;

impl Model {
    /// The latent points z = f(x) of rows x, `[n · d]` row-major, and log|det ∂f/∂x|, `[n]`, in nats:
    /// both maps together, from data units through the preparation, so that
    /// log p(x) = log p(z) + log|det ∂f/∂x| with the density of the base.
    ///
    /// A row outside the support of a column has some finite image and a log-determinant of −∞; one
    /// with a value that is not finite, or beyond 10¹² standard deviations, has NaN for both.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the rows have other columns than the model;
    /// [`Error::Solver`](crate::Error::Solver) when the solver of a continuous flow fails.
    pub fn to_latent(&self, rows: &Rows, workers: &Workers) -> Result<(Vec<f64>, Vec<f64>)> {
        self.check_rows(rows)?;
        let (flow, device) = (self.frozen()?.flow, self.params.device());
        let chunks = workers.map_chunks(rows.len(), CHUNK_ROWS, |range| {
            let prepared = self.preparation.forward(&rows.points_tensor(&range, device)?)?;
            let context =
                self.preparation.context(rows.context_tensor(&range, device)?.as_ref())?;
            // Masked before the mathematics: one row out of reach must not break its chunk.
            let near = prepared.points.abs()?.max_keepdim(1)?.le(FAR_AWAY)?;
            let origin = prepared.points.zeros_like()?;
            let points =
                near.broadcast_as(origin.shape())?.where_cond(&prepared.points, &origin)?;
            let mapped = flow.transform().forward(&points, context.as_ref())?;
            let (mut z, mut log_det) = (to_f64(&mapped.points)?, to_f64(&mapped.log_det)?);
            let before = to_f64(&prepared.log_det)?;
            let near = near.flatten_all()?.to_vec1::<u8>()?;
            let d = rows.features();
            for (i, near) in near.into_iter().enumerate() {
                log_det[i] += before[i];
                if near == 0 {
                    log_det[i] = f64::NAN;
                    z[i * d..(i + 1) * d].fill(f64::NAN);
                }
            }
            Ok((z, log_det))
        })?;
        let (points, log_dets): (Vec<_>, Vec<_>) = chunks.into_iter().unzip();
        Ok((points.concat(), log_dets.concat()))
    }

    /// ∂zᵢ/∂xⱼ at each row, row-major `[n, d, d]`, in data units, by central differences in double
    /// precision. NaN where the row or a neighbour at the length of a difference lies outside the
    /// support of a column.
    ///
    /// # Errors
    /// As [`Model::to_latent`].
    pub fn latent_jacobians(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let d = rows.features();
        let double = self.in_double_within(TOLERANCE)?;
        let mut jacobians = vec![0.0; rows.len() * d * d];
        for (j, deviation) in self.baseline.standard_deviations()?.into_iter().enumerate() {
            let step = STEP * deviation;
            let shifted = |by: f64| -> Result<(Vec<f64>, Vec<f64>)> {
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
                let inside = before.1[row].is_finite() && after.1[row].is_finite();
                for i in 0..d {
                    let slope = (after.0[row * d + i] - before.0[row * d + i]) / (2.0 * step);
                    matrix[i * d + j] = if inside { slope } else { f64::NAN };
                }
            }
        }
        Ok(jacobians)
    }
}
