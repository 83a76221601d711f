//! Trains by one loss and judges by another.

use crate::error::Result;
use crate::objective::{Batch, Gradients, Objective, Offender};
use crate::params::Params;
use crate::train::Steps;
use rand::RngCore;

/// An objective whose held-out rows are judged by another one.
///
/// Losses such as that of flow matching say little of how good a density is: trained by them, weights
/// are still chosen by −log p(x).
#[derive(Debug)]
pub struct Judged<'a> {
    /// What is minimised.
    pub training: Box<dyn Objective + 'a>,
    /// What chooses the weights.
    pub judge: Box<dyn Objective + 'a>,
}

impl Objective for Judged<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, Gradients)> {
        self.training.loss_and_gradients(params, batch, rng)
    }

    fn row_losses(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        self.judge.row_losses(params, batch, rng)
    }

    fn steps(&self, train: &Batch, decayed: &[bool]) -> Result<Option<Box<dyn Steps + '_>>> {
        self.training.steps(train, decayed)
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        self.training.offender(batch)
    }
}
