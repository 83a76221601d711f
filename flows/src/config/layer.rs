//! The kinds of layers, univariate maps and bases, as data.

use super::continuous::rows_at_once;
use super::{DivergenceConfig, SolverConfig, StandardNormal};
use crate::density::Density;
use crate::error::Result;
use crate::field::VectorField;
use crate::fields::FieldConfig;
use crate::nets::{LastLayer, NetConfig};
use crate::ode::ContinuousFlow;
use crate::params::Scope;
use crate::score::{NoiseLevels, ProbabilityFlow};
use crate::transform::{Inverse, Transform};
use crate::transforms::{
    ActNorm, Coupling, Elementwise, FixedHalf, Half, LuLinear, MaskedAutoregressive, Permutation,
};
use crate::univariate::Univariate;
use crate::univariates::{Affine, LogisticMixture, RationalQuadraticSpline, Shift};
use serde::{Deserialize, Serialize};

/// A univariate map.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum UnivariateConfig {
    /// y = x + b.
    Shift,
    /// y = exp(s) x + b.
    Affine {
        /// Bound of |s|.
        log_scale_bound: f64,
    },
    /// Monotone rational-quadratic spline.
    RationalQuadraticSpline {
        /// Number of bins.
        bins: usize,
        /// The spline acts on [−bound, bound].
        tail_bound: f64,
    },
    /// y = x + a sum of logistic steps; its inverse is found by iteration.
    LogisticMixture {
        /// Number of steps.
        components: usize,
    },
}

impl UnivariateConfig {
    /// Builds the map.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when a size cannot be used.
    pub fn build(self) -> Result<Box<dyn Univariate>> {
        Ok(match self {
            Self::Shift => Box::new(Shift),
            Self::Affine { log_scale_bound } => Box::new(Affine::new(log_scale_bound)?),
            Self::RationalQuadraticSpline { bins, tail_bound } => {
                Box::new(RationalQuadraticSpline::new(bins, tail_bound)?)
            }
            Self::LogisticMixture { components } => Box::new(LogisticMixture::new(components)?),
        })
    }
}

/// A layer of a flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LayerConfig {
    /// [`ActNorm`]
    ActNorm,
    /// [`LuLinear`]
    LuLinear,
    /// [`Permutation::reverse`]
    Reverse,
    /// [`Permutation::random`]
    Shuffle,
    /// [`Elementwise`]
    Elementwise {
        /// The map of each feature.
        univariate: UnivariateConfig,
    },
    /// [`Coupling`]
    Coupling {
        /// The half that conditions the other.
        conditioned_on: Half,
        /// What happens to that half.
        #[serde(default)]
        fixed_half: FixedHalf,
        /// The map of the other half.
        univariate: UnivariateConfig,
        /// The conditioner.
        net: NetConfig,
    },
    /// [`MaskedAutoregressive`]
    MaskedAutoregressive {
        /// The map of each feature.
        univariate: UnivariateConfig,
        /// The masked network.
        net: NetConfig,
    },
    /// [`Inverse`] of [`MaskedAutoregressive`]
    InverseAutoregressive {
        /// The map of each feature.
        univariate: UnivariateConfig,
        /// The masked network.
        net: NetConfig,
    },
    /// [`ContinuousFlow`] of a [`TimeMlp`](crate::fields::TimeMlp) or a
    /// [`PotentialField`](crate::fields::PotentialField)
    Continuous {
        /// The network of the velocity.
        field: FieldConfig,
        /// The solver of log-densities and samples that are reported.
        #[serde(default)]
        solver: SolverConfig,
        /// The divergence of log-densities that are reported.
        #[serde(default)]
        divergence: DivergenceConfig,
        /// Makes it the [`ProbabilityFlow`] of a diffusion over these levels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        noise: Option<NoiseLevels>,
    },
}

impl LayerConfig {
    /// The kind, as in configuration files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ActNorm => "act-norm",
            Self::LuLinear => "lu-linear",
            Self::Reverse => "reverse",
            Self::Shuffle => "shuffle",
            Self::Elementwise { .. } => "elementwise",
            Self::Coupling { .. } => "coupling",
            Self::MaskedAutoregressive { .. } => "masked-autoregressive",
            Self::InverseAutoregressive { .. } => "inverse-autoregressive",
            Self::Continuous { .. } => "continuous",
        }
    }

    /// The univariate map that the layer holds, if it holds one: the one list of layers that do.
    pub fn univariate(&self) -> Option<&UnivariateConfig> {
        match self {
            Self::Elementwise { univariate }
            | Self::Coupling { univariate, .. }
            | Self::MaskedAutoregressive { univariate, .. }
            | Self::InverseAutoregressive { univariate, .. } => Some(univariate),
            Self::ActNorm
            | Self::LuLinear
            | Self::Reverse
            | Self::Shuffle
            | Self::Continuous { .. } => None,
        }
    }

    /// The same, to change.
    pub fn univariate_mut(&mut self) -> Option<&mut UnivariateConfig> {
        match self {
            Self::Elementwise { univariate }
            | Self::Coupling { univariate, .. }
            | Self::MaskedAutoregressive { univariate, .. }
            | Self::InverseAutoregressive { univariate, .. } => Some(univariate),
            Self::ActNorm
            | Self::LuLinear
            | Self::Reverse
            | Self::Shuffle
            | Self::Continuous { .. } => None,
        }
    }

    /// The noise levels of the diffusion that the layer is, if it is one.
    pub fn noise(&self) -> Option<&NoiseLevels> {
        match self {
            Self::Continuous { noise, .. } => noise.as_ref(),
            _ => None,
        }
    }

    /// Builds the layer for `(features, context)`; it starts at the identity.
    pub(super) fn build(
        &self,
        mut scope: Scope,
        sizes: (usize, usize),
    ) -> Result<Box<dyn Transform>> {
        let start = LastLayer::Zero;
        let features = sizes.0;
        Ok(match self {
            Self::ActNorm => Box::new(ActNorm::new(scope, features)?),
            Self::LuLinear => Box::new(LuLinear::new(scope, features, start)?),
            Self::Reverse => Box::new(Permutation::reverse(scope, features)?),
            Self::Shuffle => Box::new(Permutation::random(scope, features)?),
            Self::Elementwise { univariate } => {
                Box::new(Elementwise::new(scope, sizes, univariate.build()?, start)?)
            }
            Self::Coupling { conditioned_on, fixed_half, univariate, net } => {
                let univariate = univariate.build()?;
                let coupling =
                    Coupling::new(scope.here(), sizes, *conditioned_on, univariate, net, start)?;
                Box::new(match fixed_half {
                    FixedHalf::Unchanged => coupling,
                    FixedHalf::Mapped => coupling.with_fixed_half_mapped(scope, start)?,
                })
            }
            Self::MaskedAutoregressive { univariate, net } => {
                Box::new(MaskedAutoregressive::new(scope, sizes, univariate.build()?, net, start)?)
            }
            Self::InverseAutoregressive { univariate, net } => Box::new(Inverse(
                MaskedAutoregressive::new(scope, sizes, univariate.build()?, net, start)?,
            )),
            Self::Continuous { field, solver, divergence, noise } => {
                let (seed, solver) = (scope.seed(), solver.solver()?);
                let width = field.hidden.iter().copied().max().unwrap_or(1);
                let rows = rows_at_once(divergence.tangents(features), width, scope.dtype());
                let network = field.build(scope, sizes, start)?;
                let field: Box<dyn VectorField> = match noise {
                    None => network,
                    Some(levels) => Box::new(ProbabilityFlow::new(network, *levels)?),
                };
                let flow = ContinuousFlow::new(field, solver)?;
                Box::new(flow.with_divergence(*divergence, seed)?.with_rows_at_once(rows)?)
            }
        })
    }
}

/// The base density of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum BaseConfig {
    /// N(0, I).
    #[default]
    StandardNormal,
    /// A trainable mixture of full Gaussians and a broad one, started by expectation–maximisation.
    GaussianMixture {
        /// Number of components.
        components: usize,
    },
}

impl BaseConfig {
    /// Builds the density of `features` features.
    pub(crate) fn build(self, scope: Scope, features: usize) -> Result<Box<dyn Density>> {
        Ok(match self {
            Self::StandardNormal => {
                let (dtype, device) = (scope.dtype(), scope.device().clone());
                Box::new(StandardNormal::new(features).on(dtype, &device))
            }
            Self::GaussianMixture { components } => {
                Box::new(crate::densities::GaussianMixture::new(scope, features, components)?)
            }
        })
    }
}
