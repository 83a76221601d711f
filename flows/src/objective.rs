//! Defines what is trained: a loss over a batch of rows and its gradient.
//!
//! This is the seam between models and the trainer, and between the reference and the fast tier.

use crate::error::Result;
use crate::params::{Params, to_f64};
use crate::train::Steps;
use candle_core::Tensor;
use candle_core::backprop::GradStore;
use rand::RngCore;
use std::fmt::Debug;

/// Rows to train on, in the space the model works in.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The points, `[n, d]`.
    pub points: Tensor,
    /// Their context, `[n, k]`.
    pub context: Option<Tensor>,
    /// Their weights, `[n]`; all equal when absent.
    pub weights: Option<Tensor>,
    /// Log-volume already spent on preparing each row, `[n]`: added to its log-density, so that
    /// losses are in the units of the data.
    pub log_det: Option<Tensor>,
}

impl Batch {
    /// Points alone.
    pub fn new(points: Tensor) -> Self {
        Self { points, context: None, weights: None, log_det: None }
    }

    /// Number of rows.
    ///
    /// # Errors
    /// When the points have no dimension.
    pub fn rows(&self) -> Result<usize> {
        Ok(self.points.dim(0)?)
    }

    /// The rows of these numbers, in that order.
    ///
    /// # Errors
    /// When a number is too large.
    pub fn take(&self, rows: &[u32]) -> Result<Self> {
        let index = Tensor::new(rows, self.points.device())?;
        self.map(|t| t.index_select(&index, 0))
    }

    /// `len` rows from `start`.
    ///
    /// # Errors
    /// When they reach past the end.
    pub fn narrow(&self, start: usize, len: usize) -> Result<Self> {
        self.map(|t| t.narrow(0, start, len)?.contiguous())
    }

    fn map(&self, f: impl Fn(&Tensor) -> candle_core::Result<Tensor>) -> Result<Self> {
        Ok(Self {
            points: f(&self.points)?,
            context: self.context.as_ref().map(&f).transpose()?,
            weights: self.weights.as_ref().map(&f).transpose()?,
            log_det: self.log_det.as_ref().map(&f).transpose()?,
        })
    }
}

/// The gradient of a loss with respect to all trainable entries, in the order of
/// [`Params::read_flat`].
pub type Gradients = Vec<f64>;

/// The gradients of all trainable entries, 0 where nothing depends on them.
///
/// # Errors
/// When a device cannot be read.
pub(crate) fn flat_gradients(store: &GradStore, params: &Params) -> Result<Gradients> {
    let mut gradients = Vec::with_capacity(params.count());
    for param in params.trainable() {
        match store.get(param.var()) {
            Some(gradient) => gradients.extend(to_f64(gradient)?),
            None => gradients.resize(gradients.len() + param.var().elem_count(), 0.0),
        }
    }
    Ok(gradients)
}

/// Where a value first stops being finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offender {
    /// `input`, a layer, or `base`.
    pub layer: String,
    /// The first offending row of the batch.
    pub row: usize,
}

/// A loss over batches of rows.
pub trait Objective: Debug + Send + Sync {
    /// The loss and its gradient.
    ///
    /// # Errors
    /// When a tensor operation fails; a loss that is not finite is no error here.
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, Gradients)>;

    /// The loss of each row; the loss of a batch is their weighted mean.
    ///
    /// # Errors
    /// As [`Objective::loss_and_gradients`].
    fn row_losses(&self, params: &Params, batch: &Batch, rng: &mut dyn RngCore)
    -> Result<Vec<f64>>;

    /// Steps on these training rows that are faster than the gradient and a plain optimiser, where
    /// there are such; `decayed` says which weights decay.
    ///
    /// # Errors
    /// When a device cannot be read.
    fn steps(&self, _train: &Batch, _decayed: &[bool]) -> Result<Option<Box<dyn Steps + '_>>> {
        Ok(None)
    }

    /// Finds the first layer and row at which this batch stops being finite, if it does.
    ///
    /// # Errors
    /// When a tensor operation fails.
    fn offender(&self, batch: &Batch) -> Result<Option<Offender>>;
}
