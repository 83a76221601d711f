//! Defines what a density is: normalised, with `log_prob` in nats and a sampler.

use crate::cancel::Cancel;
use crate::error::Result;
use candle_core::Tensor;
use rand::RngCore;
use std::fmt::Debug;

/// A normalised probability density on ℝᵈ, possibly conditional on a context.
///
/// Log-densities are in nats, with respect to the volume of the space the points live in. Outside
/// the support they are −∞, never NaN.
pub trait Density: Debug + Send + Sync {
    /// Number of features d.
    fn features(&self) -> usize;

    /// log p(x | context): x `[n, d]`, context `[n, k]` → `[n]`, nats.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when a shape does not fit.
    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor>;

    /// Draws n points `[n, d]`; with a context `[n, k]`, one for each of its rows.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the context does not have n rows.
    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor>;

    /// Sets what the density takes from data `[n, d]`, once, before training; `cancel` is asked on the way.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) when the rows cannot be used.
    fn initialise(&self, _x: &Tensor, _rng: &mut dyn RngCore, _cancel: &Cancel) -> Result<()> {
        Ok(())
    }
}
