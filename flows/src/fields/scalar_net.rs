//! A scalar network and its gradient, in operations that pass gradients.

use super::activate::{with_curvature, with_slope};
use super::time_linear::{AtTime, product};
use crate::error::Result;
use crate::nets::Activation;
use candle_core::Tensor;

/// Φ = wᵀ a(h_L) with h₁ = W₁ (x, c, time) + b₁ and hᵢ₊₁ = Wᵢ₊₁ a(hᵢ) + bᵢ₊₁.
pub(super) struct ScalarNet<'a> {
    pub(super) layers: Vec<AtTime>,
    /// w, `[w, 1]`.
    pub(super) readout: &'a Tensor,
    pub(super) features: usize,
    pub(super) activation: Activation,
}

impl ScalarNet<'_> {
    /// Φ `[n]` of inputs `[n, i]`.
    pub(super) fn value(&self, inputs: &Tensor) -> Result<Tensor> {
        let mut below = inputs.clone();
        for layer in &self.layers {
            below = self.activation.apply(&layer.value(&below)?)?;
        }
        Ok(below.matmul(self.readout)?.squeeze(1)?)
    }

    /// ∇Φ `[n, d]`, from the slopes of the way up.
    pub(super) fn gradient(&self, inputs: &Tensor) -> Result<Tensor> {
        let mut slopes = Vec::with_capacity(self.layers.len());
        let mut below = inputs.clone();
        for layer in &self.layers {
            let (value, slope) = with_slope(self.activation, &layer.value(&below)?)?;
            slopes.push(slope.unsqueeze(0)?);
            below = value;
        }
        let mut gradient = self.top(inputs.dim(0)?)?;
        for (i, slope) in slopes.into_iter().enumerate().rev() {
            gradient = self.pull_back(i, &(gradient * slope)?)?;
        }
        Ok(gradient.squeeze(0)?)
    }

    /// ∇Φ `[n, d]` and ∇²Φ u for k tangents: u `[k, n, d]`, or `[k, 1, d]` where all rows share
    /// them, → `[k, n, d]`.
    pub(super) fn gradient_along(&self, inputs: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
        let mut kept = Vec::with_capacity(self.layers.len());
        let (mut below, mut tangent) = (inputs.clone(), u.clone());
        for layer in &self.layers {
            let [value, slope, curvature] = with_curvature(self.activation, &layer.value(&below)?)?;
            let (slope, curvature) = (slope.unsqueeze(0)?, curvature.unsqueeze(0)?);
            let along = layer.tangent(&tangent)?;
            tangent = along.broadcast_mul(&slope)?;
            // How much the slope turns along u.
            kept.push((slope, along.broadcast_mul(&curvature)?));
            below = value;
        }
        let mut gradient = self.top(inputs.dim(0)?)?;
        let mut turned = tangent.zeros_like()?;
        for (i, (slope, bend)) in kept.into_iter().enumerate().rev() {
            let own = (bend.broadcast_mul(&gradient)? + turned.broadcast_mul(&slope)?)?;
            turned = self.pull_back(i, &own)?;
            gradient = self.pull_back(i, &(gradient * slope)?)?;
        }
        Ok((gradient.squeeze(0)?, turned))
    }

    /// The gradient of the last activations, w in each of n rows: `[1, n, w]`.
    fn top(&self, n: usize) -> Result<Tensor> {
        let ones = Tensor::ones((1, n, 1), self.readout.dtype(), self.readout.device())?;
        product(&ones, &self.readout.t()?)
    }

    /// Gradients of the outputs of layer i become those of its inputs: of the first, of the points.
    fn pull_back(&self, i: usize, gradient: &Tensor) -> Result<Tensor> {
        let layer = &self.layers[i];
        layer.pull_back(gradient, if i == 0 { self.features } else { layer.inputs()? })
    }
}
