//! Measures the range of values.

use crate::{PlotError, Result};

/// Values beyond this size count as infinite: the area of a bin of two such columns would overflow.
const HUGE: f64 = 1e152;
/// Ranges narrower than this count as points: their inverses would overflow.
pub(crate) const NARROW: f64 = 1e-305;
/// The same relative to the size of the ends: some forty steps of an f64, fewer show no shape.
const FINEST: f64 = 1e-14;
/// How many steps of an f64 a place may be off, computed from a fraction of a range.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// Whether a value can be placed in a picture.
pub(crate) fn usable(value: f64) -> bool {
    value.is_finite() && value.abs() < HUGE
}

/// A finite range from `low` to `high`, never without width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Interval {
    /// A range given by the caller.
    pub(crate) fn new(what: &'static str, low: f64, high: f64) -> Result<Self> {
        let wide_enough = high - low > NARROW.max(FINEST * low.abs().max(high.abs()));
        if usable(low) && usable(high) && low < high && wide_enough {
            Ok(Self { low, high })
        } else {
            Err(PlotError::Range { what, low, high })
        }
    }

    /// The range of all usable values, or nothing if there are none.
    pub(crate) fn covering(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut found: Option<(f64, f64)> = None;
        for value in values.into_iter().filter(|&v| usable(v)) {
            found = Some(found.map_or((value, value), |(l, h)| (l.min(value), h.max(value))));
        }
        found.map(|(low, high)| Self::widened(low, high))
    }

    /// The range from `low` to `high`, made wider when the values are (nearly) one.
    pub(crate) fn widened(low: f64, high: f64) -> Self {
        let size = low.abs().max(high.abs());
        if high - low > NARROW.max(FINEST * size) {
            return Self { low, high };
        }
        let half = if size > 100.0 * NARROW { 0.05 * size } else { 0.5 };
        let middle = low + (high - low) / 2.0;
        Self { low: middle - half, high: middle + half }
    }

    pub(crate) fn span(&self) -> f64 {
        self.high - self.low
    }

    /// The range with `fraction` of its width added at either end.
    pub(crate) fn padded(&self, fraction: f64) -> Self {
        let by = fraction * self.span();
        Self { low: self.low - by, high: self.high + by }
    }

    pub(crate) fn union(&self, other: &Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// 0 at the low end, 1 at the high end.
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        (value - self.low) / self.span()
    }

    /// The value at a fraction of the way.
    pub(crate) fn at(&self, fraction: f64) -> f64 {
        self.low + fraction * self.span()
    }

    /// The fraction of a value inside, or outside by no more than rounding, which far from zero is
    /// much of a narrow range.
    pub(crate) fn fraction_inside(&self, value: f64) -> Option<f64> {
        let slack = 1e-6 + ROUNDING * self.low.abs().max(self.high.abs()) / self.span();
        let fraction = self.fraction(value);
        (-slack..=1.0 + slack).contains(&fraction).then(|| fraction.clamp(0.0, 1.0))
    }

    pub(crate) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_values_still_have_a_range_around_them() {
        let zero = Interval::covering([0.0, 0.0]).unwrap();
        assert!(zero.low < 0.0 && zero.high > 0.0);
        let far = Interval::covering([1e9]).unwrap();
        assert!(far.low < 1e9 && far.high > 1e9 && far.span() > 1.0);
    }

    /// 70 milliseconds some 36 years after the epoch, of which f64 holds about 300 000 places.
    #[test]
    fn a_narrow_range_far_from_zero_keeps_its_width() {
        let (low, high) = (1_126_259_462.37, 1_126_259_462.44);
        assert_eq!(Interval::covering([low, high]), Some(Interval { low, high }));
        assert_eq!(Interval::new("t", low, high).unwrap(), Interval { low, high });
        let range = Interval { low, high };
        for k in 0..=100 {
            let back = range.fraction_inside(range.at(f64::from(k) / 100.0));
            assert!((back.unwrap() - f64::from(k) / 100.0).abs() < 1e-5, "{k}");
        }
        assert_eq!(range.fraction_inside(high + 0.01 * range.span()), None);
        let one = Interval::covering([low, low.next_up()]).unwrap();
        assert!(one.span() > 1.0, "two neighbours are one value");
    }

    #[test]
    fn what_is_not_finite_is_skipped() {
        let range = Interval::covering([f64::NAN, 1.0, f64::INFINITY, 3.0, -1e300]).unwrap();
        assert_eq!(range, Interval { low: 1.0, high: 3.0 });
        assert!(Interval::covering([f64::NAN]).is_none());
    }

    #[test]
    fn given_ranges_are_checked() {
        assert!(Interval::new("x", 0.0, 1.0).is_ok());
        for (low, high) in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert!(matches!(Interval::new("x", low, high), Err(PlotError::Range { .. })));
        }
    }
}
