//! The bandwidth, by the likelihood of rows that are left out.

use super::sums::{Kernels, exp};
use crate::error::{Error, Result};
use crate::workers::Workers;
use rand::RngCore;

/// Rows that are left out, one at a time.
const QUERIES: usize = 1000;
/// The widest bandwidth, in standard deviations of whitened rows.
const WIDEST: f64 = 2.0;
/// Bandwidths tried, each 1/√2 of the one before: down to 0.0014.
const TRIED: usize = 22;
/// Rows left out on one thread at a time.
const CHUNK: usize = 50;
/// Smaller numbers would become subnormal when squared, which processors are slow at.
const NEGLIGIBLE: f32 = 1e-18;

/// The rows to leave out, in order.
pub(super) fn queries(rows: usize, rng: &mut dyn RngCore) -> Vec<usize> {
    let mut chosen = rand::seq::index::sample(rng, rows, rows.min(QUERIES)).into_vec();
    chosen.sort_unstable();
    chosen
}

/// The bandwidth of the largest mean log-density of rows left out.
pub(super) fn choose(
    kernels: &Kernels,
    weights: &[f64],
    (queries, given): (&[usize], usize),
    workers: &Workers,
) -> Result<f64> {
    let chunks = workers.map_chunks(queries.len(), CHUNK, |range| {
        let mut totals = [0.0; TRIED];
        let mut left_out = LeftOut::new(kernels, weights);
        for i in &queries[range] {
            let scores = left_out.log_probs(*i, given);
            totals.iter_mut().zip(scores).for_each(|(t, s)| *t += weights[*i] * s);
        }
        Ok(totals)
    })?;
    let mut totals = [0.0; TRIED];
    for chunk in chunks {
        totals.iter_mut().zip(chunk).for_each(|(t, s)| *t += s);
    }
    let best = (0..TRIED).max_by(|a, b| totals[*a].total_cmp(&totals[*b])).unwrap_or_default();
    if !totals[best].is_finite() {
        let problem = "some row has none that differs from it to be estimated from";
        return Err(Error::data("kernel estimate", problem, "give rows that differ"));
    }
    Ok(WIDEST * 0.5f64.powf(0.5 * (best as f64 + vertex(&totals, best))))
}

/// Where the parabola through a largest value and its neighbours has its own, relative to it.
fn vertex(values: &[f64], best: usize) -> f64 {
    let (Some(before), Some(after)) =
        (best.checked_sub(1).map(|i| values[i]), values.get(best + 1).copied())
    else {
        return 0.0;
    };
    let bend = before - 2.0 * values[best] + after;
    if bend < 0.0 && bend.is_finite() { 0.5 * (before - after) / bend } else { 0.0 }
}

/// Evaluates rows without their own kernels.
struct LeftOut<'a> {
    kernels: &'a Kernels,
    weights: Vec<f32>,
    /// The weights of the kernels that differ from the row in some column, 0 for the others.
    counted: Vec<f32>,
    terms: Vec<f32>,
}

impl<'a> LeftOut<'a> {
    fn new(kernels: &'a Kernels, weights: &[f64]) -> Self {
        let filled = weights.len().next_multiple_of(super::sums::BLOCK);
        let mut of_kernels: Vec<f32> = weights.iter().map(|w| *w as f32).collect();
        of_kernels.resize(filled, 0.0);
        Self { kernels, weights: of_kernels, counted: vec![0.0; filled], terms: vec![0.0; filled] }
    }

    /// Log-density of a row at each bandwidth, up to a constant.
    ///
    /// What is left out of the density of all columns is left out of that of the given ones, and
    /// nothing else: other rows may have the same context.
    fn log_probs(&mut self, row: usize, given: usize) -> [f64; TRIED] {
        let (d, query) = (self.kernels.features, self.kernels.row(row));
        let mut of_given = vec![0.0; self.weights.len()];
        self.kernels.add_squares(&query, 0..given, &mut of_given);
        let mut squares = of_given.clone();
        self.kernels.add_squares(&query, given..d, &mut squares);
        for ((counted, s), w) in self.counted.iter_mut().zip(&squares).zip(&self.weights) {
            *counted = if *s > 0.0 { *w } else { 0.0 };
        }
        if !self.counted.iter().any(|w| *w > 0.0) {
            return [f64::NEG_INFINITY; TRIED];
        }
        let mut all = self.sums(&squares, d);
        if given > 0 {
            all.iter_mut().zip(self.sums(&of_given, given)).for_each(|(a, g)| *a -= g);
        }
        all
    }

    /// ln Σ wᵢ exp(−sᵢ / 2h²) h⁻ᵐ of squared distances s over m columns to the kernels counted.
    ///
    /// One exponential serves all bandwidths: h²/2 squares it.
    fn sums(&mut self, squares: &[f32], columns: usize) -> [f64; TRIED] {
        let pairs = squares.iter().zip(&self.counted);
        let nearest = pairs
            .map(|(s, w)| if *w > 0.0 { *s } else { f32::INFINITY })
            .fold(f32::INFINITY, f32::min);
        let scale = (0.5 / WIDEST.powi(2)) as f32;
        for ((t, s), w) in self.terms.iter_mut().zip(squares).zip(&self.counted) {
            let term = exp(scale * (nearest - s));
            *t = if *w > 0.0 { term } else { 0.0 };
        }
        let mut sums = [0.0; TRIED];
        for (k, sum) in sums.iter_mut().enumerate() {
            let variance = WIDEST.powi(2) * 0.5f64.powf(k as f64);
            let total = weighted_sum_and_square(&mut self.terms, &self.counted);
            *sum = total.ln()
                - 0.5 * f64::from(nearest) / variance
                - 0.5 * columns as f64 * variance.ln();
        }
        sums
    }
}

/// Σ w t, and squares t.
fn weighted_sum_and_square(terms: &mut [f32], weights: &[f32]) -> f64 {
    let mut lanes = [0.0f32; 16];
    for (terms, weights) in terms.chunks_exact_mut(16).zip(weights.chunks_exact(16)) {
        for ((lane, t), w) in lanes.iter_mut().zip(terms).zip(weights) {
            *lane += *t * w;
            let kept = if *t > NEGLIGIBLE { *t } else { 0.0 };
            *t = kept * kept;
        }
    }
    lanes.into_iter().map(f64::from).sum()
}
