//! Gradient flow, x′ = −∇f(x): descent in continuous time.

use super::{DifferentiableMap, gradient};
use crate::error::{Error, Result};
use candle_core::Tensor;

/// The points of each row at times 0, h, 2h, …, `time`, by `steps` steps of the classical
/// fourth-order Runge–Kutta method: `steps` + 1 tensors `[n, d]`, outside any gradient.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::calculus::{Dual, FromDual, gradient_flow};
/// // f = x²/2: x(t) = e⁻ᵗ x₀.
/// let f = FromDual::new(1, 1, |p: &Dual| p.sqr()?.scale(0.5));
/// let path = gradient_flow(&f, &Tensor::new(&[[1f64]], &Device::Cpu)?, 1.0, 100)?;
/// assert!((path[100].to_vec2::<f64>()?[0][0] - (-1f64).exp()).abs() < 1e-9);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] unless f is scalar and x of its width; [`Error::Config`] for no steps.
pub fn gradient_flow(
    f: &dyn DifferentiableMap,
    start: &Tensor,
    time: f64,
    steps: usize,
) -> Result<Vec<Tensor>> {
    if steps == 0 || !time.is_finite() {
        let problem = format!("{steps} steps over the time {time}");
        return Err(Error::config("gradient flow", problem, "give steps and a finite time"));
    }
    let h = time / steps as f64;
    let velocity = |x: &Tensor| -> Result<Tensor> { Ok(gradient(f, x)?.neg()?) };
    let mut path = vec![start.detach()];
    let mut x = start.detach();
    for _ in 0..steps {
        let k1 = velocity(&x)?;
        let k2 = velocity(&(&x + k1.affine(h / 2.0, 0.0)?)?)?;
        let k3 = velocity(&(&x + k2.affine(h / 2.0, 0.0)?)?)?;
        let k4 = velocity(&(&x + k3.affine(h, 0.0)?)?)?;
        let slope = ((k1 + k4)? + (k2 + k3)?.affine(2.0, 0.0)?)?;
        x = (x + slope.affine(h / 6.0, 0.0)?)?;
        path.push(x.clone());
    }
    Ok(path)
}

/// e^{−2μt} (f(x₀) − f*): what f(x(t)) − f* stays below where ½‖∇f‖² ≥ μ (f − f*).
///
/// Along the flow (f − f*)′ = −‖∇f‖² ≤ −2μ (f − f*). Polyak 1963; Łojasiewicz 1963.
pub fn polyak_lojasiewicz_bound(initial_excess: f64, mu: f64, time: f64) -> f64 {
    (-2.0 * mu * time).exp() * initial_excess
}
