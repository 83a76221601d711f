//! Monotone Bernstein polynomials with linear tails.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use super::Univariate;
use crate::config::UnivariateConfig;
use crate::fast::kernel::Built;
use crate::fast::math::{exp, ln};
use crate::fast::simd::{Level, Simd, vectorised};
use crate::fast::tile::Column;
use crate::univariates::{self, LEAST_STEP};

/// Room for the coefficients of the largest degree.
const ROOM: usize = 66;
/// Steps of the inverse: each halves the bracket or is one of Newton's.
const ITERATIONS: usize = 28;

/// The fast tier of [`crate::univariates::Bernstein`]: n − 4 raw steps of each feature.
#[derive(Debug, Clone, Copy)]
struct Bernstein {
    degree: usize,
    bound: f32,
}

/// The kernel of [`univariates::Bernstein`].
pub(super) fn kernel(map: &UnivariateConfig) -> Option<Built<dyn Univariate>> {
    let map = map.of::<univariates::Bernstein>()?;
    Some(Ok(Box::new(Bernstein { degree: map.degree(), bound: map.bound() as f32 })))
}

impl Univariate for Bernstein {
    fn params_per_feature(&self) -> usize {
        self.inner()
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

/// What the steps k of one feature are above 2B/n, and the shares of the softmax they follow from.
struct Steps<F> {
    surplus: [F; ROOM],
    shares: [F; ROOM],
}

impl Bernstein {
    /// Inner steps, their number.
    fn inner(self) -> usize {
        self.degree - 4
    }

    /// What a share of 1 adds to a step.
    fn free(self) -> f32 {
        let step = 2.0 * self.bound / self.degree as f32;
        step * (1.0 - LEAST_STEP as f32)
    }

    #[inline(always)]
    fn steps<S: Simd>(self, s: S, params: &[Column], v: usize) -> Steps<S::F> {
        let zero = s.splat(0.0);
        let mut steps = Steps { surplus: [zero; ROOM], shares: [zero; ROOM] };
        let first = s.load(&params[0], v);
        let largest = params.iter().fold(first, |most, raw| s.max(most, s.load(raw, v)));
        let mut total = zero;
        for (share, raw) in steps.shares.iter_mut().zip(params) {
            *share = exp(s, s.sub(s.load(raw, v), largest));
            total = s.add(total, *share);
        }
        let (inverse, free) = (s.div(s.splat(1.0), total), self.free());
        let shares = steps.shares.iter_mut().zip(&mut steps.surplus).take(params.len());
        for (share, surplus) in shares {
            *share = s.mul(*share, inverse);
            *surplus = s.mul_add(*share, s.splat(free * self.inner() as f32), s.splat(-free));
        }
        steps
    }

    /// The basis of degree n − 1 at t.
    #[inline(always)]
    fn basis<S: Simd>(self, s: S, t: S::F) -> [S::F; ROOM] {
        let mut basis = [s.splat(0.0); ROOM];
        basis[0] = s.splat(1.0);
        for degree in 0..self.degree - 1 {
            raise(s, &mut basis, degree, t);
        }
        basis
    }

    /// y − x and dy/dx at t, and the basis of degree n − 1.
    #[inline(always)]
    fn at<S: Simd>(self, s: S, t: S::F, steps: &Steps<S::F>) -> (S::F, S::F, [S::F; ROOM]) {
        let lower = self.basis(s, t);
        let mut rise = s.splat(0.0);
        for (surplus, b) in steps.surplus[..self.inner()].iter().zip(&lower[2..]) {
            rise = s.mul_add(*surplus, *b, rise);
        }
        let slope = s.mul_add(rise, s.splat(0.5 * self.degree as f32 / self.bound), s.splat(1.0));
        let mut upper = lower;
        raise(s, &mut upper, self.degree - 1, t);
        let (mut sum, mut lift) = (s.splat(0.0), s.splat(0.0));
        for (surplus, b) in steps.surplus[..self.inner()].iter().zip(&upper[3..]) {
            sum = s.add(sum, *surplus);
            lift = s.mul_add(sum, *b, lift);
        }
        (lift, slope, lower)
    }

    /// t of x, half-way where x is outside, and whether it is inside.
    #[inline(always)]
    fn position<S: Simd>(self, s: S, x: S::F) -> (S::F, S::Mask) {
        let inside = s.less(s.abs(x), s.splat(self.bound));
        let t = s.mul_add(x, s.splat(0.5 / self.bound), s.splat(0.5));
        (s.select(inside, t, s.splat(0.5)), inside)
    }

    /// t with y(t) = y, which lies inside.
    #[inline(always)]
    fn root<S: Simd>(self, s: S, y: S::F, steps: &Steps<S::F>) -> S::F {
        let (width, half) = (s.splat(2.0 * self.bound), s.splat(0.5));
        let (mut low, mut high) = (s.splat(0.0), s.splat(1.0));
        let mut t = s.mul_add(y, s.splat(0.5 / self.bound), half);
        for _ in 0..ITERATIONS {
            let (lift, slope, _) = self.at(s, t, steps);
            let above = s.sub(s.add(s.mul_add(t, width, s.splat(-self.bound)), lift), y);
            let is_low = s.less(above, s.splat(0.0));
            (low, high) = (s.select(is_low, t, low), s.select(is_low, high, t));
            let newton = s.sub(t, s.div(above, s.mul(slope, width)));
            let middle = s.mul(half, s.add(low, high));
            let kept = s.select(s.at_most(low, newton), newton, middle);
            t = s.select(s.at_most(kept, high), kept, middle);
        }
        t
    }
}

/// The basis of degree m becomes that of m + 1: bₖ,ₘ₊₁ = t bₖ₋₁,ₘ + (1 − t) bₖ,ₘ.
#[inline(always)]
fn raise<S: Simd>(s: S, basis: &mut [S::F; ROOM], m: usize, t: S::F) {
    let rest = s.sub(s.splat(1.0), t);
    basis[m + 1] = s.mul(t, basis[m]);
    for k in (1..=m).rev() {
        basis[k] = s.mul_add(t, basis[k - 1], s.mul(rest, basis[k]));
    }
    basis[0] = s.mul(rest, basis[0]);
}

vectorised! {
    fn forward<S>(
        s,
        map: Bernstein,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        let zero = s.splat(0.0);
        for (params, points) in params.chunks_exact(map.inner()).zip(points) {
            for v in 0..S::VECTORS {
                let x = s.load(points, v);
                let (t, inside) = map.position(s, x);
                let (lift, slope, _) = map.at(s, t, &map.steps(s, params, v));
                s.store(s.add(x, s.select(inside, lift, zero)), points, v);
                let log_slope = s.select(inside, ln(s, slope), zero);
                s.store(s.add(s.load(log_det, v), log_slope), log_det, v);
            }
        }
    }
}

vectorised! {
    fn inverse<S>(
        s,
        map: Bernstein,
        params: &[Column],
        points: &mut [Column],
        log_det: &mut Column,
    ) {
        let zero = s.splat(0.0);
        for (params, points) in params.chunks_exact(map.inner()).zip(points) {
            for v in 0..S::VECTORS {
                let y = s.load(points, v);
                let inside = s.less(s.abs(y), s.splat(map.bound));
                let steps = map.steps(s, params, v);
                let t = map.root(s, s.select(inside, y, zero), &steps);
                let (_, slope, _) = map.at(s, t, &steps);
                // A parameter that is no number makes the slope none.
                let x = s.add(s.mul_add(t, s.splat(2.0 * map.bound), s.splat(-map.bound)), s.mul(slope, zero));
                s.store(s.select(inside, x, y), points, v);
                let log_slope = s.select(inside, ln(s, slope), zero);
                s.store(s.sub(s.load(log_det, v), log_slope), log_det, v);
            }
        }
    }
}

vectorised! {
    /// With bases of degrees n, n − 1 and n − 2: step j moves y by Σ of bₖ,ₙ over k > j and the slope by
    /// (n / 2B) bⱼ,ₙ₋₁; the slope changes with x by n (n−1) / 4B² Σ (step j + 1 − step j) bⱼ,ₙ₋₂.
    fn backward<S>(
        s,
        map: Bernstein,
        params: &mut [Column],
        x: &[Column],
        d_log_det: &Column,
        d_points: &mut [Column],
    ) {
        let (zero, n, inner) = (s.splat(0.0), map.degree as f32, map.inner());
        let rate = 0.5 * n / map.bound;
        let bend = s.splat(rate * 0.5 * (n - 1.0) / map.bound);
        for ((params, x), d_points) in params.chunks_exact_mut(inner).zip(x).zip(d_points) {
            for v in 0..S::VECTORS {
                let (t, inside) = map.position(s, s.load(x, v));
                let steps = map.steps(s, params, v);
                let (_, slope, lower) = map.at(s, t, &steps);
                let d_point = s.load(d_points, v);
                let d_y = s.select(inside, d_point, zero);
                let d_slope = s.div(s.select(inside, s.load(d_log_det, v), zero), slope);
                // The surplus of the first two and the last two steps is 0.
                let mut smaller = [zero; ROOM];
                smaller[0] = s.splat(1.0);
                for degree in 0..map.degree - 2 {
                    raise(s, &mut smaller, degree, t);
                }
                let (mut change, mut before) = (zero, zero);
                for (surplus, b) in steps.surplus[..=inner].iter().zip(&smaller[1..]) {
                    change = s.mul_add(s.sub(*surplus, before), *b, change);
                    before = *surplus;
                }
                let d_x = s.mul_add(d_y, slope, s.mul(d_slope, s.mul(bend, change)));
                s.store(s.select(inside, d_x, d_point), d_points, v);

                let mut upper = lower;
                raise(s, &mut upper, map.degree - 1, t);
                let d_rise = s.mul(d_slope, s.splat(rate));
                let last = s.add(upper[map.degree], upper[map.degree - 1]);
                let mut tail = s.add(last, upper[map.degree - 2]);
                let (mut gradients, mut mean) = ([zero; ROOM], zero);
                for j in (0..inner).rev() {
                    // Coefficients j + 3 and later follow inner step j.
                    let gradient = s.mul_add(d_rise, lower[j + 2], s.mul(d_y, tail));
                    gradients[j] = gradient;
                    mean = s.mul_add(steps.shares[j], gradient, mean);
                    tail = s.add(tail, upper[j + 2]);
                }
                let scale = s.splat(map.free() * inner as f32);
                for (j, raw) in params.iter_mut().enumerate() {
                    let weight = s.mul(scale, steps.shares[j]);
                    s.store(s.mul(weight, s.sub(gradients[j], mean)), raw, v);
                }
            }
        }
    }
}
