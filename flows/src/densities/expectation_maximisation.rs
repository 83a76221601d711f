//! Fits a mixture of normal distributions with full covariance by expectation maximisation.
//!
//! With responsibilities rᵢₖ = wₖ N(xᵢ; μₖ, Σₖ) / Σⱼ wⱼ N(xᵢ; μⱼ, Σⱼ) of component k for row i and
//! nₖ = Σᵢ rᵢₖ, one iteration sets wₖ = (nₖ + 1) / (n + M), μₖ = Σᵢ rᵢₖ xᵢ / nₖ and
//! Σₖ = Σᵢ rᵢₖ (xᵢ − μₖ)(xᵢ − μₖ)ᵀ / nₖ + ridge · I. Without the ridge and the added row the likelihood
//! would never fall; with them it may, by as much as they weigh, once it hardly rises. The ridge
//! keeps a component from closing in on one value, which has an infinite likelihood.
//!
//! The start is greedy k-means++ with five steps of Lloyd's iteration.
//!
//! Plain arrays in and out, in `f64`, in any units: columns are standardised inside, so the ridge is
//! in units of the columns' variances. Rows are cut into fixed chunks whose sums are added in order,
//! so the result does not depend on the number of threads. Cost: n·M·d² an iteration.
//!
//! Dempster, Laird and Rubin 1977, *Maximum Likelihood from Incomplete Data via the EM Algorithm*;
//! Arthur and Vassilvitskii 2007, *k-means++: The Advantages of Careful Seeding*; Schwarz 1978,
//! *Estimating the Dimension of a Model*.

mod components;
mod evaluate;
mod seeding;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use components::Components;
use rand::RngCore;

/// Standard deviations below this share of a column's largest number are rounding.
const ROUNDING: f64 = 1e-12;
/// Rows that each feature of each component needs before its number is tried.
const ROWS_PER_FEATURE: usize = 5;

/// How long to fit, and what.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Number of components M.
    pub components: usize,
    /// Most iterations.
    pub iterations: usize,
    /// Stop when an iteration raises the mean log-likelihood by less, nats; one that lowers it by
    /// more than a negative tolerance allows, and by anything otherwise, is undone.
    pub tolerance: f64,
    /// Added to the diagonal of each covariance, in units of the columns' variances.
    pub ridge: f64,
    /// Asked at every iteration.
    pub cancel: Cancel,
}

impl Settings {
    /// At most 60 iterations, until one gains less than 1e-5 nats a row; a ridge of 1e-4.
    pub fn new(components: usize) -> Self {
        let cancel = Cancel::new();
        Self { components, iterations: 60, tolerance: 1e-5, ridge: 1e-4, cancel }
    }
}

/// A fitted mixture Σ wₖ N(μₖ, Σₖ), in the units of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// wₖ, all positive, M entries.
    pub weights: Vec<f64>,
    /// μₖ, M×d row-major.
    pub means: Vec<f64>,
    /// Pₖ, upper triangular with Pₖ Pₖᵀ = Σₖ⁻¹, M×d×d row-major: (x − μₖ) Pₖ is standard normal.
    pub whitenings: Vec<f64>,
    /// Mean of each column of the rows fitted, d entries.
    pub centre: Vec<f64>,
    /// Standard deviation of each column, d entries; 1 where a column is constant.
    pub spread: Vec<f64>,
    /// Mean log-density of the rows fitted, nats.
    pub mean_log_likelihood: f64,
    /// Iterations made.
    pub iterations: usize,
}

/// What a parameter costs when mixtures of different sizes are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// ln n: finds the true number when there is one (Schwarz 1978).
    Bayesian,
    /// 2: finds the number that predicts best (Akaike 1974).
    Akaike,
}

impl Mixture {
    /// The criterion of a mixture fitted to that many rows, nats: lower is better.
    ///
    /// −2 Σᵢ ln p(xᵢ) + penalty · (M − 1 + M d + M d (d + 1) / 2).
    pub fn information(&self, rows: f64, criterion: Criterion) -> f64 {
        let (n, m, d) = (rows, self.weights.len() as f64, self.centre.len() as f64);
        let parameters = m - 1.0 + m * d + m * d * (d + 1.0) / 2.0;
        let penalty = match criterion {
            Criterion::Bayesian => n.ln(),
            Criterion::Akaike => 2.0,
        };
        -2.0 * n * self.mean_log_likelihood + penalty * parameters
    }
}

/// Fits to `rows`, n×d row-major.
///
/// A constant column is given the variance of the ridge, in its own units.
///
/// # Errors
/// [`Error::Config`] without components; [`Error::Data`] when a number or a column's variance is not
/// finite, there are fewer rows than components, or a covariance is singular for want of a ridge.
///
/// # Example
/// ```
/// use diffeo_flows::densities::expectation_maximisation::{Settings, fit};
/// use diffeo_flows::rng::{Stream, generator};
/// let rows: Vec<f64> = (0..100).map(|i| f64::from(i % 2 * 10) + 0.001 * f64::from(i)).collect();
/// let mixture = fit(&rows, 1, &Settings::new(2), &mut generator(0, Stream::Mixture, 0))?;
/// assert!((mixture.means[0] - mixture.means[1]).abs() > 9.9);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub fn fit(
    rows: &[f64],
    features: usize,
    settings: &Settings,
    rng: &mut dyn RngCore,
) -> Result<Mixture> {
    check(rows, features, settings.components)?;
    let table = Standardised::new(rows, features)?;
    table.fit(settings, rng)
}

/// A search for the number of components.
#[derive(Debug, Clone)]
pub struct Search {
    /// The most that are tried.
    pub up_to: usize,
    /// What a parameter costs.
    pub by: Criterion,
    /// How many rows of equal weight tell as much as the rows do; none for as many as there are.
    pub effective_rows: Option<f64>,
    /// Asked at every iteration.
    pub cancel: Cancel,
}

/// The number of components of [`fit_by`]'s mixture, for rows that tell as much as `effective_rows`.
///
/// # Errors
/// As [`fit`].
pub fn choose_components(
    rows: &[f64],
    features: usize,
    search: &Search,
    rng: &mut dyn RngCore,
) -> Result<usize> {
    Ok(best_of(rows, features, search, rng)?.weights.len())
}

/// Of mixtures of 1, 2, 4, 8, … up to `up_to` components that with the lowest
/// [`Mixture::information`].
///
/// Only numbers M with 5·M·d ≤ n are tried, 1 always, and none after two in a row that are worse
/// than the best. `rows` are n×d row-major, in any units.
///
/// # Errors
/// As [`fit`].
pub fn fit_by(
    rows: &[f64],
    features: usize,
    up_to: usize,
    by: Criterion,
    rng: &mut dyn RngCore,
) -> Result<Mixture> {
    let search = Search { up_to, by, effective_rows: None, cancel: Cancel::new() };
    best_of(rows, features, &search, rng)
}

fn best_of(
    rows: &[f64],
    features: usize,
    search: &Search,
    rng: &mut dyn RngCore,
) -> Result<Mixture> {
    let Search { up_to, by, effective_rows, ref cancel } = *search;
    check(rows, features, up_to.min(1))?;
    let table = Standardised::new(rows, features)?;
    let n = effective_rows.unwrap_or((rows.len() / features) as f64);
    let enough = |m: &usize| *m == 1 || (m * ROWS_PER_FEATURE * features) as f64 <= n;
    let numbers = std::iter::successors(Some(1usize), |m| m.checked_mul(2));
    let of = |components| Settings { cancel: cancel.clone(), ..Settings::new(components) };
    let mut best = table.fit(&of(1), rng)?;
    let (mut lowest, mut worse) = (best.information(n, by), 0);
    for components in numbers.skip(1).take_while(|m| *m <= up_to && enough(m)) {
        let next = table.fit(&of(components), rng)?;
        let criterion = next.information(n, by);
        if criterion < lowest {
            (best, lowest, worse) = (next, criterion, 0);
        } else {
            worse += 1;
        }
        if worse == 2 {
            break;
        }
    }
    Ok(best)
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

/// Rows with columns of mean 0 and variance 1, or 0 where they are constant.
#[derive(Debug)]
struct Standardised {
    features: usize,
    rows: Vec<f64>,
    centre: Vec<f64>,
    spread: Vec<f64>,
}

impl Standardised {
    fn new(rows: &[f64], features: usize) -> Result<Self> {
        let n = (rows.len() / features) as f64;
        let column = |j: usize| rows.iter().skip(j).step_by(features);
        let mut centre = Vec::with_capacity(features);
        let mut spread = Vec::with_capacity(features);
        for j in 0..features {
            let mean = column(j).sum::<f64>() / n;
            let sd = (column(j).map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
            if !sd.is_finite() {
                return Err(Error::data(
                    format!("column {j}"),
                    format!("mean {mean} and standard deviation {sd}"),
                    "rescale the column",
                ));
            }
            let size = column(j).fold(0.0, |size: f64, x| size.max(x.abs()));
            centre.push(mean);
            spread.push(if sd > ROUNDING * size { sd } else { 1.0 });
        }
        let scaled =
            rows.iter().enumerate().map(|(i, x)| (x - centre[i % features]) / spread[i % features]);
        Ok(Self { features, rows: scaled.collect(), centre, spread })
    }

    fn fit(&self, settings: &Settings, rng: &mut dyn RngCore) -> Result<Mixture> {
        let (d, n) = (self.features, (self.rows.len() / self.features) as f64);
        let (centres, nearest) = seeding::clusters(&self.rows, d, settings.components, rng);
        let mut components =
            Components::of_clusters(&self.rows, centres, &nearest, (d, settings.ridge))?;
        let mut sums = components.expectation(&self.rows);
        let mut iterations = 0;
        while iterations < settings.iterations {
            settings.cancel.check()?;
            let next = components.maximise(&sums, settings.ridge)?;
            let next_sums = next.expectation(&self.rows);
            let gain = (next_sums.log_likelihood() - sums.log_likelihood()) / n;
            if gain < settings.tolerance.min(0.0) {
                break;
            }
            (components, sums) = (next, next_sums);
            iterations += 1;
            if gain < settings.tolerance {
                break;
            }
        }
        Ok(self.in_data_units(components, sums.log_likelihood() / n, iterations))
    }

    fn in_data_units(&self, of: Components, log_likelihood: f64, iterations: usize) -> Mixture {
        let (d, centre, spread) = (self.features, &self.centre, &self.spread);
        let rescaled = |(i, m): (usize, f64)| centre[i % d] + spread[i % d] * m;
        // Row i of a whitening multiplies feature i.
        let divided = |(i, p): (usize, f64)| p / spread[i / d % d];
        Mixture {
            means: of.means.into_iter().enumerate().map(rescaled).collect(),
            whitenings: of.whitenings.into_iter().enumerate().map(divided).collect(),
            weights: of.weights,
            mean_log_likelihood: log_likelihood - spread.iter().map(|s| s.ln()).sum::<f64>(),
            centre: self.centre.clone(),
            spread: self.spread.clone(),
            iterations,
        }
    }
}

#[cfg(test)]
mod tests;
