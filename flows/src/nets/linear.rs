//! Dense layers, optionally masked.

use crate::calculus::Dual;
use crate::error::Result;
use crate::params::{Buffer, Init, Scope, Weight};
use candle_core::Tensor;

/// y = x (W ∘ M) + b, with W `[inputs, outputs]` and an optional mask M.
#[derive(Debug)]
pub struct Linear {
    weight: Tensor,
    bias: Weight,
    mask: Option<Buffer>,
}

/// How the last layer of a conditioner starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastLayer {
    /// At zero, so that the map it feeds starts at the identity.
    Zero,
    /// Like every other layer.
    Scaled,
}

impl LastLayer {
    /// A layer of that start, optionally masked.
    pub(crate) fn build(
        self,
        scope: Scope,
        inputs: usize,
        outputs: usize,
        mask: Option<&Tensor>,
    ) -> Result<Linear> {
        match self {
            Self::Zero => Linear::with_init(scope, inputs, outputs, 0.0, mask),
            Self::Scaled => Linear::new(scope, inputs, outputs, mask),
        }
    }
}

impl Linear {
    /// A layer with weights uniform in ±1/√inputs and a bias drawn likewise.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn new(scope: Scope, inputs: usize, outputs: usize, mask: Option<&Tensor>) -> Result<Self> {
        Self::with_init(scope, inputs, outputs, 1.0 / (inputs.max(1) as f64).sqrt(), mask)
    }

    fn with_init(
        mut scope: Scope,
        inputs: usize,
        outputs: usize,
        bound: f64,
        mask: Option<&Tensor>,
    ) -> Result<Self> {
        let init = || if bound > 0.0 { Init::Uniform(bound) } else { Init::Constant(0.0) };
        Ok(Self {
            weight: scope.trainable("weight", (inputs, outputs), init())?,
            bias: scope.variable("bias", (1, outputs), init())?,
            mask: mask.map(|mask| scope.buffer("mask", mask)).transpose()?,
        })
    }

    /// Sets b, `[outputs]`.
    ///
    /// # Errors
    /// When the number of values differs.
    pub fn set_bias(&self, values: &[f64]) -> Result<()> {
        self.bias.write(values)
    }

    /// x `[n, inputs]` → `[n, outputs]`.
    ///
    /// # Errors
    /// When the width of x differs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        // The bias as a product: the gradient of a broadcast sum costs 3 ns an entry in candle.
        let ones = Tensor::ones((x.dim(0)?, 1), x.dtype(), x.device())?;
        let bias = ones.matmul(&self.bias)?;
        if self.weight.dim(0)? == 0 {
            return Ok(bias);
        }
        Ok((x.contiguous()?.matmul(&self.masked_weight()?)? + bias)?)
    }

    /// The layer's image of x, with tangent u W for the tangent u of x.
    ///
    /// # Errors
    /// When the width of x differs.
    pub fn forward_and_jvp(&self, x: &Dual) -> Result<Dual> {
        let value = self.forward(&x.value)?;
        if self.inputs() == 0 {
            return Dual::constant(&value);
        }
        Dual::new(value, x.tangent.contiguous()?.matmul(&self.masked_weight()?)?)
    }

    /// Number of input features.
    pub(crate) fn inputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// Number of output features.
    pub(crate) fn outputs(&self) -> usize {
        self.weight.dims()[1]
    }

    fn masked_weight(&self) -> Result<Tensor> {
        match &self.mask {
            Some(mask) => Ok((&self.weight * mask.tensor())?),
            None => Ok(self.weight.clone()),
        }
    }
}
