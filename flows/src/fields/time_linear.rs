//! Dense layers that may depend on time.

use super::activate::sigmoid;
use crate::error::Result;
use crate::params::{Init, Scope};
use candle_core::Tensor;

/// y = x W(t) + b(t), with W `[inputs, outputs]` and b `[1, outputs]`.
#[derive(Debug)]
pub(super) struct TimeLinear {
    weight: Tensor,
    bias: Tensor,
    squash: Option<Squash>,
}

/// The gate σ(w_g t + b_g) and the drift w_t t of a concat-squash layer, each `[1, outputs]`.
#[derive(Debug)]
struct Squash {
    gate_weight: Tensor,
    gate_bias: Tensor,
    drift: Tensor,
}

/// A layer at one time.
pub(super) struct AtTime {
    /// `[inputs, outputs]`.
    pub(super) weight: Tensor,
    /// `[1, outputs]`.
    pub(super) bias: Tensor,
}

impl TimeLinear {
    /// Weights uniform in ±1/√inputs, or such that the layer gives 0; gates uniform in ±1.
    pub(super) fn new(
        mut scope: Scope,
        (inputs, outputs): (usize, usize),
        squash: bool,
        zero: bool,
    ) -> Result<Self> {
        let uniform = |bound: f64| if zero { Init::Constant(0.0) } else { Init::Uniform(bound) };
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        let weight = scope.trainable("weight", (inputs, outputs), uniform(bound))?;
        let bias = scope.trainable("bias", (1, outputs), uniform(bound))?;
        let mut squash_of = || -> Result<Squash> {
            let row = (1, outputs);
            Ok(Squash {
                gate_weight: scope.trainable("gate_weight", row, Init::Uniform(1.0))?,
                gate_bias: scope.trainable("gate_bias", row, Init::Uniform(1.0))?,
                drift: scope.trainable("drift", row, uniform(1.0))?,
            })
        };
        let squash = if squash { Some(squash_of()?) } else { None };
        Ok(Self { weight, bias, squash })
    }

    /// W(t) and b(t): (x W + b) ∘ g + w_t t = x (W ∘ g) + (b ∘ g + w_t t).
    pub(super) fn at(&self, t: f64) -> Result<AtTime> {
        let Some(squash) = &self.squash else {
            return Ok(AtTime { weight: self.weight.clone(), bias: self.bias.clone() });
        };
        let gate = sigmoid(&(squash.gate_weight.affine(t, 0.0)? + &squash.gate_bias)?)?;
        let weight = self.weight.broadcast_mul(&gate)?;
        let bias = ((&self.bias * &gate)? + squash.drift.affine(t, 0.0)?)?;
        Ok(AtTime { weight, bias })
    }

    /// x `[n, inputs]` → `[n, outputs]`, with a time for each row `[n, 1]`.
    pub(super) fn value_at(&self, times: &Tensor, x: &Tensor) -> Result<Tensor> {
        let dense = AtTime { weight: self.weight.clone(), bias: self.bias.clone() };
        let value = dense.value(x)?;
        let Some(squash) = &self.squash else {
            return Ok(value);
        };
        let times = times.contiguous()?;
        Ok(((value * squash.gates(&times)?)? + times.matmul(&squash.drift)?)?)
    }

    /// Tangents `[k, n, w]` of the first w inputs, with a time for each row → `[k, n, outputs]`.
    pub(super) fn tangent_at(&self, times: &Tensor, u: &Tensor) -> Result<Tensor> {
        let dense = AtTime { weight: self.weight.clone(), bias: self.bias.clone() };
        let tangent = dense.tangent(u)?;
        match &self.squash {
            None => Ok(tangent),
            Some(squash) => {
                Ok(tangent.broadcast_mul(&squash.gates(&times.contiguous()?)?.unsqueeze(0)?)?)
            }
        }
    }
}

impl Squash {
    /// The gates at times `[n, 1]`: `[n, outputs]`.
    fn gates(&self, times: &Tensor) -> Result<Tensor> {
        let ones = times.ones_like()?;
        sigmoid(&(times.matmul(&self.gate_weight)? + ones.matmul(&self.gate_bias)?)?)
    }
}

impl AtTime {
    /// x `[n, inputs]` → `[n, outputs]`.
    pub(super) fn value(&self, x: &Tensor) -> Result<Tensor> {
        // The bias as a product: the gradient of a broadcast sum costs 3 ns an entry in candle.
        let ones = Tensor::ones((x.dim(0)?, 1), x.dtype(), x.device())?;
        Ok((x.contiguous()?.matmul(&self.weight)? + ones.matmul(&self.bias)?)?)
    }

    /// Tangents `[k, m, w]` of the first w inputs → `[k, m, outputs]`.
    pub(super) fn tangent(&self, u: &Tensor) -> Result<Tensor> {
        let (k, m, w) = u.dims3()?;
        let weight = self.weight.narrow(0, 0, w)?;
        let product = u.contiguous()?.reshape((k * m, w))?.matmul(&weight)?;
        Ok(product.reshape((k, m, self.bias.dim(1)?))?)
    }
}
