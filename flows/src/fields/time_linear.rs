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

/// A layer at one time, or at a time for each row.
pub(super) struct AtTime {
    /// `[inputs, outputs]`.
    weight: Tensor,
    /// `[1, outputs]`.
    bias: Tensor,
    /// Where rows differ.
    rows: Option<Rows>,
}

/// What a time for each row makes of outputs y: y ∘ `gates` + `drifts`, both `[n, outputs]`.
struct Rows {
    gates: Tensor,
    drifts: Tensor,
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
            let (weight, bias) = (self.weight.clone(), self.bias.clone());
            return Ok(AtTime { weight, bias, rows: None });
        };
        let gate = sigmoid(&(squash.gate_weight.affine(t, 0.0)? + &squash.gate_bias)?)?;
        let weight = self.weight.broadcast_mul(&gate)?;
        let bias = ((&self.bias * &gate)? + squash.drift.affine(t, 0.0)?)?;
        Ok(AtTime { weight, bias, rows: None })
    }

    /// The layer at a time for each row, `[n, 1]`.
    pub(super) fn at_each(&self, times: &Tensor) -> Result<AtTime> {
        let rows = match &self.squash {
            None => None,
            Some(squash) => Some(squash.at_each(&times.contiguous()?)?),
        };
        Ok(AtTime { weight: self.weight.clone(), bias: self.bias.clone(), rows })
    }
}

impl Squash {
    /// Gates and drifts at times `[n, 1]`: `[n, outputs]`.
    fn at_each(&self, times: &Tensor) -> Result<Rows> {
        let ones = times.ones_like()?;
        let logits = (times.matmul(&self.gate_weight)? + ones.matmul(&self.gate_bias)?)?;
        Ok(Rows { gates: sigmoid(&logits)?, drifts: times.matmul(&self.drift)? })
    }
}

impl AtTime {
    pub(super) fn inputs(&self) -> Result<usize> {
        Ok(self.weight.dim(0)?)
    }

    /// x `[n, inputs]` → `[n, outputs]`.
    pub(super) fn value(&self, x: &Tensor) -> Result<Tensor> {
        // The bias as a product: the gradient of a broadcast sum costs 3 ns an entry in candle.
        let ones = Tensor::ones((x.dim(0)?, 1), x.dtype(), x.device())?;
        let value = (x.contiguous()?.matmul(&self.weight)? + ones.matmul(&self.bias)?)?;
        match &self.rows {
            None => Ok(value),
            Some(rows) => Ok(((value * &rows.gates)? + &rows.drifts)?),
        }
    }

    /// Tangents `[k, m, w]` of the first w inputs → `[k, m, outputs]`; with a time for each row,
    /// `[k, n, outputs]`.
    pub(super) fn tangent(&self, u: &Tensor) -> Result<Tensor> {
        let w = u.dim(2)?;
        let tangent = product(u, &self.weight.narrow(0, 0, w)?)?;
        self.gated(&tangent)
    }

    /// Gradients of the outputs, `[k, n, outputs]`, → of the first w inputs, `[k, n, w]`.
    pub(super) fn pull_back(&self, gradient: &Tensor, w: usize) -> Result<Tensor> {
        product(&self.gated(gradient)?, &self.weight.narrow(0, 0, w)?.t()?)
    }

    fn gated(&self, sets: &Tensor) -> Result<Tensor> {
        match &self.rows {
            None => Ok(sets.clone()),
            Some(rows) => Ok(sets.broadcast_mul(&rows.gates.unsqueeze(0)?)?),
        }
    }
}

/// Sets of rows `[k, m, i]` times one matrix `[i, o]`.
pub(super) fn product(sets: &Tensor, matrix: &Tensor) -> Result<Tensor> {
    let (k, m, i) = sets.dims3()?;
    let product = sets.contiguous()?.reshape((k * m, i))?.matmul(matrix)?;
    Ok(product.reshape((k, m, matrix.dim(1)?))?)
}
