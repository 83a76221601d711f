//! Fits a mixture of normal distributions with diagonal covariance by expectation maximisation.
//!
//! With responsibilities rᵢₖ = wₖ N(xᵢ; μₖ, σₖ²) / Σⱼ wⱼ N(xᵢ; μⱼ, σⱼ²) of component k for row i,
//! one iteration sets wₖ = Σᵢ rᵢₖ / n, μₖ = Σᵢ rᵢₖ xᵢ / Σᵢ rᵢₖ and σₖ² to the variance with the same
//! weights, which never lowers the likelihood. The start is k-means++; variances have a floor
//! relative to the data's, and a component that loses its rows is set on a row drawn afresh.
//!
//! Plain arrays in and out, in `f64`, in any units: columns are standardised inside. Rows are cut
//! into fixed chunks whose sums are added in order, so the result does not depend on the number of
//! threads. Cost: n·M·d an iteration.
//!
//! Dempster, Laird and Rubin 1977, *Maximum Likelihood from Incomplete Data via the EM Algorithm*;
//! Arthur and Vassilvitskii 2007, *k-means++: The Advantages of Careful Seeding*.

use crate::error::{Error, Result};
use rand::{Rng, RngCore};
use rayon::prelude::*;
use std::f64::consts::TAU;

/// Smallest variance of a component, in units of the column's variance.
const VARIANCE_FLOOR: f64 = 1e-4;
/// A component with less responsibility than this many rows is dead.
const DEAD_MASS: f64 = 1.0;
/// Rows whose sums are formed together.
const CHUNK: usize = 1024;

/// How long to fit, and what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Number of components M.
    pub components: usize,
    /// Most iterations.
    pub iterations: usize,
    /// Stop when an iteration raises the mean log-likelihood by less, nats.
    pub tolerance: f64,
}

impl Settings {
    /// At most 50 iterations, until one gains less than 1e-5 nats a row.
    pub fn new(components: usize) -> Self {
        Self { components, iterations: 50, tolerance: 1e-5 }
    }
}

/// A fitted mixture Σ wₖ N(μₖ, diag σₖ²), in the units of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct DiagonalMixture {
    /// wₖ, all positive, M entries.
    pub weights: Vec<f64>,
    /// μₖ, M×d row-major.
    pub means: Vec<f64>,
    /// σₖ, M×d row-major.
    pub scales: Vec<f64>,
    /// Mean log-density of the rows fitted, nats.
    pub mean_log_likelihood: f64,
    /// Iterations made.
    pub iterations: usize,
}

/// Fits to `rows`, n×d row-major.
///
/// # Errors
/// [`Error::Config`] without components; [`Error::Data`] when a number is not finite, a column is
/// constant, or there are fewer rows than components.
pub fn fit(
    rows: &[f64],
    features: usize,
    settings: &Settings,
    rng: &mut dyn RngCore,
) -> Result<DiagonalMixture> {
    check(rows, features, settings.components)?;
    let (rows, centre, spread) = standardise(rows, features)?;
    let n = rows.len() / features;
    let seeds = seed(&rows, features, settings.components, rng);
    let mut mixture = assign(&rows, features, &seeds).components(&rows, n, rng).0;
    let mut iterations = 0;
    let mut sums = mixture.expectation(&rows);
    while iterations < settings.iterations {
        let (next, revived) = sums.components(&rows, n, rng);
        let next_sums = next.expectation(&rows);
        let gain = (next_sums.log_likelihood - sums.log_likelihood) / n as f64;
        (mixture, sums) = (next, next_sums);
        iterations += 1;
        // A fresh component may cost likelihood at first; that is no reason to stop.
        if gain < settings.tolerance && !revived {
            break;
        }
    }
    let reached = sums.log_likelihood / n as f64;
    Ok(mixture.in_data_units(&centre, &spread, reached, iterations))
}

fn check(rows: &[f64], features: usize, components: usize) -> Result<()> {
    if components == 0 || features == 0 {
        return Err(Error::config(
            "components",
            format!("{components} components of {features} features are no density"),
            "give at least one of each",
        ));
    }
    if !rows.len().is_multiple_of(features) {
        return Err(Error::shape(
            "expectation maximisation",
            format!("[n, {features}]"),
            &[rows.len()],
        ));
    }
    if rows.len() / features < components {
        return Err(Error::data(
            format!("{} rows", rows.len() / features),
            format!("too few for {components} components"),
            "give more rows or fewer components",
        ));
    }
    if let Some(i) = rows.iter().position(|x| !x.is_finite()) {
        return Err(Error::data(
            format!("row {}, column {}", i / features, i % features),
            format!("{} is not finite", rows[i]),
            "remove rows that are not finite",
        ));
    }
    Ok(())
}

/// Standardised rows, and mean and standard deviation of each column.
fn standardise(rows: &[f64], features: usize) -> Result<(Vec<f64>, Vec<f64>, Vec<f64>)> {
    let n = (rows.len() / features) as f64;
    let column = |j: usize| rows.iter().skip(j).step_by(features);
    let mut centre = Vec::with_capacity(features);
    let mut spread = Vec::with_capacity(features);
    for j in 0..features {
        let mean = column(j).sum::<f64>() / n;
        let sd = (column(j).map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
        if !(sd > 0.0 && sd.is_finite()) {
            return Err(Error::data(
                format!("column {j}"),
                format!("mean {mean} and standard deviation {sd}"),
                "remove constant columns",
            ));
        }
        centre.push(mean);
        spread.push(sd);
    }
    let scaled =
        rows.iter().enumerate().map(|(i, x)| (x - centre[i % features]) / spread[i % features]);
    Ok((scaled.collect(), centre, spread))
}

/// k-means++: each next seed is a row drawn with probability ∝ its squared distance to the nearest.
fn seed(rows: &[f64], d: usize, components: usize, rng: &mut dyn RngCore) -> Vec<f64> {
    let n = rows.len() / d;
    let mut seeds = row_at(rows, d, rng.random_range(0..n)).to_vec();
    let mut nearest = vec![f64::INFINITY; n];
    while seeds.len() < components * d {
        let newest = &seeds[seeds.len() - d..];
        for (nearest, row) in nearest.iter_mut().zip(rows.chunks(d)) {
            *nearest = nearest.min(squared_distance(row, newest));
        }
        let mut rest = rng.random::<f64>() * nearest.iter().sum::<f64>();
        let drawn = nearest.iter().position(|distance| {
            rest -= distance;
            rest < 0.0
        });
        // All rows are seeds already, or the sum was rounded.
        let index = drawn.unwrap_or_else(|| rng.random_range(0..n));
        seeds.extend_from_slice(row_at(rows, d, index));
    }
    seeds
}

/// The sums with each row given wholly to its nearest seed.
fn assign(rows: &[f64], d: usize, seeds: &[f64]) -> Sums {
    let mut sums = Sums::zero(seeds.len() / d, d);
    for row in rows.chunks(d) {
        let distances = seeds.chunks(d).map(|seed| squared_distance(row, seed));
        let nearest =
            distances.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(k, _)| k);
        sums.add_row(nearest, row, 1.0);
    }
    sums
}

fn row_at(rows: &[f64], d: usize, i: usize) -> &[f64] {
    &rows[i * d..(i + 1) * d]
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Sums over rows of responsibilities, and of rows and their squares weighted by them.
#[derive(Debug)]
struct Sums {
    d: usize,
    mass: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    log_likelihood: f64,
}

impl Sums {
    fn zero(components: usize, d: usize) -> Self {
        let zeros = || vec![0.0; components * d];
        Self {
            d,
            mass: vec![0.0; components],
            first: zeros(),
            second: zeros(),
            log_likelihood: 0.0,
        }
    }

    fn add_row(&mut self, k: usize, row: &[f64], responsibility: f64) {
        let span = k * self.d..(k + 1) * self.d;
        self.mass[k] += responsibility;
        let sums = self.first[span.clone()].iter_mut().zip(&mut self.second[span]);
        for ((first, second), x) in sums.zip(row) {
            *first += responsibility * x;
            *second += responsibility * x * x;
        }
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

    /// The mixture of these sums, and whether a dead component was set on a fresh row.
    fn components(&self, rows: &[f64], n: usize, rng: &mut dyn RngCore) -> (Components, bool) {
        let mut next = Components { d: self.d, weights: vec![], means: vec![], variances: vec![] };
        let mut revived = false;
        let parts = self.first.chunks(self.d).zip(self.second.chunks(self.d));
        for (mass, (first, second)) in self.mass.iter().zip(parts) {
            if *mass < DEAD_MASS {
                next.weights.push(1.0 / n as f64);
                next.means.extend_from_slice(row_at(rows, self.d, rng.random_range(0..n)));
                // As wide as a share of the data among as many components.
                let width = (self.mass.len() as f64).powf(-2.0 / self.d as f64);
                next.variances.extend(std::iter::repeat_n(width.max(VARIANCE_FLOOR), self.d));
                revived = true;
                continue;
            }
            next.weights.push(mass / n as f64);
            for (first, second) in first.iter().zip(second) {
                let mean = first / mass;
                next.means.push(mean);
                next.variances.push((second / mass - mean * mean).max(VARIANCE_FLOOR));
            }
        }
        let total: f64 = next.weights.iter().sum();
        next.weights.iter_mut().for_each(|w| *w /= total);
        (next, revived)
    }
}

/// The mixture in units of the standardised columns.
#[derive(Debug)]
struct Components {
    d: usize,
    weights: Vec<f64>,
    means: Vec<f64>,
    variances: Vec<f64>,
}

impl Components {
    /// The sums of all rows, chunk by chunk.
    fn expectation(&self, rows: &[f64]) -> Sums {
        let constants: Vec<f64> = self
            .weights
            .iter()
            .zip(self.variances.chunks(self.d))
            .map(|(w, variances)| {
                w.ln() - 0.5 * variances.iter().map(|v| (TAU * v).ln()).sum::<f64>()
            })
            .collect();
        let precisions: Vec<f64> = self.variances.iter().map(|v| v.recip()).collect();
        let chunks: Vec<Sums> = rows
            .par_chunks(CHUNK * self.d)
            .map(|rows| self.expectation_of_chunk(rows, &constants, &precisions))
            .collect();
        let mut sums = Sums::zero(self.weights.len(), self.d);
        for chunk in &chunks {
            sums.add(chunk);
        }
        sums
    }

    fn expectation_of_chunk(&self, rows: &[f64], constants: &[f64], precisions: &[f64]) -> Sums {
        let mut sums = Sums::zero(self.weights.len(), self.d);
        let mut terms = vec![0.0; constants.len()];
        for row in rows.chunks(self.d) {
            let parts = self.means.chunks(self.d).zip(precisions.chunks(self.d));
            for ((term, constant), (means, precisions)) in
                terms.iter_mut().zip(constants).zip(parts)
            {
                let squares =
                    row.iter().zip(means).zip(precisions).map(|((x, m), p)| (x - m).powi(2) * p);
                *term = constant - 0.5 * squares.sum::<f64>();
            }
            // Rows and parameters are finite, so the largest term is too.
            let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = terms.iter().map(|t| (t - largest).exp()).sum();
            let log_density = largest + total.ln();
            sums.log_likelihood += log_density;
            for (k, term) in terms.iter().enumerate() {
                sums.add_row(k, row, (term - log_density).exp());
            }
        }
        sums
    }

    fn in_data_units(
        self,
        centre: &[f64],
        spread: &[f64],
        log_likelihood: f64,
        iterations: usize,
    ) -> DiagonalMixture {
        let rescale = |values: &[f64], map: &dyn Fn(f64, usize) -> f64| -> Vec<f64> {
            values.iter().enumerate().map(|(i, x)| map(*x, i % self.d)).collect()
        };
        DiagonalMixture {
            means: rescale(&self.means, &|m, j| centre[j] + spread[j] * m),
            scales: rescale(&self.variances, &|v, j| spread[j] * v.sqrt()),
            mean_log_likelihood: log_likelihood - spread.iter().map(|s| s.ln()).sum::<f64>(),
            weights: self.weights,
            iterations,
        }
    }
}

#[cfg(test)]
mod tests;
/// stub
///
/// # Errors
/// Never.
pub fn choose_components(
    _r: &[f64],
    _f: usize,
    up_to: usize,
    _rng: &mut dyn RngCore,
) -> Result<usize> {
    Ok(up_to.min(8))
}
