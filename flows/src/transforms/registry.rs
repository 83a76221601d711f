//! Names the kinds of layers, and what each tells of itself.

use super::{
    ActNormConfig, CouplingConfig, ElementwiseConfig, InverseAutoregressiveConfig, LuLinearConfig,
    MaskedAutoregressiveConfig, PlanarConfig, ReverseConfig, RotationConfig, ShuffleConfig,
};
use crate::error::Result;
use crate::kinds::{Described, Entry, Family, Kind, Registry, Setting};
use crate::nets::LastLayer;
use crate::ode::ContinuousConfig;
use crate::params::Scope;
use crate::transform::Transform;
use crate::univariates::UnivariateConfig;
use std::sync::{Arc, LazyLock};

static KINDS: LazyLock<Registry<dyn LayerKind>> = LazyLock::new(|| {
    Registry::new(&[
        Entry::of::<ActNormConfig>(),
        Entry::of::<ContinuousConfig>(),
        Entry::of::<CouplingConfig>(),
        Entry::of::<ElementwiseConfig>(),
        Entry::of::<InverseAutoregressiveConfig>(),
        Entry::of::<LuLinearConfig>(),
        Entry::of::<MaskedAutoregressiveConfig>(),
        Entry::of::<PlanarConfig>(),
        Entry::of::<ReverseConfig>(),
        Entry::of::<RotationConfig>(),
        Entry::of::<ShuffleConfig>(),
    ])
});

/// Settings of a layer of a flow.
pub type LayerConfig = Setting<dyn LayerKind>;

/// What a kind of layer tells of itself.
pub trait LayerKind: Described {
    /// The map of `(features, context)`, its last layers started so.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when a size cannot be used.
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>>;

    /// The fewest features that it maps.
    fn least_features(&self) -> usize {
        1
    }

    /// Whether it starts at the identity with [`LastLayer::Zero`].
    fn starts_as_identity(&self) -> bool {
        true
    }

    /// Whether nothing bounds its scale, so that wild parameters overflow.
    fn has_free_scale(&self) -> bool {
        false
    }

    /// The univariate map that it holds, if it holds one.
    fn univariate(&self) -> Option<&UnivariateConfig> {
        None
    }

    /// The same layer with another univariate map; none where it holds none.
    fn with_univariate(&self, _univariate: UnivariateConfig) -> Option<LayerConfig> {
        None
    }

    /// The same layer with hidden layers of these widths; none where it has no network.
    fn with_hidden(&self, _widths: &[usize]) -> Option<LayerConfig> {
        None
    }

    /// What stands in its place at every other repeat of a block; none where it stays.
    fn alternate(&self) -> Option<LayerConfig> {
        None
    }
}

impl Family for dyn LayerKind {
    const WHAT: &'static str = "layer";

    fn registry() -> &'static Registry<Self> {
        &KINDS
    }
}

impl<K: Kind + LayerKind> From<K> for LayerConfig {
    fn from(settings: K) -> Self {
        Self::new(Arc::new(settings))
    }
}
