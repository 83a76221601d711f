//! Names the kinds of univariate maps, and what each tells of itself.

use super::{Affine, Bernstein, LogisticMixture, RationalQuadraticSpline, Shift};
use crate::error::Result;
use crate::kinds::{Described, Entry, Family, Kind, Registry, Setting};
use crate::univariate::Univariate;
use std::sync::{Arc, LazyLock};

static KINDS: LazyLock<Registry<dyn UnivariateKind>> = LazyLock::new(|| {
    Registry::new(&[
        Entry::of::<Affine>(),
        Entry::of::<Bernstein>(),
        Entry::of::<LogisticMixture>(),
        Entry::of::<RationalQuadraticSpline>(),
        Entry::of::<Shift>(),
    ])
});

/// Settings of a univariate map.
pub type UnivariateConfig = Setting<dyn UnivariateKind>;

/// What a kind of univariate map tells of itself.
pub trait UnivariateKind: Described {
    /// The map.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when a size cannot be used.
    fn build(&self) -> Result<Box<dyn Univariate>>;

    /// The same map of so many bins; none where it is not made of bins.
    fn with_bins(&self, _bins: usize) -> Option<UnivariateConfig> {
        None
    }

    /// The bound of |x| beyond which the map is the identity; none where there is no such bound.
    fn identity_beyond(&self) -> Option<f64> {
        None
    }
}

impl Family for dyn UnivariateKind {
    const WHAT: &'static str = "univariate map";

    fn registry() -> &'static Registry<Self> {
        &KINDS
    }
}

impl<K: Kind + UnivariateKind> From<K> for UnivariateConfig {
    fn from(settings: K) -> Self {
        Self::new(Arc::new(settings))
    }
}
