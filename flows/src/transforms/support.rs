//! Maps from a bounded or half-bounded support to the whole line.

use crate::error::{Error, Result};
use crate::nets::softplus;
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points};
use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

/// The values that a column can take, finite ends included.
///
/// The maps are those of the open set. Of a value exactly on an end, which tables have by rounding,
/// a model takes a point inside in its place: see
/// [`Preparation`](crate::preparation::Preparation).
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Support {
    /// Any real number.
    #[default]
    Real,
    /// [0, ∞), by the logarithm: x = eᶻ.
    Positive,
    /// [0, ∞), by the inverse of softplus: x = ln(1 + eᶻ), linear for large x.
    PositiveSoftplus,
    /// [low, high], by the logit: x = low + (high − low) / (1 + e⁻ᶻ).
    Interval {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}

impl Support {
    /// Whether a value belongs to it; finite ends do.
    pub fn contains(self, x: f64) -> bool {
        x.is_finite()
            && self.ends().into_iter().flatten().all(|end| match self {
                Self::Interval { high, .. } if end >= high => x <= end,
                _ => x >= end,
            })
    }

    /// The finite ends, lower and upper.
    pub fn ends(self) -> [Option<f64>; 2] {
        match self {
            Self::Real => [None, None],
            Self::Positive | Self::PositiveSoftplus => [Some(0.0), None],
            Self::Interval { low, high } => [Some(low), Some(high)],
        }
    }

    /// A point inside, which stands in for points outside.
    pub(crate) fn inner_point(self) -> f64 {
        match self {
            Self::Interval { low, high } => f64::midpoint(low, high),
            _ => 1.0,
        }
    }

    /// The derivatives of z at x, in closed form; NaN for a value outside, or at infinity.
    pub(crate) fn derivatives(self, x: f64) -> Derivatives {
        if !self.contains(x) {
            return Derivatives { slope: f64::NAN, bend: f64::NAN, bend_slope: f64::NAN };
        }
        match self {
            Self::Real => Derivatives { slope: 1.0, bend: 0.0, bend_slope: 0.0 },
            Self::Positive => {
                let slope = 1.0 / x;
                Derivatives { slope, bend: -slope, bend_slope: slope * slope }
            }
            Self::PositiveSoftplus => {
                // z = x + ln(1 − e⁻ˣ): z' = 1/(1 − e⁻ˣ), ln z' falls by 1/(eˣ − 1).
                let slope = -1.0 / (-x).exp_m1();
                let bend = -1.0 / x.exp_m1();
                Derivatives { slope, bend, bend_slope: -bend * slope }
            }
            Self::Interval { low, high } => {
                let (left, right) = (1.0 / (x - low), 1.0 / (high - x));
                let bend_slope = left * left + right * right;
                Derivatives { slope: left + right, bend: right - left, bend_slope }
            }
        }
    }

    /// Column x inside the support → z and ln dz/dx, all `[n, 1]`.
    fn forward(self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        match self {
            Self::Real => Ok((x.clone(), x.zeros_like()?)),
            Self::Positive => {
                let z = at_least_normal(x)?.log()?;
                Ok((z.clone(), z.neg()?))
            }
            Self::PositiveSoftplus => {
                // 1 − e⁻ˣ = 2t / (1 + t) with t = tanh(x/2), which keeps the digits of a small x.
                let t = at_least_normal(x)?.affine(0.5, 0.0)?.tanh()?;
                let log_rest = (t.affine(2.0, 0.0)?.log()? - t.affine(1.0, 1.0)?.log()?)?;
                Ok(((x + &log_rest)?, log_rest.neg()?))
            }
            Self::Interval { low, high } => {
                // Subtracted first, exact near an end: a point inside never rounds onto it.
                let log_left = at_least_normal(&x.affine(1.0, -low)?)?.log()?;
                let log_right = at_least_normal(&x.affine(-1.0, high)?)?.log()?;
                let log_slope = (&log_left + &log_right)?.affine(-1.0, (high - low).ln())?;
                Ok(((log_left - log_right)?, log_slope))
            }
        }
    }

    /// Column z → x and ln dx/dz, all `[n, 1]`.
    fn inverse(self, z: &Tensor) -> Result<(Tensor, Tensor)> {
        match self {
            Self::Real => Ok((z.clone(), z.zeros_like()?)),
            Self::Positive => Ok((z.exp()?, z.clone())),
            Self::PositiveSoftplus => Ok((precise_softplus(z)?, softplus(&z.neg()?)?.neg()?)),
            Self::Interval { low, high } => {
                let width = high - low;
                let log_left = softplus(&z.neg()?)?.neg()?;
                let log_right = softplus(z)?.neg()?;
                let x = log_left.exp()?.affine(width, low)?;
                Ok((x, (log_left + log_right)?.affine(1.0, width.ln())?))
            }
        }
    }
}

/// Derivatives of a map z(x) of one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Derivatives {
    /// dz/dx.
    pub(crate) slope: f64,
    /// d ln|dz/dx| / dx.
    pub(crate) bend: f64,
    /// d² ln|dz/dx| / dx².
    pub(crate) bend_slope: f64,
}

/// ln(1 + eᶻ) with all its digits: far below 0 it is eᶻ, which 1 + eᶻ forgets.
fn precise_softplus(z: &Tensor) -> Result<Tensor> {
    let small = z.minimum(SMALL)?.exp()?;
    Ok(z.lt(SMALL)?.where_cond(&small, &softplus(z)?)?)
}

/// Below this, eᶻ and ln(1 + eᶻ) differ by less than their rounding.
const SMALL: f64 = -37.0;

/// Positive points no smaller than the smallest normal number, whose reciprocal is still finite.
fn at_least_normal(x: &Tensor) -> Result<Tensor> {
    Ok(x.maximum(smallest_normal(x.dtype()))?)
}

fn smallest_normal(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::MIN_POSITIVE,
        _ => f64::from(f32::MIN_POSITIVE),
    }
}

/// Maps each column from its support to the whole line.
///
/// Jacobian diagonal. Rows outside the support get a log-determinant of −∞, hence density 0, and
/// some finite image; they never give NaN. Forward and inverse cost a few operations a column.
#[derive(Debug, Clone)]
pub struct SupportMap {
    supports: Vec<Support>,
}

impl SupportMap {
    /// A map of one column for each support.
    ///
    /// # Errors
    /// [`Error::Config`] for an interval without a finite positive width.
    pub fn new(supports: Vec<Support>) -> Result<Self> {
        for (i, support) in supports.iter().enumerate() {
            if let Support::Interval { low, high } = *support
                && !(low < high && (high - low).is_finite())
            {
                return Err(Error::config(
                    format!("support of column {i}"),
                    format!("the interval from {low} to {high} is empty or infinite"),
                    "give a lower and a higher finite end",
                ));
            }
        }
        Ok(Self { supports })
    }

    /// The support of each column.
    pub fn supports(&self) -> &[Support] {
        &self.supports
    }

    fn apply(
        &self,
        points: &Tensor,
        map: impl Fn(Support, &Tensor) -> Result<(Tensor, Tensor)>,
    ) -> Result<Mapped> {
        let mut columns = Vec::with_capacity(self.supports.len());
        let mut log_det = Tensor::zeros((points.dim(0)?, 1), points.dtype(), points.device())?;
        for (i, &support) in self.supports.iter().enumerate() {
            let (column, log_slope) = map(support, &points.narrow(1, i, 1)?)?;
            log_det = (log_det + log_slope)?;
            columns.push(column);
        }
        Ok(Mapped { points: Tensor::cat(&columns, 1)?, log_det: log_det.squeeze(1)? })
    }
}

/// The map of the points inside, and log-slope −∞ for the others.
fn forward_or_outside(support: Support, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let inside = match support {
        Support::Real => return support.forward(x),
        Support::Positive | Support::PositiveSoftplus => (x.gt(0.0)? * x.lt(f64::INFINITY)?)?,
        Support::Interval { low, high } => (x.gt(low)? * x.lt(high)?)?,
    };
    // Masked before the mathematics, so that no gradient is NaN.
    let safe = inside.where_cond(x, &x.zeros_like()?.affine(1.0, support.inner_point())?)?;
    let (z, log_slope) = support.forward(&safe)?;
    let outside = log_slope.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
    Ok((z, inside.where_cond(&log_slope, &outside)?))
}

/// The inverse, rounded to the nearest number inside where it rounds onto an end, so that a sample
/// never has density 0.
fn inverse_inside(support: Support, z: &Tensor) -> Result<(Tensor, Tensor)> {
    let (x, log_slope) = support.inverse(z)?;
    let (lowest, highest) = match support {
        Support::Real => return Ok((x, log_slope)),
        Support::Positive | Support::PositiveSoftplus => (smallest_normal(x.dtype()), None),
        Support::Interval { low, high } => inner_neighbours(low, high, x.dtype()),
    };
    let keep = |x: Tensor, beyond: Tensor, end: f64| {
        beyond.where_cond(&x.zeros_like()?.affine(1.0, end)?, &x)
    };
    let beyond = x.lt(lowest)?;
    let x = keep(x, beyond, lowest)?;
    let Some(highest) = highest else { return Ok((x, log_slope)) };
    let beyond = x.gt(highest)?;
    Ok((keep(x, beyond, highest)?, log_slope))
}

/// The numbers of that dtype next to the ends of an interval, inside.
fn inner_neighbours(low: f64, high: f64, dtype: DType) -> (f64, Option<f64>) {
    match dtype {
        DType::F64 => (low.next_up(), Some(high.next_down())),
        _ => ((low as f32).next_up().into(), Some((high as f32).next_down().into())),
    }
}

impl Transform for SupportMap {
    fn features(&self) -> usize {
        self.supports.len()
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("SupportMap::forward", x, self.features())?;
        self.apply(x, forward_or_outside)
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("SupportMap::inverse", z, self.features())?;
        self.apply(z, inverse_inside)
    }

    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    /// Against the gradient of the tensor's own logarithm of the slope, and differences of that.
    #[test]
    fn derivatives_in_closed_form_are_those_of_the_map() {
        let interval = Support::Interval { low: -2.0, high: 5.0 };
        for (support, x) in [
            (Support::Real, 0.7),
            (Support::Positive, 0.3),
            (Support::PositiveSoftplus, 0.2),
            (Support::PositiveSoftplus, 6.0),
            (interval, -1.5),
            (interval, 4.0),
        ] {
            let of = |x: f64| {
                let at = Var::new(&[[x]], &Device::Cpu).unwrap();
                let log_slope = support.forward(&at).unwrap().1;
                let bend = log_slope.sum_all().unwrap().backward().unwrap();
                let bend = bend.get(&at).map_or(0.0, |g| g.to_vec2::<f64>().unwrap()[0][0]);
                (log_slope.to_vec2::<f64>().unwrap()[0][0].exp(), bend)
            };
            let (slope, bend) = of(x);
            let bend_slope = (of(x + 1e-6).1 - of(x - 1e-6).1) / 2e-6;
            let got = support.derivatives(x);
            assert!((got.slope - slope).abs() < 1e-12 * slope, "{support:?}: {got:?}");
            assert!((got.bend - bend).abs() < 1e-10 * bend.abs().max(1.0), "{support:?}: {got:?}");
            let error = (got.bend_slope - bend_slope).abs();
            assert!(error < 1e-7 * bend_slope.max(1.0), "{support:?}: {got:?} {bend_slope}");
        }
        assert!(Support::Positive.derivatives(-1.0).slope.is_nan());
    }
}
