//! AVX-512 and AVX2.
//!
//! SAFETY, for every call of an instruction below: values of [`Avx512`] and [`Avx2`] are made by
//! `detect` alone, where the processor has the instructions.

#![allow(clippy::wildcard_imports, reason = "the names of instructions say where they are from")]
#![expect(clippy::large_types_passed_by_value, reason = "the vectors stay in registers")]

use super::{Column, ROWS, Simd};
use std::arch::x86_64::*;

/// AVX-512 with the extensions DQ and VL, which all processors that have it but the Xeon Phi have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fast) struct Avx512(());

/// AVX2 with fused multiply–add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fast) struct Avx2(());

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && Avx2::detect().is_some();
        found.then_some(Self(()))
    }
}

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        found.then_some(Self(()))
    }
}

/// Methods that are one instruction, or an expression of several.
macro_rules! methods {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $out:ty { $body:expr })*) => {$(
        #[inline(always)]
        fn $name(self $(, $arg: $ty)*) -> $out {
            // SAFETY: see the head of this file.
            unsafe { $body }
        }
    )*};
}

impl Simd for Avx512 {
    type F = __m512;
    type Mask = __mmask16;
    const LANES: usize = 16;
    const WIDE: bool = true;

    methods! {
        splat(value: f32) -> __m512 { _mm512_set1_ps(value) }
        add(a: __m512, b: __m512) -> __m512 { _mm512_add_ps(a, b) }
        sub(a: __m512, b: __m512) -> __m512 { _mm512_sub_ps(a, b) }
        mul(a: __m512, b: __m512) -> __m512 { _mm512_mul_ps(a, b) }
        div(a: __m512, b: __m512) -> __m512 { _mm512_div_ps(a, b) }
        mul_add(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fmadd_ps(a, b, c) }
        neg_mul_add(a: __m512, b: __m512, c: __m512) -> __m512 { _mm512_fnmadd_ps(a, b, c) }
        max(a: __m512, b: __m512) -> __m512 { _mm512_max_ps(a, b) }
        min(a: __m512, b: __m512) -> __m512 { _mm512_min_ps(a, b) }
        sqrt(a: __m512) -> __m512 { _mm512_sqrt_ps(a) }
        abs(a: __m512) -> __m512 { _mm512_abs_ps(a) }
        round(a: __m512) -> __m512 {
            _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a)
        }
        reciprocal(a: __m512) -> __m512 {{
            // 14 bits, and twice as many after a step of Newton's method.
            let guess = _mm512_rcp14_ps(a);
            let rest = _mm512_fnmadd_ps(a, guess, _mm512_set1_ps(1.0));
            _mm512_fmadd_ps(guess, rest, guess)
        }}
        scale(a: __m512, n: __m512) -> __m512 { _mm512_scalef_ps(a, n) }
        power_of_two(n: __m512) -> __m512 { _mm512_scalef_ps(_mm512_set1_ps(1.0), n) }
        split(x: __m512) -> (__m512, __m512) {
            (_mm512_getexp_ps(x), _mm512_getmant_ps::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_ZERO>(x))
        }
        less(a: __m512, b: __m512) -> __mmask16 { _mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b) }
        at_most(a: __m512, b: __m512) -> __mmask16 { _mm512_cmp_ps_mask::<_CMP_LE_OQ>(a, b) }
        select(mask: __mmask16, yes: __m512, no: __m512) -> __m512 {
            _mm512_mask_blend_ps(mask, no, yes)
        }
        sum(a: __m512) -> f32 { _mm512_reduce_add_ps(a) }
        sum_each(a: [__m512; 4]) -> [f32; 4] {{
            let [a, b, c, d] = a;
            let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
            let (low, high) = (_mm512_unpacklo_pd(ab, cd), _mm512_unpackhi_pd(ab, cd));
            let all = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
            let half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps::<1>(all));
            let sums = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
            std::mem::transmute::<__m128, [f32; 4]>(sums)
        }}
    }

    #[inline(always)]
    fn load(self, from: &Column, v: usize) -> __m512 {
        self.load_slice(&from.0[v * 16..v * 16 + 16])
    }

    #[inline(always)]
    fn store(self, value: __m512, to: &mut Column, v: usize) {
        self.store_slice(value, &mut to.0[v * 16..v * 16 + 16]);
    }

    #[inline(always)]
    fn load_slice(self, from: &[f32]) -> __m512 {
        let from = &from[..16];
        // SAFETY: see the head of this file; the slice has 16 entries.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store_slice(self, value: __m512, to: &mut [f32]) {
        let to = &mut to[..16];
        // SAFETY: see the head of this file; the slice has 16 entries.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn add_first(self, value: __m512, to: &mut [f32]) {
        if to.len() >= 16 {
            self.store_slice(self.add(self.load_slice(to), value), to);
            return;
        }
        let mask = (1 << to.len()) - 1;
        // SAFETY: see the head of this file; the mask covers the slice alone.
        let old = unsafe { _mm512_maskz_loadu_ps(mask, to.as_ptr()) };
        let sum = self.add(old, value);
        // SAFETY: see the head of this file; the mask covers the slice alone.
        unsafe { _mm512_mask_storeu_ps(to.as_mut_ptr(), mask, sum) }
    }

    #[inline(always)]
    fn transpose(self, from: &[Column], to: &mut [Column; ROWS]) {
        for (group, from) in from.chunks(16).enumerate() {
            let mut padded;
            let from = if let Some(whole) = from.first_chunk::<16>() {
                whole
            } else {
                padded = [Column::ZERO; 16];
                padded[..from.len()].copy_from_slice(from);
                &padded
            };
            for (v, to) in to.chunks_exact_mut(16).enumerate() {
                let mut r = [self.splat(0.0); 16];
                // Loops over constants alone: only then do the vectors stay in registers.
                for i in 0..16 {
                    r[i] = self.load(&from[i], v);
                }
                // SAFETY: see the head of this file.
                let r = unsafe { transposed_512(r) };
                for i in 0..16 {
                    self.store(r[i], &mut to[i], group);
                }
            }
        }
    }
}

/// Exchanges neighbours at distance 1, 2, 4 and 8.
#[inline]
#[target_feature(enable = "avx512f")]
fn transposed_512(r: [__m512; 16]) -> [__m512; 16] {
    let (mut a, mut b) = (r, r);
    for i in 0..8 {
        a[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    let pair = |lo: bool, x: __m512, y: __m512| {
        let (x, y) = (_mm512_castps_pd(x), _mm512_castps_pd(y));
        let both = if lo { _mm512_unpacklo_pd(x, y) } else { _mm512_unpackhi_pd(x, y) };
        _mm512_castpd_ps(both)
    };
    for i in 0..4 {
        b[4 * i] = pair(true, a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = pair(false, a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = pair(true, a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = pair(false, a[4 * i + 1], a[4 * i + 3]);
    }
    for i in 0..4 {
        a[i] = _mm512_shuffle_f32x4::<0x88>(b[i], b[i + 4]);
        a[i + 4] = _mm512_shuffle_f32x4::<0xdd>(b[i], b[i + 4]);
        a[i + 8] = _mm512_shuffle_f32x4::<0x88>(b[i + 8], b[i + 12]);
        a[i + 12] = _mm512_shuffle_f32x4::<0xdd>(b[i + 8], b[i + 12]);
    }
    for i in 0..4 {
        b[i] = _mm512_shuffle_f32x4::<0x88>(a[i], a[i + 8]);
        b[i + 8] = _mm512_shuffle_f32x4::<0xdd>(a[i], a[i + 8]);
        b[i + 4] = _mm512_shuffle_f32x4::<0x88>(a[i + 4], a[i + 12]);
        b[i + 12] = _mm512_shuffle_f32x4::<0xdd>(a[i + 4], a[i + 12]);
    }
    b
}

impl Simd for Avx2 {
    type F = __m256;
    type Mask = __m256;
    const LANES: usize = 8;
    const WIDE: bool = false;

    methods! {
        splat(value: f32) -> __m256 { _mm256_set1_ps(value) }
        add(a: __m256, b: __m256) -> __m256 { _mm256_add_ps(a, b) }
        sub(a: __m256, b: __m256) -> __m256 { _mm256_sub_ps(a, b) }
        mul(a: __m256, b: __m256) -> __m256 { _mm256_mul_ps(a, b) }
        div(a: __m256, b: __m256) -> __m256 { _mm256_div_ps(a, b) }
        mul_add(a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fmadd_ps(a, b, c) }
        neg_mul_add(a: __m256, b: __m256, c: __m256) -> __m256 { _mm256_fnmadd_ps(a, b, c) }
        max(a: __m256, b: __m256) -> __m256 { _mm256_max_ps(a, b) }
        min(a: __m256, b: __m256) -> __m256 { _mm256_min_ps(a, b) }
        sqrt(a: __m256) -> __m256 { _mm256_sqrt_ps(a) }
        abs(a: __m256) -> __m256 { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
        round(a: __m256) -> __m256 {
            _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a)
        }
        power_of_two(n: __m256) -> __m256 {
            _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(
                _mm256_cvtps_epi32(n),
                _mm256_set1_epi32(127),
            )))
        }
        split(x: __m256) -> (__m256, __m256) {{
            let bits = _mm256_castps_si256(x);
            let biased = _mm256_cvtepi32_ps(_mm256_srli_epi32::<23>(bits));
            let fraction = _mm256_and_si256(bits, _mm256_set1_epi32(0x007f_ffff));
            let mantissa = _mm256_or_si256(fraction, _mm256_set1_epi32(0x3f80_0000));
            (_mm256_sub_ps(biased, _mm256_set1_ps(127.0)), _mm256_castsi256_ps(mantissa))
        }}
        less(a: __m256, b: __m256) -> __m256 { _mm256_cmp_ps::<_CMP_LT_OQ>(a, b) }
        at_most(a: __m256, b: __m256) -> __m256 { _mm256_cmp_ps::<_CMP_LE_OQ>(a, b) }
        select(mask: __m256, yes: __m256, no: __m256) -> __m256 {
            _mm256_blendv_ps(no, yes, mask)
        }
        sum_each(a: [__m256; 4]) -> [f32; 4] {{
            let all = _mm256_hadd_ps(_mm256_hadd_ps(a[0], a[1]), _mm256_hadd_ps(a[2], a[3]));
            let sums = _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps::<1>(all));
            std::mem::transmute::<__m128, [f32; 4]>(sums)
        }}
        sum(a: __m256) -> f32 {{
            let half = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)))
        }}
    }

    #[inline(always)]
    fn load(self, from: &Column, v: usize) -> __m256 {
        self.load_slice(&from.0[v * 8..v * 8 + 8])
    }

    #[inline(always)]
    fn store(self, value: __m256, to: &mut Column, v: usize) {
        self.store_slice(value, &mut to.0[v * 8..v * 8 + 8]);
    }

    #[inline(always)]
    fn load_slice(self, from: &[f32]) -> __m256 {
        let from = &from[..8];
        // SAFETY: see the head of this file; the slice has 8 entries.
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store_slice(self, value: __m256, to: &mut [f32]) {
        let to = &mut to[..8];
        // SAFETY: see the head of this file; the slice has 8 entries.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    fn add_first(self, value: __m256, to: &mut [f32]) {
        if to.len() >= 8 {
            self.store_slice(self.add(self.load_slice(to), value), to);
            return;
        }
        let mut lanes = [0.0; 8];
        self.store_slice(value, &mut lanes);
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to += lane);
    }

    #[inline(always)]
    fn transpose(self, from: &[Column], to: &mut [Column; ROWS]) {
        for (group, from) in from.chunks(8).enumerate() {
            let mut padded = [Column::ZERO; 8];
            let from = from.first_chunk::<8>().unwrap_or_else(|| {
                padded[..from.len()].copy_from_slice(from);
                &padded
            });
            for (v, to) in to.chunks_exact_mut(8).enumerate() {
                let mut r = [self.splat(0.0); 8];
                // Loops over constants alone: only then do the vectors stay in registers.
                for i in 0..8 {
                    r[i] = self.load(&from[i], v);
                }
                // SAFETY: see the head of this file.
                let r = unsafe { transposed_256(r) };
                for i in 0..8 {
                    self.store(r[i], &mut to[i], group);
                }
            }
        }
    }
}

/// Exchanges neighbours at distance 1, 2 and 4.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed_256(r: [__m256; 8]) -> [__m256; 8] {
    let (mut a, mut b) = (r, r);
    for i in 0..4 {
        a[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for i in 0..2 {
        b[4 * i] = _mm256_shuffle_ps::<0x44>(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_shuffle_ps::<0xee>(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_shuffle_ps::<0x44>(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_shuffle_ps::<0xee>(a[4 * i + 1], a[4 * i + 3]);
    }
    for i in 0..4 {
        a[i] = _mm256_permute2f128_ps::<0x20>(b[i], b[i + 4]);
        a[i + 4] = _mm256_permute2f128_ps::<0x31>(b[i], b[i + 4]);
    }
    a
}
