//! Toys with noise added: the exact density and score of x = y + s z.

mod quadrature;
#[cfg(test)]
mod tests;

use self::quadrature::Cells;
use super::Toy;
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::f64::consts::TAU;
use std::ops::Range;

/// Most nodes of a grid: 32 MiB.
const MOST_NODES: usize = 1 << 22;
/// Largest difference of the mass on the grid from 1.
const MASS: f64 = 1e-3;
/// Noise further than so many standard deviations is left out: e^(−40.5) of its peak.
const REACH: f64 = 9.0;
/// Below this sum of kernels what [`REACH`] leaves out may matter: the full sum is taken.
const FAINT: f64 = 1e-9;
/// Densities below this count as 0.
const NOTHING: f64 = 1e-200;

/// A toy convolved with normal noise of standard deviations s₁, s₂, by quadrature.
///
/// p_s(x) = ∫ p(y) N(x; y, diag(s₁², s₂²)) dy,  ∂ᵢ log p_s(x) = E[yᵢ − xᵢ | x] / sᵢ²
///
/// The second identity is Tweedie's (Robbins 1956, *An empirical Bayes approach to statistics*).
/// The toy is tabulated once, on 360 to 720 nodes along each axis or more where the noise is small;
/// a point then costs one pass over the nodes near it, below a millisecond. Log-densities are nats,
/// lengths those of the toy.
///
/// The grid covers the toy's window and a tenth of its width more on each side. Where points of the
/// toy beyond that would count, several standard deviations of the noise outside the window, the
/// density is too low.
///
/// # Example
/// ```
/// use diffeo_flows::densities::{SmoothedToy, Toy};
/// let smoothed = SmoothedToy::new(&Toy::named("checkerboard")?, [1.0, 1.0])?;
/// // The board is its own mirror image in the origin, so nothing draws from there.
/// let score = smoothed.score(&[0.0, 0.0]);
/// assert!(score.iter().all(|s| s.abs() < 1e-9));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SmoothedToy {
    noise: [f64; 2],
    nodes: [Vec<f64>; 2],
    /// Mass of each node, the second coordinate running faster.
    masses: Vec<f64>,
}

/// Σ m k and Σ m k (y − x) / s² over the nodes, with the logarithm of what k was divided by.
struct Sums {
    log_scale: f64,
    value: f64,
    slopes: [f64; 2],
}

impl SmoothedToy {
    /// The toy with noise of these standard deviations.
    ///
    /// # Errors
    /// [`Error::Config`] unless both are positive and the grid that they need has at most 2²²
    /// nodes; [`Error::Data`] when the mass on the grid differs from 1 by more than 1e-3.
    pub fn new(toy: &Toy, noise: [f64; 2]) -> Result<Self> {
        if noise.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            let problem = format!("{noise:?} are no standard deviations");
            return Err(Error::config("noise", problem, "give positive numbers"));
        }
        let window = toy.window();
        let counts = [0, 1].map(|axis| Cells::over(window[axis], noise[axis]).nodes());
        if counts[0] * counts[1] > MOST_NODES as f64 {
            let problem = format!("{noise:?} need a grid of {} by {} nodes", counts[0], counts[1]);
            return Err(Error::config("noise", problem, "add more noise"));
        }
        let axes = [0, 1].map(|axis| Cells::over(window[axis], noise[axis]).quadrature());
        let row = |(y, weight): &(f64, f64)| -> Vec<f64> {
            let mass = |(z, other): &(f64, f64)| match toy.log_prob_at([*y, *z]).exp() {
                density if density < NOTHING => 0.0,
                density => density * weight * other,
            };
            axes[1].iter().map(mass).collect()
        };
        let masses = axes[0].par_iter().flat_map_iter(row).collect::<Vec<f64>>();
        let mass: f64 = masses.iter().sum();
        if (mass - 1.0).abs() > MASS || mass.is_nan() {
            let problem = format!("the mass of `{}` on the grid is {mass}", toy.info().name);
            return Err(Error::data("smoothed toy", problem, "the window of the toy is too small"));
        }
        let nodes = axes.map(|axis| axis.into_iter().map(|(y, _)| y).collect());
        Ok(Self { noise, nodes, masses })
    }

    /// log p_s(x), nats; −∞ where no number holds it, NaN at NaN.
    pub fn log_prob(&self, x: &[f64; 2]) -> f64 {
        self.log_prob_and_score(x).0
    }

    /// ∇ log p_s(x), in inverse units of the toy; NaN where log p_s is −∞ or NaN.
    pub fn score(&self, x: &[f64; 2]) -> [f64; 2] {
        self.log_prob_and_score(x).1
    }

    /// Both from the same pass.
    pub fn log_prob_and_score(&self, x: &[f64; 2]) -> (f64, [f64; 2]) {
        if x.iter().any(|x| x.is_nan()) {
            return (f64::NAN, [f64::NAN; 2]);
        }
        let mut sums = self.near(x);
        if sums.value < FAINT {
            sums = self.everywhere(x);
        }
        let constant = (TAU * self.noise[0] * self.noise[1]).ln();
        let log_prob = sums.value.ln() + sums.log_scale - constant;
        (log_prob, sums.slopes.map(|slope| slope / sums.value))
    }

    /// Log-densities and scores of many points, in their order, on the threads of the current pool.
    pub fn log_probs_and_scores(&self, points: &[[f64; 2]]) -> Vec<(f64, [f64; 2])> {
        points.par_iter().map(|x| self.log_prob_and_score(x)).collect()
    }

    /// The sums over the nodes within [`REACH`], with the kernel's peak at 1.
    fn near(&self, x: &[f64; 2]) -> Sums {
        let [first, second] = [0, 1].map(|axis| self.kernel(axis, x[axis]));
        let columns = self.nodes[1].len();
        let mut sums = Sums { log_scale: 0.0, value: 0.0, slopes: [0.0; 2] };
        for ((i, k), slope) in first.range.clone().zip(&first.values).zip(&first.slopes) {
            let row = &self.masses[i * columns..][second.range.clone()];
            let [along, turned] = dots(row, &second.values, &second.slopes);
            sums.value += k * along;
            sums.slopes[0] += slope * along;
            sums.slopes[1] += k * turned;
        }
        sums
    }

    /// The sums over all nodes, with the largest kernel at 1: for points far from the mass.
    fn everywhere(&self, x: &[f64; 2]) -> Sums {
        let columns = self.nodes[1].len();
        let z = |axis: usize, k: usize| (self.nodes[axis][k] - x[axis]) / self.noise[axis];
        let terms = || {
            let all = self.masses.iter().enumerate().filter(|(_, mass)| **mass > 0.0);
            all.map(|(k, mass)| (*mass, [z(0, k / columns), z(1, k % columns)]))
        };
        let exponent = |z: [f64; 2]| -0.5 * (z[0] * z[0] + z[1] * z[1]);
        let log_scale = terms().map(|(_, z)| exponent(z)).fold(f64::NEG_INFINITY, f64::max);
        let mut sums = Sums { log_scale, value: 0.0, slopes: [0.0; 2] };
        if log_scale.is_infinite() {
            return Sums { slopes: [f64::NAN; 2], ..sums };
        }
        for (mass, z) in terms() {
            let k = mass * (exponent(z) - log_scale).exp();
            sums.value += k;
            sums.slopes[0] += k * z[0] / self.noise[0];
            sums.slopes[1] += k * z[1] / self.noise[1];
        }
        sums
    }

    fn kernel(&self, axis: usize, x: f64) -> Kernel {
        let (nodes, s) = (&self.nodes[axis], self.noise[axis]);
        let start = nodes.partition_point(|y| *y < x - REACH * s);
        let end = nodes.partition_point(|y| *y <= x + REACH * s);
        let z = nodes[start..end].iter().map(|y| (y - x) / s);
        let values: Vec<f64> = z.clone().map(|z| (-0.5 * z * z).exp()).collect();
        let slopes = z.zip(&values).map(|(z, k)| z / s * k).collect();
        Kernel { range: start..end, values, slopes }
    }
}

/// The noise along one axis, at the nodes within [`REACH`].
struct Kernel {
    range: Range<usize>,
    values: Vec<f64>,
    /// Times (y − x) / s².
    slopes: Vec<f64>,
}

/// Σ mₖ aₖ and Σ mₖ bₖ, in lanes that become vectors.
fn dots(masses: &[f64], a: &[f64], b: &[f64]) -> [f64; 2] {
    const LANES: usize = 8;
    let mut lanes = [[0.0; LANES]; 2];
    let whole = masses.len() / LANES * LANES;
    let chunks = masses.chunks_exact(LANES).zip(a.chunks_exact(LANES)).zip(b.chunks_exact(LANES));
    for ((m, a), b) in chunks {
        for k in 0..LANES {
            lanes[0][k] += m[k] * a[k];
            lanes[1][k] += m[k] * b[k];
        }
    }
    let rest = |with: &[f64]| -> f64 {
        masses[whole..].iter().zip(&with[whole..]).map(|(m, k)| m * k).sum()
    };
    [lanes[0].iter().sum::<f64>() + rest(a), lanes[1].iter().sum::<f64>() + rest(b)]
}
