//! Planar maps: the identity plus a step along one direction, inverted by iteration.

use super::LayerKind;
use crate::calculus::{Dual, ScalarRoot, scalar_root};
use crate::error::Result;
use crate::kinds::Kind;
use crate::nets::{LastLayer, softplus};
use crate::params::{Init, Scope};
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points};
use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

/// The map z = x + û tanh(w·x + b).
///
/// log|det J| = ln(1 + (w·û)(1 − tanh²)), by the matrix determinant lemma. With û = u + (m(w·u) − w·u) w/|w|² and
/// m(a) = ln(1 + (e − 1) eᵃ) − 1 > −1 it is invertible whatever u and w; m(0) = 0. The inverse finds
/// α = w·x from w·z = α + (w·û) tanh(α + b), one number a row, by Newton's method in a bracket, with gradients by
/// the implicit function theorem; a row that is not finite becomes NaN and disturbs no other. It starts at u = 0,
/// the identity.
///
/// Parameters: `direction` w, `step` u, both `[1, d]`, and `offset` b `[1, 1]`.
///
/// Rezende and Mohamed 2015, *Variational Inference with Normalizing Flows*, eq. 10–12 and A.1.
#[derive(Debug)]
pub struct Planar {
    features: usize,
    direction: Tensor,
    step: Tensor,
    offset: Tensor,
}

impl Planar {
    /// A map of `features` features.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize, last: LastLayer) -> Result<Self> {
        let init = match last {
            LastLayer::Zero => Init::Constant(0.0),
            LastLayer::Scaled => Init::Normal(0.5),
        };
        Ok(Self {
            features,
            direction: scope.trainable("direction", (1, features), Init::Normal(1.0))?,
            step: scope.trainable("step", (1, features), init.clone())?,
            offset: scope.trainable("offset", (1, 1), init)?,
        })
    }

    /// û `[1, d]` and w·û `[1, 1]`.
    fn invertible_step(&self) -> Result<(Tensor, Tensor)> {
        let w = &self.direction;
        let along = (w * &self.step)?.sum_keepdim(1)?;
        let bounded = softplus(&along.affine(1.0, 1f64.exp_m1().ln())?)?.affine(1.0, -1.0)?;
        let share = ((&bounded - along)? / w.sqr()?.sum_keepdim(1)?.maximum(1e-12)?)?;
        Ok(((&self.step + w.broadcast_mul(&share)?)?, bounded))
    }

    /// w·x, `[n, 1]`.
    fn along(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.matmul(&self.direction.t()?.contiguous()?)?)
    }

    /// 1 + (w·û)(1 − tanh²) of tanh(α + b), `[n, 1]`.
    fn slope(tanh: &Tensor, along: &Tensor) -> Result<Tensor> {
        Ok(tanh.sqr()?.affine(-1.0, 1.0)?.broadcast_mul(along)?.affine(1.0, 1.0)?)
    }
}

/// Settings of a [`Planar`].
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanarConfig {}

impl Kind for PlanarConfig {
    const NAME: &'static str = "planar";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl LayerKind for PlanarConfig {
    fn build(
        &self,
        scope: Scope,
        sizes: (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn Transform>> {
        Ok(Box::new(Planar::new(scope, sizes.0, last)?))
    }

    fn has_free_scale(&self) -> bool {
        true
    }
}

impl Transform for Planar {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Planar::forward", x, self.features)?;
        let (step, along) = self.invertible_step()?;
        let x = x.contiguous()?;
        let tanh = self.along(&x)?.broadcast_add(&self.offset)?.tanh()?;
        let points = (&x + tanh.matmul(&step)?)?;
        Ok(Mapped { points, log_det: Self::slope(&tanh, &along)?.log()?.squeeze(1)? })
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Planar::inverse", z, self.features)?;
        let (step, along) = self.invertible_step()?;
        let spoilt = z.detach().affine(0.0, 0.0)?.sum_keepdim(1)?;
        let usable = spoilt.eq(0.0)?.to_dtype(DType::U8)?.broadcast_as(z.shape())?;
        let z = usable.where_cond(z, &z.zeros_like()?)?.contiguous()?;
        let target = self.along(&z)?;
        let bound = along.detach().abs()?.affine(1.0, 1.0)?;
        let tanh_at = |share: &Tensor| -> Result<(Tensor, Tensor)> {
            let alpha = (&target - share.broadcast_mul(&bound)?)?;
            let tanh = alpha.broadcast_add(&self.offset)?.tanh()?;
            Ok((alpha, tanh))
        };
        let equation = |share: &Dual| {
            let (alpha, tanh) = tanh_at(&share.value)?;
            let image = ((alpha + tanh.broadcast_mul(&along)?)? - &target)?;
            let slope = Self::slope(&tanh, &along)?.broadcast_mul(&bound)?.neg()?;
            Dual::new(image, (slope * &share.tangent)?)
        };
        let share = scalar_root(equation, &target, ScalarRoot::within([-1.0, 1.0]))?;
        let (_, tanh) = tanh_at(&share)?;
        let points = (z - tanh.matmul(&step)?)?.broadcast_add(&spoilt)?;
        let log_det = (Self::slope(&tanh, &along)?.log()?.neg()? + spoilt)?;
        Ok(Mapped { points, log_det: log_det.squeeze(1)? })
    }

    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
