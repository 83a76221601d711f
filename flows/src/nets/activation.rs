//! Functions between the layers of a network.

use crate::calculus::Dual;
use crate::error::Result;
use candle_core::Tensor;
use serde::{Deserialize, Serialize};

/// A function applied to each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// max(x, 0)
    #[default]
    Relu,
    /// x / (1 + e⁻ˣ)
    Silu,
    /// tanh x
    Tanh,
}

impl Activation {
    /// Applies the function to each entry.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Relu => x.relu()?,
            Self::Silu => x.silu()?,
            Self::Tanh => x.tanh()?,
        })
    }

    /// The function of x, and its derivative times the tangent, entry by entry.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn forward_and_jvp(self, x: &Dual) -> Result<Dual> {
        match self {
            Self::Relu => x.relu(),
            Self::Silu => x.silu(),
            Self::Tanh => x.tanh(),
        }
    }
}

/// ln(1 + eˣ) of each entry, without overflow for large |x|.
///
/// # Errors
/// When a tensor operation fails.
pub fn softplus(x: &Tensor) -> Result<Tensor> {
    Ok((x.relu()? + x.abs()?.neg()?.exp()?.affine(1.0, 1.0)?.log()?)?)
}
