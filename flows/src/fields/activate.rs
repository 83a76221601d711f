//! Activations together with their derivatives, in operations that pass gradients.

use crate::error::Result;
use crate::nets::Activation;
use candle_core::Tensor;

/// a(x) and a′(x) of each entry.
pub(super) fn with_slope(activation: Activation, x: &Tensor) -> Result<(Tensor, Tensor)> {
    Ok(match activation {
        Activation::Relu => (x.relu()?, x.gt(0.0)?.to_dtype(x.dtype())?),
        Activation::Silu => {
            let sigmoid = sigmoid(x)?;
            let value = (x * &sigmoid)?;
            // σ + x σ (1 − σ)
            let slope = (&sigmoid + (&value * sigmoid.affine(-1.0, 1.0)?)?)?;
            (value, slope)
        }
        Activation::Tanh => {
            let value = x.tanh()?;
            let slope = value.sqr()?.affine(-1.0, 1.0)?;
            (value, slope)
        }
    })
}

/// a(x), a′(x) and a″(x) of each entry.
pub(super) fn with_curvature(activation: Activation, x: &Tensor) -> Result<[Tensor; 3]> {
    if activation == Activation::Silu {
        let sigmoid = sigmoid(x)?;
        let rest = sigmoid.affine(-1.0, 1.0)?;
        let (value, both) = ((x * &sigmoid)?, (&sigmoid * &rest)?);
        // σ + x σ (1 − σ) and σ (1 − σ) (2 + x (1 − 2 σ))
        let turn = (x * (rest - &sigmoid)?)?.affine(1.0, 2.0)?;
        let slope = (sigmoid + (x * &both)?)?;
        return Ok([value, slope, (both * turn)?]);
    }
    let (value, slope) = with_slope(activation, x)?;
    let curvature = match activation {
        Activation::Tanh => (&value * &slope)?.affine(-2.0, 0.0)?,
        _ => slope.zeros_like()?,
    };
    Ok([value, slope, curvature])
}

/// 1 / (1 + e⁻ˣ), as a tanh, which neither overflows nor gives NaN gradients.
pub(super) fn sigmoid(x: &Tensor) -> Result<Tensor> {
    Ok(x.affine(0.5, 0.0)?.tanh()?.affine(0.5, 0.5)?)
}
