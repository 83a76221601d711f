//! A univariate map on each feature, on its own or given a context.

use super::{LayerConfig, LayerKind};
use crate::error::Result;
use crate::kinds::Kind;
use crate::nets::{LastLayer, Linear};
use crate::params::{Init, Once, Scope, Weight};
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_context, check_points};
use crate::univariate::{Univariate, identity_for};
use crate::univariates::UnivariateConfig;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// A univariate map U on each feature, its parameters free and, given a context, shifted linearly
/// by it.
///
/// Map: zᵢ = u(xᵢ; θᵢ + (W context)ᵢ); Jacobian diagonal. θ and W start at 0: the identity.
#[derive(Debug)]
pub struct Elementwise<U> {
    features: usize,
    context: usize,
    univariate: U,
    params: Weight,
    from_context: Option<Linear>,
    initialised: Once,
}

impl<U: Univariate> Elementwise<U> {
    /// A map of `features` features given `context` context features.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn new(
        mut scope: Scope,
        (features, context): (usize, usize),
        univariate: U,
        last: LastLayer,
    ) -> Result<Self> {
        let width = features * univariate.params_per_feature();
        let init = match last {
            LastLayer::Zero => Init::Constant(0.0),
            LastLayer::Scaled => Init::Normal(0.5),
        };
        let params = scope.variable("params", (1, width), init)?;
        let from_context = match context {
            0 => None,
            k => Some(last.build(scope.sub("context"), k, width, None)?),
        };
        let initialised = scope.once("initialised")?;
        Ok(Self { features, context, univariate, params, from_context, initialised })
    }

    fn params(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let context = check_context("Elementwise", x, context, self.context)?;
        let n = x.dim(0)?;
        let free = Tensor::ones((n, 1), x.dtype(), x.device())?.matmul(&self.params)?;
        let params = match (&self.from_context, context) {
            (Some(linear), Some(context)) => (free + linear.forward(context)?)?,
            _ => free,
        };
        Ok(params.reshape((n, self.features, self.univariate.params_per_feature()))?)
    }
}

/// Settings of an [`Elementwise`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ElementwiseConfig {
    /// The map of each feature.
    pub univariate: UnivariateConfig,
}

impl Kind for ElementwiseConfig {
    const NAME: &'static str = "elementwise";

    fn examples() -> Vec<Self> {
        UnivariateConfig::examples().into_iter().map(|univariate| Self { univariate }).collect()
    }
}

impl LayerKind for ElementwiseConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        Ok(Box::new(Elementwise::new(scope, sizes, self.univariate.build()?, last)?))
    }

    fn univariate(&self) -> Option<&UnivariateConfig> {
        Some(&self.univariate)
    }

    fn with_univariate(&self, univariate: UnivariateConfig) -> Option<LayerConfig> {
        Some(Self { univariate }.into())
    }
}

impl<U: Univariate> Transform for Elementwise<U> {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Elementwise::forward", x, self.features)?;
        self.univariate.forward(x, &self.params(x, context)?)
    }

    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Elementwise::inverse", z, self.features)?;
        self.univariate.inverse(z, &self.params(z, context)?)
    }

    fn initialise(&self, x: &Tensor, _context: Option<&Tensor>, _: Direction) -> Result<()> {
        check_points("Elementwise::initialise", x, self.features)?;
        self.initialised.run(|| self.params.write(&identity_for(&self.univariate, x)?))
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
