//! Ways to find the divergence of a field along a path.

use crate::calculus::{DifferentiableMap, Probe, orthonormal, sketched, sketches};
use crate::config::DivergenceConfig;
use crate::draws::{Draws, RowKey};
use crate::error::Result;
use crate::field::VectorField;
use crate::params::to_f64;
use candle_core::{Device, Tensor};
use std::ops::Range;

/// How a divergence is found, with probes that stay the same over a solve.
#[derive(Debug, Clone)]
pub(super) enum Divergence {
    Exact,
    /// The mean over probes `[k, n, d]`.
    Probes(Tensor),
    /// Hutch++ with these sketches and probes, `[n, d]` each.
    Sketched {
        sketches: Vec<Tensor>,
        probes: Vec<Tensor>,
    },
}

impl Divergence {
    /// As this configuration says, for points shaped as x `[n, d]`.
    pub(super) fn new(config: DivergenceConfig, seed: u64, x: &Tensor) -> Result<Self> {
        let d = x.dim(1)?;
        Ok(match config.resolved(d) {
            DivergenceConfig::Hutchinson { probe, probes } => {
                // d orthogonal probes are exact; more would only add noise.
                let count = if probe == Probe::Orthogonal { probes.min(d) } else { probes };
                Self::Probes(drawn(probe, seed, x, 0..count)?)
            }
            DivergenceConfig::HutchPlusPlus { probes: products } => {
                let rank = sketches(products, d);
                let rest = if rank == d { 0 } else { products - 2 * rank };
                let draw = |j| one(Probe::Rademacher, seed, x, j);
                Self::Sketched {
                    sketches: (0..rank).map(draw).collect::<Result<_>>()?,
                    probes: (rank..rank + rest).map(draw).collect::<Result<_>>()?,
                }
            }
            DivergenceConfig::Auto | DivergenceConfig::Exact => Self::Exact,
        })
    }

    /// The velocity `[n, d]` and its divergence `[n]`.
    pub(super) fn of(
        &self,
        field: &dyn VectorField,
        t: f64,
        x: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        match self {
            Self::Exact => field.velocity_and_divergence(t, x, context),
            Self::Probes(probes) => {
                let (velocity, forms) = forms(field, t, x, probes, context)?;
                Ok((velocity, forms.mean(0)?))
            }
            Self::Sketched { sketches, probes } => {
                let map = AtTime { field, t, context };
                let estimate = sketched(&map, x, sketches, probes.clone())?;
                Ok((map.forward(x)?, estimate.value))
            }
        }
    }
}

/// The velocity `[n, d]` and εᵀ (∂v/∂x) ε of each probe: probes `[k, n, d]` → `[k, n]`.
pub(super) fn forms(
    field: &dyn VectorField,
    t: f64,
    x: &Tensor,
    probes: &Tensor,
    context: Option<&Tensor>,
) -> Result<(Tensor, Tensor)> {
    let (velocity, tangents) = field.velocity_and_jvps(t, x, probes, context)?;
    Ok((velocity, (tangents * probes)?.sum(2)?))
}

/// The probes of these numbers for points shaped as x `[n, d]`: `[k, n, d]`.
///
/// Orthogonal ones are so within each d from a multiple of d on.
pub(super) fn drawn(probe: Probe, seed: u64, x: &Tensor, numbers: Range<usize>) -> Result<Tensor> {
    if probe != Probe::Orthogonal {
        let probes: Vec<Tensor> = numbers.map(|j| one(probe, seed, x, j)).collect::<Result<_>>()?;
        return Ok(Tensor::stack(&probes, 0)?);
    }
    let d = x.dim(1)?;
    let start = numbers.start - numbers.start % d;
    let directions: Vec<Tensor> =
        (start..numbers.end).map(|j| one(Probe::Gaussian, seed, x, j)).collect::<Result<_>>()?;
    let mut probes = Vec::with_capacity(directions.len());
    for directions in directions.chunks(d) {
        probes.extend(orthonormal(directions, x)?);
    }
    let length = (d as f64).sqrt();
    Ok(Tensor::stack(&probes[numbers.start - start..], 0)?.affine(length, 0.0)?)
}

/// The probe of one number, `[n, d]`: what a row gets depends on its entries alone.
fn one(probe: Probe, seed: u64, x: &Tensor, number: usize) -> Result<Tensor> {
    let draws = Draws::of_probe(seed, number);
    let rows = to_f64(x)?;
    let mut values = vec![0.0; rows.len()];
    let d = x.dim(1)?;
    for (row, values) in rows.chunks_exact(d).zip(values.chunks_exact_mut(d)) {
        let key = RowKey::of(row.iter().map(|entry| *entry as f32));
        draws.probe_of_row(probe, key, values);
    }
    let probe = Tensor::from_vec(values, x.shape(), &Device::Cpu)?;
    Ok(probe.to_dtype(x.dtype())?.to_device(x.device())?)
}

/// A field at one time, as a map of points.
struct AtTime<'a> {
    field: &'a dyn VectorField,
    t: f64,
    context: Option<&'a Tensor>,
}

impl DifferentiableMap for AtTime<'_> {
    fn inputs(&self) -> usize {
        self.field.features()
    }

    fn outputs(&self) -> usize {
        self.field.features()
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.field.velocity(self.t, x, self.context)
    }

    fn forward_and_jvp(&self, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
        self.field.velocity_and_jvp(self.t, x, u, self.context)
    }
}
