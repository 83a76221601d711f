//! Losses of continuous flows on the fast tier.

use super::likelihood::LikelihoodLoss;
use super::program::FieldProgram;
use crate::config::ContinuousTraining;
use crate::error::Result;
use crate::fast::table::Table;
use crate::fast::training::{FastSteps, Gradients};
use crate::flow::Flow;
use crate::objective::{self, Batch, Objective, Offender};
use crate::objectives;
use crate::params::Params;
use crate::train::Steps;
use crate::workers::Workers;
use rand::RngCore;
use std::sync::Arc;

/// The likelihood of a continuous flow, with the penalties of [`ContinuousTraining`], by kernels.
#[derive(Debug, Clone, Copy)]
pub struct ContinuousLikelihood<'a> {
    program: &'a Arc<FieldProgram>,
    training: ContinuousTraining,
    flow: &'a Flow,
    workers: &'a Workers,
}

impl<'a> ContinuousLikelihood<'a> {
    /// The loss of a flow whose kernels are `program`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for settings that cannot be used.
    pub fn new(
        program: &'a Arc<FieldProgram>,
        training: ContinuousTraining,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Self> {
        training.check()?;
        Ok(Self { program, training, flow, workers })
    }

    fn table(&self, batch: &Batch) -> Result<Table> {
        Table::new(batch, (self.program.features(), self.program.context_features()))
    }

    fn gradients(&self, table: Table, theta: Vec<f32>) -> Result<Gradients<LikelihoodLoss>> {
        let loss = LikelihoodLoss::new(self.program, &self.training)?;
        Ok(Gradients::new(loss, table, theta, self.workers.threads()))
    }
}

impl Objective for ContinuousLikelihood<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, objective::Gradients)> {
        let (table, theta) = (self.table(batch)?, self.program.theta(params)?);
        self.gradients(table, theta)?.run_all(rng)
    }

    fn row_losses(
        &self,
        _params: &Params,
        _batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        Ok(Vec::new())
    }

    fn steps(&self, train: &Batch, decayed: &[bool]) -> Result<Option<Box<dyn Steps + '_>>> {
        let gradients = self.gradients(self.table(train)?, Vec::new())?;
        Ok(Some(Box::new(FastSteps::new(gradients, decayed))))
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        objectives::MaximumLikelihood::new(self.flow, self.workers).offender(batch)
    }
}
