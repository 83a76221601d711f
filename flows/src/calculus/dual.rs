//! Values with their tangents, through the operations a network needs.

use crate::error::{Error, Result};
use crate::nets::softplus;
use candle_core::Tensor;

/// A value and its derivative along one direction, both `[n, d]`: f(x) and J(x) u.
///
/// Every operation is made of differentiable tensor operations, so a reverse pass through the
/// tangent gives second derivatives. Binary operations broadcast a width of 1.
///
/// Wengert 1964, *A simple automatic derivative evaluation program*.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::calculus::Dual;
/// let x = Tensor::new(&[[3f64]], &Device::Cpu)?;
/// let square = Dual::new(x.clone(), x.ones_like()?)?.sqr()?;
/// assert_eq!(square.tangent.to_vec2::<f64>()?, [[6.0]]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Dual {
    /// The value.
    pub value: Tensor,
    /// Its derivative along the direction.
    pub tangent: Tensor,
}

impl Dual {
    /// A value with its tangent.
    ///
    /// # Errors
    /// [`Error::Shape`] when the shapes differ.
    pub fn new(value: Tensor, tangent: Tensor) -> Result<Self> {
        if value.dims() != tangent.dims() {
            return Err(Error::shape("Dual", format!("{:?}", value.dims()), tangent.dims()));
        }
        Ok(Self { value, tangent })
    }

    /// A value that does not depend on the point: its tangent is 0.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn constant(value: &Tensor) -> Result<Self> {
        Ok(Self { value: value.clone(), tangent: value.zeros_like()? })
    }
}

/// f(a) with tangent f′(a) ȧ.
fn chain(a: &Dual, value: Tensor, derivative: &Tensor) -> Result<Dual> {
    Ok(Dual { value, tangent: (derivative * &a.tangent)? })
}

/// Linear maps, applied to value and tangent alike.
macro_rules! linear {
    ($($(#[$doc:meta])* $name:ident($a:ident $(, $arg:ident: $kind:ty)*) $body:expr;)*) => {
        impl Dual {
            $($(#[$doc])*
            ///
            /// # Errors
            /// When a tensor operation fails.
            pub fn $name(&self $(, $arg: $kind)*) -> Result<Self> {
                let map = |$a: &Tensor| -> Result<Tensor> { Ok($body) };
                Ok(Self { value: map(&self.value)?, tangent: map(&self.tangent)? })
            })*
        }
    };
}

linear! {
    /// −a
    neg(a) a.neg()?;
    /// factor · a
    scale(a, factor: f64) a.affine(factor, 0.0)?;
    /// a W with W `[d, k]`: of no tangent, but it may be a variable.
    matmul(a, weight: &Tensor) a.contiguous()?.matmul(weight)?;
    /// Σ over features, `[n, 1]`.
    sum(a) a.sum_keepdim(1)?;
    /// Features `start .. start + len`.
    narrow(a, start: usize, len: usize) a.narrow(1, start, len)?;
}

/// Functions of each entry: value from a, derivative from a and the value.
macro_rules! elementwise {
    ($($(#[$doc:meta])* $name:ident($a:ident) $value:expr, $y:ident => $derivative:expr;)*) => {
        impl Dual {
            $($(#[$doc])*
            ///
            /// # Errors
            /// When a tensor operation fails.
            pub fn $name(&self) -> Result<Self> {
                let $a = &self.value;
                let value = $value;
                let $y = &value;
                let derivative = $derivative;
                chain(self, value, &derivative)
            })*
        }
    };
}

elementwise! {
    /// eᵃ
    exp(a) a.exp()?, y => y.clone();
    /// ln a; derivative 1/a.
    ln(a) a.log()?, _y => a.recip()?;
    /// tanh a; derivative 1 − tanh² a.
    tanh(a) a.tanh()?, y => y.sqr()?.affine(-1.0, 1.0)?;
    /// σ(a) = 1 / (1 + e⁻ᵃ); derivative σ (1 − σ).
    sigmoid(a) candle_nn::ops::sigmoid(a)?, y => (y * y.affine(-1.0, 1.0)?)?;
    /// a σ(a); derivative σ + a σ (1 − σ).
    silu(a) a.silu()?, y => {
        let s = candle_nn::ops::sigmoid(a)?;
        (&s + (y * s.affine(-1.0, 1.0)?)?)?
    };
    /// ln(1 + eᵃ); derivative σ(a).
    softplus(a) softplus(a)?, _y => candle_nn::ops::sigmoid(a)?;
    /// max(a, 0); derivative 1 from 0 on, as candle's own.
    relu(a) a.relu()?, _y => a.ge(0.0)?.to_dtype(a.dtype())?;
    /// √a; derivative 1 / (2 √a), infinite at 0.
    sqrt(a) a.sqrt()?, y => y.recip()?.affine(0.5, 0.0)?;
    /// a²
    sqr(a) a.sqr()?, _y => a.affine(2.0, 0.0)?;
    /// sin a
    sin(a) a.sin()?, _y => a.cos()?;
    /// cos a
    cos(a) a.cos()?, _y => a.sin()?.neg()?;
    /// 1 / a; derivative −1 / a².
    recip(a) a.recip()?, y => y.sqr()?.neg()?;
}

impl Dual {
    /// a + b
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn add(&self, other: &Self) -> Result<Self> {
        let value = self.value.broadcast_add(&other.value)?;
        Ok(Self { value, tangent: self.tangent.broadcast_add(&other.tangent)? })
    }

    /// a − b
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.add(&other.neg()?)
    }

    /// a b, entry by entry, with tangent ȧ b + a ḃ.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn mul(&self, other: &Self) -> Result<Self> {
        let left = self.tangent.broadcast_mul(&other.value)?;
        let right = self.value.broadcast_mul(&other.tangent)?;
        Ok(Self { value: self.value.broadcast_mul(&other.value)?, tangent: (left + right)? })
    }

    /// a / b, entry by entry.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn div(&self, other: &Self) -> Result<Self> {
        self.mul(&other.recip()?)
    }

    /// a + c with a tensor c of no tangent, broadcast: a bias.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn shift(&self, constant: &Tensor) -> Result<Self> {
        Self::new(self.value.broadcast_add(constant)?, self.tangent.clone())
    }

    /// The features of all parts, side by side.
    ///
    /// # Errors
    /// When the numbers of rows differ or there is no part.
    pub fn cat(parts: &[Self]) -> Result<Self> {
        let join = |of: fn(&Self) -> &Tensor| -> Result<Tensor> {
            Ok(Tensor::cat(&parts.iter().map(of).collect::<Vec<_>>(), 1)?)
        };
        Ok(Self { value: join(|p| &p.value)?, tangent: join(|p| &p.tangent)? })
    }
}
