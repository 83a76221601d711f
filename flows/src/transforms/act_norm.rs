//! Activation normalisation: an affine map that starts from the statistics of data.

use super::LayerKind;
use crate::error::Result;
use crate::kinds::Kind;
use crate::nets::LastLayer;
use crate::params::{Init, Once, Scope, Weight};
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The smallest standard deviation that is scaled up to 1.
const MIN_SCALE: f64 = 1e-6;

/// The element-wise affine map z = exp(s) x + b whose start gives data zero mean and unit variance.
///
/// log|det J| = Σ sᵢ. [`Transform::initialise`] sets s and b, or those of the inverse, so that the rows it
/// is given get that, once: the flag
/// that says so is saved with the model, so a loaded or resumed model is not set again. Before that
/// it is the identity.
///
/// Kingma and Dhariwal 2018, *Glow*, section 3.1.
#[derive(Debug)]
pub struct ActNorm {
    features: usize,
    log_scale: Weight,
    shift: Weight,
    initialised: Once,
}

impl ActNorm {
    /// A map of `features` features, not initialised.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize) -> Result<Self> {
        Ok(Self {
            features,
            log_scale: scope.variable("log_scale", (1, features), Init::Constant(0.0))?,
            shift: scope.variable("shift", (1, features), Init::Constant(0.0))?,
            initialised: scope.once("initialised")?,
        })
    }

    fn log_det(&self, rows: usize) -> Result<Tensor> {
        Ok(self.log_scale.sum_all()?.reshape(1)?.broadcast_as(rows)?)
    }
}

/// Settings of an [`ActNorm`].
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActNormConfig {}

impl Kind for ActNormConfig {
    const NAME: &'static str = "act-norm";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl LayerKind for ActNormConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        _: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        Ok(Box::new(ActNorm::new(scope, sizes.0)?))
    }

    fn has_free_scale(&self) -> bool {
        true
    }
}

impl Transform for ActNorm {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("ActNorm::forward", x, self.features)?;
        let points = x.broadcast_mul(&self.log_scale.exp()?)?.broadcast_add(&self.shift)?;
        Ok(Mapped { points, log_det: self.log_det(x.dim(0)?)? })
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("ActNorm::inverse", z, self.features)?;
        let points = z.broadcast_sub(&self.shift)?.broadcast_mul(&self.log_scale.neg()?.exp()?)?;
        Ok(Mapped { points, log_det: self.log_det(z.dim(0)?)?.neg()? })
    }

    fn initialise(&self, x: &Tensor, _: Option<&Tensor>, direction: Direction) -> Result<()> {
        check_points("ActNorm::initialise", x, self.features)?;
        self.initialised.run(|| {
            let x = x.detach();
            let mean = x.mean_keepdim(0)?;
            let variance = x.broadcast_sub(&mean)?.sqr()?.mean_keepdim(0)?;
            let scale = variance.sqrt()?.maximum(MIN_SCALE)?;
            match direction {
                Direction::Forward => {
                    self.log_scale.set(&scale.log()?.neg()?)?;
                    self.shift.set(&(mean / scale)?.neg()?)
                }
                Direction::Inverse => {
                    self.log_scale.set(&scale.log()?)?;
                    self.shift.set(&mean)
                }
            }
        })
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
