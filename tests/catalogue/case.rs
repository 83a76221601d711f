//! Says what a case of the catalogue is: how to build it, and what is special about it.
//!
//! The laws read nothing else.

use diffeo_flows::config::LayerConfig;
use diffeo_flows::nets::LastLayer;
use diffeo_flows::params::Scope;
use diffeo_flows::{Result, Transform};
use std::ops::Range;
use std::sync::Arc;

/// Features and context features.
pub(super) type Size = (usize, usize);
/// What a case builds.
pub(super) type Built = Result<Box<dyn Transform>>;

/// Builds a transform at a scope, for a size, its last layers started as told.
type Build = Arc<dyn Fn(Scope, Size, LastLayer) -> Built + Send + Sync>;

/// One transform of the catalogue.
#[derive(Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each law asks one independent question")]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) features: usize,
    pub(crate) context: usize,
    pub(crate) build: Build,
    /// The features that pass unchanged.
    pub(crate) fixed: Range<usize>,
    /// Whether output i depends on inputs up to i only.
    pub(crate) triangular: bool,
    /// Whether every output depends on all inputs before it.
    pub(crate) dense_below: bool,
    /// Whether `LastLayer::Zero` starts it at the identity.
    pub(crate) starts_as_identity: bool,
    /// Whether its parameters or its structure are drawn from the seed, where that is known.
    pub(crate) seeded: Option<bool>,
    /// Whether its data live on a part of the line only.
    pub(crate) bounded: bool,
    /// Whether its scale is free, so that wild parameters overflow.
    pub(crate) free_scale: bool,
    /// Ends of the names of parameters that are masked altogether.
    pub(crate) masked: &'static [&'static str],
}

pub(super) fn case(
    name: impl Into<String>,
    size: Size,
    build: impl Fn(Scope, Size, LastLayer) -> Built + Send + Sync + 'static,
) -> Case {
    Case {
        name: name.into(),
        features: size.0,
        context: size.1,
        build: Arc::new(build),
        fixed: 0..0,
        triangular: false,
        dense_below: false,
        starts_as_identity: true,
        seeded: Some(true),
        bounded: false,
        free_scale: false,
        masked: &[],
    }
}

/// A layer of a kind that files can name, as the kind itself would have it tested.
pub(super) fn example(layer: LayerConfig) -> Case {
    let given = layer.univariate().is_some() || layer.with_hidden(&[1]).is_some();
    let context = if given && layer.least_features() == 1 { 2 } else { 0 };
    let (size, kind) = ((3, context), layer.name().replace('-', " "));
    let name = format!("{kind} 3|{context}: {layer:?}");
    let (starts_as_identity, free_scale) = (layer.starts_as_identity(), layer.has_free_scale());
    let case = case(name, size, move |scope, size, last| layer.build(scope, size, last));
    Case { starts_as_identity, free_scale, seeded: None, ..case }
}

impl Case {
    pub(super) fn fixes(self, fixed: Range<usize>) -> Self {
        Self { fixed, ..self }
    }

    pub(super) fn triangular(self) -> Self {
        Self { triangular: true, dense_below: true, ..self }
    }

    /// Fewer hidden units than features: some outputs see only some of the inputs before them.
    pub(super) fn narrow(self) -> Self {
        Self { dense_below: false, ..self }
    }

    pub(super) fn moves_at_start(self) -> Self {
        Self { starts_as_identity: false, ..self }
    }

    pub(super) fn unseeded(self) -> Self {
        Self { seeded: Some(false), ..self }
    }

    pub(super) fn bounded(self) -> Self {
        Self { bounded: true, ..self }
    }

    pub(super) fn free_scale(self) -> Self {
        Self { free_scale: true, ..self }
    }

    pub(super) fn masks(self, masked: &'static [&'static str]) -> Self {
        Self { masked, ..self }
    }
}
