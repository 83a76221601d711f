//! Neon, which every aarch64 processor has.
//!
//! SAFETY, for every call of an instruction below: Neon is part of the target.

#![allow(clippy::wildcard_imports, reason = "the names of instructions say where they are from")]

use super::{Column, ROWS, Simd};
use std::arch::aarch64::*;

/// Four lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fast) struct Neon(());

impl Neon {
    pub(super) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Self(()))
    }
}

/// Methods that are one instruction, or an expression of several.
macro_rules! methods {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty { $body:expr })*) => {$(
        #[inline(always)]
        #[allow(unused_unsafe, reason = "which of these are safe differs between compilers")]
        fn $name(self $(, $arg: $ty)*) -> $out {
            // SAFETY: see the head of this file.
            unsafe { $body }
        }
    )*};
}

impl Simd for Neon {
    type F = float32x4_t;
    type Mask = uint32x4_t;
    const LANES: usize = 4;
    const WIDE: bool = true;

    methods! {
        splat(value: f32) -> float32x4_t { vdupq_n_f32(value) }
        add(a: float32x4_t, b: float32x4_t) -> float32x4_t { vaddq_f32(a, b) }
        sub(a: float32x4_t, b: float32x4_t) -> float32x4_t { vsubq_f32(a, b) }
        mul(a: float32x4_t, b: float32x4_t) -> float32x4_t { vmulq_f32(a, b) }
        div(a: float32x4_t, b: float32x4_t) -> float32x4_t { vdivq_f32(a, b) }
        mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
            vfmaq_f32(c, a, b)
        }
        neg_mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
            vfmsq_f32(c, a, b)
        }
        max(a: float32x4_t, b: float32x4_t) -> float32x4_t { vbslq_f32(vcgtq_f32(a, b), a, b) }
        min(a: float32x4_t, b: float32x4_t) -> float32x4_t { vbslq_f32(vcltq_f32(a, b), a, b) }
        sqrt(a: float32x4_t) -> float32x4_t { vsqrtq_f32(a) }
        abs(a: float32x4_t) -> float32x4_t { vabsq_f32(a) }
        round(a: float32x4_t) -> float32x4_t { vrndnq_f32(a) }
        power_of_two(n: float32x4_t) -> float32x4_t {
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127))))
        }
        split(x: float32x4_t) -> (float32x4_t, float32x4_t) {{
            let bits = vreinterpretq_u32_f32(x);
            let biased = vcvtq_f32_u32(vshrq_n_u32::<23>(bits));
            let fraction = vandq_u32(bits, vdupq_n_u32(0x007f_ffff));
            let mantissa = vorrq_u32(fraction, vdupq_n_u32(0x3f80_0000));
            (vsubq_f32(biased, vdupq_n_f32(127.0)), vreinterpretq_f32_u32(mantissa))
        }}
        less(a: float32x4_t, b: float32x4_t) -> uint32x4_t { vcltq_f32(a, b) }
        at_most(a: float32x4_t, b: float32x4_t) -> uint32x4_t { vcleq_f32(a, b) }
        select(mask: uint32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
            vbslq_f32(mask, yes, no)
        }
        sum(a: float32x4_t) -> f32 { vaddvq_f32(a) }
    }

    #[inline(always)]
    fn load(self, from: &Column, v: usize) -> float32x4_t {
        self.load_slice(&from.0[v * 4..v * 4 + 4])
    }

    #[inline(always)]
    fn store(self, value: float32x4_t, to: &mut Column, v: usize) {
        self.store_slice(value, &mut to.0[v * 4..v * 4 + 4]);
    }

    #[inline(always)]
    fn load_slice(self, from: &[f32]) -> float32x4_t {
        let from = &from[..4];
        // SAFETY: see the head of this file; the slice has 4 entries.
        unsafe { vld1q_f32(from.as_ptr()) }
    }

    #[inline(always)]
    fn store_slice(self, value: float32x4_t, to: &mut [f32]) {
        let to = &mut to[..4];
        // SAFETY: see the head of this file; the slice has 4 entries.
        unsafe { vst1q_f32(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn sum_each(self, a: [float32x4_t; 4]) -> [f32; 4] {
        a.map(|a| self.sum(a))
    }

    #[inline(always)]
    fn add_first(self, value: float32x4_t, to: &mut [f32]) {
        if to.len() >= 4 {
            self.store_slice(self.add(self.load_slice(to), value), to);
            return;
        }
        let mut lanes = [0.0; 4];
        self.store_slice(value, &mut lanes);
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to += lane);
    }

    #[inline(always)]
    fn transpose(self, from: &[Column], to: &mut [Column; ROWS]) {
        for (group, from) in from.chunks(4).enumerate() {
            let mut padded = [Column::ZERO; 4];
            let from = from.first_chunk::<4>().unwrap_or_else(|| {
                padded[..from.len()].copy_from_slice(from);
                &padded
            });
            for (v, to) in to.chunks_exact_mut(4).enumerate() {
                let turned = self.transposed(from.map(|column| self.load(&column, v)));
                for (to, vector) in to.iter_mut().zip(turned) {
                    self.store(vector, to, group);
                }
            }
        }
    }
}

impl Neon {
    #[inline(always)]
    #[allow(unused_unsafe, reason = "which of these are safe differs between compilers")]
    fn transposed(self, [a, b, c, d]: [float32x4_t; 4]) -> [float32x4_t; 4] {
        // SAFETY: see the head of this file.
        unsafe {
            let pair = |x, y| (vtrn1q_f32(x, y), vtrn2q_f32(x, y));
            let low = |x, y| {
                let (x, y) = (vreinterpretq_f64_f32(x), vreinterpretq_f64_f32(y));
                vreinterpretq_f32_f64(vtrn1q_f64(x, y))
            };
            let high = |x, y| {
                let (x, y) = (vreinterpretq_f64_f32(x), vreinterpretq_f64_f32(y));
                vreinterpretq_f32_f64(vtrn2q_f64(x, y))
            };
            let ((ab0, ab1), (cd0, cd1)) = (pair(a, b), pair(c, d));
            [low(ab0, cd0), low(ab1, cd1), high(ab0, cd0), high(ab1, cd1)]
        }
    }
}
