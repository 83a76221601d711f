//! Masked autoregressive maps: each feature is mapped given the features before it.

use super::{LayerConfig, LayerKind};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::nets::{Conditioner, LastLayer, Made, NetConfig};
use crate::params::{Once, Scope};
use crate::transform::{
    Direction, FlowOfField, Inverse, Mapped, Transform, check_context, check_points,
};
use crate::univariate::{Univariate, identity_for};
use crate::univariates::UnivariateConfig;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// A masked autoregressive map over a univariate map U.
///
/// Map: zᵢ = u(xᵢ; cᵢ(x₁ … xᵢ₋₁, context)); Jacobian triangular, log|det J| = Σ log u′. Forward costs
/// one pass of the network, the inverse d passes. Starts at the identity when the network starts
/// at zero. Its [`Inverse`] is the inverse autoregressive flow.
///
/// Papamakarios, Pavlakou and Murray 2017, *Masked Autoregressive Flow*, eq. 3–5.
#[derive(Debug)]
pub struct MaskedAutoregressive<U> {
    features: usize,
    context: usize,
    univariate: U,
    network: Made,
    initialised: Once,
}

impl<U: Univariate> MaskedAutoregressive<U> {
    /// A map of `features` features given `context` context features.
    ///
    /// # Errors
    /// [`Error::Config`] when there are no features, or for widths that cannot be used.
    pub fn new(
        mut scope: Scope,
        (features, context): (usize, usize),
        univariate: U,
        net: &NetConfig,
        last: LastLayer,
    ) -> Result<Self> {
        if features == 0 {
            return Err(Error::config("features", "there are none", "give at least one feature"));
        }
        let per_feature = univariate.params_per_feature();
        let initialised = scope.once("initialised")?;
        let network = Made::new(scope, features, context, per_feature, net, last)?;
        Ok(Self { features, context, univariate, network, initialised })
    }

    /// Parameters of every feature, `[n, d, p]`.
    fn params(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let raw = self.network.forward(x, context)?;
        Ok(raw.reshape((x.dim(0)?, self.features, self.univariate.params_per_feature()))?)
    }
}

/// Settings of a [`MaskedAutoregressive`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskedAutoregressiveConfig {
    /// The map of each feature.
    pub univariate: UnivariateConfig,
    /// The masked network.
    pub net: NetConfig,
}

impl Kind for MaskedAutoregressiveConfig {
    const NAME: &'static str = "masked-autoregressive";

    fn examples() -> Vec<Self> {
        let of = |univariate| Self { univariate, net: NetConfig::example() };
        UnivariateConfig::examples().into_iter().map(of).collect()
    }
}

impl LayerKind for MaskedAutoregressiveConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        let map =
            MaskedAutoregressive::new(scope, sizes, self.univariate.build()?, &self.net, last)?;
        Ok(Box::new(map))
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
}

/// Settings of the [`Inverse`] of a [`MaskedAutoregressive`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InverseAutoregressiveConfig {
    /// The map of each feature.
    pub univariate: UnivariateConfig,
    /// The masked network.
    pub net: NetConfig,
}

impl Kind for InverseAutoregressiveConfig {
    const NAME: &'static str = "inverse-autoregressive";

    fn examples() -> Vec<Self> {
        let of = |univariate| Self { univariate, net: NetConfig::example() };
        UnivariateConfig::examples().into_iter().map(of).collect()
    }
}

impl LayerKind for InverseAutoregressiveConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        let map =
            MaskedAutoregressive::new(scope, sizes, self.univariate.build()?, &self.net, last)?;
        Ok(Box::new(Inverse(map)))
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
}

impl<U: Univariate> Transform for MaskedAutoregressive<U> {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("MaskedAutoregressive::forward", x, self.features)?;
        let context = check_context("MaskedAutoregressive", x, context, self.context)?;
        self.univariate.forward(x, &self.params(x, context)?)
    }

    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("MaskedAutoregressive::inverse", z, self.features)?;
        let context = check_context("MaskedAutoregressive", z, context, self.context)?;
        let zero = z.narrow(1, 0, 1)?.zeros_like()?;
        let mut columns = vec![zero; self.features];
        let mut log_det = Tensor::zeros(z.dim(0)?, z.dtype(), z.device())?;
        for i in 0..self.features {
            let params = self.params(&Tensor::cat(&columns, 1)?, context)?;
            let column = z.narrow(1, i, 1)?.contiguous()?;
            let mapped = self.univariate.inverse(&column, &params.narrow(1, i, 1)?)?;
            log_det = (log_det + mapped.log_det)?;
            columns[i] = mapped.points;
        }
        Ok(Mapped { points: Tensor::cat(&columns, 1)?, log_det })
    }

    fn initialise(&self, x: &Tensor, _context: Option<&Tensor>, _: Direction) -> Result<()> {
        check_points("MaskedAutoregressive::initialise", x, self.features)?;
        self.initialised.run(|| self.network.set_output_bias(&identity_for(&self.univariate, x)?))
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
