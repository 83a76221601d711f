//! Loads golden weights into a flow and compares what it does, in both dtypes.

use super::{Golden, Matrix, Pairs};
use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device, Tensor};
use diffeo_flows::params::{to_f64, write};
use diffeo_flows::score::score_at;
use diffeo_flows::{Mapped, Params, Transform, VectorField};

/// Largest difference allowed, relative to the golden value where that exceeds 1.
#[derive(Clone, Copy)]
pub(super) struct Tolerance {
    pub(super) points: f64,
    pub(super) log_det: f64,
}

/// The formulas are the same up to the order of operations, some units of 1e-16; the steepest
/// splines here make 5e-12 of them in a log-slope.
pub(super) const F64: Tolerance = Tolerance { points: 1e-9, log_det: 1e-9 };
/// The same with units of 6e-8, and the inputs rounded to them.
pub(super) const F32: Tolerance = Tolerance { points: 1e-4, log_det: 1e-4 };

/// Compares both directions and the log-probability in f64 and in f32.
pub(super) fn check_flow(
    golden: &Golden,
    build: impl Fn(&mut Params) -> Result<Box<dyn Transform>>,
) -> Result<()> {
    check_flow_to(golden, [F64, F32], build)
}

/// The same to other tolerances, in f64 and in f32.
pub(super) fn check_flow_to(
    golden: &Golden,
    [double, single]: [Tolerance; 2],
    build: impl Fn(&mut Params) -> Result<Box<dyn Transform>>,
) -> Result<()> {
    for (dtype, tolerance) in [(DType::F64, double), (DType::F32, single)] {
        let mut params = Params::new(dtype, &Device::Cpu, 0);
        let flow = build(&mut params)?;
        load(&params, golden)?;
        let context = golden.context.as_ref().map(|c| tensor(c, dtype)).transpose()?;
        let context = context.as_ref();
        let x = tensor(&golden.forward.from, dtype)?;
        let forward = flow.forward(&x, context)?;
        check_pairs("forward", &forward, &golden.forward, tolerance)?;
        let z = tensor(&golden.inverse.from, dtype)?;
        check_pairs("inverse", &flow.inverse(&z, context)?, &golden.inverse, tolerance)?;
        let expected = golden.log_prob.as_ref().context("no log-probabilities")?;
        check("log_prob", &to_f64(&log_prob(&forward)?)?, expected, tolerance.points)?;
    }
    Ok(())
}

/// The change of variables over a standard normal.
fn log_prob(mapped: &Mapped) -> Result<Tensor> {
    let d = mapped.points.dim(1)? as f64;
    let constant = -0.5 * d * (2.0 * std::f64::consts::PI).ln();
    let base = mapped.points.sqr()?.sum(1)?.affine(-0.5, constant)?;
    Ok((base + &mapped.log_det)?)
}

/// Compares scores of a field with noise levels, in f64.
pub(super) fn check_scores(
    golden: &Golden,
    levels: &[f64],
    build: impl Fn(&mut Params) -> Result<Box<dyn VectorField>>,
) -> Result<()> {
    let mut params = Params::new(DType::F64, &Device::Cpu, 0);
    let field = build(&mut params)?;
    load(&params, golden)?;
    let x = tensor(&golden.forward.from, DType::F64)?;
    let expected = golden.scores.as_ref().context("no scores")?;
    ensure!(expected.len() == levels.len() * golden.forward.from.len());
    for (level, expected) in levels.iter().zip(expected.chunks(golden.forward.from.len())) {
        let scores = score_at(field.as_ref(), *level, &x, None)?;
        check("score", &to_f64(&scores)?, &expected.concat(), F64.points)?;
    }
    Ok(())
}

/// Writes every golden weight; none may be left over, and no variable may be left out.
fn load(params: &Params, golden: &Golden) -> Result<()> {
    for (name, values) in &golden.weights {
        let param = params.get(name).with_context(|| format!("we have no parameter {name}"))?;
        let values = if name.ends_with(".weight") { transposed(values) } else { values.clone() };
        let (rows, columns) = (values.len(), values[0].len());
        let shape = param.var().dims();
        ensure!(shape == [rows, columns] || (rows == 1 && shape == [columns]), "{name}: {shape:?}");
        write(param.var(), &values.concat())?;
    }
    for param in params.trainable() {
        ensure!(golden.weights.contains_key(param.name()), "no golden value of {}", param.name());
    }
    Ok(())
}

fn transposed(values: &Matrix) -> Matrix {
    (0..values[0].len()).map(|j| values.iter().map(|row| row[j]).collect()).collect()
}

pub(super) fn tensor(values: &Matrix, dtype: DType) -> Result<Tensor> {
    let (rows, columns) = (values.len(), values[0].len());
    let tensor = Tensor::from_vec(values.concat(), (rows, columns), &Device::Cpu)?;
    Ok(tensor.to_dtype(dtype)?)
}

/// Compares points and log-determinants.
pub(super) fn check_pairs(
    what: &str,
    got: &Mapped,
    golden: &Pairs,
    tolerance: Tolerance,
) -> Result<()> {
    let (points, log_det) = (to_f64(&got.points)?, to_f64(&got.log_det)?);
    check(&format!("{what} points"), &points, &golden.to.concat(), tolerance.points)?;
    check(&format!("{what} log_det"), &log_det, &golden.log_det, tolerance.log_det)
}

/// Fails unless |a − b| ≤ tolerance · max(1, |b|) for every entry; NaN fails.
fn check(what: &str, got: &[f64], expected: &[f64], tolerance: f64) -> Result<()> {
    ensure!(got.len() == expected.len(), "{what}: {} entries", got.len());
    let error = |(a, b): (&f64, &f64)| (a - b).abs() / b.abs().max(1.0);
    let errors: Vec<f64> = got.iter().zip(expected).map(error).collect();
    let is_bad = |error: f64| error.is_nan() || error > tolerance;
    let bad: Vec<usize> = (0..errors.len()).filter(|&i| is_bad(errors[i])).collect();
    if let Some(&i) = bad.first() {
        let worst = errors.iter().copied().fold(0.0, f64::max);
        bail!(
            "{what}: {} of {} entries are off, at most by {worst:e} (allowed: {tolerance:e}); \
             entry {i} is {}, golden {}",
            bad.len(),
            errors.len(),
            got[i],
            expected[i],
        );
    }
    Ok(())
}
