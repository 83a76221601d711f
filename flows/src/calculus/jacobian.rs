//! Products with the Jacobian, the Jacobian itself, and its singular values.

use super::DifferentiableMap;
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::transform::check_points;
use candle_core::{Tensor, Var};
use nalgebra::DMatrix;

/// Which products a Jacobian is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Columns J eⱼ: d forward passes with a tangent.
    Forward,
    /// Rows eᵢᵀ J: one forward pass and m reverse passes.
    Reverse,
}

impl Mode {
    /// The mode with fewer passes: forward for d ≤ m.
    pub fn of_shape(inputs: usize, outputs: usize) -> Self {
        if inputs <= outputs { Self::Forward } else { Self::Reverse }
    }
}

/// Jacobians of all rows and what they cost.
#[derive(Debug, Clone)]
pub struct Jacobian {
    /// ∂fᵢ/∂xⱼ, `[n, m, d]`; differentiable again in forward mode only.
    pub matrix: Tensor,
    /// The mode used.
    pub mode: Mode,
    /// Forward passes, with or without a tangent.
    pub forward_passes: usize,
    /// Reverse passes.
    pub reverse_passes: usize,
}

/// f(x) and J(x) u, both `[n, m]`, for x and u `[n, d]`: one forward pass, differentiable again.
///
/// # Errors
/// [`Error::Shape`] when a shape does not fit.
pub fn jvp(map: &dyn DifferentiableMap, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
    check_points("jvp", x, map.inputs())?;
    if x.dims() != u.dims() {
        return Err(Error::shape("jvp: direction", format!("{:?}", x.dims()), u.dims()));
    }
    map.forward_and_jvp(x, u)
}

/// f(x) `[n, m]` and wᵀ J(x) `[n, d]`, for w `[n, m]`: one forward and one reverse pass.
///
/// The product is NOT differentiable again: candle detaches what its reverse pass returns.
///
/// # Errors
/// [`Error::Shape`] when a shape does not fit.
pub fn vjp(map: &dyn DifferentiableMap, x: &Tensor, w: &Tensor) -> Result<(Tensor, Tensor)> {
    check_points("vjp", x, map.inputs())?;
    let x = Var::from_tensor(&x.detach())?;
    let value = map.forward(&x)?;
    if value.dims() != w.dims() {
        return Err(Error::shape("vjp: covector", format!("{:?}", value.dims()), w.dims()));
    }
    let product = gradient_of(&(&value * w.detach())?, &x)?;
    Ok((value.detach(), product))
}

/// ∂ Σ`of` / ∂x by one reverse pass; zero where nothing depends on x.
pub(super) fn gradient_of(of: &Tensor, x: &Var) -> Result<Tensor> {
    let mut gradients = of.sum_all()?.backward()?;
    match gradients.remove(x) {
        Some(gradient) => Ok(gradient.detach()),
        None => Ok(x.zeros_like()?),
    }
}

/// The unit direction eⱼ at every row, shaped as x.
pub(crate) fn direction(x: &Tensor, feature: usize) -> Result<Tensor> {
    let d = x.dim(1)?;
    let unit: Vec<f32> = (0..d).map(|j| f32::from(u8::from(j == feature))).collect();
    let unit = Tensor::from_vec(unit, (1, d), x.device())?.to_dtype(x.dtype())?;
    Ok(unit.broadcast_as(x.shape())?.contiguous()?)
}

/// The Jacobian of each row in the cheaper mode.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::calculus::{Dual, FromDual, Mode, jacobian};
/// let f = FromDual::new(2, 1, |p: &Dual| p.sqr()?.sum());
/// let jacobian = jacobian(&f, &Tensor::new(&[[1f64, 2.0]], &Device::Cpu)?)?;
/// assert_eq!(jacobian.matrix.to_vec3::<f64>()?, [[[2.0, 4.0]]]);
/// assert_eq!((jacobian.mode, jacobian.reverse_passes), (Mode::Reverse, 1));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] when the width of x differs.
pub fn jacobian(map: &dyn DifferentiableMap, x: &Tensor) -> Result<Jacobian> {
    jacobian_by(Mode::of_shape(map.inputs(), map.outputs()), map, x)
}

/// The Jacobian of each row in a mode of choice.
///
/// # Errors
/// [`Error::Shape`] when the width of x differs.
pub fn jacobian_by(mode: Mode, map: &dyn DifferentiableMap, x: &Tensor) -> Result<Jacobian> {
    check_points("jacobian", x, map.inputs())?;
    match mode {
        Mode::Forward => {
            let column = |j| Ok(map.forward_and_jvp(x, &direction(x, j)?)?.1);
            let columns: Vec<Tensor> = (0..map.inputs()).map(column).collect::<Result<_>>()?;
            let matrix = Tensor::stack(&columns, 2)?;
            Ok(Jacobian { matrix, mode, forward_passes: columns.len(), reverse_passes: 0 })
        }
        Mode::Reverse => {
            let x = Var::from_tensor(&x.detach())?;
            let value = map.forward(&x)?;
            // Rows are independent, so the gradient of the sum over rows separates.
            let row = |i| gradient_of(&value.narrow(1, i, 1)?, &x);
            let rows: Vec<Tensor> = (0..map.outputs()).map(row).collect::<Result<_>>()?;
            let matrix = Tensor::stack(&rows, 1)?;
            Ok(Jacobian { matrix, mode, forward_passes: 1, reverse_passes: rows.len() })
        }
    }
}

/// The matrices of a tensor `[n, m, d]`, in f64.
pub(super) fn matrices(tensor: &Tensor) -> Result<Vec<DMatrix<f64>>> {
    let (_, m, d) = tensor.dims3()?;
    let entries = to_f64(&tensor.detach())?;
    Ok(entries.chunks(m * d).map(|a| DMatrix::from_row_slice(m, d, a)).collect())
}

/// The min(m, d) singular values of the Jacobian at each row, largest first.
///
/// # Errors
/// [`Error::Shape`] when the width of x differs, [`Error::Data`] where the Jacobian is not finite.
pub fn singular_values(map: &dyn DifferentiableMap, x: &Tensor) -> Result<Vec<Vec<f64>>> {
    let spectrum = |(row, matrix): (usize, DMatrix<f64>)| {
        if matrix.iter().any(|a| !a.is_finite()) {
            let problem = format!("the Jacobian of row {row} is not finite");
            return Err(Error::data("singular values", problem, "look at that row"));
        }
        let mut values: Vec<f64> = matrix.singular_values().iter().copied().collect();
        values.sort_by(|a, b| b.total_cmp(a));
        Ok(values)
    };
    matrices(&jacobian(map, x)?.matrix)?.into_iter().enumerate().map(spectrum).collect()
}

/// σ_max / σ_min of the Jacobian at each row; ∞ where σ_min is 0.
///
/// # Errors
/// As [`singular_values`].
pub fn condition_number(map: &dyn DifferentiableMap, x: &Tensor) -> Result<Vec<f64>> {
    let ratio = |values: Vec<f64>| match (values.first(), values.last()) {
        (Some(largest), Some(smallest)) if *smallest > 0.0 => largest / smallest,
        _ => f64::INFINITY,
    };
    Ok(singular_values(map, x)?.into_iter().map(ratio).collect())
}
