//! The elementwise part of a hidden layer, values and tangents in one pass.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use crate::fast::math;
use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::Column;
use crate::nets::Activation;

/// An activation a with its first two derivatives.
pub(super) trait Curve {
    /// Whether slopes are kept; where not, slope and curvature follow from the value.
    const KEEPS: bool;

    /// a(x)
    fn value<S: Simd>(s: S, x: S::F) -> S::F;

    /// a(x), a′(x) and, where slopes are kept, a″(x).
    fn all<S: Simd>(s: S, x: S::F) -> [S::F; 3];

    /// a′ from the value, where slopes are not kept.
    fn slope<S: Simd>(s: S, value: S::F) -> S::F;

    /// a″ / a′ from the value, where slopes are not kept.
    fn bend<S: Simd>(s: S, value: S::F) -> S::F;
}

pub(super) struct Relu;
pub(super) struct Silu;
pub(super) struct Tanh;

impl Curve for Relu {
    const KEEPS: bool = false;

    #[inline(always)]
    fn value<S: Simd>(s: S, x: S::F) -> S::F {
        s.max(s.splat(0.0), x)
    }

    #[inline(always)]
    fn all<S: Simd>(s: S, x: S::F) -> [S::F; 3] {
        let value = Self::value(s, x);
        [value, Self::slope(s, value), s.splat(0.0)]
    }

    #[inline(always)]
    fn slope<S: Simd>(s: S, value: S::F) -> S::F {
        let zero = s.splat(0.0);
        s.select(s.less(zero, value), s.splat(1.0), zero)
    }

    #[inline(always)]
    fn bend<S: Simd>(s: S, _: S::F) -> S::F {
        s.splat(0.0)
    }
}

impl Curve for Silu {
    const KEEPS: bool = true;

    #[inline(always)]
    fn value<S: Simd>(s: S, x: S::F) -> S::F {
        s.mul(x, math::quick_sigmoid(s, x))
    }

    #[inline(always)]
    fn all<S: Simd>(s: S, x: S::F) -> [S::F; 3] {
        let one = s.splat(1.0);
        let share = math::quick_sigmoid(s, x);
        let rest = s.sub(one, share);
        let both = s.mul(share, rest);
        // σ + x σ (1 − σ) and σ (1 − σ) (2 + x (1 − 2 σ))
        let turn = s.mul_add(x, s.sub(rest, share), s.splat(2.0));
        [s.mul(x, share), s.mul_add(x, both, share), s.mul(both, turn)]
    }

    #[inline(always)]
    fn slope<S: Simd>(_: S, value: S::F) -> S::F {
        value
    }

    #[inline(always)]
    fn bend<S: Simd>(_: S, value: S::F) -> S::F {
        value
    }
}

impl Curve for Tanh {
    const KEEPS: bool = false;

    #[inline(always)]
    fn value<S: Simd>(s: S, x: S::F) -> S::F {
        math::quick_tanh(s, x)
    }

    #[inline(always)]
    fn all<S: Simd>(s: S, x: S::F) -> [S::F; 3] {
        let value = math::quick_tanh(s, x);
        [value, Self::slope(s, value), s.splat(0.0)]
    }

    #[inline(always)]
    fn slope<S: Simd>(s: S, value: S::F) -> S::F {
        s.neg_mul_add(value, value, s.splat(1.0))
    }

    #[inline(always)]
    fn bend<S: Simd>(s: S, value: S::F) -> S::F {
        s.mul(s.splat(-2.0), value)
    }
}

/// Whether slopes a′ and bends a″ p are kept beside values and tangents.
pub(super) fn keeps_slopes(activation: Activation) -> bool {
    match activation {
        Activation::Relu => Relu::KEEPS,
        Activation::Silu => Silu::KEEPS,
        Activation::Tanh => Tanh::KEEPS,
    }
}

/// The columns of a hidden layer; tangents are whole sets, one after the other.
#[derive(Debug)]
pub(super) struct Hidden<'a> {
    /// x, then a(x).
    pub(super) values: &'a mut [Column],
    /// p, then a′(x) p.
    pub(super) tangents: &'a mut [Column],
    /// a′(x), where it is kept.
    pub(super) slopes: &'a mut [Column],
    /// a″(x) p, where it is kept.
    pub(super) bends: &'a mut [Column],
}

vectorised! {
    /// Activates a layer and its tangents, and keeps what there is room for.
    pub(super) fn bend<S>(s, activation: Activation, layer: &mut Hidden) {
        match activation {
            Activation::Relu => bend_by::<S, Relu>(s, layer),
            Activation::Silu => bend_by::<S, Silu>(s, layer),
            Activation::Tanh => bend_by::<S, Tanh>(s, layer),
        }
    }
}

#[inline(always)]
fn bend_by<S: Simd, C: Curve>(s: S, layer: &mut Hidden) {
    let Hidden { values, tangents, slopes, bends } = layer;
    let width = values.len();
    if slopes.is_empty() && tangents.is_empty() {
        for value in values.iter_mut() {
            for v in 0..S::VECTORS {
                s.store(C::value(s, s.load(value, v)), value, v);
            }
        }
        return;
    }
    for (i, value) in values.iter_mut().enumerate() {
        for v in 0..S::VECTORS {
            let [y, slope, curvature] = C::all(s, s.load(value, v));
            s.store(y, value, v);
            if let Some(kept) = slopes.get_mut(i) {
                s.store(slope, kept, v);
            }
            let mut at = i;
            while let Some(tangent) = tangents.get_mut(at) {
                let p = s.load(tangent, v);
                s.store(s.mul(slope, p), tangent, v);
                if let Some(kept) = bends.get_mut(at) {
                    s.store(s.mul(curvature, p), kept, v);
                }
                at += width;
            }
        }
    }
}

vectorised! {
    /// Gradients of a(x) and of the tangents a′(x) p become those of x and p, after [`bend`].
    pub(super) fn unbend<S>(
        s,
        activation: Activation,
        layer: &Hidden,
        d_values: &mut [Column],
        d_tangents: &mut [Column],
    ) {
        match activation {
            Activation::Relu => unbend_by::<S, Relu>(s, layer, d_values, d_tangents),
            Activation::Silu => unbend_kept(s, layer, d_values, d_tangents),
            Activation::Tanh => unbend_by::<S, Tanh>(s, layer, d_values, d_tangents),
        }
    }
}

/// With slope and bend from the value: a″ p = (a″ / a′) u of the tangent u = a′ p.
#[inline(always)]
fn unbend_by<S: Simd, C: Curve>(
    s: S,
    layer: &Hidden,
    d_values: &mut [Column],
    d_tangents: &mut [Column],
) {
    let width = d_values.len();
    for (i, (value, d_value)) in layer.values.iter().zip(d_values).enumerate() {
        for v in 0..S::VECTORS {
            let y = s.load(value, v);
            let slope = C::slope(s, y);
            let mut bent = s.splat(0.0);
            let mut at = i;
            while let (Some(d), Some(u)) = (d_tangents.get_mut(at), layer.tangents.get(at)) {
                let d_u = s.load(d, v);
                bent = s.mul_add(s.load(u, v), d_u, bent);
                s.store(s.mul(slope, d_u), d, v);
                at += width;
            }
            let straight = s.mul(slope, s.load(d_value, v));
            s.store(s.mul_add(C::bend(s, y), bent, straight), d_value, v);
        }
    }
}

/// With the slopes and bends that were kept.
#[inline(always)]
fn unbend_kept<S: Simd>(s: S, layer: &Hidden, d_values: &mut [Column], d_tangents: &mut [Column]) {
    let width = d_values.len();
    for (i, (slope, d_value)) in layer.slopes.iter().zip(d_values).enumerate() {
        for v in 0..S::VECTORS {
            let slope = s.load(slope, v);
            let mut sum = s.mul(slope, s.load(d_value, v));
            let mut at = i;
            while let (Some(d), Some(bend)) = (d_tangents.get_mut(at), layer.bends.get(at)) {
                let d_u = s.load(d, v);
                sum = s.mul_add(s.load(bend, v), d_u, sum);
                s.store(s.mul(slope, d_u), d, v);
                at += width;
            }
            s.store(sum, d_value, v);
        }
    }
}
