//! Independent Student-t distributions, whose tails are heavier than a normal's.

use super::BaseKind;
use super::placement::Placement;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::params::{Init, Scope, to_f64};
use crate::transform::check_points;
use candle_core::Tensor;
use candle_nn::ops::sigmoid;
use rand::{Rng, RngCore};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// The least degrees of freedom, and by how much the most are above: beyond it is as good as normal.
pub(crate) const LEAST: f64 = 0.5;
pub(crate) const SPAN: f64 = 127.5;
/// How many times as fast as other parameters ln ν moves: a hundred steps take it from one end to the other.
pub(crate) const RATE: f64 = 10.0;

/// Independent Student-t features with trainable degrees of freedom νᵢ.
///
/// log p(x) = Σ [ln Γ((νᵢ+1)/2) − ln Γ(νᵢ/2) − ½ ln νᵢπ − ½ (νᵢ+1) ln(1 + xᵢ²/νᵢ)].
///
/// Parameter: `degrees_of_freedom` a `[1, d]` with νᵢ = ½ + 127.5 / (1 + exp(−10 aᵢ)). Under a flow whose
/// maps are bounded in slope the tails of the data are those of the base, so a column with power-law tails
/// needs a base that has them. The log-density is finite as far as the dtype of x reaches and −∞ at infinity;
/// samples are placed beside the parameters. A context is ignored.
///
/// Jaini, Kobyzev, Yu and Brubaker 2020, *Tails of Lipschitz Triangular Flows*, theorem 3; Laszkiewicz,
/// Lederer and Fischer 2022, *Marginal Tail-Adaptive Normalizing Flows*, section 4.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::densities::StudentT;
/// use diffeo_flows::{Density, Params};
/// let mut params = Params::new(DType::F64, &Device::Cpu, 0);
/// let cauchy = StudentT::new(params.scope("base"), 1, 1.0)?;
/// let at_zero = cauchy.log_prob(&Tensor::new(&[[0.0]], &Device::Cpu)?, None)?.to_vec1::<f64>()?[0];
/// assert!((at_zero + std::f64::consts::PI.ln()).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct StudentT {
    features: usize,
    raw: Tensor,
}

/// Settings of a [`StudentT`] base.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentTConfig {
    /// The degrees of freedom that all features start with.
    #[serde(default = "start")]
    pub degrees_of_freedom: f64,
}

fn start() -> f64 {
    5.0
}

impl Kind for StudentTConfig {
    const NAME: &'static str = "student-t";

    fn examples() -> Vec<Self> {
        vec![Self { degrees_of_freedom: 3.0 }]
    }
}

impl BaseKind for StudentTConfig {
    fn build(&self, scope: Scope, features: usize) -> Result<Box<dyn Density>> {
        Ok(Box::new(StudentT::new(scope, features, self.degrees_of_freedom)?))
    }
}

impl StudentT {
    /// The distribution of `features` numbers that start with these degrees of freedom.
    ///
    /// # Errors
    /// [`Error::Config`] unless they lie between ½ and 128, or when a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize, degrees_of_freedom: f64) -> Result<Self> {
        let share = (degrees_of_freedom - LEAST) / SPAN;
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::config(
                "degrees_of_freedom",
                format!("{degrees_of_freedom} is not between {LEAST} and {}", LEAST + SPAN),
                "give a number between, for instance 5, or take a normal base",
            ));
        }
        let init = Init::Constant((share / (1.0 - share)).ln() / RATE);
        Ok(Self { features, raw: scope.trainable("degrees_of_freedom", (1, features), init)? })
    }

    /// ν `[1, d]`.
    fn degrees_of_freedom(&self) -> Result<Tensor> {
        Ok(sigmoid(&self.raw.affine(RATE, 0.0)?)?.affine(SPAN, LEAST)?)
    }
}

/// ln Γ(a+½) − ln Γ(a) of each entry, within 1e-12 for a ≥ ¼: twelve steps of the recurrence, then the
/// asymptotic series.
fn log_gamma_half_step(a: &Tensor) -> Result<Tensor> {
    const STEPS: usize = 12;
    let mut below = a.zeros_like()?;
    for k in 0..STEPS {
        let at = a.affine(1.0, k as f64)?;
        below = (below + at.recip()?.affine(0.5, 1.0)?.log()?)?;
    }
    let inverse = a.affine(1.0, STEPS as f64)?.recip()?;
    let square = inverse.sqr()?;
    // 1/a times −1/8 + a⁻²/192 − a⁻⁴/640 + 17 a⁻⁶/14336
    let mut series = square.affine(17.0 / 14336.0, -1.0 / 640.0)?;
    for coefficient in [1.0 / 192.0, -1.0 / 8.0] {
        series = (series * &square)?.affine(1.0, coefficient)?;
    }
    Ok((((series * &inverse)? - inverse.log()?.affine(0.5, 0.0)?)? - below)?)
}

impl Density for StudentT {
    fn features(&self) -> usize {
        self.features
    }

    fn log_prob(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("StudentT::log_prob", x, self.features)?;
        let infinite = x.detach().abs()?.sum_keepdim(1)?.eq(f64::INFINITY)?;
        // Masked before the mathematics, where ∞ · 0 would give NaN.
        let x = infinite.broadcast_as(x.shape())?.where_cond(&x.zeros_like()?, x)?;
        let nu = self.degrees_of_freedom()?;
        // Divided by a size that is constant to the gradient, so that no square overflows.
        let size = x.detach().abs()?.maximum(1.0)?;
        let square = (&x / &size)?.sqr()?.broadcast_mul(&nu.recip()?)?;
        let tail = ((square + size.sqr()?.recip()?)?.log()? + size.log()?.affine(2.0, 0.0)?)?;
        let tail = tail.broadcast_mul(&nu.affine(0.5, 0.5)?)?.sum(1)?;
        let constant = log_gamma_half_step(&nu.affine(0.5, 0.0)?)?;
        let constant = (constant - nu.affine(PI, 0.0)?.log()?.affine(0.5, 0.0)?)?.sum_all()?;
        let log_prob = constant.reshape(1)?.broadcast_sub(&tail)?;
        let nowhere = log_prob.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
        Ok(infinite.squeeze(1)?.where_cond(&nowhere, &log_prob)?)
    }

    fn sample(&self, n: usize, _context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let law = |nu: f64| {
            rand_distr::StudentT::new(nu)
                .map_err(|e| Error::config("degrees_of_freedom", e.to_string(), "give more"))
        };
        let nu = to_f64(&self.degrees_of_freedom()?)?;
        let laws: Vec<_> = nu.into_iter().map(law).collect::<Result<_>>()?;
        let values = (0..n).flat_map(|_| laws.iter()).map(|law| rng.sample(law)).collect();
        Placement::of(&self.raw).tensor(values, (n, self.features))
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::{self, Grid, grid_1d};
    use super::*;
    use candle_core::Device;
    use statrs::distribution::{Continuous, StudentsT};

    fn density(nu: &[f64]) -> (crate::Params, StudentT) {
        let mut params = checks::params();
        let density = StudentT::new(params.scope("base"), nu.len(), 5.0).unwrap();
        let raw = nu.iter().map(|nu| ((nu - LEAST) / (SPAN + LEAST - nu)).ln() / RATE);
        params.write_flat(&raw.collect::<Vec<_>>()).unwrap();
        (params, density)
    }

    #[test]
    fn matches_independent_distributions() {
        let nu = [0.6, 1.0, 2.5, 7.0, 30.0, 127.0];
        let (_params, density) = density(&nu);
        for x in [[0.0; 6], [0.3, -1.7, 4.0, 25.0, -0.01, 2.0], [1e9, -1e6, 1e3, 50.0, 8.0, -9.0]] {
            let law = |(nu, x): (&f64, &f64)| StudentsT::new(0.0, 1.0, *nu).unwrap().ln_pdf(*x);
            let expected: f64 = nu.iter().zip(&x).map(law).sum();
            let got = checks::log_prob(&density, &x)[0];
            assert!((got - expected).abs() < 1e-10 * expected.abs(), "{got} for {expected}");
        }
        assert_eq!(checks::log_prob(&density, &[f64::INFINITY; 6]), [f64::NEG_INFINITY]);
        assert!(checks::log_prob(&density, &[1e200; 6])[0].is_finite());
    }

    #[test]
    fn integrates_to_one() {
        // x = sinh u: tails that a grid of x does not hold.
        let (_params, density) = density(&[3.0]);
        let grid = grid_1d(-25.0, 25.0, 4000);
        let points: Vec<f64> = grid.points.iter().map(|u| u.sinh()).collect();
        let log_prob = checks::log_prob(&density, &points);
        let terms = log_prob.iter().zip(&grid.points).map(|(l, u)| (l + u.cosh().ln()).exp());
        let Grid { cell, .. } = grid;
        assert!((terms.sum::<f64>() * cell - 1.0).abs() < 1e-9);
    }

    #[test]
    fn samples_have_the_share_of_tails() {
        let (_params, density) = density(&[1.0, 4.0]);
        let drawn = to_f64(&density.sample(40_000, None, &mut checks::rng()).unwrap()).unwrap();
        // Beyond 10: 1 − (2/π) atan 10 of a Cauchy number; beyond 3 of ν = 4: 0.03994.
        for (column, far, share) in [(0, 10.0, 0.063_451), (1, 3.0, 0.039_942)] {
            let beyond = drawn.chunks(2).filter(|row| row[column].abs() > far).count();
            let (n, found) = (40_000.0, beyond as f64 / 40_000.0);
            let error = (share * (1.0_f64 - share) / n).sqrt();
            assert!((found - share).abs() < 4.0 * error, "{found} for {share}");
        }
    }

    #[test]
    fn gradients_match_central_differences() {
        let (params, density) = density(&[1.5, 20.0]);
        checks::gradients(&density, Some(&params), &[0.5, -1.0, 2.0, 0.0, -7.0, 3.0]);
    }

    #[test]
    fn keeps_the_house_rules() {
        checks::house_rules(&density(&[2.0, 9.0]).1);
    }

    #[test]
    fn what_is_no_number_of_degrees_is_refused() {
        for nu in [0.0, 0.5, 128.0, f64::NAN] {
            let mut params = crate::Params::new(candle_core::DType::F64, &Device::Cpu, 0);
            let error = StudentT::new(params.scope("base"), 1, nu).unwrap_err().to_string();
            assert!(error.contains("between 0.5 and 128"), "{error}");
        }
    }
}
