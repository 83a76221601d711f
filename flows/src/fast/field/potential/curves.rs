//! The elementwise parts of the ways up and down.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use crate::fast::field::bend::{Curve, Hidden, Relu, Silu, Tanh};
use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::Column;
use crate::nets::Activation;

/// a(x), a′(x) and a″(x).
#[inline(always)]
fn curve<S: Simd, C: Curve>(s: S, x: S::F) -> [S::F; 3] {
    let [value, slope, curvature] = C::all(s, x);
    if C::KEEPS {
        [value, slope, curvature]
    } else {
        [value, slope, s.mul(C::bend(s, value), slope)]
    }
}

vectorised! {
    /// Activates a layer and its tangents, and keeps slopes a′(x) and bends a″(x) p.
    pub(super) fn rise<S>(s, activation: Activation, layer: &mut Hidden) {
        match activation {
            Activation::Relu => rise_by::<S, Relu>(s, layer),
            Activation::Silu => rise_by::<S, Silu>(s, layer),
            Activation::Tanh => rise_by::<S, Tanh>(s, layer),
        }
    }
}

#[inline(always)]
fn rise_by<S: Simd, C: Curve>(s: S, layer: &mut Hidden) {
    let Hidden { values, tangents, slopes, bends } = layer;
    let width = values.len();
    for (i, (value, kept)) in values.iter_mut().zip(slopes.iter_mut()).enumerate() {
        for v in 0..S::VECTORS {
            let [y, slope, curvature] = curve::<S, C>(s, s.load(value, v));
            s.store(y, value, v);
            s.store(slope, kept, v);
            let mut at = i;
            while let (Some(tangent), Some(bend)) = (tangents.get_mut(at), bends.get_mut(at)) {
                let p = s.load(tangent, v);
                s.store(s.mul(slope, p), tangent, v);
                s.store(s.mul(curvature, p), bend, v);
                at += width;
            }
        }
    }
}

vectorised! {
    /// The gradient of a(x), and how it turns along each tangent, become those of x.
    pub(super) fn fall<S>(
        s,
        layer: &Hidden,
        gradient: &mut [Column],
        turned: &mut [Column],
    ) {
        let width = gradient.len();
        for (i, (slope, gradient)) in layer.slopes.iter().zip(gradient).enumerate() {
            for v in 0..S::VECTORS {
                let (slope, above) = (s.load(slope, v), s.load(gradient, v));
                let mut at = i;
                while let (Some(turned), Some(bend)) = (turned.get_mut(at), layer.bends.get(at)) {
                    let straight = s.mul(slope, s.load(turned, v));
                    s.store(s.mul_add(s.load(bend, v), above, straight), turned, v);
                    at += width;
                }
                s.store(s.mul(slope, above), gradient, v);
            }
        }
    }
}

vectorised! {
    /// Activates a layer, and keeps slopes a′(x) and curvatures a″(x).
    pub(super) fn rise_kept<S>(
        s,
        activation: Activation,
        values: &mut [Column],
        slopes: &mut [Column],
        curvatures: &mut [Column],
    ) {
        let to = (slopes, curvatures);
        match activation {
            Activation::Relu => rise_kept_by::<S, Relu>(s, values, to),
            Activation::Silu => rise_kept_by::<S, Silu>(s, values, to),
            Activation::Tanh => rise_kept_by::<S, Tanh>(s, values, to),
        }
    }
}

#[inline(always)]
fn rise_kept_by<S: Simd, C: Curve>(
    s: S,
    values: &mut [Column],
    (slopes, curvatures): (&mut [Column], &mut [Column]),
) {
    for (value, (slope, curvature)) in values.iter_mut().zip(slopes.iter_mut().zip(curvatures)) {
        for v in 0..S::VECTORS {
            let [y, first, second] = curve::<S, C>(s, s.load(value, v));
            s.store(y, value, v);
            s.store(first, slope, v);
            s.store(second, curvature, v);
        }
    }
}

vectorised! {
    /// to = a ∘ b
    pub(super) fn set_product<S>(s, a: &[Column], b: &[Column], to: &mut [Column]) {
        for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
            for v in 0..S::VECTORS {
                s.store(s.mul(s.load(a, v), s.load(b, v)), to, v);
            }
        }
    }
}

vectorised! {
    /// to += a ∘ b
    pub(super) fn add_product<S>(s, a: &[Column], b: &[Column], to: &mut [Column]) {
        for (to, (a, b)) in to.iter_mut().zip(a.iter().zip(b)) {
            for v in 0..S::VECTORS {
                s.store(s.mul_add(s.load(a, v), s.load(b, v), s.load(to, v)), to, v);
            }
        }
    }
}

vectorised! {
    /// With p the gradient of g = a′(x) ∘ e: what x gets of it, a″(x) ∘ p ∘ e, in place of
    /// curvatures, and what e gets, a′(x) ∘ p, in its place.
    pub(super) fn lift<S>(
        s,
        p: &[Column],
        slopes: &[Column],
        curvatures: &mut [Column],
        e: &mut [Column],
    ) {
        let rows = p.iter().zip(slopes).zip(curvatures).zip(e);
        for (((p, slope), curvature), e) in rows {
            for v in 0..S::VECTORS {
                let p = s.load(p, v);
                let bent = s.mul(s.load(curvature, v), s.mul(p, s.load(e, v)));
                s.store(bent, curvature, v);
                s.store(s.mul(s.load(slope, v), p), e, v);
            }
        }
    }
}
