//! The full Gaussian that every fit is measured against.

use crate::error::{Error, Result};
use crate::params::{Buffer, Scope, to_f64};
use crate::rows::Rows;
use candle_core::{DType, Tensor};
use nalgebra::{DMatrix, DVector};

/// Below this share of its variance, what a column has of its own is rounding.
const ROUNDING: f64 = 16.0 * f64::EPSILON;

/// A multivariate normal distribution with full covariance, fitted by moments; with context, the
/// conditional one.
///
/// log p(x | c) = log N((x, c); μ, Σ) − log N(c; μ_c, Σ_c), nats, in data units. Mean `[d + k]` and
/// covariance `[d + k, d + k]` are buffers, saved with a model.
#[derive(Debug)]
pub struct GaussianBaseline {
    features: usize,
    mean: Buffer,
    covariance: Buffer,
}

impl GaussianBaseline {
    /// A baseline over `features` columns given `context` columns, standard normal until fitted.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize, context: usize) -> Result<Self> {
        let (width, device) = (features + context, scope.device().clone());
        Ok(Self {
            features,
            mean: scope.buffer("mean", &Tensor::zeros(width, DType::F64, &device)?)?,
            covariance: scope.buffer("covariance", &Tensor::eye(width, DType::F64, &device)?)?,
        })
    }

    /// Sets mean and covariance to those of the rows, weighted where they are.
    ///
    /// # Errors
    /// When a device cannot be written.
    pub fn fit(&self, rows: &Rows) -> Result<()> {
        let joint = || (0..rows.len()).map(|i| joint_row(rows, i));
        let weight = |i: usize| rows.weights().map_or(1.0, |w| w[i]);
        let total: f64 = (0..rows.len()).map(weight).sum();
        let width = self.features + rows.context().map_or(0, |(k, _)| k);
        let mut mean = vec![0.0; width];
        for (i, row) in joint().enumerate() {
            mean.iter_mut().zip(&row).for_each(|(m, v)| *m += weight(i) / total * v);
        }
        let mut covariance = vec![0.0; width * width];
        for (i, row) in joint().enumerate() {
            for a in 0..width {
                let scaled = weight(i) / total * (row[a] - mean[a]);
                for b in 0..=a {
                    covariance[a * width + b] += scaled * (row[b] - mean[b]);
                }
            }
        }
        for a in 0..width {
            for b in 0..a {
                covariance[b * width + a] = covariance[a * width + b];
            }
        }
        let device = self.mean.tensor().device().clone();
        self.mean.set(&Tensor::from_vec(mean, width, &device)?)?;
        self.covariance.set(&Tensor::from_vec(covariance, (width, width), &device)?)
    }

    /// The standard deviation of each feature.
    ///
    /// # Errors
    /// When a device cannot be read.
    pub fn standard_deviations(&self) -> Result<Vec<f64>> {
        let covariance = to_f64(&self.covariance.tensor())?;
        let width = self.mean.tensor().elem_count();
        Ok((0..self.features).map(|i| covariance[i * width + i].sqrt()).collect())
    }

    /// Log-density of each row, nats.
    ///
    /// # Errors
    /// [`Error::Data`] when the covariance is singular, as with columns that determine one another.
    pub fn log_prob(&self, rows: &Rows) -> Result<Vec<f64>> {
        let (mean, covariance) = (to_f64(&self.mean.tensor())?, to_f64(&self.covariance.tensor())?);
        let d = self.features;
        let joint = Normal::of(&mean, &covariance, 0)?;
        if mean.len() == d {
            return Ok((0..rows.len()).map(|i| joint.log_prob(joint_row(rows, i))).collect());
        }
        let given = Normal::of(&mean, &covariance, d)?;
        let conditional = |i| {
            let row = joint_row(rows, i);
            let context = row[d..].to_vec();
            joint.log_prob(row) - given.log_prob(context)
        };
        Ok((0..rows.len()).map(conditional).collect())
    }
}

/// Features and context of a row.
fn joint_row(rows: &Rows, i: usize) -> Vec<f64> {
    let d = rows.features();
    let mut row = rows.points()[i * d..(i + 1) * d].to_vec();
    if let Some((k, context)) = rows.context() {
        row.extend_from_slice(&context[i * k..(i + 1) * k]);
    }
    row
}

/// A normal distribution as means, standard deviations and the Cholesky factor of the correlations:
/// variances of 1e300, and their product over columns, are no numbers to compute with.
struct Normal {
    mean: Vec<f64>,
    deviations: Vec<f64>,
    factor: DMatrix<f64>,
    log_volume: f64,
}

impl Normal {
    /// That of all columns but the first `skip`.
    fn of(mean: &[f64], covariance: &[f64], skip: usize) -> Result<Self> {
        let width = mean.len();
        let deviation = |i: usize| covariance[i * width + i].sqrt();
        let deviations: Vec<f64> = (skip..width).map(deviation).collect();
        let size = deviations.len();
        let correlation = DMatrix::from_fn(size, size, |i, j| {
            covariance[(skip + i) * width + skip + j] / deviations[i] / deviations[j]
        });
        let singular = || {
            let problem = "the covariance is singular";
            Error::data("Gaussian baseline", problem, "remove columns that others determine")
        };
        let factor = correlation.cholesky().ok_or_else(singular)?.unpack();
        if !(0..size).all(|i| factor[(i, i)].powi(2) > ROUNDING) {
            return Err(singular());
        }
        let log_volume = (0..size).map(|i| factor[(i, i)].ln() + deviations[i].ln()).sum();
        Ok(Self { mean: mean[skip..].to_vec(), deviations, factor, log_volume })
    }

    fn log_prob(&self, row: Vec<f64>) -> f64 {
        let d = row.len();
        let mut away = DVector::from_vec(row);
        for (i, value) in away.iter_mut().enumerate() {
            *value = (*value - self.mean[i]) / self.deviations[i];
        }
        // The factor has no zero on its diagonal.
        self.factor.solve_lower_triangular_mut(&mut away);
        let constant = 0.5 * d as f64 * std::f64::consts::TAU.ln();
        -0.5 * away.norm_squared() - self.log_volume - constant
    }
}
