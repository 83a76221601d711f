//! Central differences in the prepared space.

use crate::calculus::unit_direction;
use crate::error::Result;
use crate::params::to_f64;
use candle_core::Tensor;

/// Length of a difference where the point is of size 1 or less, and relative to it elsewhere: the
/// cube root of rounding in `f64`.
const STEP: f64 = 1e-5;

/// ∂f/∂yⱼ at points y `[n, d]` in double precision, for f of as many numbers at each, by central
/// differences, `[n · d]`.
pub(super) fn central_difference(
    points: &Tensor,
    j: usize,
    f: impl Fn(&Tensor) -> Result<Vec<f64>>,
) -> Result<Vec<f64>> {
    let d = points.dim(1)?;
    let size = points.narrow(1, j, 1)?.abs()?.maximum(1.0)?;
    let steps = unit_direction(points, j)?.broadcast_mul(&size.affine(STEP, 0.0)?)?;
    let (above, below) = ((points + &steps)?, (points - &steps)?);
    // What was added and taken after rounding.
    let widths = to_f64(&(&above - &below)?.narrow(1, j, 1)?)?;
    let pairs = f(&above)?.into_iter().zip(f(&below)?).enumerate();
    Ok(pairs.map(|(k, (above, below))| (above - below) / widths[k / d]).collect())
}
