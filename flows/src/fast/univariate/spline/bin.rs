//! The bin that each point falls into.

use super::RationalQuadraticSpline;
use crate::fast::math::{exp, softplus};
use crate::fast::simd::Simd;
use crate::fast::tile::Column;
use crate::univariates::MIN_DERIVATIVE;

/// Bins that usual splines have: clearing room for more would take longer than the spline itself.
pub(super) const FEW_BINS: usize = 16;
/// The most bins that a spline may have.
pub(super) const MOST_BINS: usize = 256;

/// Exponentials of the raw widths and of the raw heights.
pub(super) type Scratch<F, const N: usize> = [[F; N]; 2];

/// The axis a bin is searched on.
#[derive(Clone, Copy)]
pub(super) enum Axis {
    X,
    Y,
}

/// A bin's part of one axis, in exponentials of the raw lengths.
#[derive(Clone, Copy)]
pub(super) struct Part<F> {
    /// The sum of the exponentials before the bin's own.
    pub(super) before: F,
    pub(super) own: F,
    /// 1 / (the sum of all)
    pub(super) inverse_total: F,
}

/// The bin of each lane.
#[derive(Clone, Copy)]
pub(super) struct Bin<F> {
    pub(super) index: F,
    pub(super) x: Part<F>,
    pub(super) y: Part<F>,
    pub(super) left: Knot<F>,
    pub(super) right: Knot<F>,
}

/// A knot's slope, at first the raw one, and its derivative by it.
#[derive(Clone, Copy)]
pub(super) struct Knot<F> {
    pub(super) slope: F,
    pub(super) d_raw: F,
}

/// The bins of all rows, one feature at a time.
///
/// Work on a row is a long chain of steps that wait for one another. In stages that pass over all
/// rows, the processor always finds another row to work on.
pub(super) struct Bins([Column; 11]);

impl RationalQuadraticSpline {
    /// A knot of a raw slope.
    #[inline(always)]
    fn knot<S: Simd>(self, s: S, raw: S::F) -> Knot<S::F> {
        let (slope, d_raw) = softplus(s, s.add(raw, s.splat(self.offset)));
        Knot { slope: s.add(slope, s.splat(MIN_DERIVATIVE as f32)), d_raw }
    }

    /// Where a bin starts on an axis.
    #[inline(always)]
    fn start<S: Simd>(self, s: S, index: S::F, before: S::F, scale: S::F) -> S::F {
        let shortest = s.mul_add(index, s.splat(self.shortest), s.splat(-self.tail_bound));
        s.mul_add(before, scale, shortest)
    }
}

impl<F: Copy> Bin<F> {
    /// The bin of each lane of `value`, from the parameters of one feature; leaves the exponentials
    /// in `scratch`.
    ///
    /// All bins are visited; the last one that starts at or below the value stays. A NaN among the
    /// raw lengths makes all lengths NaN.
    #[inline(always)]
    pub(super) fn locate<S: Simd<F = F>, const N: usize>(
        s: S,
        spline: RationalQuadraticSpline,
        params: &[Column],
        v: usize,
        value: F,
        axis: Axis,
        scratch: &mut Scratch<F, N>,
    ) -> Self {
        let (lengths, slopes) = params.split_at(2 * spline.bins);
        let [widths, heights] = scratch;
        let (widths, heights) = (&mut widths[..spline.bins], &mut heights[..spline.bins]);
        let total_width = exponentials(s, &lengths[..spline.bins], v, widths);
        let total_height = exponentials(s, &lengths[spline.bins..], v, heights);
        let (inverse_width, inverse_height) = inverses(s, total_width, total_height);
        let mut bin = Self {
            index: s.splat(0.0),
            x: Part::first(s, widths[0], inverse_width),
            y: Part::first(s, heights[0], inverse_height),
            left: Knot::outer(s),
            right: Knot { slope: s.load(&slopes[0], v), ..Knot::outer(s) },
        };
        let searched = match axis {
            Axis::X => inverse_width,
            Axis::Y => inverse_height,
        };
        let scale = s.mul(s.splat(spline.free), searched);
        let (mut index, mut x, mut y) = (bin.index, bin.x, bin.y);
        for j in 1..spline.bins {
            index = s.add(index, s.splat(1.0));
            (x.before, x.own) = (s.add(x.before, x.own), widths[j]);
            (y.before, y.own) = (s.add(y.before, y.own), heights[j]);
            let before = match axis {
                Axis::X => x.before,
                Axis::Y => y.before,
            };
            let reached = s.at_most(spline.start(s, index, before, scale), value);
            let right = if j < slopes.len() { s.load(&slopes[j], v) } else { s.splat(0.0) };
            bin.index = s.select(reached, index, bin.index);
            bin.x = bin.x.or(s, reached, x);
            bin.y = bin.y.or(s, reached, y);
            bin.left.slope = s.select(reached, s.load(&slopes[j - 1], v), bin.left.slope);
            bin.right.slope = s.select(reached, right, bin.right.slope);
        }
        bin
    }

    /// Start and length of the bin on an axis.
    #[inline(always)]
    pub(super) fn extent<S: Simd<F = F>>(
        &self,
        s: S,
        spline: RationalQuadraticSpline,
        part: Part<F>,
    ) -> (F, F) {
        let scale = s.mul(s.splat(spline.free), part.inverse_total);
        let start = spline.start(s, self.index, part.before, scale);
        (start, s.mul_add(part.own, scale, s.splat(spline.shortest)))
    }
}

impl Bins {
    pub(super) const NONE: Self = Self([Column::ZERO; 11]);

    #[inline(always)]
    pub(super) fn store<S: Simd>(&mut self, s: S, bin: Bin<S::F>, v: usize) {
        let Bin { index, x, y, left, right } = bin;
        let lengths = [x.before, x.own, x.inverse_total, y.before, y.own, y.inverse_total];
        s.store(index, &mut self.0[0], v);
        for (to, value) in self.0[1..].iter_mut().zip(lengths) {
            s.store(value, to, v);
        }
        self.store_knots(s, left, right, v);
    }

    #[inline(always)]
    fn store_knots<S: Simd>(&mut self, s: S, left: Knot<S::F>, right: Knot<S::F>, v: usize) {
        let values = [left.slope, right.slope, left.d_raw, right.d_raw];
        for (to, value) in self.0[7..].iter_mut().zip(values) {
            s.store(value, to, v);
        }
    }

    #[inline(always)]
    pub(super) fn load<S: Simd>(&self, s: S, v: usize) -> Bin<S::F> {
        let [index, b, o, t, c, p, u, left, right, d_left, d_right] = &self.0;
        Bin {
            index: s.load(index, v),
            x: Part { before: s.load(b, v), own: s.load(o, v), inverse_total: s.load(t, v) },
            y: Part { before: s.load(c, v), own: s.load(p, v), inverse_total: s.load(u, v) },
            left: Knot { slope: s.load(left, v), d_raw: s.load(d_left, v) },
            right: Knot { slope: s.load(right, v), d_raw: s.load(d_right, v) },
        }
    }

    /// Turns the raw slopes into slopes.
    #[inline(always)]
    pub(super) fn slopes_from_raw<S: Simd>(&mut self, s: S, spline: RationalQuadraticSpline) {
        for v in 0..S::VECTORS {
            let Bin { left, right, .. } = self.load(s, v);
            let (left, right) = (spline.knot(s, left.slope), spline.knot(s, right.slope));
            self.store_knots(s, left, right, v);
        }
    }
}

impl<F: Copy> Knot<F> {
    /// Slope 1 has raw 0.
    #[inline(always)]
    fn outer<S: Simd<F = F>>(s: S) -> Self {
        Self { slope: s.splat(0.0), d_raw: s.splat(0.0) }
    }
}

impl<F: Copy> Part<F> {
    #[inline(always)]
    fn first<S: Simd<F = F>>(s: S, own: F, inverse_total: F) -> Self {
        Self { before: s.splat(0.0), own, inverse_total }
    }

    /// `other` where the mask is set.
    #[inline(always)]
    fn or<S: Simd<F = F>>(self, s: S, mask: S::Mask, other: Self) -> Self {
        Self {
            before: s.select(mask, other.before, self.before),
            own: s.select(mask, other.own, self.own),
            ..self
        }
    }
}

/// Writes exp(raw − the largest) for each bin, and gives the sum.
#[inline(always)]
fn exponentials<S: Simd>(s: S, raw: &[Column], v: usize, to: &mut [S::F]) -> S::F {
    let mut largest = s.load(&raw[0], v);
    for raw in &raw[1..] {
        largest = s.max(largest, s.load(raw, v));
    }
    let mut total = s.splat(0.0);
    for (to, raw) in to.iter_mut().zip(raw) {
        *to = exp(s, s.sub(s.load(raw, v), largest));
        total = s.add(total, *to);
    }
    total
}

/// 1/a and 1/b by one division.
#[inline(always)]
pub(super) fn inverses<S: Simd>(s: S, a: S::F, b: S::F) -> (S::F, S::F) {
    let both = s.div(s.splat(1.0), s.mul(a, b));
    (s.mul(b, both), s.mul(a, both))
}
