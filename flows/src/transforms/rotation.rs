//! Trainable rotations, as products of reflections.

use super::LayerKind;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::nets::LastLayer;
use crate::params::{Init, Scope};
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points};
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// The least |v|² that a reflection divides by.
pub(crate) const LEAST_SQUARE: f64 = 1e-12;

/// The orthogonal map z = H₁ … H_R x of R Householder reflections Hᵢ = I − 2 vᵢ vᵢᵀ / |vᵢ|².
///
/// |det J| = 1. With R = d every orthogonal matrix can be reached. Forward and inverse cost R·d each; the
/// inverse takes the reflections in the other order. It starts at random reflections.
///
/// Parameters: `vectors` v `[R, d]`.
///
/// Tomczak and Welling 2016, *Improving Variational Auto-Encoders using Householder Flow*, eq. 9–11.
#[derive(Debug)]
pub struct Rotation {
    features: usize,
    reflections: usize,
    vectors: Tensor,
}

impl Rotation {
    /// A map of `features` features by so many reflections.
    ///
    /// # Errors
    /// [`Error::Config`] for one feature, which nothing turns, without reflections or with more than a
    /// thousand, or when a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize, reflections: usize) -> Result<Self> {
        if features < 2 {
            let problem = "one feature cannot be turned";
            return Err(Error::config("rotation", problem, "leave the layer out"));
        }
        if !(1..=1000).contains(&reflections) {
            let problem = format!("{reflections} reflections");
            return Err(Error::config("reflections", problem, "give 1 to 1000, for instance 8"));
        }
        let vectors = scope.trainable("vectors", (reflections, features), Init::Normal(1.0))?;
        Ok(Self { features, reflections, vectors })
    }

    fn reflected(&self, x: &Tensor, order: impl Iterator<Item = usize>) -> Result<Mapped> {
        let mut points = x.contiguous()?;
        for i in order {
            let v = self.vectors.narrow(0, i, 1)?;
            let square = v.sqr()?.sum_keepdim(1)?.maximum(LEAST_SQUARE)?;
            let along = points.matmul(&v.t()?)?.broadcast_div(&square)?.affine(-2.0, 0.0)?;
            points = (points + along.matmul(&v)?)?;
        }
        let log_det = Tensor::zeros(x.dim(0)?, x.dtype(), x.device())?;
        Ok(Mapped { points, log_det })
    }
}

/// Settings of a [`Rotation`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationConfig {
    /// The number of reflections.
    pub reflections: usize,
}

impl Kind for RotationConfig {
    const NAME: &'static str = "rotation";

    fn examples() -> Vec<Self> {
        vec![Self { reflections: 2 }]
    }
}

impl LayerKind for RotationConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        _: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        Ok(Box::new(Rotation::new(scope, sizes.0, self.reflections)?))
    }

    fn least_features(&self) -> usize {
        2
    }

    fn starts_as_identity(&self) -> bool {
        false
    }
}

impl Transform for Rotation {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Rotation::forward", x, self.features)?;
        self.reflected(x, 0..self.reflections)
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Rotation::inverse", z, self.features)?;
        self.reflected(z, (0..self.reflections).rev())
    }

    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
