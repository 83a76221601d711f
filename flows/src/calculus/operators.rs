//! The differential operators of scalar functions and vector fields.
//!
//! First derivatives of fields are forward mode and differentiable again. Second derivatives are
//! reverse over forward: the directional derivative ∇f·u is made of ordinary operations, so its
//! gradient, (∇²f) u, is one ordinary reverse pass (Pearlmutter 1994, *Fast exact multiplication by
//! the Hessian*). Their results are not differentiable again.

use super::DifferentiableMap;
use super::jacobian::{direction, gradient_of};
use crate::error::{Error, Result};
use crate::transform::check_points;
use candle_core::{Tensor, Var};

fn check_scalar(what: &'static str, f: &dyn DifferentiableMap, x: &Tensor) -> Result<()> {
    check_points(what, x, f.inputs())?;
    if f.outputs() == 1 {
        return Ok(());
    }
    Err(Error::shape(what, "a map with 1 output", &[f.outputs()]))
}

pub(super) fn check_field(what: &'static str, v: &dyn DifferentiableMap, x: &Tensor) -> Result<()> {
    check_points(what, x, v.inputs())?;
    if v.outputs() == v.inputs() {
        return Ok(());
    }
    Err(Error::shape(what, format!("a field with {} outputs", v.inputs()), &[v.outputs()]))
}

/// ∇f at each row, `[n, d]`, of f: ℝᵈ → ℝ: one forward and one reverse pass; not differentiable
/// again.
///
/// # Errors
/// [`Error::Shape`] unless f is scalar and x of its width.
pub fn gradient(f: &dyn DifferentiableMap, x: &Tensor) -> Result<Tensor> {
    check_scalar("gradient", f, x)?;
    let x = Var::from_tensor(&x.detach())?;
    gradient_of(&f.forward(&x)?, &x)
}

/// (∇²f) u at each row, `[n, d]`: the gradient of ∇f·u, one forward and one reverse pass.
///
/// # Errors
/// [`Error::Shape`] unless f is scalar and x and u are of its width.
pub fn hessian_vector_product(f: &dyn DifferentiableMap, x: &Tensor, u: &Tensor) -> Result<Tensor> {
    check_scalar("hessian_vector_product", f, x)?;
    if x.dims() != u.dims() {
        return Err(Error::shape("hessian_vector_product", format!("{:?}", x.dims()), u.dims()));
    }
    let x = Var::from_tensor(&x.detach())?;
    gradient_of(&f.forward_and_jvp(&x, &u.detach())?.1, &x)
}

/// ∇²f at each row, `[n, d, d]`: d products.
///
/// # Errors
/// As [`gradient`].
pub fn hessian(f: &dyn DifferentiableMap, x: &Tensor) -> Result<Tensor> {
    check_scalar("hessian", f, x)?;
    let column = |j| hessian_vector_product(f, x, &direction(x, j)?);
    let columns: Vec<Tensor> = (0..f.inputs()).map(column).collect::<Result<_>>()?;
    Ok(Tensor::stack(&columns, 2)?)
}

/// Δf = Σᵢ ∂²f/∂xᵢ² at each row, `[n]`: the trace of the Hessian, d products.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::calculus::{Dual, FromDual, laplacian};
/// let f = FromDual::new(3, 1, |p: &Dual| p.sqr()?.sum());
/// let x = Tensor::new(&[[1f64, -2.0, 0.5]], &Device::Cpu)?;
/// assert_eq!(laplacian(&f, &x)?.to_vec1::<f64>()?, [6.0]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// As [`gradient`].
pub fn laplacian(f: &dyn DifferentiableMap, x: &Tensor) -> Result<Tensor> {
    check_scalar("laplacian", f, x)?;
    sum_over_features(x, |j| Ok(hessian_vector_product(f, x, &direction(x, j)?)?.narrow(1, j, 1)?))
}

/// ∇·v = Σᵢ ∂vᵢ/∂xᵢ at each row, `[n]`: d tangents, differentiable in parameters and points.
///
/// # Errors
/// [`Error::Shape`] unless v has as many outputs as inputs.
pub fn divergence(v: &dyn DifferentiableMap, x: &Tensor) -> Result<Tensor> {
    check_field("divergence", v, x)?;
    sum_over_features(x, |j| Ok(v.forward_and_jvp(x, &direction(x, j)?)?.1.narrow(1, j, 1)?))
}

/// Σⱼ of columns `[n, 1]`, `[n]`.
fn sum_over_features(x: &Tensor, column: impl Fn(usize) -> Result<Tensor>) -> Result<Tensor> {
    let columns: Vec<Tensor> = (0..x.dim(1)?).map(column).collect::<Result<_>>()?;
    Ok(Tensor::cat(&columns, 1)?.sum(1)?)
}

/// ∇×v at each row: ∂₁v₂ − ∂₂v₁ as `[n, 1]` in the plane, the vector `[n, 3]` in space;
/// differentiable again.
///
/// # Errors
/// [`Error::Shape`] unless v is a field in 2 or 3 dimensions.
pub fn curl(v: &dyn DifferentiableMap, x: &Tensor) -> Result<Tensor> {
    check_field("curl", v, x)?;
    let pairs: &[(usize, usize)] = match v.inputs() {
        2 => &[(0, 1)],
        3 => &[(1, 2), (2, 0), (0, 1)],
        d => return Err(Error::shape("curl", "a field in 2 or 3 dimensions", &[d])),
    };
    let columns: Vec<Tensor> = (0..v.inputs())
        .map(|j| Ok(v.forward_and_jvp(x, &direction(x, j)?)?.1))
        .collect::<Result<_>>()?;
    let component = |&(i, j): &(usize, usize)| -> Result<Tensor> {
        Ok((columns[i].narrow(1, j, 1)? - columns[j].narrow(1, i, 1)?)?)
    };
    let components: Vec<Tensor> = pairs.iter().map(component).collect::<Result<_>>()?;
    Ok(Tensor::cat(&components, 1)?)
}
