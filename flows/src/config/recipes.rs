//! Published flows by name, as data: see `recipes.toml`.

use super::{BaseConfig, ContinuousConfig, FlowConfig, LayerConfig, ObjectiveConfig};
use crate::densities::GaussianMixtureConfig;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::train::TrainConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A named flow: a block of layers, repeated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// One line for people.
    pub summary: String,
    /// Authors, year, title.
    pub reference: String,
    /// Layers before the first block.
    #[serde(default)]
    pub first: Vec<LayerConfig>,
    /// How often the block is repeated; couplings exchange their halves at every other one.
    pub layers: usize,
    /// The layers of one block.
    pub block: Vec<LayerConfig>,
    /// The block for a single feature, where `block` needs two.
    #[serde(default)]
    pub block_of_one: Option<Vec<LayerConfig>>,
    /// Layers after the last block.
    #[serde(default)]
    pub last: Vec<LayerConfig>,
    /// The base density.
    #[serde(default)]
    pub base: BaseConfig,
    /// Makes the base a Gaussian mixture of as many components, up to this number, as the training
    /// rows bear (see [`choose_components`](crate::densities::expectation_maximisation)).
    #[serde(default)]
    pub components_up_to: Option<usize>,
    /// What it is trained by.
    #[serde(default)]
    pub objective: ObjectiveConfig,
    /// Passes over the rows beyond which training only overfits small tables.
    #[serde(default = "passes")]
    pub passes: usize,
    /// The settings that train it best.
    #[serde(default)]
    pub train: TrainConfig,
}

fn passes() -> usize {
    150
}

/// Sizes that replace those of a recipe.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sizes {
    /// Number of blocks.
    pub layers: Option<usize>,
    /// Widths of the hidden layers of every conditioner.
    pub hidden: Option<Vec<usize>>,
    /// Bins of every spline.
    pub bins: Option<usize>,
    /// Components of the Gaussian mixture base; 0 for a standard normal base.
    pub components: Option<usize>,
    /// The name of another kind of base, with its default settings.
    pub base: Option<String>,
}

static RECIPES: LazyLock<std::result::Result<BTreeMap<String, Recipe>, String>> =
    LazyLock::new(|| toml::from_str(include_str!("recipes.toml")).map_err(|e| e.to_string()));

/// All recipes by name.
///
/// # Errors
/// [`Error::Config`] when the table built into the library cannot be read, which a test excludes.
pub fn recipes() -> Result<&'static BTreeMap<String, Recipe>> {
    RECIPES
        .as_ref()
        .map_err(|e| Error::config("recipes.toml", e.clone(), "this is a fault of the library"))
}

/// The recipe of that name.
///
/// # Errors
/// [`Error::Config`] listing the names when there is none.
pub fn recipe(name: &str) -> Result<Recipe> {
    let all = recipes()?;
    all.get(name).cloned().ok_or_else(|| {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        Error::config(
            "flow",
            format!("no flow is called `{name}`"),
            format!("choose one of {}", names.join(", ")),
        )
    })
}

/// Fewer steps teach a flow nothing, however few the rows.
const FEWEST_STEPS: usize = 500;

impl Recipe {
    /// The optimiser steps for so many training rows in batches of `batch_size`: those of
    /// [`Recipe::train`], or as many as make [`Recipe::passes`] over the rows if these are fewer, but no
    /// fewer than 500.
    ///
    /// # Example
    /// ```
    /// let recipe = diffeo_flows::config::recipe("nsf")?;
    /// assert_eq!(recipe.steps_for(1 << 40, 512), recipe.train.steps);
    /// assert_eq!(recipe.steps_for(100, 512), 500);
    /// # Ok::<(), diffeo_flows::Error>(())
    /// ```
    pub fn steps_for(&self, train_rows: usize, batch_size: usize) -> usize {
        let size = batch_size.clamp(1, train_rows.max(1));
        let few = self.passes.saturating_mul(train_rows).div_ceil(size).max(FEWEST_STEPS);
        few.min(self.train.steps)
    }

    /// The recipe with other sizes.
    ///
    /// # Errors
    /// [`Error::Config`] when a size does not apply to this recipe.
    pub fn with_sizes(mut self, sizes: &Sizes) -> Result<Self> {
        if let Some(layers) = sizes.layers {
            if layers == 0 {
                return Err(Error::config("layers", "there are none", "give at least 1"));
            }
            let continuous = |layer: &LayerConfig| layer.of::<ContinuousConfig>().is_some();
            if layers > 1 && self.block.iter().any(continuous) {
                let problem = format!("{layers} of a continuous flow, which has one");
                return Err(Error::config("layers", problem, "leave it out, or widen --hidden"));
            }
            self.layers = layers;
        }
        if let Some(hidden) = &sizes.hidden {
            self.set_hidden(hidden);
        }
        if let Some(bins) = sizes.bins {
            self.set_bins(bins)?;
        }
        if let Some(base) = &sizes.base {
            self.set_base(base, sizes.components.is_some())?;
        }
        if let Some(components) = sizes.components {
            self.components_up_to = None;
            self.base = match components {
                0 => BaseConfig::default(),
                _ => GaussianMixtureConfig { components }.into(),
            };
        }
        Ok(self)
    }

    /// The flow for `features` features given `context` context features.
    ///
    /// # Errors
    /// [`Error::Config`] when the recipe does not apply to that many features.
    pub fn flow(&self, features: usize, context: usize) -> Result<FlowConfig> {
        let mut layers = self.first.clone();
        let block = match &self.block_of_one {
            Some(block) if features == 1 => block,
            _ => &self.block,
        };
        for repeat in 0..self.layers {
            let turned = |layer: &LayerConfig| layer.alternate().filter(|_| repeat % 2 == 1);
            layers.extend(block.iter().map(|layer| turned(layer).unwrap_or_else(|| layer.clone())));
        }
        layers.extend(self.last.iter().cloned());
        Ok(FlowConfig { features, context, layers, base: self.base.clone() })
    }

    pub(super) fn all_layers(&mut self) -> impl Iterator<Item = &mut LayerConfig> {
        let blocks = self.block.iter_mut().chain(self.block_of_one.iter_mut().flatten());
        self.first.iter_mut().chain(blocks).chain(&mut self.last)
    }

    fn set_hidden(&mut self, widths: &[usize]) {
        for layer in self.all_layers() {
            if let Some(other) = layer.with_hidden(widths) {
                *layer = other;
            }
        }
    }

    fn set_base(&mut self, name: &str, has_components: bool) -> Result<()> {
        let is_mixture = name == GaussianMixtureConfig::NAME;
        if has_components && !is_mixture {
            let problem = format!("a base of kind {name} has none");
            return Err(Error::config("components", problem, "leave out one of them"));
        }
        if is_mixture && (has_components || self.components_up_to.is_some()) {
            return Ok(());
        }
        if is_mixture {
            let remedy = "give components, or take nsf-gmm, which finds their number";
            return Err(Error::config("base", "how many components it has is not said", remedy));
        }
        (self.base, self.components_up_to) = (BaseConfig::named(name)?, None);
        Ok(())
    }

    fn set_bins(&mut self, count: usize) -> Result<()> {
        let mut found = false;
        for layer in self.all_layers() {
            let other = layer.univariate().and_then(|map| map.with_bins(count));
            if let Some(other) = other.and_then(|map| layer.with_univariate(map)) {
                *layer = other;
                found = true;
            }
        }
        if found {
            return Ok(());
        }
        Err(Error::config(
            "bins",
            "this flow has no splines",
            "leave it out, or take nsf or nsf-ar",
        ))
    }
}
