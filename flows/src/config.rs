//! Describes flows as data, and builds them.

mod continuous;
mod objective;
mod overrides;
mod recipes;
mod score;

pub(crate) use continuous::rows_at_once;
pub use continuous::{
    ContinuousTraining, DivergenceConfig, Method, SolverConfig, TrainingDivergence,
};
pub use objective::{Matching, ObjectiveConfig, ScoreMatching, ScoreObjective};
pub use overrides::{ContinuousSettings, DivergenceKind};
pub use recipes::{Recipe, Sizes, recipe, recipes};
pub use score::{NetworkKind, ScoreSettings};

pub use crate::densities::BaseConfig;
pub use crate::ode::ContinuousConfig;
pub use crate::transforms::LayerConfig;
pub use crate::univariates::UnivariateConfig;

use crate::densities::{IsotropicNormal, StandardNormalConfig};
use crate::density::Density;
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::nets::LastLayer;
use crate::params::Params;
use crate::score::NoiseLevels;
use crate::transform::{Chain, Layer};
use serde::{Deserialize, Serialize};

/// Everything that determines the structure of a flow; its weights live in [`Params`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowConfig {
    /// Number of features d.
    pub features: usize,
    /// Number of context features k.
    pub context: usize,
    /// The layers, data → latent.
    pub layers: Vec<LayerConfig>,
    /// The density of the latent points.
    pub base: BaseConfig,
}

impl FlowConfig {
    /// The settings of the continuous flow that this is, if its one layer is one.
    pub fn continuous(&self) -> Option<&ContinuousConfig> {
        match self.layers.as_slice() {
            [layer] => layer.of(),
            _ => None,
        }
    }

    /// The noise levels of the diffusion among the layers, if there is one.
    pub fn noise(&self) -> Option<&NoiseLevels> {
        let mut continuous = self.layers.iter().filter_map(|layer| layer.of::<ContinuousConfig>());
        continuous.find_map(|layer| layer.noise.as_ref())
    }

    /// Builds the flow and creates its parameters below `flow` and `base`.
    ///
    /// # Errors
    /// [`Error::Config`] when a size cannot be used.
    pub fn build(&self, params: &mut Params) -> Result<Flow> {
        if self.features == 0 {
            return Err(Error::config("features", "there are none", "give at least one column"));
        }
        let levels = self.noise();
        if self.base.of::<StandardNormalConfig>().is_none() && levels.is_some() {
            let problem = "noise that is added to data leads to a normal density";
            return Err(Error::config("base", problem, "leave the components out"));
        }
        let mut layers = Vec::with_capacity(self.layers.len());
        for (i, layer) in self.layers.iter().enumerate() {
            let name = format!("{i}.{}", layer.name());
            let sizes = (self.features, self.context);
            let transform = layer.build(params.scope("flow").sub(&name), sizes, LastLayer::Zero)?;
            layers.push(Layer { name, transform });
        }
        let placement = (params.dtype(), &params.device().clone());
        let base: Box<dyn Density> = match levels {
            None => self.base.build(params.scope("base"), self.features)?,
            Some(levels) => {
                let deviation = levels.latent_deviation();
                let base = IsotropicNormal::new(self.features, deviation)?;
                Box::new(base.on(placement.0, placement.1))
            }
        };
        Flow::new(Chain::new(self.features, layers)?, base, self.context, placement)
    }
}
