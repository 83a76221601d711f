//! Vector instructions behind one trait, at a level chosen when the program runs.
//!
//! A vectorised function is written once, as a body generic over `Simd`. The macro `vectorised!`
//! makes of it one thin function for each level, compiled with that level's instructions, and a
//! choice among them. All `unsafe` of the library is in this file and the folder beside it.
#![expect(unsafe_code, reason = "instructions are chosen when the program runs")]
#![expect(
    clippy::inline_always,
    reason = "a body takes the instructions of what it is inlined into"
)]

#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::tile::{Column, ROWS};

#[cfg(target_arch = "aarch64")]
pub(super) use neon::Neon;
pub(super) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

/// Vectors of `f32` at one level. A value of an implementing type proves that the processor has its
/// instructions.
///
/// Maxima and minima give the second argument when one is NaN, so that `max(bound, x)` keeps a NaN.
pub(super) trait Simd: Copy {
    /// A vector.
    type F: Copy;
    /// A truth value for each lane.
    type Mask: Copy;
    /// Numbers in a vector.
    const LANES: usize;
    /// Whether the registers hold six times four sums; otherwise they hold six times two.
    const WIDE: bool;

    fn splat(self, value: f32) -> Self::F;
    /// The `v`-th vector of a column.
    fn load(self, from: &Column, v: usize) -> Self::F;
    fn store(self, value: Self::F, to: &mut Column, v: usize);
    /// The first lanes of a slice, which must be long enough.
    fn load_slice(self, from: &[f32]) -> Self::F;
    fn store_slice(self, value: Self::F, to: &mut [f32]);
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// a b + c
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// c − a b
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    fn sqrt(self, a: Self::F) -> Self::F;
    fn abs(self, a: Self::F) -> Self::F;
    /// The nearest whole number.
    fn round(self, a: Self::F) -> Self::F;
    /// 1 / a to two units in the last place, for a of at least 1.
    fn reciprocal(self, a: Self::F) -> Self::F {
        self.div(self.splat(1.0), a)
    }
    /// a 2ⁿ for whole n from −126 to 127.
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        self.mul(a, self.power_of_two(n))
    }
    /// 2ⁿ for whole n from −126 to 127.
    fn power_of_two(self, n: Self::F) -> Self::F;
    /// e and m with x = m 2ᵉ and 1 ≤ m < 2, for positive normal x.
    fn split(self, x: Self::F) -> (Self::F, Self::F);
    /// a < b
    fn less(self, a: Self::F, b: Self::F) -> Self::Mask;
    /// a ≤ b
    fn at_most(self, a: Self::F, b: Self::F) -> Self::Mask;
    /// `yes` where the mask is set, `no` elsewhere.
    fn select(self, mask: Self::Mask, yes: Self::F, no: Self::F) -> Self::F;
    /// The sum of all lanes, in an order that depends on the level alone.
    fn sum(self, a: Self::F) -> f32;
    /// The sums of four vectors, each in an order that depends on the level alone.
    fn sum_each(self, a: [Self::F; 4]) -> [f32; 4];
    /// Adds the first lanes to a slice, as many as it takes.
    fn add_first(self, value: Self::F, to: &mut [f32]);
    /// Turns up to 64 columns around: entry r of column c becomes entry c of `to[r]`. What is in
    /// the entries beyond the columns is left open.
    fn transpose(self, from: &[Column], to: &mut [Column; ROWS]);

    /// Vectors in a column.
    const VECTORS: usize = ROWS / Self::LANES;
}

/// A set of vector instructions that this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level(pub(super) Token);

/// The levels; a value proves that the processor has the instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
    Portable(Portable),
}

impl Level {
    /// The best level of this processor.
    pub fn best() -> Self {
        Self::available()[0]
    }

    /// All levels of this processor, the best first.
    pub fn available() -> Vec<Self> {
        let tokens = [
            #[cfg(target_arch = "x86_64")]
            Avx512::detect().map(Token::Avx512),
            #[cfg(target_arch = "x86_64")]
            Avx2::detect().map(Token::Avx2),
            #[cfg(target_arch = "aarch64")]
            Neon::detect().map(Token::Neon),
            Some(Token::Portable(Portable)),
        ];
        tokens.into_iter().flatten().map(Self).collect()
    }

    /// `avx512`, `avx2`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Token::Neon(_) => "neon",
            Token::Portable(_) => "portable",
        }
    }
}

/// Makes of one body, generic over `Simd`, a function that takes a [`Level`] first.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$S:ident>($simd:ident $(, $arg:ident: $ty:ty)* $(,)?)
        $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, reason = "the level proves that its instructions exist")]
        #[allow(clippy::too_many_arguments, reason = "kernels take many slices")]
        $vis fn $name(level: $crate::fast::simd::Level $(, $arg: $ty)*) $(-> $out)? {
            use $crate::fast::simd::{Simd, Token};

            #[inline(always)]
            #[allow(clippy::inline_always, reason = "takes the instructions of its caller")]
            fn body<$S: Simd>($simd: $S $(, $arg: $ty)*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,fma")]
            fn avx512(simd: $crate::fast::simd::Avx512 $(, $arg: $ty)*) $(-> $out)? {
                body(simd $(, $arg)*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2(simd: $crate::fast::simd::Avx2 $(, $arg: $ty)*) $(-> $out)? {
                body(simd $(, $arg)*)
            }

            match level.0 {
                #[cfg(target_arch = "x86_64")]
                Token::Avx512(simd) => {
                    // SAFETY: the token exists only where these instructions do.
                    unsafe { avx512(simd $(, $arg)*) }
                }
                #[cfg(target_arch = "x86_64")]
                Token::Avx2(simd) => {
                    // SAFETY: the token exists only where these instructions do.
                    unsafe { avx2(simd $(, $arg)*) }
                }
                // Neon is part of every aarch64 target, so no function has to enable it.
                #[cfg(target_arch = "aarch64")]
                Token::Neon(simd) => body(simd $(, $arg)*),
                Token::Portable(simd) => body(simd $(, $arg)*),
            }
        }
    };
}
pub(super) use vectorised;

#[cfg(test)]
mod tests;
