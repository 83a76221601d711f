//! Sums of logistic steps on top of the identity, inverted by iteration.

use super::UnivariateKind;
use crate::calculus::{Dual, ScalarRoot, scalar_root};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::transform::Mapped;
use crate::univariate::{Univariate, check_params};
use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

/// Bound of |ln eₖ|, hence of the log-slope.
const LOG_SLOPE_BOUND: f64 = 5.0;
/// Bound of the log-ratio between a width and its start.
const LOG_WIDTH_BOUND: f64 = 3.0;
/// The centres start evenly spread over [−REACH, REACH].
const REACH: f64 = 3.0;
/// Largest share of its bound that data may ask of a width.
const PLACED: f64 = 0.9;

/// The identity and K logistic steps, each of which makes the map steeper or flatter around it.
///
/// Map: y = x + Σₖ 2 wₖ sₖ tanh uₖ with uₖ = (x − μₖ) / 2sₖ and wₖ = (eₖ − 1)/K; (1 + tanh uₖ)/2 is
/// the logistic distribution function of centre μₖ and width sₖ. Jacobian: the slope is the mean over
/// k of tanh² uₖ + eₖ (1 − tanh² uₖ), between the least and the greatest of 1 and all eₖ; every term is
/// positive and nothing cancels. Tails: y = x ± Σₖ 2 wₖ sₖ, slope 1.
///
/// Parameters: p = 3K, (ln e, m, ln s) before their bounds: |ln eₖ| < 5, μₖ = cₖ + mₖ, and
/// |ln sₖ − ln s⁰| < 3, with starts cₖ even over [−3, 3] and s⁰ = 3/(K + 2). At zero all eₖ are 1:
/// the identity exactly, and as the cₖ differ, so do the gradients of the steps.
///
/// Cost: the forward map K hyperbolic tangents; the inverse as much for each of the 3 to 7 iterations,
/// up to 15 for wild parameters, of a [`scalar_root`] in a bracket that the tails give. Its gradients
/// are those of the implicit function theorem. An entry that is NaN, or has a parameter that is not
/// finite, becomes NaN and disturbs no other.
///
/// Ho, Chen, Srinivas, Duan and Abbeel 2019, *Flow++*, section 3.2, and Huang, Krueger, Lacoste and
/// Courville 2018, *Neural Autoregressive Flows*, for mixtures of logistic functions as monotone
/// maps; added to the identity here, so that weights of either sign keep slopes and tails bounded.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticMixture {
    components: usize,
}

/// The steps of each entry: every field `[n, m, K]`.
struct Steps {
    centres: Tensor,
    /// 1/2s.
    rates: Tensor,
    /// The slope e at the centre of a step that stands alone.
    slopes: Tensor,
    /// 2ws.
    heights: Tensor,
}

impl LogisticMixture {
    /// A map of `components` steps.
    ///
    /// # Errors
    /// [`Error::Config`] unless there are 1 to 256.
    pub fn new(components: usize) -> Result<Self> {
        if (1..=256).contains(&components) {
            return Ok(Self { components });
        }
        let problem = format!("{components} components");
        Err(Error::config("components", problem, "give 1 to 256, for instance 8"))
    }

    /// Where the centres start.
    fn centres(self, low: f64, high: f64) -> impl Iterator<Item = f64> {
        let k = self.components as f64;
        (0..self.components).map(move |i| low + (high - low) * (i as f64 + 0.5) / k)
    }

    /// The width s⁰.
    fn width(self, low: f64, high: f64) -> f64 {
        0.5 * (high - low) / (self.components as f64 + 2.0)
    }

    fn steps(self, params: &Tensor) -> Result<Steps> {
        let k = self.components;
        let part = |i: usize| params.narrow(2, i * k, k);
        let starts: Vec<f64> = self.centres(-REACH, REACH).collect();
        let starts = Tensor::from_vec(starts, (1, 1, k), params.device())?;
        let log_ratios = softly_bounded(&part(2)?, LOG_WIDTH_BOUND)?;
        let widths = log_ratios.exp()?.affine(2.0 * self.width(-REACH, REACH), 0.0)?;
        let slopes = softly_bounded(&part(0)?, LOG_SLOPE_BOUND)?.exp()?;
        let weights = slopes.affine(1.0 / k as f64, -1.0 / k as f64)?;
        Ok(Steps {
            centres: part(1)?.broadcast_add(&starts.to_dtype(params.dtype())?)?,
            rates: widths.recip()?,
            heights: (weights * widths)?,
            slopes,
        })
    }
}

/// a / (1 + |a| / bound), within ±bound.
fn softly_bounded(a: &Tensor, bound: f64) -> Result<Tensor> {
    Ok((a / a.abs()?.affine(1.0 / bound, 1.0)?)?)
}

impl Steps {
    /// y − x and dy/dx at x, all `[n, m]`.
    fn at(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let u = (x.unsqueeze(2)?.broadcast_sub(&self.centres)? * &self.rates)?;
        let tanh = u.tanh()?;
        let far = tanh.sqr()?;
        let near = far.affine(-1.0, 1.0)?;
        let slope = (far + (&self.slopes * near)?)?.mean(2)?;
        Ok(((&self.heights * tanh)?.sum(2)?, slope))
    }

    /// x with y = x + …, `[n, m]`, by the move x − y in units of a bound of it.
    fn solve(&self, y: &Tensor) -> Result<Tensor> {
        let like = y.flatten_all()?.unsqueeze(1)?;
        let bound = self.heights.detach().abs()?.sum(2)?.affine(1.0, 1.0)?;
        let moved =
            |share: &Tensor| -> Result<Tensor> { Ok((share.reshape(y.shape())? * &bound)?) };
        let equation = |share: &Dual| {
            let back = moved(&share.value)?;
            let (lift, slope) = self.at(&(y + &back)?)?;
            let (value, slope) = ((back + lift)?, (slope * &bound)?);
            let slope = (slope.reshape(like.shape())? * &share.tangent)?;
            Dual::new(value.reshape(like.shape())?, slope)
        };
        let share = scalar_root(equation, &like, ScalarRoot::within([-1.0, 1.0]))?;
        Ok((y + moved(&share)?)?)
    }
}

/// 1 where y is a number and all its parameters are finite, `[n, m]`.
fn usable(y: &Tensor, params: &Tensor) -> Result<Tensor> {
    let finite = params.detach().affine(0.0, 0.0)?.sum(2)?.eq(0.0)?;
    let y = y.detach();
    Ok((finite * y.eq(&y)?)?.to_dtype(DType::U8)?)
}

impl Kind for LogisticMixture {
    const NAME: &'static str = "logistic-mixture";

    fn examples() -> Vec<Self> {
        vec![Self { components: 4 }]
    }
}

impl UnivariateKind for LogisticMixture {
    fn build(&self) -> Result<Box<dyn Univariate>> {
        Ok(Box::new(Self::new(self.components)?))
    }
}

impl Univariate for LogisticMixture {
    fn params_per_feature(&self) -> usize {
        3 * self.components
    }

    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("LogisticMixture::forward", x, params, self.params_per_feature())?;
        let (lift, slope) = self.steps(params)?.at(x)?;
        Ok(Mapped { points: (x + lift)?, log_det: slope.log()?.sum(1)? })
    }

    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("LogisticMixture::inverse", y, params, self.params_per_feature())?;
        let usable = usable(y, params)?;
        let each = usable.unsqueeze(2)?.broadcast_as(params.shape())?;
        let steps = self.steps(&each.where_cond(params, &params.zeros_like()?)?)?;
        let x = steps.solve(&usable.where_cond(y, &y.zeros_like()?)?)?;
        let log_slope = steps.at(&x)?.1.log()?.neg()?;
        let nan = Tensor::full(f64::NAN, x.shape(), x.device())?.to_dtype(x.dtype())?;
        Ok(Mapped {
            points: usable.where_cond(&x, &nan)?,
            log_det: usable.where_cond(&log_slope, &nan)?.sum(1)?,
        })
    }

    /// Centres evenly spread from `low` to `high`, and widths to match.
    fn identity_between(&self, low: f64, high: f64) -> Vec<f64> {
        let mut params = vec![0.0; self.params_per_feature()];
        if !(low < high && (high - low).is_finite()) {
            return params;
        }
        let k = self.components;
        let starts = self.centres(-REACH, REACH).zip(self.centres(low, high));
        for (param, (start, centre)) in params[k..].iter_mut().zip(starts) {
            *param = centre - start;
        }
        let widest = PLACED * LOG_WIDTH_BOUND;
        let log_ratio = ((high - low) / (2.0 * REACH)).ln().clamp(-widest, widest);
        params[2 * k..].fill(log_ratio / (1.0 - log_ratio.abs() / LOG_WIDTH_BOUND));
        params
    }
}
