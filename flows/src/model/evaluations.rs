//! What a continuous flow costs.

use super::Model;
use crate::calculus::Probe;
use crate::config::{ContinuousConfig, DivergenceConfig};
use crate::error::Result;
use crate::ode::{
    ContinuousFlow, ErrorNorm, PointsAndVolume, Solver, State, Stepping, Tolerance, solve,
};
use crate::rows::Rows;
use serde::{Deserialize, Serialize};

/// The most rows that evaluations are counted on.
const ROWS: usize = 512;

/// Evaluations of the field of a continuous flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluations {
    /// For log-densities.
    pub log_prob: usize,
    /// For samples.
    pub sample: usize,
}

impl Model {
    /// Number of evaluations of the field for log-densities of these rows, of which at most 512 are
    /// taken, and for the way back from their latent points: none for a flow that is not continuous.
    ///
    /// Solved at the model's tolerance with the root mean square of all errors as norm, which is how
    /// evaluations are usually counted; log-densities are found with the largest row's error
    /// instead, which takes more.
    ///
    /// # Errors
    /// [`Error::Solver`](crate::Error::Solver) when the solver fails.
    pub fn evaluations(&self, rows: &Rows) -> Result<Option<Evaluations>> {
        let Some(ContinuousConfig { solver, divergence, .. }) = self.spec.flow.continuous() else {
            return Ok(None);
        };
        // The steps hardly depend on how the divergence is found; the time they take does.
        let divergence = match divergence.resolved(self.spec.columns.len()) {
            DivergenceConfig::Exact => DivergenceConfig::Exact,
            _ => DivergenceConfig::Hutchinson { probe: Probe::Rademacher, probes: 1 },
        };
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
        let continuous =
            ContinuousFlow::new(field, solver)?.with_divergence(divergence, self.spec.seed)?;
        let system = continuous.system_for(&batch.points, batch.context.as_ref())?;
        let start = PointsAndVolume::start(&batch.points)?;
        let there = solve(&system, &start, (0.0, 1.0), &solver)?;
        let velocity = |t: f64, state: &State| -> Result<State> {
            Ok(field.velocity(t, state.tensor()?, batch.context.as_ref())?.into())
        };
        let latent = there.state.parts()[0].clone().into();
        let back = solve(&velocity, &latent, (1.0, 0.0), &solver)?;
        Ok(Some(Evaluations { log_prob: there.evaluations, sample: back.evaluations }))
    }
}
