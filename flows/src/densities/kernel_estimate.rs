//! Kernel density estimates with Gaussian kernels.

mod bandwidth;
mod sums;

use super::mixture::{far_away, log_sum_exp};
use super::triangular::{cholesky, inverse_transposed, solve_upper};
use crate::density::Density;
use crate::error::{Error, Result};
use crate::transform::check_points;
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor};
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;
use rand_distr::weighted::WeightedIndex;
use std::f64::consts::TAU;
use sums::Kernels;

/// Points evaluated together in tensor operations: memory is that many times the kernels.
const POINTS_TOGETHER: usize = 256;

/// What a kernel density estimate consists of, as plain arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelParts {
    /// Number of features d.
    pub features: usize,
    /// Whitened rows that kernels stand at, N×d row-major.
    pub kernels: Vec<f32>,
    /// Their weights, all positive, of sum 1, N entries.
    pub weights: Vec<f64>,
    /// Mean of each column of the rows kept, d entries.
    pub centre: Vec<f64>,
    /// P, upper triangular with P Pᵀ the inverse of the rows' covariance, d×d row-major.
    pub whitening: Vec<f64>,
    /// h, in whitened units.
    pub bandwidth: f64,
}

/// A kernel density estimate: log p(x) = ln Σᵢ wᵢ N(x; xᵢ, h² Σ), nats, with Σ the covariance of the rows.
///
/// The bandwidth h has the largest mean log-density of rows under the estimate from all others, found on
/// at most 1,000 of them. Rows equal to the one left out are left out with it: repeated values do not draw
/// the bandwidth to 0; rows that share no more than the given columns with it stay. Kernels stand at no more than [`KernelDensity::MOST_KERNELS`] rows, chosen at random.
///
/// [`KernelDensity::log_prob_rows`] is exact up to the rounding of single precision, in which distances
/// are computed; cost n·N·d. As a [`Density`] it is the same in differentiable tensor operations in `f64`.
///
/// Parzen 1962, *On Estimation of a Probability Density Function and Mode*; the bandwidth of Duin 1976,
/// *On the Choice of Smoothing Parameters for Parzen Estimators of Probability Density Functions*.
///
/// # Example
/// ```
/// use diffeo_flows::Workers;
/// use diffeo_flows::densities::KernelDensity;
/// use diffeo_flows::rng::{Stream, generator};
/// let rows: Vec<f64> = (0..500).map(|i| f64::from(i % 2 * 10) + (0.7 * f64::from(i)).sin()).collect();
/// let (workers, mut rng) = (Workers::new(1)?, generator(0, Stream::Baseline, 0));
/// let density = KernelDensity::fit(&rows, 1, 0, None, &mut rng, &workers)?;
/// let log_prob = density.log_prob_rows(&[0.0, 5.0], 0, &workers)?;
/// assert!(log_prob[0] > log_prob[1] + 5.0, "nothing lies between the two");
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct KernelDensity {
    parts: KernelParts,
    scaled: Kernels,
}

impl KernelDensity {
    /// The most rows that kernels stand at.
    pub const MOST_KERNELS: usize = 10_000;

    /// Fits to `rows`, n×d row-major, with weights where they have some.
    ///
    /// The bandwidth is that of the density of the other columns given the first `given` ones.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows that are not whole; [`Error::Data`] for fewer than two of positive
    /// weight, and for a singular covariance.
    pub fn fit(
        rows: &[f64],
        features: usize,
        given: usize,
        weights: Option<&[f64]>,
        rng: &mut dyn RngCore,
        workers: &Workers,
    ) -> Result<Self> {
        check_rows("KernelDensity::fit", rows, features, given)?;
        let n = rows.len() / features;
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        let mut kept: Vec<usize> = (0..n).filter(|i| weight(*i) > 0.0).collect();
        if kept.len() > Self::MOST_KERNELS {
            let mut chosen =
                rand::seq::index::sample(rng, kept.len(), Self::MOST_KERNELS).into_vec();
            chosen.sort_unstable();
            kept = chosen.into_iter().map(|i| kept[i]).collect();
        }
        if kept.len() < 2 {
            let problem = format!("{} rows to take kernels from", kept.len());
            return Err(Error::data("kernel estimate", problem, "give at least 2"));
        }
        let total: f64 = kept.iter().map(|i| weight(*i)).sum();
        let weights: Vec<f64> = kept.iter().map(|i| weight(*i) / total).collect();
        let kept: Vec<f64> =
            kept.into_iter().flat_map(|i| &rows[i * features..][..features]).copied().collect();
        let (centre, whitening) = whitening(&kept, &weights, features)?;
        let whitened = kept.chunks_exact(features).flat_map(|x| whiten(x, &centre, &whitening));
        let kernels: Vec<f32> = whitened.map(|u| u as f32).collect();
        let queries = bandwidth::queries(weights.len(), rng);
        let unscaled = Kernels::new(&kernels, &weights, features, 1.0);
        let bandwidth = bandwidth::choose(&unscaled, &weights, (&queries, given), workers)?;
        Self::from_parts(KernelParts { features, kernels, weights, centre, whitening, bandwidth })
    }

    /// The estimate of these parts.
    ///
    /// # Errors
    /// [`Error::Shape`] when their sizes do not fit; [`Error::Data`] for a bandwidth that is not positive.
    pub fn from_parts(parts: KernelParts) -> Result<Self> {
        let (d, n) = (parts.features, parts.weights.len());
        let sizes = [parts.kernels.len(), parts.centre.len(), parts.whitening.len()];
        if d == 0 || n == 0 || sizes != [n * d, d, d * d] {
            let expected = format!("[{n} · {d}], [{d}] and [{d} · {d}]");
            return Err(Error::shape("KernelDensity::from_parts", expected, &sizes));
        }
        if !(parts.bandwidth.is_finite() && parts.bandwidth > 0.0) {
            let problem = format!("the bandwidth is {}", parts.bandwidth);
            return Err(Error::data("kernel estimate", problem, "fit it anew"));
        }
        let scaled = Kernels::new(&parts.kernels, &parts.weights, d, parts.bandwidth);
        Ok(Self { parts, scaled })
    }

    /// Kernels, weights and bandwidth.
    pub fn parts(&self) -> &KernelParts {
        &self.parts
    }

    /// Log-density of each row of n×d, nats, of its other columns given the first `given`.
    ///
    /// −∞ for rows that are not finite.
    ///
    /// # Errors
    /// [`Error::Shape`] for rows that are not whole, or none but given columns.
    pub fn log_prob_rows(&self, rows: &[f64], given: usize, workers: &Workers) -> Result<Vec<f64>> {
        let (d, h) = (self.parts.features, self.parts.bandwidth);
        check_rows("KernelDensity::log_prob_rows", rows, d, given)?;
        let constant = self.log_constant(given);
        let chunks = workers.map_chunks(rows.len() / d, sums::QUERIES, |range| {
            let scaled = rows[range.start * d..range.end * d].chunks_exact(d).flat_map(|x| {
                let whitened = whiten(x, &self.parts.centre, &self.parts.whitening);
                whitened.into_iter().map(move |u| (u / h) as f32)
            });
            let sums = self.scaled.log_sums(&scaled.collect::<Vec<f32>>(), given);
            Ok(sums.into_iter().map(|sum| sum + constant).collect::<Vec<f64>>())
        })?;
        Ok(chunks.concat())
    }

    /// What the log-densities have besides the logarithms of sums: ln |P| h^−m (2π)^(−m/2) of m columns.
    fn log_constant(&self, given: usize) -> f64 {
        let d = self.parts.features;
        let diagonal = self.parts.whitening.iter().step_by(d + 1).skip(given);
        let each = self.parts.bandwidth.ln() + 0.5 * TAU.ln();
        diagonal.map(|p| p.ln() - each).sum()
    }

    /// log p of finite points `[n, d]`, `f64`.
    fn in_tensors(&self, x: &Tensor) -> Result<Tensor> {
        let (d, device) = (self.parts.features, x.device());
        let n = self.parts.weights.len();
        let h = self.parts.bandwidth;
        let centre = Tensor::from_slice(&self.parts.centre, (1, d), device)?;
        let whitening = Tensor::from_slice(&self.parts.whitening, (d, d), device)?;
        let kernels = Tensor::from_slice(&self.parts.kernels, (n, d), device)?;
        let kernels = kernels.to_dtype(DType::F64)?.affine(1.0 / h, 0.0)?;
        let log_weights: Vec<f64> = self.parts.weights.iter().map(|w| w.ln()).collect();
        let log_weights = Tensor::from_vec(log_weights, (1, n), device)?;
        let constants = (log_weights - kernels.sqr()?.sum(1)?.unsqueeze(0)?.affine(0.5, 0.0)?)?;
        let u = x.broadcast_sub(&centre)?.matmul(&whitening)?.affine(1.0 / h, 0.0)?;
        let terms = u.matmul(&kernels.t()?)?.broadcast_add(&constants)?;
        let own = u.sqr()?.sum(1)?.affine(-0.5, self.log_constant(0))?;
        Ok((log_sum_exp(&terms)? + own)?)
    }
}

impl Density for KernelDensity {
    fn features(&self) -> usize {
        self.parts.features
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("KernelDensity::log_prob", x, self.parts.features)?;
        // Masked before the mathematics, where ∞ − ∞ would be NaN.
        let far = x.detach().abs()?.sum_keepdim(1)?.gt(far_away(x.dtype()))?;
        let near = far.broadcast_as(x.shape())?.where_cond(&x.zeros_like()?, x)?;
        let near = near.to_dtype(DType::F64)?.contiguous()?;
        let n = x.dim(0)?;
        let starts = (0..n).step_by(POINTS_TOGETHER);
        let parts =
            starts.map(|i| self.in_tensors(&near.narrow(0, i, POINTS_TOGETHER.min(n - i))?));
        let log_prob = match parts.collect::<Result<Vec<Tensor>>>()? {
            parts if parts.is_empty() => Tensor::zeros(0, DType::F64, x.device())?,
            parts => Tensor::cat(&parts, 0)?,
        };
        let log_prob = log_prob.to_dtype(x.dtype())?;
        let nowhere = log_prob.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
        Ok(far.squeeze(1)?.where_cond(&nowhere, &log_prob)?)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let KernelParts { features: d, kernels, weights, centre, whitening, bandwidth } =
            &self.parts;
        let choice = WeightedIndex::new(weights).map_err(|e| {
            Error::data("weights of kernels", e.to_string(), "fit the estimate anew")
        })?;
        let mut values = Vec::with_capacity(n * d);
        for _ in 0..n {
            let kernel = &kernels[rng.sample(&choice) * d..][..*d];
            let mut moved: Vec<f64> = kernel
                .iter()
                .map(|k| f64::from(*k) + bandwidth * rng.sample::<f64, _>(StandardNormal))
                .collect();
            solve_upper(whitening, &mut moved);
            values.extend(moved.iter().zip(centre).map(|(y, mean)| mean + y));
        }
        Ok(Tensor::from_vec(values, (n, *d), &Device::Cpu)?)
    }
}

/// Fails unless the numbers are whole rows with more columns than are given.
pub(super) fn check_rows(
    what: &'static str,
    rows: &[f64],
    features: usize,
    given: usize,
) -> Result<()> {
    if features <= given || !rows.len().is_multiple_of(features) {
        let expected = format!("[n · {features}], more than the {given} given columns");
        return Err(Error::shape(what, expected, &[rows.len()]));
    }
    Ok(())
}

/// Mean and P of weighted rows.
fn whitening(rows: &[f64], weights: &[f64], d: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    let mut centre = vec![0.0; d];
    for (row, w) in rows.chunks_exact(d).zip(weights) {
        centre.iter_mut().zip(row).for_each(|(c, x)| *c += w * x);
    }
    let mut covariance = vec![0.0; d * d];
    for (row, w) in rows.chunks_exact(d).zip(weights) {
        let moved: Vec<f64> = row.iter().zip(&centre).map(|(x, c)| x - c).collect();
        for (i, a) in moved.iter().enumerate() {
            let line = &mut covariance[i * d..][..=i];
            line.iter_mut().zip(&moved).for_each(|(c, b)| *c += w * a * b);
        }
    }
    let lower = cholesky(&covariance, d).ok_or_else(|| {
        let problem = "the covariance of the rows is not positive definite";
        Error::data("kernel estimate", problem, "remove columns that others determine")
    })?;
    Ok((centre, inverse_transposed(&lower, d)))
}

/// (x − centre) P
fn whiten(x: &[f64], centre: &[f64], whitening: &[f64]) -> Vec<f64> {
    let d = x.len();
    let mut u = vec![0.0; d];
    for (i, (x, c)) in x.iter().zip(centre).enumerate() {
        let moved = x - c;
        u[i..].iter_mut().zip(&whitening[i * d + i..][..d - i]).for_each(|(u, p)| *u += moved * p);
    }
    u
}

#[cfg(test)]
mod tests;
