//! Maximum likelihood on the fast tier.

use super::program::Program;
use super::table::{Table, tiles};
use super::training::{FastSteps, Gradients};
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
}

impl Objective for MaximumLikelihood<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<(f64, objective::Gradients)> {
        let table = self.table(batch)?;
        let rows: Vec<u32> = (0..table.rows() as u32).collect();
        let theta = self.program.theta(params)?;
        let mut gradients = Gradients::new(self.program, table, theta, self.workers.threads());
        let loss = gradients.run(&rows);
        let sum = &gradients.sum[..self.program.parameters()];
        Ok((loss, sum.iter().map(|g| f64::from(*g)).collect()))
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
        let (table, threads) = (self.table(train)?, self.workers.threads());
        let gradients = Gradients::new(self.program, table, Vec::new(), threads);
        Ok(Some(Box::new(FastSteps::new(gradients, decayed))))
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        objectives::MaximumLikelihood::new(self.flow, self.workers).offender(batch)
    }
}
