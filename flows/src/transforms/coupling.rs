//! Couplings: one half of the features decides how the other half is mapped.

use super::{LayerConfig, LayerKind};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::nets::{Conditioner, LastLayer, Mlp, NetConfig};
use crate::params::{Init, Once, Scope, Weight};
use crate::transform::{
    Direction, FlowOfField, Mapped, Transform, check_context, check_points, identity,
};
use crate::univariate::{Univariate, identity_for};
use crate::univariates::UnivariateConfig;
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

/// What happens to the half that conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FixedHalf {
    /// It passes unchanged.
    #[default]
    Unchanged,
    /// It is mapped too, by the same univariate map with free parameters of its own.
    Mapped,
}

/// A coupling over a univariate map U and a conditioner C.
///
/// Map: with x = (x_c, x_t), z_t = u(x_t; c(x_c, context)) and z_c = x_c, or z_c = u(x_c; θ) with
/// free θ for [`FixedHalf::Mapped`]; Jacobian triangular, log|det J| = Σ log u′. Forward and inverse cost one pass of the conditioner each. Starts at
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
    own: Option<Weight>,
    initialised: Once,
}

impl<U: Univariate> Coupling<U> {
    /// A coupling of `features` features with a multilayer perceptron as conditioner.
    ///
    /// # Errors
    /// [`Error::Config`] when there are fewer than two features, or for widths that cannot be used.
    pub fn new(
        mut scope: Scope,
        (features, context): (usize, usize),
        conditioned_on: Half,
        univariate: U,
        net: &NetConfig,
        last: LastLayer,
    ) -> Result<Self> {
        let (fixed, moved) = sizes(features, conditioned_on);
        let outputs = moved * univariate.params_per_feature();
        let conditioner = Mlp::new(scope.here(), fixed + context, outputs, net, last)?;
        Self::with_conditioner(scope, (features, context), conditioned_on, univariate, conditioner)
    }
}

impl<U: Univariate, C: Conditioner> Coupling<U, C> {
    /// A coupling with a conditioner of one's own, from the fixed half `[n, f]` (and the context)
    /// to `[n, m · p]`: p parameters for each of the m mapped features, feature by feature.
    ///
    /// # Errors
    /// [`Error::Config`] when there are fewer than two features.
    pub fn with_conditioner(
        mut scope: Scope,
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
        let initialised = scope.once("initialised")?;
        let own = None;
        Ok(Self { features, context, conditioned_on, univariate, conditioner, own, initialised })
    }

    /// The coupling with its fixed half mapped too, at first by the identity.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn with_fixed_half_mapped(mut self, mut scope: Scope, last: LastLayer) -> Result<Self> {
        let (fixed, _) = sizes(self.features, self.conditioned_on);
        let init = match last {
            LastLayer::Zero => Init::Constant(0.0),
            LastLayer::Scaled => Init::Normal(0.5),
        };
        let width = fixed * self.univariate.params_per_feature();
        self.own = Some(scope.variable("own", (1, width), init)?);
        Ok(self)
    }

    /// The free parameters of the fixed half, `[n, f, p]`.
    fn own_params(&self, own: &Weight, fixed: &Tensor) -> Result<Tensor> {
        let (n, f) = fixed.dims2()?;
        let all = Tensor::ones((n, 1), fixed.dtype(), fixed.device())?.matmul(own)?;
        Ok(all.reshape((n, f, self.univariate.params_per_feature()))?)
    }

    /// The halves put together, with the log-determinants of both.
    fn assemble(&self, fixed: Mapped, moved: &Mapped) -> Result<Mapped> {
        let points = self.join(&fixed.points, &moved.points)?;
        Ok(Mapped { points, log_det: (fixed.log_det + &moved.log_det)? })
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

/// Settings of a [`Coupling`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CouplingConfig {
    /// The half that conditions the other.
    pub conditioned_on: Half,
    /// What happens to that half.
    #[serde(default)]
    pub fixed_half: FixedHalf,
    /// The map of the other half.
    pub univariate: UnivariateConfig,
    /// The conditioner.
    pub net: NetConfig,
}

impl Kind for CouplingConfig {
    const NAME: &'static str = "coupling";

    fn examples() -> Vec<Self> {
        let ways = [(Half::First, FixedHalf::Unchanged), (Half::Second, FixedHalf::Mapped)];
        let of = |univariate: UnivariateConfig| {
            ways.map(|(conditioned_on, fixed_half)| Self {
                conditioned_on,
                fixed_half,
                univariate: univariate.clone(),
                net: NetConfig::example(),
            })
        };
        UnivariateConfig::examples().into_iter().flat_map(of).collect()
    }
}

impl LayerKind for CouplingConfig {
    fn build(
        &self,
        mut scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        let (univariate, half) = (self.univariate.build()?, self.conditioned_on);
        let coupling = Coupling::new(scope.here(), sizes, half, univariate, &self.net, last)?;
        Ok(Box::new(match self.fixed_half {
            FixedHalf::Unchanged => coupling,
            FixedHalf::Mapped => coupling.with_fixed_half_mapped(scope, last)?,
        }))
    }

    fn least_features(&self) -> usize {
        2
    }

    fn univariate(&self) -> Option<&UnivariateConfig> {
        Some(&self.univariate)
    }

    fn with_univariate(&self, univariate: UnivariateConfig) -> Option<LayerConfig> {
        Some(Self { univariate, ..self.clone() }.into())
    }

    fn with_hidden(&self, widths: &[usize]) -> Option<LayerConfig> {
        Some(Self { net: self.net.with_hidden(widths), ..self.clone() }.into())
    }

    fn alternate(&self) -> Option<LayerConfig> {
        Some(Self { conditioned_on: self.conditioned_on.other(), ..self.clone() }.into())
    }
}

/// Sizes of the fixed and of the mapped half.
pub(crate) fn sizes(features: usize, conditioned_on: Half) -> (usize, usize) {
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
        let fixed = match &self.own {
            Some(own) => self.univariate.forward(&fixed, &self.own_params(own, &fixed)?)?,
            None => identity(&fixed)?,
        };
        self.assemble(fixed, &mapped)
    }

    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Coupling::inverse", z, self.features)?;
        let (fixed, moved) = self.split(z)?;
        let fixed = match &self.own {
            Some(own) => self.univariate.inverse(&fixed, &self.own_params(own, &fixed)?)?,
            None => identity(&fixed)?,
        };
        let params = self.params(&fixed.points, context)?;
        let mapped = self.univariate.inverse(&moved, &params)?;
        self.assemble(fixed, &mapped)
    }

    fn initialise(&self, x: &Tensor, _context: Option<&Tensor>, _: Direction) -> Result<()> {
        check_points("Coupling::initialise", x, self.features)?;
        self.initialised.run(|| {
            let (fixed, moved) = self.split(x)?;
            if let Some(own) = &self.own {
                own.write(&identity_for(&self.univariate, &fixed)?)?;
            }
            self.conditioner.set_output_bias(&identity_for(&self.univariate, &moved)?)
        })
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
