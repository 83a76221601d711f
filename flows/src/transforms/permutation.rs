//! Permutations of the features.

use super::LayerKind;
use crate::error::Result;
use crate::kinds::Kind;
use crate::nets::LastLayer;
use crate::params::{Buffer, Scope};
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points, identity};
use candle_core::Tensor;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// A fixed permutation: zᵢ = x_π(i), with |det J| = 1.
///
/// The order is a buffer, saved with the model.
#[derive(Debug)]
pub struct Permutation {
    features: usize,
    order: Buffer,
    back: Buffer,
}

impl Permutation {
    /// The features in reverse order.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn reverse(scope: Scope, features: usize) -> Result<Self> {
        Self::new(scope, (0..features).rev().collect())
    }

    /// An order drawn from the structure stream of the parameters' seed.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn random(scope: Scope, features: usize) -> Result<Self> {
        let mut order: Vec<usize> = (0..features).collect();
        order.shuffle(&mut scope.structure_generator());
        Self::new(scope, order)
    }

    fn new(mut scope: Scope, order: Vec<usize>) -> Result<Self> {
        let features = order.len();
        let mut back = vec![0; features];
        for (to, &from) in order.iter().enumerate() {
            back[from] = to;
        }
        let device = scope.device().clone();
        let index = |order: Vec<usize>| {
            Tensor::from_vec(order.iter().map(|&i| i as u32).collect::<Vec<_>>(), features, &device)
        };
        let (order, back) = (index(order)?, index(back)?);
        Ok(Self {
            features,
            order: scope.buffer("order", &order)?,
            back: scope.buffer("back", &back)?,
        })
    }
}

/// Settings of a [`Permutation::reverse`].
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReverseConfig {}

impl Kind for ReverseConfig {
    const NAME: &'static str = "reverse";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl LayerKind for ReverseConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        _: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        Ok(Box::new(Permutation::reverse(scope, sizes.0)?))
    }

    fn starts_as_identity(&self) -> bool {
        false
    }
}

/// Settings of a [`Permutation::random`].
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShuffleConfig {}

impl Kind for ShuffleConfig {
    const NAME: &'static str = "shuffle";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl LayerKind for ShuffleConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        _: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        Ok(Box::new(Permutation::random(scope, sizes.0)?))
    }

    fn starts_as_identity(&self) -> bool {
        false
    }
}

/// The columns of `points` in this order; volume stays.
fn permuted(points: &Tensor, order: &Buffer) -> Result<Mapped> {
    identity(&points.contiguous()?.index_select(&order.tensor(), 1)?)
}

impl Transform for Permutation {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Permutation::forward", x, self.features)?;
        permuted(x, &self.order)
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Permutation::inverse", z, self.features)?;
        permuted(z, &self.back)
    }

    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
