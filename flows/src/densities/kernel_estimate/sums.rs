//! Sums over all kernels, in tiles of queries and blocks of kernels, in single precision.

/// Kernels whose columns stand in the cache together.
pub(super) const BLOCK: usize = 256;
/// Rows whose sums are formed together.
pub(super) const QUERIES: usize = 64;
/// Independent partial sums, which the compiler turns into vectors.
const LANES: usize = 16;
/// e⁻⁸⁷ is the smallest power of e that is a normal number.
const LOWEST: f32 = -87.0;

/// Kernels, feature by feature within each block; the last block is filled up with weights of 0.
#[derive(Debug)]
pub(super) struct Kernels {
    pub(super) features: usize,
    /// `[blocks, d, BLOCK]`
    points: Vec<f32>,
    /// `[blocks, BLOCK]`
    log_weights: Vec<f32>,
}

impl Kernels {
    /// Kernels at rows `[N, d]`, divided by a bandwidth.
    pub(super) fn new(rows: &[f32], weights: &[f64], features: usize, bandwidth: f64) -> Self {
        let blocks = weights.len().div_ceil(BLOCK);
        let mut points = vec![0.0; blocks * BLOCK * features];
        let mut log_weights = vec![f32::NEG_INFINITY; blocks * BLOCK];
        for (i, (row, weight)) in rows.chunks_exact(features).zip(weights).enumerate() {
            let start = i / BLOCK * BLOCK * features + i % BLOCK;
            for (j, x) in row.iter().enumerate() {
                points[start + j * BLOCK] = (f64::from(*x) / bandwidth) as f32;
            }
            log_weights[i] = weight.ln() as f32;
        }
        Self { features, points, log_weights }
    }

    /// Blocks of kernels `[d, BLOCK]` with the logarithms of their weights.
    fn blocks(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        let points = self.points.chunks_exact(self.features * BLOCK);
        points.zip(self.log_weights.chunks_exact(BLOCK))
    }

    /// The row of a kernel.
    pub(super) fn row(&self, i: usize) -> Vec<f32> {
        let start = i / BLOCK * BLOCK * self.features + i % BLOCK;
        (0..self.features).map(|j| self.points[start + j * BLOCK]).collect()
    }

    /// ln Σᵢ wᵢ exp(−½‖u − kᵢ‖²) of each query u; with given columns, less the same of these alone.
    pub(super) fn log_sums(&self, queries: &[f32], given: usize) -> Vec<f64> {
        let d = self.features;
        let mut all = vec![Sum::default(); queries.len() / d];
        let mut of_given = all.clone();
        let mut terms = [0.0; BLOCK];
        for (points, log_weights) in self.blocks() {
            for (q, query) in queries.chunks_exact(d).enumerate() {
                terms.copy_from_slice(log_weights);
                subtract_half_squares(&mut terms, &query[..given], points);
                if given > 0 {
                    of_given[q].add(&terms);
                }
                subtract_half_squares(&mut terms, &query[given..], &points[given * BLOCK..]);
                all[q].add(&terms);
            }
        }
        let finite = |q: usize| queries[q * d..][..d].iter().all(|u| u.is_finite());
        let value = |q: usize| match () {
            () if !finite(q) => f64::NEG_INFINITY,
            () if given > 0 => conditional(all[q].ln(), of_given[q].ln()),
            () => all[q].ln(),
        };
        (0..all.len()).map(value).collect()
    }

    /// ‖u − kᵢ‖² over some columns, added to what is there for all kernels, `[blocks · BLOCK]`.
    pub(super) fn add_squares(
        &self,
        query: &[f32],
        columns: std::ops::Range<usize>,
        squares: &mut [f32],
    ) {
        for ((points, _), squares) in self.blocks().zip(squares.chunks_exact_mut(BLOCK)) {
            let points = points[columns.start * BLOCK..].chunks_exact(BLOCK);
            for (u, points) in query[columns.clone()].iter().zip(points) {
                squares.iter_mut().zip(points).for_each(|(s, k)| *s += (u - k) * (u - k));
            }
        }
    }
}

/// ln (a / b) of logarithms; nothing is possible where b is not.
fn conditional(joint: f64, marginal: f64) -> f64 {
    if joint > f64::NEG_INFINITY { joint - marginal } else { joint }
}

/// Takes ½ (u − k)² of each column from the terms of a block.
fn subtract_half_squares(terms: &mut [f32; BLOCK], query: &[f32], points: &[f32]) {
    for (u, points) in query.iter().zip(points.chunks_exact(BLOCK)) {
        terms.iter_mut().zip(points).for_each(|(t, k)| *t -= 0.5 * (u - k) * (u - k));
    }
}

/// A sum of exponentials, held as that of the largest exponent and what it is multiplied by.
#[derive(Debug, Clone, Copy)]
struct Sum {
    largest: f32,
    rest: f64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { largest: f32::NEG_INFINITY, rest: 0.0 }
    }
}

impl Sum {
    fn add(&mut self, exponents: &[f32; BLOCK]) {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        for group in exponents.chunks_exact(LANES) {
            lanes.iter_mut().zip(group).for_each(|(l, e)| *l = if *e > *l { *e } else { *l });
        }
        let largest = lanes.into_iter().fold(f32::NEG_INFINITY, f32::max);
        if largest == f32::NEG_INFINITY || largest < self.largest + LOWEST {
            return;
        }
        if largest > self.largest {
            self.rest *= (f64::from(self.largest) - f64::from(largest)).exp();
            self.largest = largest;
        }
        let mut sums = [0.0f32; LANES];
        for group in exponents.chunks_exact(LANES) {
            sums.iter_mut().zip(group).for_each(|(s, e)| *s += exp(e - self.largest));
        }
        self.rest += sums.into_iter().map(f64::from).sum::<f64>();
    }

    fn ln(self) -> f64 {
        f64::from(self.largest) + self.rest.ln()
    }
}

/// eˣ of x ≤ 0, to two units in the last place; below −87 what it is there, which is as good as 0.
///
/// x = n ln 2 + r with |r| ≤ ½ ln 2; eʳ by the polynomial of degree 7 of Moshier's *Cephes*. Written
/// without branches, so that compilers turn loops over it into vectors.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > LOWEST { x } else { LOWEST };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * 0.693_359_4) - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = p * r + c;
    }
    let p = p * r * r + r + 1.0;
    p * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}
