//! The trace of a Jacobian, exactly and by random probes.

use super::DifferentiableMap;
use super::jacobian::matrices;
use super::operators::{check_field, divergence};
use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use nalgebra::DMatrix;
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};

/// The trace of the Jacobian at each row.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// tr J, `[n]`, differentiable in parameters and points with the probes held fixed.
    pub value: Tensor,
    /// Its standard error, `[n]`: 0 when exact, ∞ when one probe says nothing about it.
    pub standard_error: Tensor,
}

/// How probes v with E vvᵀ = I are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// Entries ±1: the least variance among independent entries, 2 Σ_{i≠j} a²ᵢⱼ for a symmetric
    /// matrix (Hutchinson 1990).
    #[default]
    Rademacher,
    /// Normal entries: variance 2 ‖A‖² for a symmetric matrix.
    Gaussian,
    /// √d times orthonormal directions, uniform over rotations; d of them are exact.
    Orthogonal,
}

/// tr J by d tangents: the divergence, with standard error 0.
///
/// # Errors
/// [`Error::Shape`] unless the map is a field.
pub fn exact(map: &dyn DifferentiableMap, x: &Tensor) -> Result<Estimate> {
    let value = divergence(map, x)?;
    Ok(Estimate { standard_error: value.detach().zeros_like()?, value })
}

/// tr J ≈ mean of vᵀ J v over `count` probes, one tangent each; probes differ between rows.
///
/// The standard error of orthogonal probes has the factor √(1 − count/d) of a sample drawn without
/// replacement; more than d of them add nothing and are not drawn.
///
/// Hutchinson 1990, *A stochastic estimator of the trace of the influence matrix*.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::calculus::{Dual, FromDual, Probe, hutchinson};
/// use diffeo_flows::rng::{Stream, generator};
/// let field = FromDual::new(2, 2, |p: &Dual| p.scale(3.0));
/// let x = Tensor::new(&[[1f64, 2.0]], &Device::Cpu)?;
/// let rng = &mut generator(0, Stream::Objective, 0);
/// // A diagonal Jacobian: a single probe of signs is exact.
/// assert_eq!(hutchinson(&field, &x, Probe::Rademacher, 1, rng)?.value.to_vec1::<f64>()?, [6.0]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Shape`] unless the map is a field, [`Error::Config`] for no probes.
pub fn hutchinson(
    map: &dyn DifferentiableMap,
    x: &Tensor,
    probe: Probe,
    count: usize,
    rng: &mut dyn RngCore,
) -> Result<Estimate> {
    check_field("hutchinson", map, x)?;
    if count == 0 {
        return Err(Error::config("count", "no probes", "give at least one"));
    }
    let d = map.inputs();
    let count = if probe == Probe::Orthogonal { count.min(d) } else { count };
    let probes = draw(x, probe, count, rng)?;
    let forms = quadratic_forms(map, x, &probes)?;
    let left = if probe == Probe::Orthogonal { 1.0 - count as f64 / d as f64 } else { 1.0 };
    mean(&forms, left)
}

/// tr J by Hutch++: exact on the range of J S, by Hutchinson on the rest, `products` tangents in all,
/// a third each for J S, for the trace on its range, and for the rest.
///
/// tr J = tr(Qᵀ J Q) + tr((I − QQᵀ) J (I − QQᵀ)), with Q an orthonormal basis of J S, one a row.
/// Unbiased for any J; for positive semi-definite J a relative error ε takes O(1/ε) products, where
/// Hutchinson's estimator takes O(1/ε²).
///
/// Meyer, Musco, Musco and Woodruff 2021, *Hutch++: Optimal Stochastic Trace Estimation*, alg. 1.
///
/// # Errors
/// [`Error::Shape`] unless the map is a field, [`Error::Config`] for fewer than 3 products.
pub fn hutch_plus_plus(
    map: &dyn DifferentiableMap,
    x: &Tensor,
    products: usize,
    rng: &mut dyn RngCore,
) -> Result<Estimate> {
    check_field("hutch_plus_plus", map, x)?;
    if products < 3 {
        return Err(Error::config("products", format!("{products}"), "give at least 3"));
    }
    let rank = sketches(products, map.inputs());
    let sketches = draw(x, Probe::Rademacher, rank, rng)?;
    let rest = if rank == map.inputs() { 0 } else { products - 2 * rank };
    let rest = draw(x, Probe::Rademacher, rest, rng)?;
    sketched(map, x, &sketches, rest)
}

/// How many of the products of Hutch++ are sketches.
pub(crate) fn sketches(products: usize, inputs: usize) -> usize {
    (products / 3).min(inputs)
}

/// Hutch++ with these sketches and, unless they are as many as there are inputs, these probes.
pub(crate) fn sketched(
    map: &dyn DifferentiableMap,
    x: &Tensor,
    sketches: &[Tensor],
    mut rest: Vec<Tensor>,
) -> Result<Estimate> {
    let images: Vec<Tensor> = sketches
        .iter()
        .map(|s| Ok(map.forward_and_jvp(&x.detach(), s)?.1.detach()))
        .collect::<Result<_>>()?;
    let basis = orthonormal(&images, x)?;
    let on_range = Tensor::stack(&quadratic_forms(map, x, &basis)?, 0)?.sum(0)?;
    if rest.is_empty() {
        return Ok(Estimate { standard_error: on_range.detach().zeros_like()?, value: on_range });
    }
    for probe in &mut rest {
        for q in &basis {
            let along = (&*probe * q)?.sum_keepdim(1)?;
            *probe = (&*probe - q.broadcast_mul(&along)?)?;
        }
    }
    let rest = mean(&quadratic_forms(map, x, &rest)?, 1.0)?;
    Ok(Estimate { value: (on_range + rest.value)?, standard_error: rest.standard_error })
}

/// vᵀ J v of each probe, `[n]` each.
fn quadratic_forms(
    map: &dyn DifferentiableMap,
    x: &Tensor,
    probes: &[Tensor],
) -> Result<Vec<Tensor>> {
    probes.iter().map(|v| Ok((v * map.forward_and_jvp(x, v)?.1)?.sum(1)?)).collect()
}

/// Mean and standard error of `[n]` values, the squared error times `left`.
fn mean(values: &[Tensor], left: f64) -> Result<Estimate> {
    let count = values.len() as f64;
    let value = Tensor::stack(values, 0)?.mean(0)?;
    let centre = value.detach();
    let standard_error = if left <= 0.0 {
        centre.zeros_like()?
    } else if values.len() < 2 {
        centre.zeros_like()?.affine(1.0, f64::INFINITY)?
    } else {
        let squares: Vec<Tensor> =
            values.iter().map(|v| Ok((v.detach() - &centre)?.sqr()?)).collect::<Result<_>>()?;
        Tensor::stack(&squares, 0)?.sum(0)?.affine(left / (count * (count - 1.0)), 0.0)?.sqrt()?
    };
    Ok(Estimate { value, standard_error })
}

/// `count` probes shaped as x.
fn draw(x: &Tensor, probe: Probe, count: usize, rng: &mut dyn RngCore) -> Result<Vec<Tensor>> {
    let n = x.elem_count();
    let mut one = |_| {
        let entries: Vec<f64> = match probe {
            Probe::Rademacher => {
                (0..n).map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 }).collect()
            }
            _ => (0..n).map(|_| rng.sample(StandardNormal)).collect(),
        };
        like(entries, x)
    };
    let probes: Vec<Tensor> = (0..count).map(&mut one).collect::<Result<_>>()?;
    if probe != Probe::Orthogonal {
        return Ok(probes);
    }
    // The signs that make Q uniform over rotations do not matter in vᵀ J v.
    let length = (x.dim(1)? as f64).sqrt();
    orthonormal(&probes, x)?.iter().map(|q| Ok(q.affine(length, 0.0)?)).collect()
}

/// An orthonormal basis of the span of the columns at each row: the Q of a QR decomposition in f64.
pub(crate) fn orthonormal(columns: &[Tensor], x: &Tensor) -> Result<Vec<Tensor>> {
    let bases: Vec<DMatrix<f64>> =
        matrices(&Tensor::stack(columns, 2)?)?.into_iter().map(|a| a.qr().q()).collect();
    let column = |k: usize| {
        like(
            bases.iter().flat_map(|q| q.column(k).iter().copied().collect::<Vec<_>>()).collect(),
            x,
        )
    };
    (0..columns.len()).map(column).collect()
}

/// Entries, row-major, as a tensor like x.
fn like(entries: Vec<f64>, x: &Tensor) -> Result<Tensor> {
    let tensor = Tensor::from_vec(entries, x.shape(), &Device::Cpu)?;
    Ok(tensor.to_device(x.device())?.to_dtype(x.dtype())?)
}
