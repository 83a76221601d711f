//! Defines monotone maps of the line whose parameters come from elsewhere.
//!
//! Couplings and masked autoregressive maps are generic over such a map, so that *m* maps and
//! *a* architectures make *m·a* flows (Papamakarios et al. 2021, section 3.1: "transformer" and
//! "conditioner").

use crate::error::{Error, Result};
use crate::transform::Mapped;
use candle_core::Tensor;
use std::fmt::Debug;

/// A monotone map of the line, applied to each entry with parameters of its own.
///
/// Parameters of zero give the identity, so that a conditioner whose last layer is zero starts a
/// flow at the identity.
pub trait Univariate: Debug + Send + Sync {
    /// Number p of parameters of one entry.
    fn params_per_feature(&self) -> usize;

    /// Maps each entry: x `[n, m]`, params `[n, m, p]` → points `[n, m]`, log_det `[n]` summed
    /// over the m entries.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped>;

    /// Undoes [`Univariate::forward`] with the same parameters; log_det is that of the inverse.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped>;
}

impl Univariate for Box<dyn Univariate> {
    fn params_per_feature(&self) -> usize {
        (**self).params_per_feature()
    }

    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped> {
        (**self).forward(x, params)
    }

    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped> {
        (**self).inverse(y, params)
    }
}

/// Fails unless x is `[n, m]` with at least one row, and params `[n, m, p]`.
///
/// # Errors
/// [`Error::Shape`].
pub fn check_params(what: &'static str, x: &Tensor, params: &Tensor, p: usize) -> Result<()> {
    match (x.dims(), params.dims()) {
        (&[n, m], got) if n > 0 && *got == [n, m, p] => Ok(()),
        (&[n, m], got) if n > 0 => {
            Err(Error::shape(what, format!("parameters [{n}, {m}, {p}]"), got))
        }
        (got, _) => Err(Error::shape(what, "points [n ≥ 1, m]", got)),
    }
}
