//! The multivariate Student-t distribution, whose tails are heavier than a normal's.

use super::placement::Placement;
use super::triangular::inverse_transposed;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::transform::check_points;
use candle_core::{DType, Device, Tensor};
use rand::{Rng, RngCore};
use rand_distr::{ChiSquared, StandardNormal};
use statrs::function::gamma::ln_gamma;
use std::f64::consts::PI;

/// The multivariate Student-t distribution with ν degrees of freedom, location μ and scale L.
///
/// log p(x) = ln Γ((ν+d)/2) − ln Γ(ν/2) − ½ d ln νπ − Σ ln Lᵢᵢ − ½ (ν+d) ln(1 + ‖L⁻¹(x − μ)‖²/ν).
///
/// It is the law of μ + L z √(ν/w) with z ~ N(0, I) and w ~ χ²(ν), which is how it is sampled; one
/// w for a whole row, so the features are uncorrelated but not independent. All values are fixed.
/// The log-density is differentiable in x, has its dtype, stays finite as far as that dtype
/// reaches, and is −∞ at infinity; samples are `f64` on the CPU unless placed by [`StudentT::on`].
/// A context is ignored.
///
/// Kotz and Nadarajah 2004, *Multivariate t Distributions and Their Applications*, eq. 1.1.
///
/// # Example
/// ```
/// use diffeo_flows::densities::StudentT;
/// let density = StudentT::new(2, 5.0)?.with_location(&[1.0, 0.0])?.with_scale(&[1.0, 0.0, 0.5, 2.0])?;
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StudentT {
    features: usize,
    degrees_of_freedom: f64,
    location: Vec<f64>,
    /// L, row-major.
    scale: Vec<f64>,
    /// (L⁻¹)ᵀ, row-major: rows are points, so it stands on the right.
    whitening: Vec<f64>,
    placement: Placement,
}

impl StudentT {
    /// The standard distribution: location 0, scale I.
    ///
    /// # Errors
    /// [`Error::Config`] unless `degrees_of_freedom` is positive and finite.
    pub fn new(features: usize, degrees_of_freedom: f64) -> Result<Self> {
        if !(degrees_of_freedom > 0.0 && degrees_of_freedom.is_finite()) {
            return Err(Error::config(
                "degrees_of_freedom",
                format!("{degrees_of_freedom} is not positive and finite"),
                "give a positive number, or use a normal distribution for infinitely many",
            ));
        }
        let identity = diagonal(&vec![1.0; features]);
        Ok(Self {
            features,
            degrees_of_freedom,
            location: vec![0.0; features],
            whitening: identity.clone(),
            scale: identity,
            placement: Placement::default(),
        })
    }

    /// The same around another location, of d entries.
    ///
    /// # Errors
    /// [`Error::Config`] when the number of entries differs or one is not finite.
    pub fn with_location(self, location: &[f64]) -> Result<Self> {
        if location.len() != self.features || location.iter().any(|x| !x.is_finite()) {
            return Err(Error::config(
                "location",
                format!("{location:?} is no point of {} features", self.features),
                "give one finite number a feature",
            ));
        }
        Ok(Self { location: location.to_vec(), ..self })
    }

    /// The same with another scale: its diagonal, d entries, or a lower triangle, d×d row-major.
    ///
    /// # Errors
    /// [`Error::Config`] when the number of entries differs, one is not finite, the diagonal is not
    /// positive, or something stands above it.
    pub fn with_scale(self, scale: &[f64]) -> Result<Self> {
        let d = self.features;
        let full = if scale.len() == d { diagonal(scale) } else { scale.to_vec() };
        let entry = |i: usize, j: usize| full[i * d + j];
        let valid = full.len() == d * d
            && full.iter().all(|x| x.is_finite())
            && (0..d).all(|i| entry(i, i) > 0.0 && (i + 1..d).all(|j| entry(i, j).abs() <= 0.0));
        if !valid {
            return Err(Error::config(
                "scale",
                format!("{scale:?} is no scale of {d} features"),
                "give a positive diagonal or a row-major lower triangle with one",
            ));
        }
        Ok(Self { whitening: inverse_transposed(&full, d), scale: full, ..self })
    }

    /// The same, with samples of `dtype` on `device` instead of `f64` on the CPU.
    #[must_use]
    pub fn on(self, dtype: DType, device: &Device) -> Self {
        Self { placement: Placement::new(dtype, device), ..self }
    }

    fn log_normaliser(&self) -> f64 {
        let (nu, d) = (self.degrees_of_freedom, self.features as f64);
        let log_det: f64 = self.scale.iter().step_by(self.features + 1).map(|l| l.ln()).sum();
        ln_gamma(f64::midpoint(nu, d)) - ln_gamma(0.5 * nu) - 0.5 * d * (nu * PI).ln() - log_det
    }

    /// log p of finite rows.
    fn log_prob_of_finite(&self, x: &Tensor) -> Result<Tensor> {
        let (nu, d, beside) = (self.degrees_of_freedom, self.features, Placement::of(x));
        let centred = x.broadcast_sub(&beside.tensor(self.location.clone(), (1, d))?)?;
        let z = centred.matmul(&beside.tensor(self.whitening.clone(), (d, d))?)?;
        // Divided by the largest entry, constant to the gradient, so that no square overflows.
        let size = z.detach().abs()?.max_keepdim(1)?.maximum(1.0)?;
        let q = z.broadcast_div(&size)?.sqr()?.sum(1)?.affine(1.0 / nu, 0.0)?;
        let size = size.squeeze(1)?;
        let log_tail = ((q + size.recip()?.sqr()?)?.log()? + size.log()?.affine(2.0, 0.0)?)?;
        Ok(log_tail.affine(-0.5 * (nu + d as f64), self.log_normaliser())?)
    }
}

impl Density for StudentT {
    fn features(&self) -> usize {
        self.features
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("StudentT::log_prob", x, self.features)?;
        let infinite = x.detach().abs()?.sum_keepdim(1)?.eq(f64::INFINITY)?;
        // Masked before the mathematics, where ∞ · 0 would give NaN.
        let finite = infinite.broadcast_as(x.shape())?.where_cond(&x.zeros_like()?, x)?;
        let log_prob = self.log_prob_of_finite(&finite)?;
        let nowhere = log_prob.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
        Ok(infinite.squeeze(1)?.where_cond(&nowhere, &log_prob)?)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let d = self.features;
        let chi_squared = ChiSquared::new(self.degrees_of_freedom).map_err(|e| {
            Error::config("degrees_of_freedom", e.to_string(), "give a larger number")
        })?;
        let mut values = Vec::with_capacity(n * d);
        for _ in 0..n {
            let stretch = (self.degrees_of_freedom / rng.sample(chi_squared)).sqrt();
            let z: Vec<f64> = (0..d).map(|_| rng.sample(StandardNormal)).collect();
            for (row, location) in self.scale.chunks(d).zip(&self.location) {
                let lz: f64 = row.iter().zip(&z).map(|(l, z)| l * z).sum();
                values.push(location + lz * stretch);
            }
        }
        self.placement.tensor(values, (n, d))
    }
}

/// A diagonal as a square matrix.
fn diagonal(entries: &[f64]) -> Vec<f64> {
    let d = entries.len();
    let mut full = vec![0.0; d * d];
    for (i, entry) in entries.iter().enumerate() {
        full[i * d + i] = *entry;
    }
    full
}

#[cfg(test)]
mod tests;
