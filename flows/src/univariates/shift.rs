//! Shifts: y = x + b.

use super::UnivariateKind;
use crate::error::Result;
use crate::kinds::Kind;
use crate::transform::Mapped;
use crate::univariate::{Univariate, check_params};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The shift y = x + b, which leaves volume as it is.
///
/// Map: y = x + b; Jacobian 1; p = 1 parameter, b.
///
/// Dinh, Krueger and Bengio 2015, *NICE*, section 3.2.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {}

impl Kind for Shift {
    const NAME: &'static str = "shift";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl UnivariateKind for Shift {
    fn build(&self) -> Result<Box<dyn Univariate>> {
        Ok(Box::new(*self))
    }
}

impl Univariate for Shift {
    fn params_per_feature(&self) -> usize {
        1
    }

    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("Shift::forward", x, params, 1)?;
        with_zero_log_det((x + params.squeeze(2)?)?)
    }

    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("Shift::inverse", y, params, 1)?;
        with_zero_log_det((y - params.squeeze(2)?)?)
    }
}

fn with_zero_log_det(points: Tensor) -> Result<Mapped> {
    let log_det = Tensor::zeros(points.dim(0)?, points.dtype(), points.device())?;
    Ok(Mapped { points, log_det })
}
