//! Normal distributions with independent features.

use super::BaseKind;
use super::placement::Placement;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::params::Scope;
use crate::transform::check_points;
use candle_core::{DType, Device, Tensor};
use rand::RngCore;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// The standard normal distribution on ℝᵈ, the usual base of a flow.
///
/// log p(x) = −½ Σ xᵢ² − ½ d ln 2π.
///
/// The log-density has the dtype of x; samples are `f64` on the CPU unless placed by
/// [`StandardNormal::on`]. A context is ignored.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::Density;
/// use diffeo_flows::densities::StandardNormal;
/// let density = StandardNormal::new(2);
/// let log_prob = density.log_prob(&Tensor::zeros((1, 2), candle_core::DType::F64, &Device::Cpu)?, None)?;
/// assert!((log_prob.to_vec1::<f64>()?[0] + (2.0 * std::f64::consts::PI).ln()).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StandardNormal {
    features: usize,
    placement: Placement,
}

impl StandardNormal {
    /// The distribution of `features` independent standard normal numbers.
    pub fn new(features: usize) -> Self {
        Self { features, placement: Placement::default() }
    }

    /// The same, with samples of `dtype` on `device`.
    #[must_use]
    pub fn on(self, dtype: DType, device: &Device) -> Self {
        Self { placement: Placement::new(dtype, device), ..self }
    }
}

/// Settings of a [`StandardNormal`] base.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardNormalConfig {}

impl Kind for StandardNormalConfig {
    const NAME: &'static str = "standard-normal";

    fn examples() -> Vec<Self> {
        vec![Self {}]
    }
}

impl BaseKind for StandardNormalConfig {
    fn build(&self, scope: Scope, features: usize) -> Result<Box<dyn Density>> {
        let (dtype, device) = (scope.dtype(), scope.device().clone());
        Ok(Box::new(StandardNormal::new(features).on(dtype, &device)))
    }

    fn start(&self) -> String {
        let base = "a standard normal distribution of the standardised columns";
        format!("the flow as it started, the identity over {base}")
    }
}

impl Density for StandardNormal {
    fn features(&self) -> usize {
        self.features
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("StandardNormal::log_prob", x, self.features)?;
        standard_log_prob(x)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        self.placement.normals(n, self.features, rng)
    }
}

/// The normal distribution N(0, s² I) on ℝᵈ.
///
/// log p(x) = −½ Σ xᵢ² / s² − d ln s − ½ d ln 2π; otherwise as [`StandardNormal`].
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::Density;
/// use diffeo_flows::densities::IsotropicNormal;
/// let density = IsotropicNormal::new(1, 2.0)?;
/// let log_prob = density.log_prob(&Tensor::zeros((1, 1), DType::F64, &Device::Cpu)?, None)?;
/// assert!((log_prob.to_vec1::<f64>()?[0] + (8.0 * std::f64::consts::PI).ln() / 2.0).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct IsotropicNormal {
    standard: StandardNormal,
    deviation: f64,
}

impl IsotropicNormal {
    /// The distribution of `features` independent numbers of this standard deviation.
    ///
    /// # Errors
    /// [`Error::Config`] for a deviation that is not positive and finite.
    pub fn new(features: usize, deviation: f64) -> Result<Self> {
        if deviation > 0.0 && deviation.is_finite() {
            return Ok(Self { standard: StandardNormal::new(features), deviation });
        }
        Err(Error::config("deviation", format!("{deviation}"), "give a positive number"))
    }

    /// The same, with samples of `dtype` on `device`.
    #[must_use]
    pub fn on(self, dtype: DType, device: &Device) -> Self {
        Self { standard: self.standard.on(dtype, device), ..self }
    }
}

impl Density for IsotropicNormal {
    fn features(&self) -> usize {
        self.standard.features
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let scaled = self.standard.log_prob(&x.affine(1.0 / self.deviation, 0.0)?, context)?;
        Ok(scaled.affine(1.0, -(self.standard.features as f64) * self.deviation.ln())?)
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        Ok(self.standard.sample(n, context, rng)?.affine(self.deviation, 0.0)?)
    }
}

/// log N(z; 0, I) of each row.
fn standard_log_prob(z: &Tensor) -> Result<Tensor> {
    let d = z.dim(1)? as f64;
    Ok(z.sqr()?.sum(1)?.affine(-0.5, -0.5 * d * TAU.ln())?)
}

#[cfg(test)]
mod tests {
    use super::super::checks::{self, grid_1d};
    use super::*;
    use statrs::distribution::{Continuous, Normal};

    #[test]
    fn standard_matches_independent_normals() {
        let normal = Normal::standard();
        let expected = normal.ln_pdf(0.3) + normal.ln_pdf(-1.7);
        let got = checks::log_prob(&StandardNormal::new(2), &[0.3, -1.7]);
        assert!((got[0] - expected).abs() < 1e-13);
    }

    #[test]
    fn integrates_to_one() {
        checks::integral_is_one(&StandardNormal::new(1), &grid_1d(-12.0, 12.0, 600), 1e-10);
    }

    #[test]
    fn samples_agree_with_the_entropy() {
        let entropy = 0.5 * (1.0 + TAU.ln());
        checks::entropy_is(&StandardNormal::new(3), 3.0 * entropy);
    }

    #[test]
    fn gradients_match_central_differences() {
        checks::gradients(&StandardNormal::new(2), None, &[0.5, -1.0, 2.0, 0.0]);
    }

    #[test]
    fn keeps_the_house_rules() {
        checks::house_rules(&StandardNormal::new(2));
    }

    #[test]
    fn samples_go_where_they_are_placed() {
        let density = StandardNormal::new(2).on(DType::F32, &Device::Cpu);
        let x = density.sample(3, None, &mut checks::rng()).unwrap();
        assert_eq!(x.dtype(), DType::F32);
        assert_eq!(x.dims(), [3, 2]);
    }
}
