//! Affine maps with a bounded scale: y = exp(s) x + b.

use super::UnivariateKind;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::transform::Mapped;
use crate::univariate::{Univariate, check_params};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The affine map y = exp(s) x + b, its log-scale bounded smoothly.
///
/// Map: s = a / (1 + |a| / L), so |s| < L; Jacobian exp(s); p = 2 parameters, (b, a). The bound
/// keeps a wild conditioner from overflowing; at 0 the map is the identity and ds/da = 1.
///
/// Dinh, Sohl-Dickstein and Bengio 2017, *Real NVP*, eq. 7; the bound is that of zuko (Rozet 2022).
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Affine {
    log_scale_bound: f64,
}

impl Affine {
    /// An affine map with |log-scale| below `log_scale_bound`.
    ///
    /// # Errors
    /// [`Error::Config`] unless the bound is positive and finite.
    pub fn new(log_scale_bound: f64) -> Result<Self> {
        if log_scale_bound > 0.0 && log_scale_bound.is_finite() {
            return Ok(Self { log_scale_bound });
        }
        Err(Error::config(
            "log_scale_bound",
            format!("{log_scale_bound} is no bound"),
            "give a positive number, for instance 5",
        ))
    }

    /// The bound of |log-scale|.
    pub fn log_scale_bound(self) -> f64 {
        self.log_scale_bound
    }

    /// Shift and bounded log-scale, both `[n, m]`.
    fn parts(self, params: &Tensor) -> Result<(Tensor, Tensor)> {
        let shift = params.narrow(2, 0, 1)?.squeeze(2)?;
        let raw = params.narrow(2, 1, 1)?.squeeze(2)?;
        let log_scale = (&raw / raw.abs()?.affine(1.0 / self.log_scale_bound, 1.0)?)?;
        Ok((shift, log_scale))
    }
}

impl Kind for Affine {
    const NAME: &'static str = "affine";

    fn examples() -> Vec<Self> {
        vec![Self { log_scale_bound: 3.0 }]
    }
}

impl UnivariateKind for Affine {
    fn build(&self) -> Result<Box<dyn Univariate>> {
        Ok(Box::new(Self::new(self.log_scale_bound)?))
    }
}

impl Univariate for Affine {
    fn params_per_feature(&self) -> usize {
        2
    }

    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("Affine::forward", x, params, 2)?;
        let (shift, log_scale) = self.parts(params)?;
        let points = ((x * log_scale.exp()?)? + shift)?;
        Ok(Mapped { points, log_det: log_scale.sum(1)? })
    }

    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("Affine::inverse", y, params, 2)?;
        let (shift, log_scale) = self.parts(params)?;
        let points = ((y - shift)? * log_scale.neg()?.exp()?)?;
        Ok(Mapped { points, log_det: log_scale.neg()?.sum(1)? })
    }
}
