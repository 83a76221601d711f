//! Sums of columns with coefficients, as the steps of a solver take them.

use crate::fast::simd::{Level, vectorised};
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
    /// to = factor · to
    pub(super) fn scale<S>(s, factor: f32, to: &mut [Column]) {
        let factor = s.splat(factor);
        for to in to {
            for v in 0..S::VECTORS {
                s.store(s.mul(factor, s.load(to, v)), to, v);
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

vectorised! {
    /// to = factor · weight ∘ from, for each column of `from`.
    pub(super) fn set_weighted<S>(
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
                s.store(s.mul(weight, s.load(from, v)), to, v);
            }
        }
    }
}

vectorised! {
    /// to += Σ (error / (absolute + relative max(|before|, |after|)))²
    pub(super) fn add_scaled_squares<S>(
        s,
        tolerances: (f32, f32),
        error: &[Column],
        before: &[Column],
        after: &[Column],
        to: &mut Column,
    ) {
        let (absolute, relative) = (s.splat(tolerances.0), s.splat(tolerances.1));
        for (error, (before, after)) in error.iter().zip(before.iter().zip(after)) {
            for v in 0..S::VECTORS {
                let size = s.max(s.abs(s.load(before, v)), s.abs(s.load(after, v)));
                let share = s.div(s.load(error, v), s.mul_add(relative, size, absolute));
                s.store(s.mul_add(share, share, s.load(to, v)), to, v);
            }
        }
    }
}

vectorised! {
    /// Adds 0 in rows where all entries are finite, NaN elsewhere.
    pub(super) fn add_zero_times<S>(s, columns: &[Column], to: &mut Column) {
        for column in columns {
            for v in 0..S::VECTORS {
                s.store(s.mul_add(s.splat(0.0), s.load(column, v), s.load(to, v)), to, v);
            }
        }
    }
}

/// Whether no entry is NaN or infinite.
pub(super) fn is_finite(level: Level, columns: &[Column]) -> bool {
    let mut sums = Column::ZERO;
    add_zero_times(level, columns, &mut sums);
    sums.0.iter().all(|sum| sum.is_finite())
}

vectorised! {
    /// to = a ∘ x + b ∘ z with factors of each row.
    pub(super) fn mix<S>(
        s,
        factors: (&Column, &Column),
        x: &[Column],
        z: &[Column],
        to: &mut [Column],
    ) {
        for (to, (x, z)) in to.iter_mut().zip(x.iter().zip(z)) {
            for v in 0..S::VECTORS {
                let (a, b) = (s.load(factors.0, v), s.load(factors.1, v));
                let moved = s.mul(b, s.load(z, v));
                s.store(s.mul_add(a, s.load(x, v), moved), to, v);
            }
        }
    }
}
