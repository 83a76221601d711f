//! Functions between the layers of a network, the fast tier of [`crate::nets::Activation`].

use super::math;
use super::simd::{Level, vectorised};
use super::tile::Column;
use crate::nets::Activation;

/// Whether the slope has to be kept beside the value: elsewhere it follows from the value.
pub(super) fn keeps_slopes(activation: Activation) -> bool {
    activation == Activation::Silu
}

/// Applies the function in place; `slopes` takes the derivatives where they are kept.
pub(super) fn apply(
    level: Level,
    activation: Activation,
    values: &mut [Column],
    slopes: &mut [Column],
) {
    match activation {
        Activation::Relu => relu(level, values),
        Activation::Silu => silu(level, values, slopes),
        Activation::Tanh => tanh(level, values),
    }
}

/// Multiplies gradients of the values by the slopes.
pub(super) fn reverse(
    level: Level,
    activation: Activation,
    values: &[Column],
    slopes: &[Column],
    gradients: &mut [Column],
) {
    match activation {
        Activation::Relu => relu_reverse(level, values, gradients),
        Activation::Silu => product(level, slopes, gradients),
        Activation::Tanh => tanh_reverse(level, values, gradients),
    }
}

vectorised! {
    fn relu<S>(s, values: &mut [Column]) {
        for value in values {
            for v in 0..S::VECTORS {
                s.store(s.max(s.splat(0.0), s.load(value, v)), value, v);
            }
        }
    }
}

vectorised! {
    fn relu_reverse<S>(s, values: &[Column], gradients: &mut [Column]) {
        let zero = s.splat(0.0);
        for (value, gradient) in values.iter().zip(gradients) {
            for v in 0..S::VECTORS {
                let open = s.less(zero, s.load(value, v));
                s.store(s.select(open, s.load(gradient, v), zero), gradient, v);
            }
        }
    }
}

vectorised! {
    fn silu<S>(s, values: &mut [Column], slopes: &mut [Column]) {
        let one = s.splat(1.0);
        for (value, slope) in values.iter_mut().zip(slopes) {
            for v in 0..S::VECTORS {
                let x = s.load(value, v);
                let share = math::sigmoid(s, x);
                s.store(s.mul(x, share), value, v);
                // σ (1 + x (1 − σ))
                s.store(s.mul(share, s.mul_add(x, s.sub(one, share), one)), slope, v);
            }
        }
    }
}

vectorised! {
    fn tanh<S>(s, values: &mut [Column]) {
        for value in values {
            for v in 0..S::VECTORS {
                s.store(math::tanh(s, s.load(value, v)), value, v);
            }
        }
    }
}

vectorised! {
    fn tanh_reverse<S>(s, values: &[Column], gradients: &mut [Column]) {
        for (value, gradient) in values.iter().zip(gradients) {
            for v in 0..S::VECTORS {
                let (y, g) = (s.load(value, v), s.load(gradient, v));
                s.store(s.neg_mul_add(s.mul(y, y), g, g), gradient, v);
            }
        }
    }
}

vectorised! {
    fn product<S>(s, slopes: &[Column], gradients: &mut [Column]) {
        for (slope, gradient) in slopes.iter().zip(gradients) {
            for v in 0..S::VECTORS {
                s.store(s.mul(s.load(slope, v), s.load(gradient, v)), gradient, v);
            }
        }
    }
}

vectorised! {
    /// to += from
    pub(super) fn add<S>(s, from: &[Column], to: &mut [Column]) {
        for (from, to) in from.iter().zip(to) {
            for v in 0..S::VECTORS {
                s.store(s.add(s.load(from, v), s.load(to, v)), to, v);
            }
        }
    }
}
