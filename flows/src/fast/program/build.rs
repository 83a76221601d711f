//! Finds a kernel for every part of a flow: the one place that knows which parts have one.

use super::Program;
use crate::config::{BaseConfig, FlowConfig, LayerConfig, UnivariateConfig};
use crate::fast::base::{GaussianMixture, IsotropicNormal};
use crate::fast::kernel::{Base, Kernel};
use crate::fast::layers::{
    ActNorm, Coupling, Elementwise, InverseAutoregressive, LuLinear, MaskedAutoregressive,
    Permutation,
};
use crate::fast::layout::Layout;
use crate::fast::net::Net;
use crate::fast::simd::Level;
use crate::fast::univariate::{Affine, RationalQuadraticSpline, Shift, Univariate};
use crate::params::Params;
use crate::transforms::{FixedHalf, Half};
use candle_core::{DType, Device};
use std::fmt;

/// Why a flow runs on the reference tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The layer, `base`, or `parameters`.
    pub part: String,
    /// What it lacks.
    pub reason: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.part, self.reason)
    }
}

impl Program {
    /// The kernels of the flow that `config` builds from these parameters.
    ///
    /// # Errors
    /// [`Unsupported`] naming the first part without a kernel.
    pub fn new(config: &FlowConfig, params: &Params, level: Level) -> Result<Self, Unsupported> {
        check_placement(params)?;
        let mut layout = Layout::new(params);
        let parameters = layout.len();
        let mut layers = Vec::with_capacity(config.layers.len());
        for (i, layer) in config.layers.iter().enumerate() {
            let name = format!("{i}.{}", layer.name());
            let path = format!("flow.{name}");
            let kernel = kernel(layer, &mut layout, &path, (config.features, config.context));
            layers.push(kernel.ok_or_else(|| Unsupported {
                part: name,
                reason: "there is no kernel for it, or not for its settings and parameters".into(),
            })?);
        }
        let base = base(config.base, &mut layout, config.features)?;
        Ok(Self {
            level,
            features: config.features,
            context: config.context,
            layers,
            base,
            parameters,
            length: layout.len(),
        })
    }
}

/// Fails unless the parameters are where kernels can read them.
pub(in crate::fast) fn check_placement(params: &Params) -> Result<(), Unsupported> {
    let not = |reason: &str| Unsupported { part: "parameters".into(), reason: reason.into() };
    if params.dtype() != DType::F32 {
        return Err(not("kernels are in single precision"));
    }
    if !matches!(params.device(), Device::Cpu) {
        return Err(not("kernels run on the CPU"));
    }
    Ok(())
}

/// The kernels of a base density.
pub(in crate::fast) fn base(
    config: BaseConfig,
    layout: &mut Layout,
    features: usize,
) -> Result<Box<dyn Base>, Unsupported> {
    Ok(match config {
        BaseConfig::StandardNormal => Box::new(IsotropicNormal { deviation: 1.0 }),
        BaseConfig::GaussianMixture { components } => {
            let base = GaussianMixture::new(layout, "base", features, components);
            Box::new(base.ok_or_else(|| Unsupported {
                part: "base".into(),
                reason: "its parameters are missing".into(),
            })?)
        }
    })
}

/// The largest log-scale whose exponential the kernels form.
const LARGEST_LOG_SCALE: f64 = 80.0;

fn univariate(config: UnivariateConfig) -> Option<Box<dyn Univariate>> {
    Some(match config {
        UnivariateConfig::Shift => Box::new(Shift),
        UnivariateConfig::Affine { log_scale_bound } if log_scale_bound > LARGEST_LOG_SCALE => {
            return None;
        }
        UnivariateConfig::Affine { log_scale_bound } => Box::new(Affine::new(log_scale_bound)),
        UnivariateConfig::RationalQuadraticSpline { bins, tail_bound } => {
            Box::new(RationalQuadraticSpline::new(bins, tail_bound))
        }
        // Its inverse is a search, row by row.
        UnivariateConfig::LogisticMixture { .. } => return None,
    })
}

fn kernel(
    layer: &LayerConfig,
    layout: &mut Layout,
    path: &str,
    sizes: (usize, usize),
) -> Option<Box<dyn Kernel>> {
    let features = sizes.0;
    Some(match layer {
        LayerConfig::ActNorm => Box::new(ActNorm::new(layout, path, features)?),
        LayerConfig::LuLinear => Box::new(LuLinear::new(layout, path, features)?),
        LayerConfig::Reverse | LayerConfig::Shuffle => {
            Box::new(Permutation::new(layout, path, features)?)
        }
        LayerConfig::Elementwise { univariate: map } => {
            Box::new(Elementwise::new(layout, path, sizes, univariate(*map)?)?)
        }
        LayerConfig::Coupling { .. } => Box::new(coupling(layer, layout, path, sizes)?),
        LayerConfig::MaskedAutoregressive { univariate: map, net } => {
            let map = univariate(*map)?;
            let net = Net::made(layout, path, sizes, map.params_per_feature(), net)?;
            Box::new(MaskedAutoregressive::new(features, map, net))
        }
        LayerConfig::InverseAutoregressive { univariate: map, net } => {
            let map = univariate(*map)?;
            let net = Net::made(layout, path, sizes, map.params_per_feature(), net)?;
            Box::new(InverseAutoregressive::new(features, map, net))
        }
        // Alone it has kernels of its own; among other layers it has none.
        LayerConfig::Continuous { .. } => return None,
    })
}

fn coupling(
    layer: &LayerConfig,
    layout: &Layout,
    path: &str,
    (features, context): (usize, usize),
) -> Option<Coupling> {
    let LayerConfig::Coupling { conditioned_on, fixed_half, univariate: map, net } = layer else {
        return None;
    };
    let first = features / 2;
    let first_is_fixed = *conditioned_on == Half::First;
    let (fixed, moved) =
        if first_is_fixed { (first, features - first) } else { (features - first, first) };
    let map = univariate(*map)?;
    let outputs = moved * map.params_per_feature();
    let net = Net::mlp(layout, path, (fixed, context), outputs, net)?;
    let own = match fixed_half {
        FixedHalf::Unchanged => None,
        FixedHalf::Mapped => {
            Some(layout.place(&format!("{path}.own"), fixed * map.params_per_feature())?)
        }
    };
    Some(Coupling::new((first, features), first_is_fixed, map, net, own))
}
