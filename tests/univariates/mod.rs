//! Monotone maps of the line, apart from any network.

/// Accuracy of the spline's inverse in f32.
mod accuracy;
/// Values and slopes one can check by hand.
mod by_hand;
/// Monotonicity, round trips, gradients and extremes of the map that is inverted by iteration.
mod mixture;
/// Monotonicity, tails, knots, wild parameters.
mod spline;

use candle_core::{DType, Device, Tensor};
use diffeo_flows::params::to_f64;
use diffeo_flows::transform::Mapped;
use diffeo_flows::{Result, Univariate};

/// Each x with parameters of its own, as rows of one feature.
fn columns(x: &[f64], params: &[f64], dtype: DType) -> Result<(Tensor, Tensor)> {
    let (n, p) = (x.len(), params.len() / x.len());
    let x = Tensor::from_slice(x, (n, 1), &Device::Cpu)?.to_dtype(dtype)?;
    Ok((x, Tensor::from_slice(params, (n, 1, p), &Device::Cpu)?.to_dtype(dtype)?))
}

/// y and ln dy/dx of each x, all with the same parameters.
fn forward(map: &dyn Univariate, x: &[f64], params: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    let (x, params) = columns(x, &params.repeat(x.len()), DType::F64)?;
    values(&map.forward(&x, &params)?)
}

/// x and ln dx/dy of each y, all with the same parameters.
fn inverse(map: &dyn Univariate, y: &[f64], params: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
    let (y, params) = columns(y, &params.repeat(y.len()), DType::F64)?;
    values(&map.inverse(&y, &params)?)
}

fn values(mapped: &Mapped) -> Result<(Vec<f64>, Vec<f64>)> {
    Ok((to_f64(&mapped.points)?, to_f64(&mapped.log_det)?))
}
