//! Monotone rational-quadratic splines with linear tails.

use super::{UnivariateConfig, UnivariateKind};
use crate::error::{Error, Result};
use crate::kinds::Kind;
use crate::nets::softplus;
use crate::transform::Mapped;
use crate::univariate::{Univariate, check_params};
use candle_core::{DType, Tensor};
use candle_nn::ops::softmax;
use serde::{Deserialize, Serialize};

/// Smallest slope at a knot.
pub(crate) const MIN_DERIVATIVE: f64 = 1e-3;
/// Smallest width and height of a bin, as a share of the interval.
pub(crate) const MIN_BIN: f64 = 1e-3;

/// Knots placed by data stay within this share of the tail bound.
const REACH: f64 = 0.97;

/// A monotone rational-quadratic spline on [−B, B], the identity outside.
///
/// Map: in bin k with knots (xₖ, yₖ), widths w, heights h, slopes δ, s = h/w, θ = (x − xₖ)/w:
/// y = yₖ + h [s θ² + δₖ θ(1−θ)] / [s + (δₖ₊₁ + δₖ − 2s) θ(1−θ)]. Widths and heights come from a
/// softmax, inner slopes from a softplus, the outer slopes are 1, so the tails join smoothly.
/// Parameters: p = 3K − 1, all zero for the identity. Forward and inverse cost the same; the inverse
/// takes the form of the root that does not cancel.
///
/// The input is clipped to [−B, B] before the spline mathematics, so the branch that is not taken
/// never produces a NaN gradient.
///
/// Durkan, Bekasov, Murray and Papamakarios 2019, *Neural Spline Flows*, eq. 4–8 and A.2.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RationalQuadraticSpline {
    bins: usize,
    tail_bound: f64,
}

/// The bin that each entry fell into: each field `[n, m]`.
struct Bin {
    left: Tensor,
    width: Tensor,
    bottom: Tensor,
    height: Tensor,
    slope_left: Tensor,
    slope_right: Tensor,
}

impl RationalQuadraticSpline {
    /// A spline with `bins` bins on [−`tail_bound`, `tail_bound`].
    ///
    /// # Errors
    /// [`Error::Config`] unless there are 2 to 256 bins and the bound is positive and finite.
    pub fn new(bins: usize, tail_bound: f64) -> Result<Self> {
        if !(2..=256).contains(&bins) {
            return Err(Error::config(
                "bins",
                format!("{bins} bins"),
                "give 2 to 256, for instance 8",
            ));
        }
        if !(tail_bound > 0.0 && tail_bound.is_finite()) {
            return Err(Error::config(
                "tail_bound",
                format!("{tail_bound} is no bound"),
                "give a positive number of standard deviations, for instance 5",
            ));
        }
        Ok(Self { bins, tail_bound })
    }

    /// The number of bins.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// B.
    pub fn tail_bound(&self) -> f64 {
        self.tail_bound
    }

    /// Widths or heights `[n, m, k]` from raw parameters.
    fn lengths(&self, raw: &Tensor) -> Result<Tensor> {
        let scale = 2.0 * self.tail_bound;
        let share = 1.0 - MIN_BIN * self.bins as f64;
        Ok(softmax(raw, 2)?.affine(scale * share, scale * MIN_BIN)?)
    }

    /// Left ends of the bins, `[n, m, k]`, from their lengths.
    fn starts(&self, lengths: &Tensor) -> Result<Tensor> {
        let (n, m, k) = lengths.dims3()?;
        let before = Tensor::triu2(k, lengths.dtype(), lengths.device())?;
        let strictly_before = (before - Tensor::eye(k, lengths.dtype(), lengths.device())?)?;
        let sums = lengths.reshape((n * m, k))?.matmul(&strictly_before)?;
        Ok(sums.reshape((n, m, k))?.affine(1.0, -self.tail_bound)?)
    }

    /// The bin of each entry of `v`, searched among the bins' left ends in x or in y.
    fn bin(&self, v: &Tensor, params: &Tensor, search: Axis) -> Result<Bin> {
        let k = self.bins;
        let widths = self.lengths(&params.narrow(2, 0, k)?)?;
        let heights = self.lengths(&params.narrow(2, k, k)?)?;
        let slopes = slopes(&params.narrow(2, 2 * k, k - 1)?)?;
        let (lefts, bottoms) = (self.starts(&widths)?, self.starts(&heights)?);
        let starts = match search {
            Axis::X => &lefts,
            Axis::Y => &bottoms,
        };
        let inner = starts.narrow(2, 1, k - 1)?.detach();
        let index = v.detach().unsqueeze(2)?.broadcast_ge(&inner)?;
        let index = index.to_dtype(DType::U32)?.sum_keepdim(2)?.contiguous()?;
        let take = |from: &Tensor, index: &Tensor| from.contiguous()?.gather(index, 2)?.squeeze(2);
        Ok(Bin {
            left: take(&lefts, &index)?,
            width: take(&widths, &index)?,
            bottom: take(&bottoms, &index)?,
            height: take(&heights, &index)?,
            slope_left: take(&slopes, &index)?,
            slope_right: take(&slopes, &(&index + index.ones_like()?)?)?,
        })
    }

    /// Identity and log-slope 0 where |v| ≥ B, the spline elsewhere.
    fn with_tails(&self, v: &Tensor, inside: &Tensor, log_slope: &Tensor) -> Result<Mapped> {
        let mask = v.abs()?.lt(self.tail_bound)?;
        Ok(Mapped {
            points: mask.where_cond(inside, v)?,
            log_det: mask.where_cond(log_slope, &log_slope.zeros_like()?)?.sum(1)?,
        })
    }
}

/// Slopes at all knots, `[n, m, k + 1]`.
fn slopes(raw: &Tensor) -> Result<Tensor> {
    let (n, m, _) = raw.dims3()?;
    // softplus(offset) = 1 − MIN_DERIVATIVE, so that raw = 0 gives slope 1.
    let offset = (1.0 - MIN_DERIVATIVE).exp_m1().ln();
    let inner = softplus(&raw.affine(1.0, offset)?)?.affine(1.0, MIN_DERIVATIVE)?;
    let outer = Tensor::ones((n, m, 1), raw.dtype(), raw.device())?;
    Ok(Tensor::cat(&[&outer, &inner, &outer], 2)?)
}

/// The axis a bin is searched on.
#[derive(Clone, Copy)]
enum Axis {
    X,
    Y,
}

impl Bin {
    /// ln dy/dx at the position θ in the bin.
    fn log_slope(&self, theta: &Tensor) -> Result<Tensor> {
        let s = (&self.height / &self.width)?;
        let rest = theta.affine(-1.0, 1.0)?;
        let mixed = (theta * &rest)?;
        let numerator = ((&self.slope_right * theta.sqr()?)?
            + ((&s * &mixed)?.affine(2.0, 0.0)? + (&self.slope_left * rest.sqr()?)?)?)?;
        let denominator = self.denominator(&s, &mixed)?;
        // Durkan et al. 2019, eq. 5
        Ok(((s.log()? - denominator.log()?)?.affine(2.0, 0.0)? + numerator.log()?)?)
    }

    /// s + (δₖ₊₁ + δₖ − 2s) θ(1−θ).
    fn denominator(&self, s: &Tensor, mixed: &Tensor) -> Result<Tensor> {
        Ok((s + (self.excess(s)? * mixed)?)?)
    }

    /// δₖ₊₁ + δₖ − 2s.
    fn excess(&self, s: &Tensor) -> Result<Tensor> {
        Ok(((&self.slope_right + &self.slope_left)? - s.affine(2.0, 0.0)?)?)
    }
}

/// Rounding may leave a position just outside [0, 1]; the gradient passes as if it had not, where
/// that of a clamp would be wrong at the knots themselves.
fn clip_to_unit(position: &Tensor) -> Result<Tensor> {
    let excess = (position.clamp(0.0, 1.0)? - position)?;
    Ok((position + excess.detach())?)
}

impl Kind for RationalQuadraticSpline {
    const NAME: &'static str = "rational-quadratic-spline";

    fn examples() -> Vec<Self> {
        vec![Self { bins: 5, tail_bound: 3.0 }]
    }
}

impl UnivariateKind for RationalQuadraticSpline {
    fn build(&self) -> Result<Box<dyn Univariate>> {
        Ok(Box::new(Self::new(self.bins, self.tail_bound)?))
    }

    fn with_bins(&self, bins: usize) -> Option<UnivariateConfig> {
        Some(Self { bins, ..*self }.into())
    }

    fn identity_beyond(&self) -> Option<f64> {
        Some(self.tail_bound)
    }
}

impl Univariate for RationalQuadraticSpline {
    fn params_per_feature(&self) -> usize {
        3 * self.bins - 1
    }

    fn forward(&self, x: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("RationalQuadraticSpline::forward", x, params, self.params_per_feature())?;
        let clipped = x.clamp(-self.tail_bound, self.tail_bound)?;
        let bin = self.bin(&clipped, params, Axis::X)?;
        let theta = clip_to_unit(&((clipped - &bin.left)? / &bin.width)?)?;
        let s = (&bin.height / &bin.width)?;
        let mixed = (&theta * theta.affine(-1.0, 1.0)?)?;
        // eq. 4
        let numerator = ((&s * theta.sqr()?)? + (&bin.slope_left * &mixed)?)?;
        let rise = ((&bin.height * numerator)? / bin.denominator(&s, &mixed)?)?;
        self.with_tails(x, &(&bin.bottom + rise)?, &bin.log_slope(&theta)?)
    }

    fn inverse(&self, y: &Tensor, params: &Tensor) -> Result<Mapped> {
        check_params("RationalQuadraticSpline::inverse", y, params, self.params_per_feature())?;
        let clipped = y.clamp(-self.tail_bound, self.tail_bound)?;
        let bin = self.bin(&clipped, params, Axis::Y)?;
        let s = (&bin.height / &bin.width)?;
        let u = clip_to_unit(&((clipped - &bin.bottom)? / &bin.height)?)?;
        let rest = u.affine(-1.0, 1.0)?;
        // eq. 6–8 divided by h, with u = (y − yₖ)/h and l = δₖ (1−u) − δₖ₊₁ u: b = l + 2su, a = s − b,
        // c = −su, and b² − 4ac = l² + 4s²u(1−u), where nothing cancels.
        let lean = ((&bin.slope_left * &rest)? - (&bin.slope_right * &u)?)?;
        let su = (&s * &u)?;
        let b = (&lean + su.affine(2.0, 0.0)?)?;
        let root = (lean.sqr()? + ((&s * &su)? * rest)?.affine(4.0, 0.0)?)?.sqrt()?;
        // 2c / (−b − √) cancels where b < 0, (−b + √) / 2a where b ≥ 0.
        let upper = b.ge(0.0)?;
        let numerator = upper.where_cond(&su.affine(2.0, 0.0)?, &(&root - &b)?)?;
        let denominator = upper.where_cond(&(&b + &root)?, &(&s - &b)?.affine(2.0, 0.0)?)?;
        let theta = (numerator / denominator)?;
        let inside = (&bin.left + (&theta * &bin.width)?)?;
        self.with_tails(y, &inside, &bin.log_slope(&theta)?.neg()?)
    }

    /// Equal widths and heights, the inner knots spread evenly from `low` to `high`.
    fn identity_between(&self, low: f64, high: f64) -> Vec<f64> {
        let (k, bound) = (self.bins, self.tail_bound);
        let (low, high) = (low.max(-REACH * bound), high.min(REACH * bound));
        if low >= high {
            return vec![0.0; self.params_per_feature()];
        }
        let inner = (high - low) / (k as f64 - 2.0).max(1.0);
        let mut lengths = vec![inner; k];
        (lengths[0], lengths[k - 1]) = (low + bound, bound - high);
        let shares: Vec<f64> =
            lengths.iter().map(|l| (l / (2.0 * bound)).max(2.0 * MIN_BIN)).collect();
        let total: f64 = shares.iter().sum();
        let free = 1.0 - MIN_BIN * k as f64;
        let raw = shares.iter().map(|share| ((share / total - MIN_BIN) / free).ln());
        let mut params: Vec<f64> = raw.collect();
        params.extend_from_within(..);
        params.resize(self.params_per_feature(), 0.0);
        params
    }
}
