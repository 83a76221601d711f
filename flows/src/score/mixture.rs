//! Gaussian mixtures whose score is known in closed form.

use super::target::{Target, on_rows_of};
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::transform::check_points;
use candle_core::Tensor;
use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;
use std::f64::consts::TAU;

/// A mixture of normal distributions with its exact score.
///
/// One component has the linear score of a Gaussian, several the mean of theirs, each weighted by
/// how likely it is to have made x:
///
/// ∇ log N(x; μ, Σ) = −Σ⁻¹ (x − μ),  ∇ log Σₖ wₖ Nₖ(x) = Σₖ rₖ(x) ∇ log Nₖ(x), rₖ = wₖ Nₖ / Σⱼ wⱼ Nⱼ
///
/// Noise of standard deviation s adds s² I to every Σₖ, so the scores of noisy data are as exact:
/// what diffusion models are compared with. In `f64`; results have the dtype of x.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::score::{GaussianScore, Target};
/// let one = GaussianScore::normal(&[1.0, 0.0], &[4.0, 0.0, 0.0, 0.25])?;
/// let x = Tensor::new(&[[3f64, 1.0]], &Device::Cpu)?;
/// assert_eq!(one.score(&x)?.to_vec2::<f64>()?, [[-0.5, -4.0]]);
/// // Noise of standard deviation 1: variances 5 and 1.25.
/// let noisy = one.with_noise(1.0)?.score(&x)?.to_vec2::<f64>()?;
/// assert!((noisy[0][1] + 0.8).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct GaussianScore {
    features: usize,
    components: Vec<Component>,
}

#[derive(Debug, Clone)]
struct Component {
    log_weight: f64,
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
    factor: Cholesky<f64, Dyn>,
}

impl Component {
    fn new(log_weight: f64, mean: DVector<f64>, covariance: DMatrix<f64>) -> Result<Self> {
        let usable = covariance.iter().chain(mean.iter()).all(|v| v.is_finite());
        let symmetric = (&covariance - covariance.transpose()).amax() <= 1e-9 * covariance.amax();
        if let Some(factor) = Cholesky::new(covariance.clone()).filter(|_| usable && symmetric) {
            return Ok(Self { log_weight, mean, covariance, factor });
        }
        let problem = "a covariance is not symmetric and positive definite";
        Err(Error::config("Gaussian mixture", problem, "give one that is"))
    }

    /// ln of weight times density, and the component's own score.
    fn term(&self, x: &DVector<f64>) -> (f64, DVector<f64>) {
        let away = &self.mean - x;
        let score = self.factor.solve(&away);
        let log_volume: f64 = self.factor.l_dirty().diagonal().iter().map(|l| l.ln()).sum();
        let constant = log_volume + 0.5 * x.len() as f64 * TAU.ln();
        (self.log_weight - 0.5 * away.dot(&score) - constant, score)
    }
}

impl GaussianScore {
    /// A single normal distribution: mean `[d]`, covariance `[d, d]` row-major.
    ///
    /// # Errors
    /// [`Error::Config`] unless the covariance is symmetric and positive definite.
    pub fn normal(mean: &[f64], covariance: &[f64]) -> Result<Self> {
        Self::mixture(&[1.0], mean, covariance)
    }

    /// K distributions: weights `[K]`, made to sum to 1, means `[K, d]`, covariances `[K, d, d]`.
    ///
    /// # Errors
    /// [`Error::Config`] unless weights are positive, covariances symmetric and positive definite,
    /// and the numbers of entries fit.
    pub fn mixture(weights: &[f64], means: &[f64], covariances: &[f64]) -> Result<Self> {
        let (all, total) = (weights.len(), weights.iter().sum::<f64>());
        let d = means.len() / all.max(1);
        let fits = d > 0 && means.len() == all * d && covariances.len() == all * d * d;
        if !fits || weights.iter().any(|w| !(*w > 0.0 && w.is_finite())) {
            let problem = format!(
                "{all} weights, {} entries of means and {} of covariances",
                means.len(),
                covariances.len()
            );
            let remedy = "give positive weights [K], means [K, d] and covariances [K, d, d]";
            return Err(Error::config("Gaussian mixture", problem, remedy));
        }
        let component = |((w, mean), covariance): ((&f64, &[f64]), &[f64])| {
            let covariance = DMatrix::from_row_slice(d, d, covariance);
            Component::new((w / total).ln(), DVector::from_column_slice(mean), covariance)
        };
        let parts = weights.iter().zip(means.chunks(d)).zip(covariances.chunks(d * d));
        Ok(Self { features: d, components: parts.map(component).collect::<Result<_>>()? })
    }

    /// The law of x + s z for x of this law and z standard normal.
    ///
    /// # Errors
    /// [`Error::Config`] when s is not finite.
    pub fn with_noise(&self, s: f64) -> Result<Self> {
        let noise = DMatrix::from_diagonal_element(self.features, self.features, s * s);
        let widened =
            |c: &Component| Component::new(c.log_weight, c.mean.clone(), &c.covariance + &noise);
        let components = self.components.iter().map(widened).collect::<Result<_>>()?;
        Ok(Self { features: self.features, components })
    }

    /// log p and score of one point `[d]`.
    fn at(&self, x: &[f64]) -> (f64, Vec<f64>) {
        let x = DVector::from_column_slice(x);
        let terms: Vec<_> = self.components.iter().map(|c| c.term(&x)).collect();
        let largest = terms.iter().map(|t| t.0).fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut score) = (0.0, DVector::zeros(self.features));
        for (log_term, slope) in terms {
            let weight = (log_term - largest).exp();
            sum += weight;
            score += slope * weight;
        }
        (largest + sum.ln(), (score / sum).as_slice().to_vec())
    }

    /// n points, row-major `[n, d]`.
    pub fn sample_rows(&self, n: usize, rng: &mut dyn RngCore) -> Vec<f64> {
        let mut rows = Vec::with_capacity(n * self.features);
        for _ in 0..n {
            let mut rest = rng.random::<f64>();
            let mut chosen = &self.components[0];
            for component in &self.components {
                chosen = component;
                rest -= component.log_weight.exp();
                if rest < 0.0 {
                    break;
                }
            }
            let z = DVector::from_fn(self.features, |_, _| rng.sample(StandardNormal));
            rows.extend((chosen.factor.l() * z + &chosen.mean).iter());
        }
        rows
    }

    /// Scores of rows, row-major `[n, d]`, as the diagnostics take them.
    pub fn score_rows(&self, rows: &[f64]) -> Vec<f64> {
        rows.chunks_exact(self.features).flat_map(|x| self.at(x).1).collect()
    }
}

impl Target for GaussianScore {
    fn features(&self) -> usize {
        self.features
    }

    fn score(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.log_prob_and_score(x)?.1)
    }

    fn log_prob(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.log_prob_and_score(x)?.0)
    }

    fn log_prob_and_score(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        check_points("GaussianScore", x, self.features)?;
        let rows = to_f64(x)?;
        let (log_probs, scores): (Vec<f64>, Vec<Vec<f64>>) =
            rows.chunks_exact(self.features).map(|row| self.at(row)).unzip();
        on_rows_of(x, log_probs, scores.concat())
    }
}
