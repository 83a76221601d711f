//! Gradients of the spline, in closed form.

use super::bin::{Axis, Bin, Bins, Part, Scratch, inverses};
use super::{Curve, RationalQuadraticSpline, clip_to_unit};
use crate::fast::simd::Simd;
use crate::fast::tile::Column;

/// Gradients by the place of the point and by the shape of its bin.
#[derive(Clone, Copy)]
struct Shape<F> {
    x: F,
    /// That by the left end is −x.
    width: F,
    height: F,
    slope_left: F,
    slope_right: F,
}

#[inline(always)]
pub(super) fn backward_features<S: Simd, const N: usize>(
    s: S,
    spline: RationalQuadraticSpline,
    params: &mut [Column],
    x: &[Column],
    d_log_det: &Column,
    d_points: &mut [Column],
) {
    let (zero, bound) = (s.splat(0.0), s.splat(spline.tail_bound));
    let (mut scratch, mut bins): (Scratch<S::F, N>, _) = ([[zero; N]; 2], Bins::NONE);
    let features = params.chunks_exact_mut(3 * spline.bins - 1).zip(x).zip(d_points);
    for ((params, x), d_points) in features {
        for v in 0..S::VECTORS {
            let bin = Bin::locate(s, spline, params, v, s.load(x, v), Axis::X, &mut scratch);
            bins.store(s, bin, v);
            let exponentials = scratch[0][..spline.bins].iter().chain(&scratch[1][..spline.bins]);
            for (exponential, raw) in exponentials.zip(params.iter_mut()) {
                s.store(*exponential, raw, v);
            }
        }
        bins.slopes_from_raw(s, spline);
        for v in 0..S::VECTORS {
            let (x, d_point, bin) = (s.load(x, v), s.load(d_points, v), bins.load(s, v));
            let inside = s.less(s.abs(x), bound);
            let d_y = s.select(inside, d_point, zero);
            let d_log_slope = s.select(inside, s.load(d_log_det, v), zero);
            let d = shape(s, spline, &bin, x, (d_y, d_log_slope));
            s.store(s.select(inside, d.x, d_point), d_points, v);
            let d_left = s.sub(zero, d.x);
            let (lengths, slopes) = params.split_at_mut(2 * spline.bins);
            let (widths, heights) = lengths.split_at_mut(spline.bins);
            let free = s.splat(spline.free);
            store_lengths(s, &bin, bin.x, (d_left, d.width, free), widths, v);
            store_lengths(s, &bin, bin.y, (d_y, d.height, free), heights, v);
            store_slopes(s, bin.index, (d.slope_left, d.slope_right), slopes, v);
        }
    }
}

/// With N = s θ² + δₖ θ(1−θ), D the denominator and M the bend: y = yₖ + h N / D and
/// ln dy/dx = 2 ln s − 2 ln D + ln M; then θ = (x − xₖ) / w and s = h / w.
#[inline(always)]
fn shape<S: Simd>(
    s: S,
    spline: RationalQuadraticSpline,
    bin: &Bin<S::F>,
    x: S::F,
    (d_y, d_log_slope): (S::F, S::F),
) -> Shape<S::F> {
    let (one, two) = (s.splat(1.0), s.splat(2.0));
    let (left, width) = bin.extent(s, spline, bin.x);
    let (_, height) = bin.extent(s, spline, bin.y);
    let slopes = (bin.left.slope, bin.right.slope);
    let (inverse_width, inverse_height) = inverses(s, width, height);
    let theta = clip_to_unit(s, s.mul(s.sub(x, left), inverse_width));
    let steepness = s.mul(height, inverse_width);
    let c = Curve::at(s, theta, steepness, slopes);
    let (inverse, inverse_bend) = inverses(s, c.denominator, c.bend);
    let share = s.mul(c.rise(s, slopes.0), inverse);

    let twice = s.mul(two, d_log_slope);
    let d_rise = s.mul(s.mul(d_y, height), inverse);
    let d_denominator = s.neg_mul_add(d_rise, share, s.sub(s.splat(0.0), s.mul(twice, inverse)));
    let d_bend = s.mul(d_log_slope, inverse_bend);

    let tilt = s.mul(tilt(s, &c, slopes, (inverse, inverse_bend)), inverse_width);
    let d_x = s.mul_add(d_y, c.slope(s, inverse), s.mul(twice, tilt));

    let square = s.mul(theta, theta);
    let mixed_twice = s.mul(two, c.mixed);
    let d_steepness = s.mul_add(d_bend, mixed_twice, s.mul(twice, s.mul(width, inverse_height)));
    let d_steepness = s.mul_add(d_denominator, s.sub(one, mixed_twice), d_steepness);
    let d_steepness = s.mul_add(d_rise, square, d_steepness);
    let d_steepness = s.mul(d_steepness, inverse_width);
    let d_width = s.mul_add(d_x, theta, s.mul(d_steepness, steepness));

    let d_left =
        s.mul_add(s.add(d_rise, d_denominator), c.mixed, s.mul(d_bend, s.mul(c.rest, c.rest)));
    let d_right = s.mul_add(d_denominator, c.mixed, s.mul(d_bend, square));
    Shape {
        x: d_x,
        width: s.sub(s.splat(0.0), d_width),
        height: s.mul_add(d_y, share, d_steepness),
        slope_left: s.mul(d_left, bin.left.d_raw),
        slope_right: s.mul(d_right, bin.right.d_raw),
    }
}

/// Half of the derivative of the log-slope by θ: M'/2M − D'/D, where
/// M'/2 = δₖ₊₁ θ + s (1−2θ) − δₖ (1−θ).
#[inline(always)]
fn tilt<S: Simd>(
    s: S,
    c: &Curve<S::F>,
    (left, right): (S::F, S::F),
    (inverse, inverse_bend): (S::F, S::F),
) -> S::F {
    let turn = s.neg_mul_add(s.splat(2.0), c.theta, s.splat(1.0));
    let bend = s.mul_add(right, c.theta, s.mul(c.steepness, turn));
    let bend = s.neg_mul_add(left, c.rest, bend);
    s.neg_mul_add(s.mul(c.excess, turn), inverse, s.mul(bend, inverse_bend))
}

/// Overwrites exponentials with gradients of the raw lengths, from those by the bin's start and
/// length: earlier lengths move the start. Through the softmax, eⱼ / total · (gⱼ − the weighted mean
/// of all g).
#[inline(always)]
fn store_lengths<S: Simd>(
    s: S,
    bin: &Bin<S::F>,
    part: Part<S::F>,
    (d_start, d_length, free): (S::F, S::F, S::F),
    exponentials: &mut [Column],
    v: usize,
) {
    let mean = s.mul_add(part.before, d_start, s.mul(part.own, d_length));
    let mean = s.mul(mean, part.inverse_total);
    let scale = s.mul(free, part.inverse_total);
    let earlier = s.mul(s.sub(d_start, mean), scale);
    let own = s.mul(s.sub(d_length, mean), scale);
    let later = s.mul(s.sub(s.splat(0.0), mean), scale);
    let mut index = s.splat(0.0);
    for exponential in exponentials {
        let at_most = s.select(s.less(index, bin.index), earlier, own);
        let gradient = s.select(s.at_most(index, bin.index), at_most, later);
        s.store(s.mul(s.load(exponential, v), gradient), exponential, v);
        index = s.add(index, s.splat(1.0));
    }
}

/// Overwrites raw slopes with their gradients: those of the bin's two knots, 0 elsewhere.
#[inline(always)]
fn store_slopes<S: Simd>(
    s: S,
    bin: S::F,
    (left, right): (S::F, S::F),
    raw: &mut [Column],
    v: usize,
) {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    let mut knot = one;
    for raw in raw {
        let at_most = s.select(s.less(knot, bin), zero, left);
        let next = s.add(bin, one);
        let above = s.select(s.at_most(knot, next), right, zero);
        s.store(s.select(s.at_most(knot, bin), at_most, above), raw, v);
        knot = s.add(knot, one);
    }
}
