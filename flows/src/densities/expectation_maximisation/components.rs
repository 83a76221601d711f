//! The two steps of expectation maximisation, on blocks of rows held column by column.

use super::super::triangular::{cholesky, inverse_transposed};
use crate::error::{Error, Result};
use rayon::prelude::*;
use std::f64::consts::TAU;

/// A component with less responsibility than this many rows becomes as wide as the data.
const DEAD_MASS: f64 = 1e-6;
/// A term that is e⁻⁴⁵ times the largest, or less, adds nothing to a sum in double precision.
const NEGLIGIBLE: f64 = 45.0;
/// Rows whose columns stand in the cache together.
const BLOCK: usize = 128;
/// Blocks whose sums are formed together.
const BLOCKS: usize = 16;
/// Independent partial sums of a scalar product, which the compiler turns into vectors.
const LANES: usize = 8;

/// A mixture of the standardised rows: weights `[M]`, means `[M, d]`, whitenings `[M, d, d]`.
#[derive(Debug)]
pub(super) struct Components {
    d: usize,
    pub(super) weights: Vec<f64>,
    pub(super) means: Vec<f64>,
    pub(super) whitenings: Vec<f64>,
}

impl Components {
    /// The components of clusters of rows.
    pub(super) fn of_clusters(
        rows: &[f64],
        centres: Vec<f64>,
        nearest: &[usize],
        (d, ridge): (usize, f64),
    ) -> Result<Self> {
        let mut sums = Sums::zero(centres.len() / d, d);
        for (row, k) in rows.chunks_exact(d).zip(nearest) {
            let moved: Vec<f64> = row.iter().zip(&centres[k * d..]).map(|(x, c)| x - c).collect();
            sums.mass[*k] += 1.0;
            for (i, a) in moved.iter().enumerate() {
                sums.first[k * d + i] += a;
                let second = &mut sums.second[(k * d + i) * d..][..=i];
                second.iter_mut().zip(&moved).for_each(|(s, b)| *s += a * b);
            }
        }
        Self { d, weights: vec![], means: centres, whitenings: vec![] }.maximise(&sums, ridge)
    }

    /// The mixture that the sums about these components' means ask for.
    pub(super) fn maximise(&self, sums: &Sums, ridge: f64) -> Result<Self> {
        let (d, m) = (self.d, sums.mass.len());
        let rows: f64 = sums.mass.iter().sum();
        let weights = sums.mass.iter().map(|mass| (mass + 1.0) / (rows + m as f64)).collect();
        let mut means = self.means.clone();
        let mut whitenings = Vec::with_capacity(m * d * d);
        for (k, mass) in sums.mass.iter().enumerate() {
            let mut covariance = vec![0.0; d * d];
            if *mass < DEAD_MASS {
                covariance.iter_mut().step_by(d + 1).for_each(|v| *v = 1.0);
            } else {
                let shift: Vec<f64> = sums.first[k * d..][..d].iter().map(|s| s / mass).collect();
                for (i, a) in shift.iter().enumerate() {
                    means[k * d + i] += a;
                    for (j, b) in shift[..=i].iter().enumerate() {
                        let second = sums.second[(k * d + i) * d + j] / mass;
                        covariance[i * d + j] = second - a * b;
                    }
                    covariance[i * d + i] += ridge;
                }
            }
            let lower = cholesky(&covariance, d).ok_or_else(|| singular(k))?;
            whitenings.extend(inverse_transposed(&lower, d));
        }
        Ok(Self { d, weights, means, whitenings })
    }

    /// The sums of all rows, chunk by chunk.
    pub(super) fn expectation(&self, rows: &[f64]) -> Sums {
        let chunks: Vec<Sums> = rows
            .par_chunks(BLOCKS * BLOCK * self.d)
            .map(|chunk| {
                let mut sums = Sums::zero(self.weights.len(), self.d);
                let mut block = Block::new(self.weights.len(), self.d);
                for rows in chunk.chunks(BLOCK * self.d) {
                    block.load(rows);
                    sums.log_likelihood += block.responsibilities(self);
                    block.add_to(&mut sums, self);
                }
                sums
            })
            .collect();
        let mut sums = Sums::zero(self.weights.len(), self.d);
        for chunk in &chunks {
            sums.add(chunk);
        }
        sums
    }

    /// ln wₖ |Pₖ| (2π)^(−d/2)
    fn constant(&self, k: usize) -> f64 {
        let (d, whitening) = (self.d, self.whitening(k));
        let log_volume: f64 = whitening.iter().step_by(d + 1).map(|p| p.ln()).sum();
        self.weights[k].ln() + log_volume - 0.5 * d as f64 * TAU.ln()
    }

    fn mean(&self, k: usize) -> &[f64] {
        &self.means[k * self.d..][..self.d]
    }

    fn whitening(&self, k: usize) -> &[f64] {
        let size = self.d * self.d;
        &self.whitenings[k * size..][..size]
    }
}

fn singular(k: usize) -> Error {
    Error::data(
        format!("component {k}"),
        "its covariance is not positive definite",
        "rescale the columns, whose numbers differ too much in size",
    )
}

/// Sums over rows of responsibilities r, of r δ and of r δ δᵀ, with δ = x − μₖ.
#[derive(Debug)]
pub(super) struct Sums {
    mass: Vec<f64>,
    first: Vec<f64>,
    /// Lower triangles of d×d.
    second: Vec<f64>,
    log_likelihood: f64,
}

impl Sums {
    fn zero(m: usize, d: usize) -> Self {
        Self {
            mass: vec![0.0; m],
            first: vec![0.0; m * d],
            second: vec![0.0; m * d * d],
            log_likelihood: 0.0,
        }
    }

    /// Σ ln p(x), nats.
    pub(super) fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    fn add(&mut self, other: &Self) {
        let pairs = [
            (&mut self.mass, &other.mass),
            (&mut self.first, &other.first),
            (&mut self.second, &other.second),
        ];
        for (mine, theirs) in pairs {
            mine.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        }
        self.log_likelihood += other.log_likelihood;
    }
}

/// At most [`BLOCK`] rows, feature by feature, and what is computed of them.
#[derive(Debug)]
struct Block {
    d: usize,
    rows: usize,
    /// `[d, BLOCK]`
    points: Vec<f64>,
    /// δ, then r δ, of the rows in question, `[d, BLOCK]`.
    moved: Vec<f64>,
    weighted: Vec<f64>,
    /// Log-densities, then responsibilities, `[M, BLOCK]`.
    terms: Vec<f64>,
}

impl Block {
    fn new(m: usize, d: usize) -> Self {
        let space = |columns: usize| vec![0.0; columns * BLOCK];
        Self { d, rows: 0, points: space(d), moved: space(d), weighted: space(d), terms: space(m) }
    }

    fn load(&mut self, rows: &[f64]) {
        self.rows = rows.len() / self.d;
        for (b, row) in rows.chunks_exact(self.d).enumerate() {
            for (j, x) in row.iter().enumerate() {
                self.points[j * BLOCK + b] = *x;
            }
        }
    }

    /// Fills `terms` with responsibilities and returns Σ ln p(x).
    fn responsibilities(&mut self, of: &Components) -> f64 {
        let m = of.weights.len();
        for k in 0..m {
            self.log_density(of, k);
        }
        let mut largest = [f64::NEG_INFINITY; BLOCK];
        for terms in self.terms.chunks_exact(BLOCK) {
            for (l, t) in largest.iter_mut().zip(terms) {
                *l = if t > l { *t } else { *l };
            }
        }
        let mut total = [0.0; BLOCK];
        for terms in self.terms.chunks_exact_mut(BLOCK) {
            for ((t, l), sum) in terms.iter_mut().zip(&largest).zip(&mut total) {
                let behind = *t - l;
                *t = if behind > -NEGLIGIBLE { behind.exp() } else { 0.0 };
                *sum += *t;
            }
        }
        let inverse = total.map(f64::recip);
        for terms in self.terms.chunks_exact_mut(BLOCK) {
            terms.iter_mut().zip(&inverse).for_each(|(t, i)| *t *= i);
        }
        largest.iter().zip(total).take(self.rows).map(|(l, t)| l + t.ln()).sum()
    }

    /// ln wₖ N(x; μₖ, Σₖ) of each row.
    fn log_density(&mut self, of: &Components, k: usize) {
        let (d, mean, whitening) = (self.d, of.mean(k), of.whitening(k));
        for (j, mean) in mean.iter().enumerate() {
            let points = &self.points[j * BLOCK..][..BLOCK];
            let moved = &mut self.moved[j * BLOCK..][..BLOCK];
            moved.iter_mut().zip(points).for_each(|(m, x)| *m = x - mean);
        }
        let mut squares = [0.0; BLOCK];
        for j in 0..d {
            let mut u = [0.0; BLOCK];
            for (i, moved) in self.moved.chunks_exact(BLOCK).take(j + 1).enumerate() {
                let p = whitening[i * d + j];
                u.iter_mut().zip(moved).for_each(|(u, m)| *u += p * m);
            }
            squares.iter_mut().zip(&u).for_each(|(s, u)| *s += u * u);
        }
        let constant = of.constant(k);
        let terms = &mut self.terms[k * BLOCK..][..BLOCK];
        terms.iter_mut().zip(&squares).for_each(|(t, s)| *t = constant - 0.5 * s);
    }

    /// Adds the sums of the rows that each component answers for.
    fn add_to(&mut self, sums: &mut Sums, of: &Components) {
        let d = self.d;
        for k in 0..of.weights.len() {
            let terms = &self.terms[k * BLOCK..][..self.rows];
            let mut chosen = [(0usize, 0.0); BLOCK];
            let mut count = 0;
            for (b, r) in terms.iter().enumerate() {
                chosen[count] = (b, *r);
                count += usize::from(*r > 0.0);
            }
            let chosen = &chosen[..count];
            sums.mass[k] += chosen.iter().map(|(_, r)| r).sum::<f64>();
            for (j, mean) in of.mean(k).iter().enumerate() {
                let column = j * BLOCK..j * BLOCK + count;
                let moved = self.moved[column.clone()].iter_mut();
                let mut total = 0.0;
                for ((m, w), (b, r)) in moved.zip(&mut self.weighted[column]).zip(chosen) {
                    *m = self.points[j * BLOCK + b] - mean;
                    *w = r * *m;
                    total += *w;
                }
                sums.first[k * d + j] += total;
            }
            for i in 0..d {
                let weighted = &self.weighted[i * BLOCK..][..count];
                for j in 0..=i {
                    sums.second[(k * d + i) * d + j] +=
                        product(weighted, &self.moved[j * BLOCK..][..count]);
                }
            }
        }
    }
}

/// Σ aᵢ bᵢ
fn product(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (groups_a, groups_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = groups_a.remainder().iter().zip(groups_b.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in groups_a.zip(groups_b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f64>() + rest
}
