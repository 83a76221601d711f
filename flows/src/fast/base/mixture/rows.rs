//! What happens to the rows of a tile, whatever the number of features.

use crate::densities::{BROAD_WEIGHT, far_away};
use crate::fast::math::{exp, ln};
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;
use candle_core::DType;
use std::f64::consts::TAU;

/// The logarithm of a share that counts as 0: shares much smaller would give denormal gradients,
/// which are slow.
const NEGLIGIBLE: f32 = -60.0;

/// The component that is not trained.
#[derive(Debug)]
pub(super) struct Broad {
    mean: Vec<f32>,
    inverse_scale: Vec<f32>,
    constant: f32,
}

impl Broad {
    pub(super) fn new(mean: &[f64], scale: &[f64]) -> Self {
        let volume: f64 = scale.iter().map(|scale| scale.ln()).sum();
        let constant = BROAD_WEIGHT.ln() - volume - 0.5 * mean.len() as f64 * TAU.ln();
        Self {
            mean: mean.iter().map(|mean| *mean as f32).collect(),
            inverse_scale: scale.iter().map(|scale| scale.recip() as f32).collect(),
            constant: constant as f32,
        }
    }

    fn iter(&self) -> impl Iterator<Item = (&f32, &f32)> {
        self.mean.iter().zip(&self.inverse_scale)
    }
}

vectorised! {
    /// Copies the points, 0 for those far away, and says which are near: 1 for them, 0 for others.
    pub(super) fn keep_near<S>(s, z: &[Column], near: &mut [Column], is_near: &mut Column) {
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        for v in 0..S::VECTORS {
            let size = z.iter().fold(zero, |size, z| s.add(size, s.abs(s.load(z, v))));
            // Not for NaN, which counts as near and stays.
            let far = s.less(s.splat(far_away(DType::F32) as f32), size);
            for (z, near) in z.iter().zip(near.iter_mut()) {
                s.store(s.select(far, zero, s.load(z, v)), near, v);
            }
            s.store(s.select(far, zero, one), is_near, v);
        }
    }
}

vectorised! {
    /// x − μ
    pub(super) fn centre<S>(s, mean: &[f32], x: &[Column], centred: &mut [Column]) {
        for ((x, centred), mean) in x.iter().zip(centred).zip(mean) {
            for v in 0..S::VECTORS {
                s.store(s.sub(s.load(x, v), s.splat(*mean)), centred, v);
            }
        }
    }
}

vectorised! {
    /// c − ½ ‖u‖²
    pub(super) fn log_term<S>(s, constant: f32, u: &[Column], term: &mut Column) {
        for v in 0..S::VECTORS {
            let squares = u.iter().fold(s.splat(0.0), |sum, u| {
                let u = s.load(u, v);
                s.mul_add(u, u, sum)
            });
            s.store(s.mul_add(s.splat(-0.5), squares, s.splat(constant)), term, v);
        }
    }
}

vectorised! {
    /// The weighted log-density of the broad component.
    pub(super) fn broad_log_term<S>(s, broad: &Broad, x: &[Column], term: &mut Column) {
        for v in 0..S::VECTORS {
            let squares = x.iter().zip(broad.iter()).fold(s.splat(0.0), |sum, (x, (mean, scale))| {
                let u = s.mul(s.sub(s.load(x, v), s.splat(*mean)), s.splat(*scale));
                s.mul_add(u, u, sum)
            });
            let value = s.mul_add(s.splat(-0.5), squares, s.splat(broad.constant));
            s.store(value, term, v);
        }
    }
}

vectorised! {
    /// Adds ln Σ exp(t) over all terms t, −∞ where `share` is 0. Replaces t by exp(t − max t), and
    /// `share` by what that has to be multiplied by to become a share of the sum.
    pub(super) fn log_sum_exp<S>(
        s,
        terms: &mut [Column],
        broad: &mut Column,
        share: &mut Column,
        log_prob: &mut Column,
    ) {
        let (zero, nowhere) = (s.splat(0.0), s.splat(f32::NEG_INFINITY));
        for v in 0..S::VECTORS {
            // Above −∞, so that −∞ − max is not NaN.
            let lowest = s.max(s.splat(f32::MIN), s.load(broad, v));
            let largest = terms.iter().fold(lowest, |max, term| s.max(max, s.load(term, v)));
            let mut sum = zero;
            for term in terms.iter_mut().chain([&mut *broad]) {
                let log_share = s.sub(s.load(term, v), largest);
                let negligible = s.less(log_share, s.splat(NEGLIGIBLE));
                let value = s.select(negligible, zero, exp(s, log_share));
                sum = s.add(sum, value);
                s.store(value, term, v);
            }
            // At most 0, and not NaN: no component has any density here.
            let nothing = s.at_most(sum, zero);
            let near = s.load(share, v);
            let value = s.select(nothing, nowhere, s.add(largest, ln(s, sum)));
            let value = s.select(s.less(zero, near), value, nowhere);
            s.store(s.add(s.load(log_prob, v), value), log_prob, v);
            s.store(s.select(nothing, zero, s.div(near, sum)), share, v);
        }
    }
}

vectorised! {
    pub(super) fn multiply<S>(s, factor: &Column, column: &mut Column) {
        for v in 0..S::VECTORS {
            s.store(s.mul(s.load(factor, v), s.load(column, v)), column, v);
        }
    }
}

vectorised! {
    /// Overwrites the gradients of the points with those from the broad component.
    pub(super) fn broad_gradients<S>(
        s,
        broad: &Broad,
        x: &[Column],
        term: &Column,
        share: &Column,
        d_points: &mut [Column],
    ) {
        for ((x, d), (mean, scale)) in x.iter().zip(d_points).zip(broad.iter()) {
            let scale = s.splat(*scale);
            for v in 0..S::VECTORS {
                let weight = s.mul(s.load(term, v), s.load(share, v));
                let u = s.mul(s.sub(s.splat(*mean), s.load(x, v)), scale);
                s.store(s.mul(s.mul(weight, u), scale), d, v);
            }
        }
    }
}

vectorised! {
    /// Turns u into the gradient −w u of a component of weights w, and gives Σ w over the rows.
    pub(super) fn weigh<S>(s, term: &Column, share: &Column, u: &mut [Column]) -> f32 {
        let mut sum = s.splat(0.0);
        for v in 0..S::VECTORS {
            let weight = s.mul(s.load(term, v), s.load(share, v));
            sum = s.add(sum, weight);
            let weight = s.sub(s.splat(0.0), weight);
            for u in u.iter_mut() {
                s.store(s.mul(weight, s.load(u, v)), u, v);
            }
        }
        s.sum(sum)
    }
}
