//! Couplings: one half of the features decides how the other half is mapped.

use crate::error::{Error, Result};
use crate::nets::{Conditioner, LastLayer, Mlp, NetConfig};
use crate::params::Scope;
use crate::transform::{Mapped, Transform, check_context, check_points};
use crate::univariate::Univariate;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The half of the features that passes unchanged and conditions the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Half {
    /// The first ⌊d/2⌋ features.
    First,
    /// The last ⌈d/2⌉ features.
    Second,
}

impl Half {
    /// The other half.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// A coupling over a univariate map U and a conditioner C.
///
/// Map: with x = (x_c, x_t), z_c = x_c and z_t = u(x_t; c(x_c, context)); Jacobian triangular,
/// log|det J| = Σ log u′. Forward and inverse cost one pass of the conditioner each. Starts at
/// the identity when the conditioner starts at zero.
///
/// Dinh, Sohl-Dickstein and Bengio 2017, *Real NVP*, eq. 4–8.
#[derive(Debug)]
pub struct Coupling<U, C = Mlp> {
    features: usize,
    context: usize,
    conditioned_on: Half,
    univariate: U,
    conditioner: C,
}

impl<U: Univariate> Coupling<U> {
    /// A coupling of `features` features with a multilayer perceptron as conditioner.
    ///
    /// # Errors
    /// [`Error::Config`] when there are fewer than two features, or for widths that cannot be used.
    pub fn new(
        scope: Scope,
        (features, context): (usize, usize),
        conditioned_on: Half,
        univariate: U,
        net: &NetConfig,
        last: LastLayer,
    ) -> Result<Self> {
        let (fixed, moved) = sizes(features, conditioned_on);
        let outputs = moved * univariate.params_per_feature();
        let conditioner = Mlp::new(scope, fixed + context, outputs, net, last)?;
        Self::with_conditioner((features, context), conditioned_on, univariate, conditioner)
    }
}

impl<U: Univariate, C: Conditioner> Coupling<U, C> {
    /// A coupling with a conditioner of one's own, from the fixed half `[n, f]` (and the context)
    /// to `[n, m · p]`: p parameters for each of the m mapped features, feature by feature.
    ///
    /// # Errors
    /// [`Error::Config`] when there are fewer than two features.
    pub fn with_conditioner(
        (features, context): (usize, usize),
        conditioned_on: Half,
        univariate: U,
        conditioner: C,
    ) -> Result<Self> {
        if features < 2 {
            return Err(Error::config(
                "coupling",
                format!("splits the features in two halves, and there is {features}"),
                "use an autoregressive flow (nsf-ar, maf) for one feature",
            ));
        }
        Ok(Self { features, context, conditioned_on, univariate, conditioner })
    }

    /// Cuts points into the fixed and the mapped half.
    fn split(&self, points: &Tensor) -> Result<(Tensor, Tensor)> {
        let (fixed, moved) = sizes(self.features, self.conditioned_on);
        Ok(match self.conditioned_on {
            Half::First => (points.narrow(1, 0, fixed)?, points.narrow(1, fixed, moved)?),
            Half::Second => (points.narrow(1, moved, fixed)?, points.narrow(1, 0, moved)?),
        })
    }

    fn join(&self, fixed: &Tensor, moved: &Tensor) -> Result<Tensor> {
        Ok(match self.conditioned_on {
            Half::First => Tensor::cat(&[fixed, moved], 1)?,
            Half::Second => Tensor::cat(&[moved, fixed], 1)?,
        })
    }

    fn params(&self, fixed: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let context = check_context("Coupling", fixed, context, self.context)?;
        let (_, moved) = sizes(self.features, self.conditioned_on);
        let raw = self.conditioner.forward(fixed, context)?;
        Ok(raw.reshape((fixed.dim(0)?, moved, self.univariate.params_per_feature()))?)
    }
}

/// Sizes of the fixed and of the mapped half.
fn sizes(features: usize, conditioned_on: Half) -> (usize, usize) {
    let first = features / 2;
    match conditioned_on {
        Half::First => (first, features - first),
        Half::Second => (features - first, first),
    }
}

impl<U: Univariate, C: Conditioner> Transform for Coupling<U, C> {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Coupling::forward", x, self.features)?;
        let (fixed, moved) = self.split(x)?;
        let mapped = self.univariate.forward(&moved, &self.params(&fixed, context)?)?;
        Ok(Mapped { points: self.join(&fixed, &mapped.points)?, log_det: mapped.log_det })
    }

    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Coupling::inverse", z, self.features)?;
        let (fixed, moved) = self.split(z)?;
        let mapped = self.univariate.inverse(&moved, &self.params(&fixed, context)?)?;
        Ok(Mapped { points: self.join(&fixed, &mapped.points)?, log_det: mapped.log_det })
    }
}
