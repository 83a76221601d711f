//! Monotone Bernstein polynomials with linear tails.

use super::{UnivariateConfig, UnivariateKind};
use crate::calculus::{Dual, ScalarRoot, scalar_root};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::transform::Mapped;
use crate::univariate::{Univariate, check_params};
use candle_core::{DType, Tensor};
use candle_nn::ops::softmax;
use serde::{Deserialize, Serialize};

/// The least step between inner coefficients, as a share of their mean.
pub(crate) const LEAST_STEP: f64 = 1e-2;
/// The degrees there are.
pub(crate) const DEGREES: std::ops::RangeInclusive<usize> = 6..=64;

/// A monotone Bernstein polynomial of degree n on [−B, B], the identity outside.
///
/// Map: y = Σₖ cₖ bₖ,ₙ(t) with t = (x + B) / 2B and bₖ,ₙ(t) = (n choose k) tᵏ (1−t)ⁿ⁻ᵏ; slope
/// (n / 2B) Σₖ (cₖ₊₁ − cₖ) bₖ,ₙ₋₁(t). The steps cₖ₊₁ − cₖ are positive and the first two and the last two are
/// 2B/n, so that value, slope and bend are those of the identity at both ends; the n − 4 between share the rest by
/// a softmax. Parameters: p = n − 4, all zero for the identity. The log-density is smooth inside and
/// its slope continuous everywhere, which that of splines is not. Forward costs n² products; the inverse about ten times as much, by Newton's method in a bracket,
/// with gradients by the implicit function theorem. An entry that is NaN, or has a parameter that is not
/// finite, becomes NaN and disturbs no other.
///
/// Ramasinghe, Fernando, Khan and Barnes 2021, *Robust normalizing flows using Bernstein-type polynomials*,
/// section 3; Sick, Hothorn and Dürr 2021, *Deep transformation models*, section II.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bernstein {
    degree: usize,
    bound: f64,
}

impl Bernstein {
    /// A polynomial of that degree on [−`bound`, `bound`].
    ///
    /// # Errors
    /// [`Error::Config`] unless the degree is from 6 to 64 and the bound positive and finite.
    pub fn new(degree: usize, bound: f64) -> Result<Self> {
        if !DEGREES.contains(&degree) {
            let problem = format!("degree {degree}");
            return Err(Error::config("degree", problem, "give 6 to 64, for instance 16"));
        }
        if !(bound > 0.0 && bound.is_finite()) {
            let remedy = "give a positive number of standard deviations, for instance 5";
            return Err(Error::config("bound", format!("{bound} is no bound"), remedy));
        }
        Ok(Self { degree, bound })
    }

    /// n.
    pub fn degree(self) -> usize {
        self.degree
    }

    /// B.
    pub fn bound(self) -> f64 {
        self.bound
    }

    /// By how much the inner steps differ from 2B/n, `[n, m, n − 4]`; they sum to 0.
    fn surplus(self, params: &Tensor) -> Result<Tensor> {
        let inner = (self.degree - 4) as f64;
        let step = 2.0 * self.bound / self.degree as f64;
        let free = step * (1.0 - LEAST_STEP);
        Ok(softmax(params, 2)?.affine(inner * free, -free)?)
    }

    /// y − x and dy/dx inside, from t `[n, m]` and the surplus of the inner steps.
    fn at(self, t: &Tensor, surplus: &Tensor) -> Result<(Tensor, Tensor)> {
        let n = self.degree;
        let lower = basis(t, n - 1)?;
        let inner = lower.narrow(2, 2, n - 4)?;
        let rise = (&inner * surplus)?.sum(2)?;
        let slope = rise.affine(0.5 * n as f64 / self.bound, 1.0)?;
        // Σₖ cₖ bₖ,ₙ by what the steps add: step j counts in all coefficients after it.
        let sums = later_sums(surplus, n - 4)?;
        let lift = (raised(&lower, t)?.narrow(2, 3, n - 4)? * sums)?.sum(2)?;
        Ok((lift, slope))
    }

    /// t, clipped to [0, 1], and 1 where x is inside.
    fn position(self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let inside = x.detach().abs()?.lt(self.bound)?;
        let within = inside.where_cond(x, &x.zeros_like()?)?;
        Ok((within.affine(0.5 / self.bound, 0.5)?, inside))
    }
}

/// bₖ,ₘ(t) for k = 0 … m: t `[n, m]` → `[n, m, degree + 1]`.
fn basis(t: &Tensor, degree: usize) -> Result<Tensor> {
    let mut values = t.ones_like()?.unsqueeze(2)?;
    for _ in 0..degree {
        values = raised(&values, t)?;
    }
    Ok(values)
}

/// The basis of the next degree: bₖ,ₘ₊₁ = t bₖ₋₁,ₘ + (1 − t) bₖ,ₘ.
fn raised(basis: &Tensor, t: &Tensor) -> Result<Tensor> {
    let t = t.unsqueeze(2)?;
    let up = basis.broadcast_mul(&t)?.pad_with_zeros(2, 1, 0)?;
    let stay = basis.broadcast_mul(&t.affine(-1.0, 1.0)?)?.pad_with_zeros(2, 0, 1)?;
    Ok((up + stay)?)
}

/// Σ of the entries up to each, along the last of three dimensions of that length.
fn later_sums(values: &Tensor, length: usize) -> Result<Tensor> {
    let (n, m, _) = values.dims3()?;
    let upper = Tensor::triu2(length, values.dtype(), values.device())?;
    Ok(values.contiguous()?.reshape((n * m, length))?.matmul(&upper)?.reshape((n, m, length))?)
}

impl Kind for Bernstein {
    const NAME: &'static str = "bernstein";

    fn examples() -> Vec<Self> {
        vec![Self { degree: 7, bound: 3.0 }]
    }
}

impl UnivariateKind for Bernstein {
    fn build(&self) -> Result<Box<dyn Univariate>> {
        Ok(Box::new(Self::new(self.degree, self.bound)?))
    }

    fn with_bins(&self, bins: usize) -> Option<UnivariateConfig> {
        Some(Self { degree: bins, ..*self }.into())
    }

    fn identity_beyond(&self) -> Option<f64> {
        Some(self.bound)
    }
}

impl Univariate for Bernstein {
    fn params_per_feature(&self) -> usize {
        self.degree - 4
    }

    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("Bernstein::forward", x, params, self.params_per_feature())?;
        let (t, inside) = self.position(x)?;
        let (lift, slope) = self.at(&t, &self.surplus(params)?)?;
        let nothing = lift.zeros_like()?;
        Ok(Mapped {
            points: (x + inside.where_cond(&lift, &nothing)?)?,
            log_det: inside.where_cond(&slope.log()?, &nothing)?.sum(1)?,
        })
    }

    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("Bernstein::inverse", y, params, self.params_per_feature())?;
        let finite = params.detach().affine(0.0, 0.0)?.sum(2)?.eq(0.0)?;
        let inside = (y.detach().abs()?.lt(self.bound)? * &finite)?.to_dtype(DType::U8)?;
        let nothing = y.zeros_like()?;
        let each = inside.unsqueeze(2)?.broadcast_as(params.shape())?;
        let surplus = self.surplus(&each.where_cond(params, &params.zeros_like()?)?)?;
        let within = inside.where_cond(y, &nothing)?;
        let width = 2.0 * self.bound;
        let equation = |t: &Dual| {
            let value = t.value.reshape(y.shape())?;
            let (lift, slope) = self.at(&value, &surplus)?;
            let image = ((value.affine(width, -self.bound)? + lift)? - &within)?;
            let slope = (slope.affine(width, 0.0)?.reshape(t.value.shape())? * &t.tangent)?;
            Dual::new(image.reshape(t.value.shape())?, slope)
        };
        let like = within.flatten_all()?.unsqueeze(1)?;
        let t = scalar_root(equation, &like, ScalarRoot::within([0.0, 1.0]))?;
        let t = t.reshape(y.shape())?;
        let log_slope = self.at(&t, &surplus)?.1.log()?.neg()?;
        let points = inside.where_cond(&t.affine(width, -self.bound)?, y)?;
        let log_det = inside.where_cond(&log_slope, &nothing)?;
        // What is no number comes out as none.
        let spoilt = params.detach().affine(0.0, 0.0)?.sum(2)?;
        Ok(Mapped { points: (points + &spoilt)?, log_det: (log_det + spoilt)?.sum(1)? })
    }
}
