//! Sums of columns with coefficients, as the steps of a solver take them.

use crate::fast::simd::vectorised;
use crate::fast::tile::Column;

vectorised! {
    /// to = from + Σⱼ cⱼ kⱼ with sets of columns kⱼ, `stride` apart.
    pub(super) fn combine<S>(
        s,
        from: &[Column],
        coefficients: &[f32],
        sets: &[Column],
        stride: usize,
        to: &mut [Column],
    ) {
        for (i, (from, to)) in from.iter().zip(to).enumerate() {
            for v in 0..S::VECTORS {
                let mut sum = s.load(from, v);
                for (j, c) in coefficients.iter().enumerate() {
                    sum = s.mul_add(s.splat(*c), s.load(&sets[j * stride + i], v), sum);
                }
                s.store(sum, to, v);
            }
        }
    }
}

vectorised! {
    /// to += factor · from
    pub(super) fn add_times<S>(s, factor: f32, from: &[Column], to: &mut [Column]) {
        let factor = s.splat(factor);
        for (from, to) in from.iter().zip(to) {
            for v in 0..S::VECTORS {
                s.store(s.mul_add(factor, s.load(from, v), s.load(to, v)), to, v);
            }
        }
    }
}

vectorised! {
    /// to = factor · from
    pub(super) fn set_times<S>(s, factor: f32, from: &[Column], to: &mut [Column]) {
        let factor = s.splat(factor);
        for (from, to) in from.iter().zip(to) {
            for v in 0..S::VECTORS {
                s.store(s.mul(factor, s.load(from, v)), to, v);
            }
        }
    }
}

vectorised! {
    /// to += factor · weight ∘ from, for each column of `from`.
    pub(super) fn add_weighted<S>(
        s,
        factor: f32,
        weight: &Column,
        from: &[Column],
        to: &mut [Column],
    ) {
        let factor = s.splat(factor);
        for (from, to) in from.iter().zip(to) {
            for v in 0..S::VECTORS {
                let weight = s.mul(factor, s.load(weight, v));
                s.store(s.mul_add(weight, s.load(from, v), s.load(to, v)), to, v);
            }
        }
    }
}

vectorised! {
    /// to += factor · Σ a ∘ b over the columns of a and b.
    pub(super) fn add_dot<S>(s, factor: f32, a: &[Column], b: &[Column], to: &mut Column) {
        let factor = s.splat(factor);
        for v in 0..S::VECTORS {
            let mut sum = s.splat(0.0);
            for (a, b) in a.iter().zip(b) {
                sum = s.mul_add(s.load(a, v), s.load(b, v), sum);
            }
            s.store(s.mul_add(factor, sum, s.load(to, v)), to, v);
        }
    }
}
