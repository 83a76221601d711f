//! Settings of a continuous flow as a layer.

use super::ContinuousFlow;
use crate::config::{DivergenceConfig, SolverConfig, rows_at_once};
use crate::error::Result;
use crate::field::VectorField;
use crate::fields::FieldConfig;
use crate::kinds::Kind;
use crate::nets::LastLayer;
use crate::params::Scope;
use crate::score::{NoiseLevels, ProbabilityFlow};
use crate::transform::Transform;
use crate::transforms::{LayerConfig, LayerKind};
use serde::{Deserialize, Serialize};

/// Settings of the [`ContinuousFlow`] of a [`TimeMlp`](crate::fields::TimeMlp) or a
/// [`PotentialField`](crate::fields::PotentialField).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuousConfig {
    /// The network of the velocity.
    pub field: FieldConfig,
    /// The solver of log-densities and samples that are reported.
    #[serde(default)]
    pub solver: SolverConfig,
    /// The divergence of log-densities that are reported.
    #[serde(default)]
    pub divergence: DivergenceConfig,
    /// Makes it the [`ProbabilityFlow`] of a diffusion over these levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<NoiseLevels>,
}

impl Kind for ContinuousConfig {
    const NAME: &'static str = "continuous";

    /// In steps so small that their error is that of rounding.
    fn examples() -> Vec<Self> {
        let solver = SolverConfig { steps: Some(48), ..SolverConfig::default() };
        let of = |field| Self { field, solver, divergence: DivergenceConfig::Exact, noise: None };
        FieldConfig::examples().into_iter().map(of).collect()
    }
}

impl LayerKind for ContinuousConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        let Self { field, solver, divergence, noise } = self;
        let (seed, solver) = (scope.seed(), solver.solver()?);
        let width = field.hidden.iter().copied().max().unwrap_or(1);
        let rows = rows_at_once(divergence.tangents(sizes.0), width, scope.dtype());
        let network = field.build(scope, sizes, last)?;
        let field: Box<dyn VectorField> = match noise {
            None => network,
            Some(levels) => Box::new(ProbabilityFlow::new(network, *levels)?),
        };
        let flow = ContinuousFlow::new(field, solver)?;
        Ok(Box::new(flow.with_divergence(*divergence, seed)?.with_rows_at_once(rows)?))
    }

    fn has_free_scale(&self) -> bool {
        true
    }

    fn with_hidden(&self, widths: &[usize]) -> Option<LayerConfig> {
        let field = FieldConfig { hidden: widths.to_vec(), ..self.field.clone() };
        Some(Self { field, ..self.clone() }.into())
    }
}
