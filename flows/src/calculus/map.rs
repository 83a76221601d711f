//! Defines maps that know their derivative along a direction, and composes them.

use super::Dual;
use crate::error::{Error, Result};
use crate::transform::check_points;
use candle_core::Tensor;

/// A differentiable map of each row, ℝᵈ → ℝᵐ.
pub trait DifferentiableMap {
    /// Number of input features d.
    fn inputs(&self) -> usize;

    /// Number of output features m.
    fn outputs(&self) -> usize;

    /// x `[n, d]` → f(x) `[n, m]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the width of x differs.
    fn forward(&self, x: &Tensor) -> Result<Tensor>;

    /// x, u `[n, d]` → f(x) and J(x) u, both `[n, m]`, in ordinary operations.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape differs.
    fn forward_and_jvp(&self, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)>;
}

impl<F: DifferentiableMap + ?Sized> DifferentiableMap for &F {
    fn inputs(&self) -> usize {
        (**self).inputs()
    }

    fn outputs(&self) -> usize {
        (**self).outputs()
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        (**self).forward(x)
    }

    fn forward_and_jvp(&self, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
        (**self).forward_and_jvp(x, u)
    }
}

/// A map given by a function of [`Dual`]s; a plain evaluation costs as much as one with a tangent.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::calculus::{DifferentiableMap, Dual, FromDual};
/// // f(x, y) = xy
/// let f = FromDual::new(2, 1, |p: &Dual| p.narrow(0, 1)?.mul(&p.narrow(1, 1)?));
/// let x = Tensor::new(&[[3f64, 5.0]], &Device::Cpu)?;
/// let (value, slope) = f.forward_and_jvp(&x, &Tensor::new(&[[1f64, 0.0]], &Device::Cpu)?)?;
/// assert_eq!((value.to_vec2::<f64>()?, slope.to_vec2::<f64>()?), (vec![vec![15.0]], vec![vec![5.0]]));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub struct FromDual<F> {
    inputs: usize,
    outputs: usize,
    function: F,
}

impl<F: Fn(&Dual) -> Result<Dual>> FromDual<F> {
    /// The map x ↦ `function`(x), `[n, inputs]` → `[n, outputs]`.
    pub fn new(inputs: usize, outputs: usize, function: F) -> Self {
        Self { inputs, outputs, function }
    }
}

impl<F> std::fmt::Debug for FromDual<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FromDual({} → {})", self.inputs, self.outputs)
    }
}

impl<F: Fn(&Dual) -> Result<Dual>> DifferentiableMap for FromDual<F> {
    fn inputs(&self) -> usize {
        self.inputs
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.forward_and_jvp(x, &x.zeros_like()?)?.0)
    }

    fn forward_and_jvp(&self, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
        check_points("FromDual", x, self.inputs)?;
        let image = (self.function)(&Dual::new(x.clone(), u.clone())?)?;
        check_points("FromDual: what the function returns", &image.value, self.outputs)?;
        Ok((image.value, image.tangent))
    }
}

/// x ↦ f(g(x)); by the chain rule J = J_f(g(x)) J_g(x).
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::calculus::{Composed, Dual, FromDual, jacobian};
/// // sin(x²): slope 2x cos(x²), at 0 and at 2.
/// let square = FromDual::new(1, 1, Dual::sqr);
/// let map = Composed::new(FromDual::new(1, 1, Dual::sin), square)?;
/// let slopes = jacobian(&map, &Tensor::new(&[[0f64], [2.0]], &Device::Cpu)?)?.matrix;
/// assert!((slopes.to_vec3::<f64>()?[1][0][0] - 4.0 * 4f64.cos()).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Composed<F, G> {
    outer: F,
    inner: G,
}

impl<F: DifferentiableMap, G: DifferentiableMap> Composed<F, G> {
    /// The composition `outer` ∘ `inner`.
    ///
    /// # Errors
    /// [`Error::Config`] unless the outputs of the inner map are the inputs of the outer.
    pub fn new(outer: F, inner: G) -> Result<Self> {
        if outer.inputs() == inner.outputs() {
            return Ok(Self { outer, inner });
        }
        let problem = format!("{} outputs meet {} inputs", inner.outputs(), outer.inputs());
        Err(Error::config("composition", problem, "compose maps whose widths fit"))
    }
}

impl<F: DifferentiableMap, G: DifferentiableMap> DifferentiableMap for Composed<F, G> {
    fn inputs(&self) -> usize {
        self.inner.inputs()
    }

    fn outputs(&self) -> usize {
        self.outer.outputs()
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.outer.forward(&self.inner.forward(x)?)
    }

    fn forward_and_jvp(&self, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
        let (value, tangent) = self.inner.forward_and_jvp(x, u)?;
        self.outer.forward_and_jvp(&value, &tangent)
    }
}
