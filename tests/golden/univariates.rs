//! Maps of the line against zuko and nflows, with raw parameters.

use super::compare::{F64, Tolerance, check_pairs, tensor};
use super::{Golden, MIN, Matrix, Pairs, inverse_softplus, slope_offset};
use anyhow::{Result, ensure};
use candle_core::{DType, Tensor};
use diffeo_flows::Univariate;
use diffeo_flows::univariates::{Affine, Bernstein, RationalQuadraticSpline};

/// At a knot between a narrow and a wide bin the log-slope has a kink: moving the input by one unit
/// of f32 moves it by up to 1.3e-3 here, in f64.
const F32: Tolerance = Tolerance { points: 1e-4, log_det: 2e-3 };

const BOTH: [(DType, Tolerance); 2] = [(DType::F64, F64), (DType::F32, F32)];

/// Compares both directions; `sets` holds our parameters for each row of the peer's.
fn check_univariate(
    golden: &Golden,
    sets: &Matrix,
    map: &dyn Univariate,
    checks: &[(DType, Tolerance)],
) -> Result<()> {
    for &(dtype, tolerance) in checks {
        let (x, params) = arguments(&golden.forward, sets, dtype)?;
        check_pairs("forward", &map.forward(&x, &params)?, &golden.forward, tolerance)?;
        let (y, params) = arguments(&golden.inverse, sets, dtype)?;
        check_pairs("inverse", &map.inverse(&y, &params)?, &golden.inverse, tolerance)?;
    }
    Ok(())
}

/// Points `[n, 1]` and their parameters `[n, 1, p]`: n / g points in turn for each of g sets.
fn arguments(pairs: &Pairs, sets: &Matrix, dtype: DType) -> Result<(Tensor, Tensor)> {
    let per_set = pairs.from.len() / sets.len();
    ensure!(per_set * sets.len() == pairs.from.len(), "the sets have unequal numbers of points");
    let rows: Matrix =
        sets.iter().flat_map(|set| std::iter::repeat_n(set.clone(), per_set)).collect();
    Ok((tensor(&pairs.from, dtype)?, tensor(&rows, dtype)?.unsqueeze(1)?))
}

/// Our parameters of each row of the peer's widths, heights and slopes.
fn spline_sets(
    golden: &mut Golden,
    length: impl Fn(&[f64]) -> Vec<f64>,
    slope: impl Fn(f64) -> f64,
) -> Result<Matrix> {
    let (widths, heights) = (golden.take("widths")?, golden.take("heights")?);
    let slopes = golden.take("derivatives")?;
    let set = |i: usize| {
        let mut set = [length(&widths[i]), length(&heights[i])].concat();
        set.extend(slopes[i].iter().map(|&raw| slope(raw)));
        set
    };
    Ok((0..widths.len()).map(set).collect())
}

/// A bounded number as zuko writes it: |v / (1 + |v| / bound)| < bound.
fn bounded(v: f64, bound: f64) -> f64 {
    v / (1.0 + v.abs() / bound)
}

#[test]
fn the_affine_map_agrees_with_zuko() -> Result<()> {
    let mut golden = Golden::parse(include_str!("zuko_affine.json"))?;
    let (shift, scale) = (golden.take("shift")?, golden.take("scale")?);
    let sets = shift.iter().zip(&scale).map(|(b, a)| vec![b[0], a[0]]).collect();
    check_univariate(&golden, &sets, &Affine::new(-MIN.ln())?, &BOTH)
}

/// The peer's steps have no least one: ours share out what is above it.
#[test]
fn bernstein_polynomials_agree_with_zuko() -> Result<()> {
    const LEAST: f64 = 1e-2;
    let mut golden = Golden::parse(include_str!("zuko_bernstein.json"))?;
    let set = |theta: &Vec<f64>| {
        let all: f64 = theta.iter().map(|raw| raw.exp()).sum();
        let count = theta.len() as f64;
        let share = |raw: &f64| ((count * raw.exp() / all - LEAST) / ((1.0 - LEAST) * count)).ln();
        theta.iter().map(share).collect::<Vec<f64>>()
    };
    let sets: Matrix = golden.take("theta")?.iter().map(set).collect();
    ensure!(sets.concat().iter().all(|raw| raw.is_finite()), "a step is below the least of ours");
    check_univariate(&golden, &sets, &Bernstein::new(10, 3.0)?, &BOTH)
}

#[test]
fn the_rational_quadratic_spline_agrees_with_nflows() -> Result<()> {
    let mut golden = Golden::parse(include_str!("nflows_spline.json"))?;
    // Raw lengths mean the same; raw slopes are shifted, so that ours start at slope 1.
    let sets = spline_sets(&mut golden, <[f64]>::to_vec, |raw| raw - slope_offset())?;
    check_univariate(&golden, &sets, &RationalQuadraticSpline::new(5, 3.0)?, &BOTH)
}

#[test]
fn steep_splines_agree_with_nflows() -> Result<()> {
    let mut golden = Golden::parse(include_str!("nflows_spline_steep.json"))?;
    let sets = spline_sets(&mut golden, <[f64]>::to_vec, |raw| raw - slope_offset())?;
    let map = RationalQuadraticSpline::new(5, 3.0)?;
    // At the steepest knot one unit of f64 in the input moves the log-slope by 8e-7, and both
    // libraries are so far from 50 digits; in f32 nothing is left to compare.
    let tolerance = Tolerance { points: 1e-9, log_det: 1e-5 };
    check_univariate(&golden, &sets, &map, &[(DType::F64, tolerance)])
}

#[test]
fn the_rational_quadratic_spline_agrees_with_zuko() -> Result<()> {
    let mut golden = Golden::parse(include_str!("zuko_spline.json"))?;
    // zuko bounds raw lengths and has no smallest bin: the softmax inputs that give its shares are
    // ln(share − MIN), up to a constant. Its slopes are exp of a bounded number.
    let bound = -MIN.ln();
    let length = |raw: &[f64]| -> Vec<f64> {
        let powers: Vec<f64> = raw.iter().map(|&v| bounded(v, bound / 2.0).exp()).collect();
        let sum: f64 = powers.iter().sum();
        powers.iter().map(|power| (power / sum - MIN).ln()).collect()
    };
    let slope = |raw: f64| inverse_softplus(bounded(raw, bound).exp() - MIN) - slope_offset();
    let sets = spline_sets(&mut golden, length, slope)?;
    check_univariate(&golden, &sets, &RationalQuadraticSpline::new(5, 3.0)?, &BOTH)
}
