//! Describes flows as data, and builds them; the only place that lists the kinds of layers.

mod continuous;
mod layer;
mod objective;
mod overrides;
mod recipes;
mod score;

pub use continuous::{
    ContinuousTraining, DivergenceConfig, Method, SolverConfig, TrainingDivergence,
};
pub use layer::{BaseConfig, LayerConfig, UnivariateConfig};
pub use objective::{Matching, ObjectiveConfig, ScoreMatching, ScoreObjective};
pub use overrides::{ContinuousSettings, DivergenceKind};
pub use recipes::{Recipe, Sizes, recipe, recipes};
pub use score::{NetworkKind, ScoreSettings};

use crate::densities::{IsotropicNormal, StandardNormal};
use crate::density::Density;
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::params::Params;
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
    /// Builds the flow and creates its parameters below `flow` and `base`.
    ///
    /// # Errors
    /// [`Error::Config`] when a size cannot be used.
    pub fn build(&self, params: &mut Params) -> Result<Flow> {
        if self.features == 0 {
            return Err(Error::config("features", "there are none", "give at least one column"));
        }
        let levels = self.layers.iter().find_map(LayerConfig::noise);
        if self.base != BaseConfig::StandardNormal && levels.is_some() {
            let problem = "noise that is added to data leads to a normal density";
            return Err(Error::config("base", problem, "leave the components out"));
        }
        let mut layers = Vec::with_capacity(self.layers.len());
        for (i, layer) in self.layers.iter().enumerate() {
            let name = format!("{i}.{}", layer.name());
            let transform =
                layer.build(params.scope("flow").sub(&name), (self.features, self.context))?;
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
