//! Defines monotone maps of the line whose parameters come from elsewhere.
//!
//! Couplings and masked autoregressive maps are generic over such a map, so that *m* maps and
//! *a* architectures make *m·a* flows (Papamakarios et al. 2021, section 3.1: "transformer" and
//! "conditioner").

use crate::error::{Error, Result};
use crate::params::to_f64;
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

    /// Parameters `[p]` of an identity made for data between `low` and `high`: zero, unless the
    /// map can place its flexibility there.
    fn identity_between(&self, _low: f64, _high: f64) -> Vec<f64> {
        vec![0.0; self.params_per_feature()]
    }
}

/// [`Univariate::identity_between`] for each column of x `[n, m]`, one after the other: the
/// range of a column leaves out its outermost rows.
///
/// # Errors
/// When a device cannot be read.
pub fn identity_for(univariate: &dyn Univariate, x: &Tensor) -> Result<Vec<f64>> {
    let mut params = Vec::new();
    for i in 0..x.dim(1)? {
        let mut column = to_f64(&x.narrow(1, i, 1)?)?;
        column.sort_by(f64::total_cmp);
        let last = (column.len() - 1) as f64;
        let at = |share: f64| column[(last * share).round() as usize];
        params.extend(univariate.identity_between(at(OUTSIDE), at(1.0 - OUTSIDE)));
    }
    Ok(params)
}

/// Share of rows at each end that do not count for the range of a column.
const OUTSIDE: f64 = 5e-4;

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

    fn identity_between(&self, low: f64, high: f64) -> Vec<f64> {
        (**self).identity_between(low, high)
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
