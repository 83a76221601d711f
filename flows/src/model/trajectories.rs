//! Points of a continuous flow on their way between data and latent space.

use super::Model;
use crate::config::SolverConfig;
use crate::error::{Error, Result};
use crate::ode::{State, solve_at};
use crate::params::to_f64;
use crate::workers::Workers;
use candle_core::Tensor;

/// Points of one chunk.
const CHUNK_ROWS: usize = 1024;

impl Model {
    /// Where points `[n · d]` of the latent space, row-major, are at each of these times, the first
    /// of which is theirs: one `[n · d]` for each time, in data units.
    ///
    /// Time is 1 at the latent points and 0 at the data. Points on the way are taken to data units
    /// by the map that takes data to the flow's own units, as if they were data.
    ///
    /// # Errors
    /// [`Error::Config`] for a flow that is not continuous or is conditional; [`Error::Solver`] when
    /// the solver fails.
    pub fn trajectories(
        &self,
        start: &[f64],
        times: &[f64],
        workers: &Workers,
    ) -> Result<Vec<Vec<f64>>> {
        let d = self.spec.columns.len();
        let flow = self.frozen()?.flow;
        let field = flow.field().filter(|_| self.spec.given.is_empty());
        let Some(field) = field else {
            let problem = "it needs a continuous flow without context";
            return Err(Error::config("trajectories", problem, "fit ffjord or flow-matching"));
        };
        let solver = self.solver()?.solver()?;
        let rows = start.len() / d;
        let chunks = workers.map_chunks(rows, CHUNK_ROWS, |range| {
            let points = start[range.start * d..range.end * d].to_vec();
            let points = Tensor::from_vec(points, (range.len(), d), flow.device())?;
            let velocity = |t: f64, state: &State| -> Result<State> {
                Ok(field.velocity(t, state.tensor()?, None)?.into())
            };
            let start = points.to_dtype(flow.dtype())?.into();
            let at = solve_at(&velocity, &start, times, &solver)?;
            let in_data_units = |state: &State| -> Result<Vec<f64>> {
                to_f64(&self.preparation.inverse(state.tensor()?)?.points)
            };
            at.states.iter().map(in_data_units).collect::<Result<Vec<_>>>()
        })?;
        let at = |k: usize| chunks.iter().flat_map(|chunk| chunk[k].iter().copied()).collect();
        Ok((0..times.len()).map(at).collect())
    }

    /// The solver of what a continuous flow reports.
    ///
    /// # Errors
    /// [`Error::Config`] for a flow that is not continuous.
    pub fn solver(&self) -> Result<SolverConfig> {
        match self.spec.flow.continuous() {
            Some(layer) => Ok(layer.solver),
            None => Err(Error::config(
                "solver",
                format!("{} is no continuous flow", self.spec.recipe),
                "leave it out, or fit ffjord or flow-matching",
            )),
        }
    }
}
