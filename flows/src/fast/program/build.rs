//! Finds a kernel for every part of a flow.

use super::Program;
use crate::config::{BaseConfig, FlowConfig};
use crate::fast::base;
use crate::fast::kernel::{Base, Site};
use crate::fast::layers;
use crate::fast::layout::Layout;
use crate::fast::simd::Level;
use crate::params::Params;
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
        let mut kernels = Vec::with_capacity(config.layers.len());
        let sizes = (config.features, config.context);
        for (i, layer) in config.layers.iter().enumerate() {
            let part = format!("{i}.{}", layer.name());
            let path = format!("flow.{part}");
            let mut site = Site { layout: &mut layout, path: &path, sizes };
            let kernel = layers::kernel(layer, &mut site);
            kernels.push(kernel.map_err(|reason| Unsupported { part, reason })?);
        }
        let base = base(&config.base, &mut layout, sizes)?;
        Ok(Self {
            level,
            features: config.features,
            context: config.context,
            layers: kernels,
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

/// The kernel of a base density.
pub(in crate::fast) fn base(
    base: &BaseConfig,
    layout: &mut Layout,
    sizes: (usize, usize),
) -> Result<Box<dyn Base>, Unsupported> {
    let mut site = Site { layout, path: "base", sizes };
    let unsupported = |reason| Unsupported { part: "base".into(), reason };
    base::kernel(base, &mut site).map_err(unsupported)
}
