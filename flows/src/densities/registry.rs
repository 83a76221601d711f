//! Names the kinds of bases, and what each tells of itself.

use super::{GaussianMixtureConfig, StandardNormalConfig, StudentTConfig};
use crate::density::Density;
use crate::error::Result;
use crate::kinds::{Described, Entry, Family, Kind, Registry, Setting};
use crate::params::Scope;
use std::sync::{Arc, LazyLock};

static KINDS: LazyLock<Registry<dyn BaseKind>> = LazyLock::new(|| {
    Registry::new(&[
        Entry::of::<GaussianMixtureConfig>(),
        Entry::of::<StandardNormalConfig>(),
        Entry::of::<StudentTConfig>(),
    ])
});

/// Settings of the base density of a flow, N(0, I) unless another is given.
pub type BaseConfig = Setting<dyn BaseKind>;

/// What a kind of base density tells of itself.
pub trait BaseKind: Described {
    /// The density of `features` features.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when a size cannot be used.
    fn build(&self, scope: Scope, features: usize) -> Result<Box<dyn Density>>;

    /// What a flow over it is before training, in words.
    fn start(&self) -> String {
        format!(
            "the flow as it started, the identity over a base of kind {} of the standardised columns",
            self.name()
        )
    }
}

impl Family for dyn BaseKind {
    const WHAT: &'static str = "base";

    fn registry() -> &'static Registry<Self> {
        &KINDS
    }
}

impl<K: Kind + BaseKind> From<K> for BaseConfig {
    fn from(settings: K) -> Self {
        Self::new(Arc::new(settings))
    }
}

impl Default for BaseConfig {
    fn default() -> Self {
        StandardNormalConfig {}.into()
    }
}
