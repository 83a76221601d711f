//! An objective over one weight w, whose loss and gradient are known: it remembers every batch.

use candle_core::{DType, Device, Tensor};
use diffeo_flows::Result;
use diffeo_flows::objective::{Batch, Gradients, Objective, Offender};
use diffeo_flows::params::{Init, Params, to_f64};
use diffeo_flows::train::{Observer, Outcome, TrainConfig, TrainState, Trainer};
use rand::RngCore;
use std::sync::Mutex;

/// Training gradient `slope`, whatever w; held-out loss (w − lowest)².
#[derive(Debug, Default)]
pub(super) struct Stub {
    pub(super) slope: f64,
    pub(super) lowest: f64,
    /// Held-out rows whose loss is infinite for a weight below the bound.
    pub(super) impossible: Vec<(usize, f64)>,
    /// What odd rows lose, and even rows win, for each unit of w.
    pub(super) torn: f64,
    /// Calls, counted from 0, that give NaN.
    pub(super) broken: Vec<usize>,
    pub(super) offender: Option<Offender>,
    /// The row numbers of every batch.
    pub(super) batches: Mutex<Vec<Vec<usize>>>,
}

impl Objective for Stub {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<(f64, Gradients)> {
        let mut batches = self.batches.lock().unwrap();
        let broken = self.broken.contains(&batches.len());
        batches.push(to_f64(&batch.points)?.iter().map(|v| *v as usize).collect());
        let loss = if broken { f64::NAN } else { self.slope * params.read_flat()?[0] };
        Ok((loss, vec![self.slope]))
    }

    fn row_losses(
        &self,
        params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        let w = params.read_flat()?[0];
        let row = |i: usize| if i.is_multiple_of(2) { self.torn * w } else { -self.torn * w };
        let impossible =
            |i: usize| self.impossible.iter().any(|(row, below)| *row == i && w < *below);
        let loss = |i: usize| {
            if impossible(i) { f64::INFINITY } else { (w - self.lowest).powi(2) + row(i) }
        };
        Ok((0..batch.rows()?).map(loss).collect())
    }

    fn offender(&self, _batch: &Batch) -> Result<Option<Offender>> {
        Ok(self.offender.clone())
    }
}

/// One weight that starts at 0, and is no matrix of a network.
pub(super) fn one_weight(seed: u64) -> Params {
    let mut params = Params::new(DType::F64, &Device::Cpu, seed);
    params.scope("stub").trainable("w", 1, Init::Constant(0.0)).unwrap();
    params
}

/// Rows whose only value is their number.
pub(super) fn numbered(rows: usize) -> Batch {
    let values = (0..rows).map(|i| i as f64).collect();
    Batch::new(Tensor::from_vec(values, (rows, 1), &Device::Cpu).unwrap())
}

/// Trains the stub from the start on so many rows, all held out too.
pub(super) fn train(
    stub: &Stub,
    config: &TrainConfig,
    params: &Params,
    rows: usize,
    observer: &mut dyn Observer,
) -> Result<Outcome> {
    let batch = numbered(rows);
    let state = TrainState::new(params)?;
    let trainer = Trainer { config, objective: stub, params, train: &batch, valid: Some(&batch) };
    trainer.run(state, observer)
}
