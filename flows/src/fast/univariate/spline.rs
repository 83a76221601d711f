//! Monotone rational-quadratic splines with linear tails.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

mod bin;
mod gradient;
#[cfg(test)]
mod tests;

use super::Univariate;
use crate::config::UnivariateConfig;
use crate::fast::kernel::Built;
use crate::fast::math::ln;
use crate::fast::simd::{Level, Simd, vectorised};
use crate::fast::tile::Column;
use crate::univariates::{self, MIN_BIN, MIN_DERIVATIVE};
use bin::{Axis, Bin, Bins, FEW_BINS, MOST_BINS, Scratch};
use gradient::backward_features;

/// The fast tier of [`crate::univariates::RationalQuadraticSpline`]: parameters of each feature are
/// K raw widths, K raw heights and K − 1 raw slopes.
#[derive(Debug, Clone, Copy)]
pub(in crate::fast) struct RationalQuadraticSpline {
    bins: usize,
    tail_bound: f32,
    /// The least length of a bin.
    shortest: f32,
    /// What the bins share out beyond it.
    free: f32,
    /// Added to raw slopes, so that 0 gives slope 1.
    offset: f32,
}

impl RationalQuadraticSpline {
    /// 2 to 256 bins on [−`tail_bound`, `tail_bound`].
    pub(in crate::fast) fn new(bins: usize, tail_bound: f64) -> Self {
        let interval = 2.0 * tail_bound;
        Self {
            bins,
            tail_bound: tail_bound as f32,
            shortest: (interval * MIN_BIN) as f32,
            free: (interval * (1.0 - MIN_BIN * bins as f64)) as f32,
            offset: (1.0 - MIN_DERIVATIVE).exp_m1().ln() as f32,
        }
    }
}

/// The kernel of [`univariates::RationalQuadraticSpline`].
pub(super) fn kernel(map: &UnivariateConfig) -> Option<Built<dyn Univariate>> {
    let map = map.of::<univariates::RationalQuadraticSpline>()?;
    Some(Ok(Box::new(RationalQuadraticSpline::new(map.bins(), map.tail_bound()))))
}

impl Univariate for RationalQuadraticSpline {
    fn params_per_feature(&self) -> usize {
        3 * self.bins - 1
    }

    fn forward(
        &self,
        level: Level,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        forward(level, *self, params, points, log_det);
    }

    fn inverse(
        &self,
        level: Level,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        inverse(level, *self, params, points, log_det);
    }

    fn backward(
        &self,
        level: Level,
        params: &mut [Column],
        x: &[Column],
        d_log_det: &Column,
        d_points: &mut [Column],
    ) {
        backward(level, *self, params, x, d_log_det, d_points);
    }
}

vectorised! {
    fn forward<S>(
        s,
        spline: RationalQuadraticSpline,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        if spline.bins <= FEW_BINS {
            map_features::<S, FEW_BINS>(s, spline, params, points, log_det, Axis::X);
        } else {
            map_features::<S, MOST_BINS>(s, spline, params, points, log_det, Axis::X);
        }
    }
}

vectorised! {
    fn inverse<S>(
        s,
        spline: RationalQuadraticSpline,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        if spline.bins <= FEW_BINS {
            map_features::<S, FEW_BINS>(s, spline, params, points, log_det, Axis::Y);
        } else {
            map_features::<S, MOST_BINS>(s, spline, params, points, log_det, Axis::Y);
        }
    }
}

vectorised! {
    fn backward<S>(
        s,
        spline: RationalQuadraticSpline,
        params: &mut [Column],
        x: &[Column],
        d_log_det: &Column,
        d_points: &mut [Column],
    ) {
        if spline.bins <= FEW_BINS {
            backward_features::<S, FEW_BINS>(s, spline, params, x, d_log_det, d_points);
        } else {
            backward_features::<S, MOST_BINS>(s, spline, params, x, d_log_det, d_points);
        }
    }
}

/// The curve of a bin at the position θ in it.
#[derive(Clone, Copy)]
struct Curve<F> {
    theta: F,
    /// 1 − θ
    rest: F,
    /// θ (1 − θ)
    mixed: F,
    /// s = h / w
    steepness: F,
    /// δₖ₊₁ + δₖ − 2s
    excess: F,
    /// s + (δₖ₊₁ + δₖ − 2s) θ(1−θ)
    denominator: F,
    /// δₖ₊₁ θ² + 2s θ(1−θ) + δₖ (1−θ)²
    bend: F,
}

impl<F: Copy> Curve<F> {
    #[inline(always)]
    fn at<S: Simd<F = F>>(s: S, theta: F, steepness: F, (left, right): (F, F)) -> Self {
        let rest = s.sub(s.splat(1.0), theta);
        let mixed = s.mul(theta, rest);
        let twice = s.add(steepness, steepness);
        let excess = s.sub(s.add(left, right), twice);
        let denominator = s.mul_add(excess, mixed, steepness);
        let bend = s.mul_add(s.mul(right, theta), theta, s.mul(twice, mixed));
        let bend = s.mul_add(s.mul(left, rest), rest, bend);
        Self { theta, rest, mixed, steepness, excess, denominator, bend }
    }

    /// s θ² + δₖ θ(1−θ), which over the denominator is the share of the height below the point.
    #[inline(always)]
    fn rise<S: Simd<F = F>>(&self, s: S, slope_left: F) -> F {
        s.mul(self.theta, s.mul_add(self.steepness, self.theta, s.mul(slope_left, self.rest)))
    }

    /// dy/dx, from the inverse of the denominator.
    ///
    /// In this order nothing overflows or vanishes, however large the slopes.
    #[inline(always)]
    fn slope<S: Simd<F = F>>(&self, s: S, inverse: F) -> F {
        let ratio = s.mul(self.steepness, inverse);
        s.mul(s.mul(self.bend, ratio), ratio)
    }
}

/// Bounds of [0, 1] come first, so that a NaN stays.
#[inline(always)]
fn clip_to_unit<S: Simd>(s: S, position: S::F) -> S::F {
    s.max(s.splat(0.0), s.min(s.splat(1.0), position))
}

/// Maps all features, forward from the axis x or back from the axis y.
#[inline(always)]
fn map_features<S: Simd, const N: usize>(
    s: S,
    spline: RationalQuadraticSpline,
    params: &[Column],
    points: &mut [Column],
    log_det: &mut Column,
    from: Axis,
) {
    let (zero, bound) = (s.splat(0.0), s.splat(spline.tail_bound));
    let (mut scratch, mut bins): (Scratch<S::F, N>, _) = ([[zero; N]; 2], Bins::NONE);
    for (params, points) in params.chunks_exact(3 * spline.bins - 1).zip(points) {
        for v in 0..S::VECTORS {
            let point = s.load(points, v);
            let bin = Bin::locate(s, spline, params, v, point, from, &mut scratch);
            bins.store(s, bin, v);
        }
        bins.slopes_from_raw(s, spline);
        for v in 0..S::VECTORS {
            let (point, bin) = (s.load(points, v), bins.load(s, v));
            let (image, log_slope) = match from {
                Axis::X => forward_in(s, spline, bin, point),
                Axis::Y => inverse_in(s, spline, bin, point),
            };
            let inside = s.less(s.abs(point), bound);
            s.store(s.select(inside, image, point), points, v);
            let log_slope = s.select(inside, log_slope, zero);
            s.store(s.add(s.load(log_det, v), log_slope), log_det, v);
        }
    }
}

/// y and ln dy/dx at x in its bin: Durkan et al. 2019, eq. 4 and 5.
#[inline(always)]
fn forward_in<S: Simd>(
    s: S,
    spline: RationalQuadraticSpline,
    bin: Bin<S::F>,
    x: S::F,
) -> (S::F, S::F) {
    let one = s.splat(1.0);
    let (left, width) = bin.extent(s, spline, bin.x);
    let (bottom, height) = bin.extent(s, spline, bin.y);
    let slopes = (bin.left.slope, bin.right.slope);
    let inverse_width = s.div(one, width);
    let theta = clip_to_unit(s, s.mul(s.sub(x, left), inverse_width));
    let curve = Curve::at(s, theta, s.mul(height, inverse_width), slopes);
    let inverse = s.div(one, curve.denominator);
    let share = s.mul(curve.rise(s, slopes.0), inverse);
    (s.mul_add(height, share, bottom), ln(s, curve.slope(s, inverse)))
}

/// x and ln dx/dy at y in its bin.
#[inline(always)]
fn inverse_in<S: Simd>(
    s: S,
    spline: RationalQuadraticSpline,
    bin: Bin<S::F>,
    y: S::F,
) -> (S::F, S::F) {
    let (left, width) = bin.extent(s, spline, bin.x);
    let (bottom, height) = bin.extent(s, spline, bin.y);
    let slopes = (bin.left.slope, bin.right.slope);
    let u = clip_to_unit(s, s.div(s.sub(y, bottom), height));
    let steepness = s.div(height, width);
    let theta = root(s, u, steepness, slopes);
    let curve = Curve::at(s, theta, steepness, slopes);
    let log_slope = ln(s, curve.slope(s, s.div(s.splat(1.0), curve.denominator)));
    (s.mul_add(theta, width, left), s.sub(s.splat(0.0), log_slope))
}

/// θ at the height u in the bin.
///
/// Eq. 6–8 of Durkan et al. divided by h, with l = δₖ (1−u) − δₖ₊₁ u: b = l + 2su, a = s − b,
/// c = −su, and b² − 4ac = l² + 4s²u(1−u), where nothing cancels.
#[inline(always)]
fn root<S: Simd>(s: S, u: S::F, steepness: S::F, (left, right): (S::F, S::F)) -> S::F {
    let zero = s.splat(0.0);
    let rest = s.sub(s.splat(1.0), u);
    let lean = s.neg_mul_add(right, u, s.mul(left, rest));
    let twice = s.add(steepness, steepness);
    let climb = s.mul(twice, u);
    let b = s.add(lean, climb);
    let root = s.sqrt(s.mul_add(lean, lean, s.mul(climb, s.mul(twice, rest))));
    // 2c / (−b − √) cancels where b < 0, (−b + √) / 2a where b ≥ 0.
    let upper = s.at_most(zero, b);
    let numerator = s.select(upper, climb, s.sub(root, b));
    let lower = s.neg_mul_add(s.splat(2.0), b, twice);
    s.div(numerator, s.select(upper, s.add(b, root), lower))
}
