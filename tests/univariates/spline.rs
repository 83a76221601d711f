//! Monotonicity, tails, knots and wild parameters of the rational-quadratic spline.

use super::{columns, forward, inverse, values};
use candle_core::{DType, Var};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::univariates::RationalQuadraticSpline;
use diffeo_flows::{Result, Univariate};
use rand::Rng;
use rand_distr::StandardNormal;

const BOUND: f64 = 3.0;
const BINS: usize = 5;
/// A step of the grid below is 3e-4, over which a slope of 1e-3 rises by 3e-7: far above rounding.
const GRID: usize = 20_001;
/// Points mapped at a time: candle's pool, slow on a busy machine, starts at 65,536 entries.
const CHUNK: usize = 2_000;
/// Values at a knot from both sides: rounding, enlarged by slopes up to 1e3.
const ROUNDING: f64 = 1e-10;

fn spline() -> Result<RationalQuadraticSpline> {
    RationalQuadraticSpline::new(BINS, BOUND)
}

fn draw(scale: f64, index: u64) -> Vec<f64> {
    let mut rng = generator(3, Stream::Objective, index);
    (0..3 * BINS - 1).map(|_| scale * rng.sample::<f64, _>(StandardNormal)).collect()
}

/// Where the bins start and end, from raw parameters, by the formula of the paper.
fn knots(raw: &[f64]) -> Vec<f64> {
    let total: f64 = raw.iter().map(|r| r.exp()).sum();
    let length = |r: &f64| 2.0 * BOUND * (1e-3 + (1.0 - 1e-3 * BINS as f64) * r.exp() / total);
    raw.iter()
        .map(length)
        .scan(-BOUND, |at, length| {
            *at += length;
            Some(*at)
        })
        .collect()
}

#[test]
fn it_rises_everywhere() -> Result<()> {
    let step = 2.2 * BOUND / (GRID - 1) as f64;
    let grid: Vec<f64> = (0..GRID).map(|i| step.mul_add(i as f64, -1.1 * BOUND)).collect();
    for (index, scale) in [0.3, 1.0, 3.0, 10.0, 50.0, 1e3].into_iter().enumerate() {
        let (mut y, mut log_slope) = (Vec::new(), Vec::new());
        for points in grid.chunks(CHUNK) {
            let (images, slopes) = forward(&spline()?, points, &draw(scale, index as u64))?;
            y.extend(images);
            log_slope.extend(slopes);
        }
        assert!(y.windows(2).all(|w| w[0] < w[1]), "falls for parameters of size {scale}");
        assert!(log_slope.iter().all(|s| s.is_finite()), "slope for parameters of size {scale}");
    }
    Ok(())
}

#[test]
fn tails_are_the_identity_exactly() -> Result<()> {
    let x = [-1e6, -8.0, BOUND.next_up(), -BOUND, BOUND, 3.5, 1e30];
    for mapped in [forward(&spline()?, &x, &draw(3.0, 0))?, inverse(&spline()?, &x, &draw(3.0, 0))?]
    {
        assert_eq!(mapped, (x.to_vec(), vec![0.0; x.len()]));
    }
    Ok(())
}

/// Value and slope are continuous at every knot and where the tails begin, and map knot to knot.
#[test]
fn bins_and_tails_join_smoothly() -> Result<()> {
    let params = draw(1.5, 1);
    let (at, images) = (knots(&params[..BINS]), knots(&params[BINS..2 * BINS]));
    let beside: Vec<f64> = at.iter().flat_map(|x| [x - 1e-12, *x, x + 1e-12]).collect();
    let (y, log_slope) = forward(&spline()?, &beside, &params)?;
    for (k, image) in images.iter().enumerate() {
        for side in 0..3 {
            assert!((y[3 * k + side] - image).abs() < ROUNDING, "knot {k}: {y:?}");
            let jump = (log_slope[3 * k + side] - log_slope[3 * k + 1]).abs();
            // 1e-12 beside a knot the slope differs by 1e-12 times a curvature up to 1e4.
            assert!(jump < 1e-7, "knot {k}: slope jumps by {jump:e}");
        }
    }
    Ok(())
}

#[test]
fn the_inverse_finds_knots_and_edges() -> Result<()> {
    let params = draw(1.5, 2);
    let (at, images) = (knots(&params[..BINS]), knots(&params[BINS..2 * BINS]));
    let (x, _) = inverse(&spline()?, &images, &params)?;
    for (got, knot) in x.iter().zip(&at) {
        assert!((got - knot).abs() < ROUNDING, "{x:?} for {at:?}");
    }
    Ok(())
}

/// Points at edges and far out, parameters up to ±1e3: numbers, and gradients that are numbers.
#[test]
fn wild_parameters_and_points_give_finite_gradients() -> Result<()> {
    let points = [0.0, BOUND, -BOUND, 1.8, -0.6, BOUND.next_down(), -2.999_999, 1e6, -1e6];
    for (index, size) in [0.0, 50.0, 1e3].into_iter().enumerate() {
        let mut rng = generator(5, Stream::Objective, index as u64);
        let drawn: Vec<f64> = (0..points.len() * (3 * BINS - 1))
            .map(|_| size * f64::from(rng.random_range(-1i8..=1)))
            .collect();
        for dtype in [DType::F32, DType::F64] {
            finite_both_ways(&points, &drawn, dtype)?;
        }
    }
    Ok(())
}

fn finite_both_ways(points: &[f64], params: &[f64], dtype: DType) -> Result<()> {
    let (x, params) = columns(points, params, dtype)?;
    let (x, params) = (Var::from_tensor(&x)?, Var::from_tensor(&params)?);
    for mapped in [spline()?.forward(&x, &params)?, spline()?.inverse(&x, &params)?] {
        let (points, log_slope) = values(&mapped)?;
        assert!(points.iter().chain(&log_slope).all(|v| v.is_finite()), "{points:?} {log_slope:?}");
        let gradients = (mapped.points.sum_all()? + mapped.log_det.sum_all()?)?.backward()?;
        for var in [&x, &params] {
            let gradient = gradients.get(var).map_or(Ok(Vec::new()), to_f64)?;
            assert!(gradient.iter().all(|g| g.is_finite()), "{dtype:?} {gradient:?}");
        }
    }
    Ok(())
}
