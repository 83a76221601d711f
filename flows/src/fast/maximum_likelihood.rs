//! Maximum likelihood on the fast tier.

use super::program::{Program, Workspace};
use super::simd::Level;
use super::table::{Table, tiles};
use super::tile::{Column, ROWS};
use super::training::{FastSteps, Gradients, Tile, TileLoss};
use crate::error::Result;
use crate::flow::Flow;
use crate::objective::{self, Batch, Objective, Offender};
use crate::objectives;
use crate::params::Params;
use crate::train::Steps;
use crate::workers::Workers;
use rand::RngCore;
use std::sync::Arc;

/// Rows of one chunk of an evaluation.
const EVALUATION_ROWS: usize = 1024;

/// The loss of [`MaximumLikelihood`](crate::objectives::MaximumLikelihood), computed by kernels.
#[derive(Debug, Clone, Copy)]
pub struct MaximumLikelihood<'a> {
    program: &'a Arc<Program>,
    flow: &'a Flow,
    workers: &'a Workers,
}

impl<'a> MaximumLikelihood<'a> {
    /// The loss of a flow whose kernels are `program`.
    pub fn new(program: &'a Arc<Program>, flow: &'a Flow, workers: &'a Workers) -> Self {
        Self { program, flow, workers }
    }

    fn table(&self, batch: &Batch) -> Result<Table> {
        Table::new(batch, (self.program.features(), self.program.context_features()))
    }

    fn gradients(&self, table: Table, theta: Vec<f32>) -> Gradients<LogLikelihood> {
        let loss = LogLikelihood(Arc::clone(self.program));
        Gradients::new(loss, table, theta, self.workers.threads())
    }
}

impl Objective for MaximumLikelihood<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, objective::Gradients)> {
        let (table, theta) = (self.table(batch)?, self.program.theta(params)?);
        self.gradients(table, theta).run_all(rng)
    }

    fn row_losses(
        &self,
        params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        let (table, theta) = (self.table(batch)?, self.program.theta(params)?);
        let chunks = self.workers.map_chunks(table.rows(), EVALUATION_ROWS, |rows| {
            let mut work = self.program.workspace(false);
            let mut losses = Vec::with_capacity(rows.len());
            for tile in tiles(rows) {
                table.fill(self.program.level(), tile.clone(), &mut work);
                self.program.log_prob(&theta, &mut work);
                let log_prob = work.log_det.0.iter().zip(tile);
                losses.extend(log_prob.map(|(l, row)| -f64::from(l + table.log_det(row))));
            }
            Ok(losses)
        })?;
        Ok(chunks.concat())
    }

    fn steps(&self, train: &Batch, decayed: &[bool]) -> Result<Option<Box<dyn Steps + '_>>> {
        let gradients = self.gradients(self.table(train)?, Vec::new());
        Ok(Some(Box::new(FastSteps::new(gradients, decayed))))
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        objectives::MaximumLikelihood::new(self.flow, self.workers).offender(batch)
    }
}

/// −Σ wᵢ log p(xᵢ) / Σ wᵢ, tile by tile.
#[derive(Debug)]
struct LogLikelihood(Arc<Program>);

impl TileLoss for LogLikelihood {
    type Work = Workspace;
    const FEWEST_ROWS: usize = 2 * ROWS;

    fn level(&self) -> Level {
        self.0.level()
    }

    fn parameters(&self) -> usize {
        self.0.parameters()
    }

    fn length(&self) -> usize {
        self.0.length()
    }

    fn prepare(&self, theta: &mut [f32]) {
        self.0.prepare(theta);
    }

    fn finish(&self, theta: &[f32], gradient: &mut [f32]) {
        self.0.finish(theta, gradient);
    }

    fn work(&self) -> Workspace {
        self.0.workspace(true)
    }

    fn draw(&mut self, _: &Table, _: &[u32], _: &mut dyn RngCore) -> Result<()> {
        Ok(())
    }

    fn run(
        &self,
        theta: &[f32],
        tile: &Tile,
        work: &mut Workspace,
        gradient: &mut [f32],
    ) -> Result<f64> {
        let table = tile.table;
        table.fill(self.0.level(), tile.numbers(), work);
        work.d_log_det = Column::ZERO;
        for (d, share) in work.d_log_det.0.iter_mut().zip(tile.shares()) {
            *d = -share;
        }
        self.0.log_prob_and_gradients(theta, work, gradient);
        let log_prob = work.log_det.0.iter().zip(tile.numbers());
        let weighted = log_prob
            .zip(&work.d_log_det.0)
            .map(|((log_prob, row), d)| f64::from(*d) * f64::from(log_prob + table.log_det(row)));
        Ok(weighted.sum())
    }
}
