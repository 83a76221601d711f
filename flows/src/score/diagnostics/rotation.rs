//! How far a field is from being a gradient.

use super::rows::{paired, ratio};
use crate::error::{Error, Result};
use crate::metrics::Estimate;
use crate::params::to_f64;
use candle_core::{Device, Tensor};

/// E ‖(J − Jᵀ)/2‖² / E ‖J‖², in Frobenius norms, from Jacobians ∂sᵢ/∂xⱼ row-major `[n, d, d]`.
///
/// The part of the squared Jacobian that is antisymmetric: E ‖J − Jᵀ‖² / (4 E ‖J‖²), as ‖J‖² is the
/// sum of its symmetric and antisymmetric parts. 0 for a gradient, whose Jacobian is a Hessian; 1 for
/// a pure rotation, ½ for one as strong as the gradient it is added to. In the plane ‖J − Jᵀ‖² is
/// twice the squared [curl](crate::calculus::curl). A true score is a gradient; a network that gives
/// one number a coordinate need not be (Salimans and Ho 2021, *Should EBMs model the energy or the
/// score?*).
///
/// # Example
/// ```
/// use diffeo_flows::score::diagnostics::antisymmetric_share;
/// // −x, turned by 10 degrees: sin² 10°.
/// let (sin, cos) = 10f64.to_radians().sin_cos();
/// let share = antisymmetric_share(&[-cos, sin, -sin, -cos], 2)?;
/// assert!((share.mean - sin * sin).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] unless the entries are finite and those of whole matrices.
pub fn antisymmetric_share(jacobians: &[f64], features: usize) -> Result<Estimate> {
    let d = features;
    paired("antisymmetric share", d * d, jacobians, jacobians, 1)?;
    let odd = |j: &[f64]| -> f64 {
        let pairs = (0..d).flat_map(|i| (0..i).map(move |k| (i, k)));
        pairs.map(|(i, k)| 0.5 * (j[i * d + k] - j[k * d + i]).powi(2)).sum()
    };
    let odd: Vec<f64> = jacobians.chunks_exact(d * d).map(odd).collect();
    let all: Vec<f64> =
        jacobians.chunks_exact(d * d).map(|j| j.iter().map(|v| v * v).sum()).collect();
    Ok(ratio(&odd, &all))
}

/// The Jacobians of a field given as a closure, by central differences: points `[n, d]` →
/// row-major `[n, d, d]`, for [`antisymmetric_share`].
///
/// 2d evaluations; the error is h² times a third derivative and rounding over h, so in `f64` a step
/// of 1e-4 times the scale of x is near the best, in `f32` one of 1e-2. Fields that carry tangents
/// have exact ones: [`jacobian`](crate::calculus::jacobian).
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::score::diagnostics::difference_jacobians;
/// let x = Tensor::new(&[[1f64, 2.0]], &Device::Cpu)?;
/// let jacobian = difference_jacobians(|x| Ok(x.sqr()?), &x, 1e-4)?;
/// assert!((jacobian[0] - 2.0).abs() + (jacobian[3] - 4.0).abs() < 1e-8);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`] for a step that is not positive, [`Error::Shape`] when the field does not have
/// the shape of its points.
pub fn difference_jacobians(
    field: impl Fn(&Tensor) -> Result<Tensor>,
    points: &Tensor,
    step: f64,
) -> Result<Vec<f64>> {
    if !(step.is_finite() && step > 0.0) {
        return Err(Error::config("step", format!("{step}"), "give a positive number"));
    }
    let (n, d) = points.dims2()?;
    let rows = to_f64(points)?;
    let mut jacobians = vec![0.0; n * d * d];
    for j in 0..d {
        let moved = |by: f64| -> Result<Vec<f64>> {
            let moved: Vec<f64> = rows
                .iter()
                .enumerate()
                .map(|(k, x)| if k % d == j { x + by } else { *x })
                .collect();
            let x = Tensor::from_vec(moved, (n, d), &Device::Cpu)?;
            let value = field(&x.to_dtype(points.dtype())?.to_device(points.device())?)?;
            if value.dims() != points.dims() {
                let expected = format!("{:?}", points.dims());
                return Err(Error::shape("difference_jacobians", expected, value.dims()));
            }
            to_f64(&value)
        };
        let (above, below) = (moved(step)?, moved(-step)?);
        for (k, (a, b)) in above.iter().zip(&below).enumerate() {
            jacobians[k * d + j] = (a - b) / (2.0 * step);
        }
    }
    Ok(jacobians)
}
