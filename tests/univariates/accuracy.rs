//! How exactly the spline's inverse undoes it in f32.

use super::{columns, values};
use candle_core::{DType, Tensor};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::transform::Mapped;
use diffeo_flows::univariates::RationalQuadraticSpline;
use diffeo_flows::{Result, Univariate};
use rand::Rng;
use rand_distr::StandardNormal;

const BOUND: f64 = 5.0;
const BINS: usize = 8;
const DRAWS: usize = 100_000;
/// Draws mapped at a time: candle's pool, slow on a busy machine, starts at 65,536 entries.
const CHUNK: usize = 2_000;

/// Sizes of the raw parameters, up to bins a thousand times steeper at one end than at the other.
const SIZES: [f64; 4] = [0.3, 1.0, 3.0, 1000.0];
/// 30 roundings of the bound, 5 · 6e-8: the knots are sums of 8 lengths.
const TOLERANCE: f64 = 1e-5;

#[test]
fn the_inverse_is_accurate_in_f32() -> Result<()> {
    for (index, size) in SIZES.into_iter().enumerate() {
        let mut rng = generator(7, Stream::Objective, index as u64);
        let mut worst = 0.0f64;
        for _ in 0..DRAWS / CHUNK {
            let x: Vec<f64> = (0..CHUNK).map(|_| BOUND * rng.random_range(-1.0..1.0)).collect();
            let raw =
                (0..CHUNK * (3 * BINS - 1)).map(|_| size * rng.sample::<f64, _>(StandardNormal));
            let (x, params) = columns(&x, &raw.collect::<Vec<_>>(), DType::F32)?;
            worst = worst.max(largest_error(&x, &params)?);
        }
        assert!(worst <= TOLERANCE, "parameters of size {size}: {worst:e}");
    }
    Ok(())
}

/// The largest error of the inverse at the images of x, in f64.
///
/// An x̂ may miss the true x by the rounding of y times the slope of the inverse, or f(x̂) may miss y
/// by the rounding of x̂ times the slope of the map: the smaller of both errors counts, since in a
/// bin where steep meets flat either slope changes within one rounding.
fn largest_error(x: &Tensor, params: &Tensor) -> Result<f64> {
    let spline = RationalQuadraticSpline::new(BINS, BOUND)?;
    let image = spline.forward(x, params)?.points;
    let back = spline.inverse(&image, params)?.points.to_dtype(DType::F64)?;
    let (y, params) = (image.to_dtype(DType::F64)?, params.to_dtype(DType::F64)?);
    let in_x = relative_error(&back, &spline.inverse(&y, &params)?)?;
    let in_y = relative_error(&y, &spline.forward(&back, &params)?)?;
    Ok(in_x.iter().zip(&in_y).map(|(a, b)| a.min(*b)).fold(0.0, f64::max))
}

/// |got − expected| / (1 + slope).
fn relative_error(got: &Tensor, expected: &Mapped) -> Result<Vec<f64>> {
    let (expected, log_slope) = values(expected)?;
    let errors = to_f64(got)?.into_iter().zip(expected).map(|(a, b)| (a - b).abs());
    Ok(errors.zip(log_slope).map(|(error, s)| error / (1.0 + s.exp())).collect())
}
