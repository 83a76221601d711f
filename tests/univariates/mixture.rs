//! Monotonicity, round trips, gradients, NaNs and extremes of the logistic mixture.

use super::{columns, forward, inverse, values};
use candle_core::{DType, Device, Tensor, Var};
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::transform::Mapped;
use diffeo_flows::univariates::LogisticMixture;
use diffeo_flows::{Result, Univariate};
use rand::Rng;
use rand_distr::StandardNormal;

const COMPONENTS: usize = 6;
/// The bound of the log-slope.
const STEEPEST: f64 = 5.0;
/// Sizes of the raw parameters, from near the identity to all bounds met.
const SIZES: [f64; 4] = [0.1, 1.0, 10.0, 1e3];
const FAR: [f64; 9] = [0.0, 1e-30, 0.3, -2.0, 7.0, 1e2, -1e3, 1e4, -1e4];
/// Rounding of x and y, enlarged where the map is flat by at most e⁵ but, with the parameters drawn
/// here, by much less.
const ROUND_TRIP: f64 = 1e-12;
/// Fourth-order differences with the step 1e-4: truncation (1e-4)⁴ of a fifth derivative, rounding
/// 1e-16 / 1e-4, both enlarged by slopes.
const DIFFERENCE: f64 = 1e-8;
const STEP: f64 = 1e-4;

fn mixture() -> Result<LogisticMixture> {
    LogisticMixture::new(COMPONENTS)
}

fn draw(scale: f64, index: u64) -> Vec<f64> {
    let mut rng = generator(11, Stream::Objective, index);
    (0..3 * COMPONENTS).map(|_| scale * rng.sample::<f64, _>(StandardNormal)).collect()
}

#[test]
fn it_rises_everywhere_within_its_bounds() -> Result<()> {
    let grid: Vec<f64> = (0..2_001).map(|i| f64::from(i).mul_add(0.01, -10.0)).collect();
    for (index, scale) in SIZES.into_iter().enumerate() {
        let (y, log_slope) = forward(&mixture()?, &grid, &draw(scale, index as u64))?;
        assert!(y.windows(2).all(|w| w[0] < w[1]), "falls for parameters of size {scale}");
        assert!(log_slope.iter().all(|s| s.abs() <= STEEPEST), "parameters of size {scale}");
    }
    Ok(())
}

#[test]
fn far_out_it_is_a_shift() -> Result<()> {
    let (y, log_slope) = forward(&mixture()?, &[1e3, 1e4, -1e3, -1e4], &draw(1.0, 1))?;
    let shift = y[0] - 1e3;
    assert!(shift.abs() > 1e-3, "a shift of {shift}");
    for (y, x) in y[1..].iter().zip([1e4 + shift, -1e3 - shift, -1e4 - shift]) {
        assert!((y - x).abs() < 1e-11, "{y} for {x}");
    }
    assert_eq!(log_slope, [0.0; 4]);
    Ok(())
}

#[test]
fn the_inverse_undoes_the_map() -> Result<()> {
    for index in 0..20 {
        let params = draw(1.0, index);
        let (y, log_slope) = forward(&mixture()?, &FAR, &params)?;
        let (x, back) = inverse(&mixture()?, &y, &params)?;
        for (got, expected) in x.iter().zip(&FAR) {
            let error = (got - expected).abs() / expected.abs().max(1.0);
            assert!(error <= ROUND_TRIP, "{index}: {got:e} for {expected:e}");
        }
        for (there, back) in log_slope.iter().zip(&back) {
            assert!((there + back).abs() <= 10.0 * ROUND_TRIP, "{index}: {there:e}, {back:e}");
        }
    }
    Ok(())
}

/// y(x̂) misses y by the rounding of x̂ times a slope of up to e⁵, in either dtype.
#[test]
fn wild_parameters_are_inverted_too() -> Result<()> {
    for (dtype, rounding) in [(DType::F32, f64::from(f32::EPSILON)), (DType::F64, f64::EPSILON)] {
        for (index, scale) in SIZES.into_iter().enumerate() {
            let params = draw(scale, index as u64).repeat(FAR.len());
            let (y, params) = columns(&FAR, &params, dtype)?;
            let x = mixture()?.inverse(&y, &params)?.points;
            let (again, _) = values(&mixture()?.forward(&x, &params)?)?;
            for (got, y) in again.iter().zip(to_f64(&y)?) {
                // Heights of up to 2ws ≈ 10³ round too.
                let allowed = 20.0 * rounding * (STEEPEST.exp() * y.abs().max(1.0) + 1e3);
                assert!((got - y).abs() <= allowed, "{dtype:?}, size {scale}: {got:e} for {y:e}");
            }
        }
    }
    Ok(())
}

/// Gradients of Σ (point + sin log-slope) in points and parameters, both ways.
#[test]
fn gradients_agree_with_differences_both_ways() -> Result<()> {
    type Way = fn(&LogisticMixture, &Tensor, &Tensor) -> Result<Mapped>;
    let ways: [Way; 2] =
        [|map, x, params| map.forward(x, params), |map, y, params| map.inverse(y, params)];
    let points = [-4.0, -0.7, 0.2, 1.9, 30.0];
    let start: Vec<f64> = (0..points.len()).flat_map(|i| draw(0.7, i as u64)).collect();
    for way in ways {
        let scalar = |x: &Tensor, params: &Tensor| -> Result<Tensor> {
            let mapped = way(&mixture()?, x, params)?;
            Ok((mapped.points.sum_all()? + mapped.log_det.sin()?.sum_all()?)?)
        };
        let (x, params) = columns(&points, &start, DType::F64)?;
        let vars = [Var::from_tensor(&x)?, Var::from_tensor(&params)?];
        let gradients = scalar(&vars[0], &vars[1])?.backward()?;
        for (which, var) in vars.iter().enumerate() {
            let got = gradients.get(var).map_or(Ok(Vec::new()), to_f64)?;
            assert_eq!(got.len(), var.elem_count());
            for (k, got) in got.iter().enumerate() {
                let at = |h: f64| -> Result<f64> {
                    let (mut points, mut start) = (points.to_vec(), start.clone());
                    [&mut points, &mut start][which][k] += h;
                    let (x, params) = columns(&points, &start, DType::F64)?;
                    Ok(scalar(&x, &params)?.to_scalar::<f64>()?)
                };
                let (near, far) = (at(STEP)? - at(-STEP)?, at(2.0 * STEP)? - at(-2.0 * STEP)?);
                let expected = (8.0 * near - far) / (12.0 * STEP);
                let error = (got - expected).abs() / expected.abs().max(1.0);
                assert!(error < DIFFERENCE, "{which}[{k}]: {got:e} for {expected:e}");
            }
        }
    }
    Ok(())
}

/// A NaN or infinite parameter or a NaN point: its row becomes NaN, the others keep their bits.
#[test]
fn what_is_not_a_number_stays_in_its_row() -> Result<()> {
    let (x, p) = ([0.5, -1.0, 2.0, 0.1], 3 * COMPONENTS);
    let params = draw(1.0, 3).repeat(x.len());
    let run = |x: &[f64], params: &[f64]| -> Result<[(Vec<f64>, Vec<f64>); 2]> {
        let (x, params) = columns(x, params, DType::F64)?;
        let map = mixture()?;
        Ok([values(&map.forward(&x, &params)?)?, values(&map.inverse(&x, &params)?)?])
    };
    let whole = run(&x, &params)?;
    let (mut bad_x, mut bad_params) = (x, params);
    bad_x[1] = f64::NAN;
    bad_params[3 * p + 2] = f64::NAN;
    for (good, bad) in whole.iter().zip(run(&bad_x, &bad_params)?) {
        for (good, bad) in [(&good.0, bad.0), (&good.1, bad.1)] {
            assert!(bad[1].is_nan() && bad[3].is_nan(), "{bad:?}");
            assert_eq!(
                [good[0].to_bits(), good[2].to_bits()],
                [bad[0].to_bits(), bad[2].to_bits()]
            );
        }
    }
    bad_params[2 * p] = f64::INFINITY;
    assert!(run(&x, &bad_params)?[1].0[2].is_nan());
    Ok(())
}

/// Points and parameters at the ends of what a dtype holds: numbers, and gradients that are numbers.
#[test]
fn extremes_give_finite_gradients() -> Result<()> {
    for (dtype, largest) in [(DType::F32, 1e37), (DType::F64, 1e300)] {
        let points = [0.0, 1e-37, 1e4, -1e6, largest, -largest, 3.0, -3.0, 1.0];
        for (index, size) in [0.0, 50.0, 1e3, 1e12].into_iter().enumerate() {
            let mut rng = generator(5, Stream::Objective, index as u64);
            let drawn: Vec<f64> = (0..points.len() * 3 * COMPONENTS)
                .map(|_| size * f64::from(rng.random_range(-1i8..=1)))
                .collect();
            let (x, params) = columns(&points, &drawn, dtype)?;
            let vars = [Var::from_tensor(&x)?, Var::from_tensor(&params)?];
            let map = mixture()?;
            for mapped in [map.forward(&vars[0], &vars[1])?, map.inverse(&vars[0], &vars[1])?] {
                let (points, log_slope) = values(&mapped)?;
                let all = points.iter().chain(&log_slope);
                assert!(all.clone().all(|v| v.is_finite()), "{size} {points:?} {log_slope:?}");
                let gradients =
                    (mapped.points.sum_all()? + mapped.log_det.sum_all()?)?.backward()?;
                for var in &vars {
                    let gradient = gradients.get(var).map_or(Ok(Vec::new()), to_f64)?;
                    assert!(gradient.iter().all(|g| g.is_finite()), "{size} {gradient:?}");
                }
            }
        }
    }
    Ok(())
}

/// Steps placed by data leave the identity, and lie where the data are.
#[test]
fn data_place_the_steps() -> Result<()> {
    let map = mixture()?;
    let (low, high) = (40.0, 52.0);
    let mut params = map.identity_between(low, high);
    assert_eq!(forward(&map, &[45.0], &params)?, (vec![45.0], vec![0.0]));
    params[..COMPONENTS].fill(1.0);
    let (_, log_slope) = forward(&map, &[low - 30.0, low + 1.0, high - 1.0, high + 30.0], &params)?;
    assert!(log_slope[1] > 0.2 && log_slope[2] > 0.2, "{log_slope:?}");
    assert!(log_slope[0].abs() < 1e-6 && log_slope[3].abs() < 1e-6, "{log_slope:?}");
    assert_eq!(map.identity_between(1.0, 1.0), vec![0.0; 3 * COMPONENTS]);
    let own = map.identity_between(-3.0, 3.0);
    assert!(own.iter().all(|p| p.abs() < 1e-15), "{own:?}");
    Ok(())
}

/// A shape of several columns: each entry has its own root, and log-slopes add up.
#[test]
fn columns_are_mapped_apart() -> Result<()> {
    let (n, m) = (3, 2);
    let y: Vec<f64> = (0..n * m).map(|i| 1.7 * i as f64 - 4.0).collect();
    let params: Vec<f64> = (0..n * m).flat_map(|i| draw(1.0, i as u64)).collect();
    let shaped = Tensor::from_slice(&params, (n, m, 3 * COMPONENTS), &Device::Cpu)?;
    let together = mixture()?.inverse(&Tensor::from_slice(&y, (n, m), &Device::Cpu)?, &shaped)?;
    let (apart, log_slopes) = {
        let (y, params) = columns(&y, &params, DType::F64)?;
        values(&mixture()?.inverse(&y, &params)?)?
    };
    assert_eq!(to_f64(&together.points)?, apart);
    for (sum, parts) in to_f64(&together.log_det)?.iter().zip(log_slopes.chunks(m)) {
        assert!((sum - parts.iter().sum::<f64>()).abs() < 1e-14);
    }
    Ok(())
}
