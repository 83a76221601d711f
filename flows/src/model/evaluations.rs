//! What a continuous flow costs.

use super::Model;
use crate::config::DivergenceConfig;
use crate::error::Result;
use crate::ode::ContinuousFlow;
use crate::ode::{ErrorNorm, PointsAndVolume, Solver, Stepping, Tolerance, solve};
use crate::rows::Rows;

/// The most rows that evaluations are counted on.
const ROWS: usize = 512;

impl Model {
    /// Number of evaluations of the field for a log-density of these rows, of which at most 512 are
    /// taken: none for a flow that is not continuous.
    ///
    /// Solved at the model's tolerance with the root mean square of all errors as norm, which is how
    /// evaluations are usually counted; log-densities are found with the largest row's error
    /// instead, which takes more.
    ///
    /// # Errors
    /// [`Error::Solver`](crate::Error::Solver) when the solver fails.
    pub fn evaluations(&self, rows: &Rows) -> Result<Option<usize>> {
        let Ok(solver) = self.solver() else { return Ok(None) };
        let flow = self.frozen()?.flow;
        let Some(field) = flow.field() else { return Ok(None) };
        let seen = rows.take(&(0..rows.len().min(ROWS)).collect::<Vec<_>>());
        let batch = self.batch(&seen)?;
        let solver = solver.solver()?;
        let stepping = match solver.stepping {
            Stepping::Adaptive(tolerance) => {
                Stepping::Adaptive(Tolerance { norm: ErrorNorm::Rms, ..tolerance })
            }
            fixed @ Stepping::Fixed { .. } => fixed,
        };
        let solver = Solver { stepping, ..solver };
        let continuous = ContinuousFlow::new(field, solver)?
            .with_divergence(DivergenceConfig::Exact, self.spec.seed)?;
        let system = continuous.system(batch.context.as_ref());
        let start = PointsAndVolume::start(&batch.points)?;
        Ok(Some(solve(&system, &start, (0.0, 1.0), &solver)?.evaluations))
    }
}
