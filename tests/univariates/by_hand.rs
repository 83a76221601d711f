//! Values and slopes one can check by hand.

use super::{forward, inverse};
use candle_core::{DType, Device, Tensor};
use diffeo_flows::univariates::{Affine, LogisticMixture, RationalQuadraticSpline, Shift};
use diffeo_flows::{Error, Result, Univariate};

/// A few roundings of numbers up to 10.
const ROUNDING: f64 = 1e-13;

fn assert_near(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (a, b) in got.iter().zip(expected) {
        assert!((a - b).abs() <= ROUNDING, "{got:?} for {expected:?}");
    }
}

#[test]
fn a_shift_adds() -> Result<()> {
    assert_eq!(forward(&Shift {}, &[1.5], &[2.0])?, (vec![3.5], vec![0.0]));
    assert_eq!(inverse(&Shift {}, &[3.5], &[2.0])?, (vec![1.5], vec![0.0]));
    Ok(())
}

/// b = 1, a = 3, L = 3: s = 3 / (1 + 1) = 1.5, so y = e^1.5 · 2 + 1.
#[test]
fn an_affine_map_bounds_its_log_scale() -> Result<()> {
    let affine = Affine::new(3.0)?;
    let (y, log_slope) = forward(&affine, &[2.0], &[1.0, 3.0])?;
    assert_near(&[y[0], log_slope[0]], &[2.0 * 1.5f64.exp() + 1.0, 1.5]);
    let (_, log_slope) = forward(&affine, &[2.0], &[0.0, -1e12])?;
    assert!(log_slope[0] >= -3.0 && log_slope[0] < -2.999, "{log_slope:?}");
    Ok(())
}

#[test]
fn zero_parameters_are_the_identity() -> Result<()> {
    let (spline, mixture) = (RationalQuadraticSpline::new(8, 3.0)?, LogisticMixture::new(8)?);
    let x = [-8.0, -3.0, -2.25, -1.0, 0.0, 0.1, 0.75, 2.9, 3.0, 1e6];
    for map in [&spline as &dyn Univariate, &mixture, &Affine::new(5.0)?, &Shift {}] {
        let zero = vec![0.0; map.params_per_feature()];
        for (points, log_slope) in [forward(map, &x, &zero)?, inverse(map, &x, &zero)?] {
            assert_near(&points, &x);
            assert_near(&log_slope, &[0.0; 10]);
        }
    }
    Ok(())
}

/// Two bins of equal width on ±1, heights in the ratio a : b, inner slope 1.
///
/// The middle knot is where the heights say; half way through the first bin, with s = h/w, the
/// spline is at h (s/4 + 1/4) / (s + (2 − 2s)/4) = h/2 · (s + 1) / (s + 1) = h/2.
#[test]
fn two_bins_by_hand() -> Result<()> {
    let spline = RationalQuadraticSpline::new(2, 1.0)?;
    let share = 3f64 / 4.0;
    let height = 2.0 * (0.001 + (1.0 - 0.002) * share);
    let params = [0.0, 0.0, 3f64.ln(), 0.0, 0.0];
    let (y, log_slope) = forward(&spline, &[0.0, -0.5], &params)?;
    assert_near(&y, &[height - 1.0, height / 2.0 - 1.0]);
    // At a knot the slope is that of the knot: 1. Half way: s² · [1/4 + 2s/4 + 1/4] / [(s + 1)/2]².
    let half_way =
        2.0 * (height.ln() - (f64::midpoint(height, 1.0)).ln()) + f64::midpoint(height, 1.0).ln();
    assert_near(&log_slope, &[0.0, half_way]);
    Ok(())
}

/// One step at 0 of width s⁰ = 1 with ln e = a / (1 + a/5) = 2 for a = 10/3: w = e² − 1, so that
/// y = x + 2w tanh(x/2), slope e² at 0, and 1 + w (1 − tanh²(1)) at 2.
#[test]
fn one_logistic_step_by_hand() -> Result<()> {
    let (mixture, params) = (LogisticMixture::new(1)?, [10.0 / 3.0, 0.0, 0.0]);
    let (w, t) = (2f64.exp_m1(), 1f64.tanh());
    let slope = (w * (1.0 - t * t)).ln_1p();
    let (x, y) = ([0.0, 2.0, 300.0], [0.0, 2.0 + 2.0 * w * t, 300.0 + 2.0 * w]);
    let (points, log_slope) = forward(&mixture, &x, &params)?;
    assert_near(&points, &y);
    assert_near(&log_slope, &[2.0, slope, 0.0]);
    let (points, log_slope) = inverse(&mixture, &y, &params)?;
    assert_near(&points, &x);
    assert_near(&log_slope, &[-2.0, -slope, 0.0]);
    Ok(())
}

#[test]
fn parameters_of_a_wrong_shape_are_an_error() -> Result<()> {
    let (spline, mixture) = (RationalQuadraticSpline::new(4, 3.0)?, LogisticMixture::new(4)?);
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F64, &Device::Cpu);
    for map in [&spline as &dyn Univariate, &mixture, &Affine::new(5.0)?, &Shift {}] {
        let p = map.params_per_feature();
        for shape in [vec![2, 3, p + 1], vec![2, 1, p], vec![1, 3, p], vec![2, 3 * p]] {
            let outcome = map.forward(&zeros(&[2, 3])?, &zeros(&shape)?);
            assert!(matches!(outcome, Err(Error::Shape { .. })), "{map:?} {shape:?}: {outcome:?}");
        }
        for x in [vec![3], vec![2, 3, 1]] {
            let outcome = map.inverse(&zeros(&x)?, &zeros(&[2, 3, p])?);
            assert!(matches!(outcome, Err(Error::Shape { .. })), "{map:?} x {x:?}: {outcome:?}");
        }
    }
    Ok(())
}

#[test]
fn settings_that_are_no_map_are_an_error() {
    assert!(matches!(Affine::new(0.0), Err(Error::Config { .. })));
    assert!(matches!(Affine::new(f64::NAN), Err(Error::Config { .. })));
    for components in [0, 257] {
        assert!(matches!(LogisticMixture::new(components), Err(Error::Config { .. })));
    }
    for (bins, bound) in [(1, 3.0), (513, 3.0), (8, 0.0), (8, f64::INFINITY), (8, f64::NAN)] {
        let outcome = RationalQuadraticSpline::new(bins, bound);
        assert!(matches!(outcome, Err(Error::Config { .. })), "{bins} bins, bound {bound}");
    }
}
