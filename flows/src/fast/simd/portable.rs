//! Four lanes in plain Rust, for processors without the other levels.

use super::{Column, ROWS, Simd};
use std::array::from_fn;

/// No instructions beyond those of every processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fast) struct Portable;

const LANES: usize = 4;
type F = [f32; LANES];

#[inline(always)]
fn each(a: F, f: impl Fn(f32) -> f32) -> F {
    from_fn(|i| f(a[i]))
}

#[inline(always)]
fn both(a: F, b: F, f: impl Fn(f32, f32) -> f32) -> F {
    from_fn(|i| f(a[i], b[i]))
}

#[inline(always)]
fn compare(a: F, b: F, f: impl Fn(f32, f32) -> bool) -> [bool; LANES] {
    from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    type F = F;
    type Mask = [bool; LANES];
    const LANES: usize = LANES;
    const WIDE: bool = false;

    #[inline(always)]
    fn splat(self, value: f32) -> F {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &Column, v: usize) -> F {
        self.load_slice(&from.0[v * LANES..])
    }

    #[inline(always)]
    fn store(self, value: F, to: &mut Column, v: usize) {
        self.store_slice(value, &mut to.0[v * LANES..]);
    }

    #[inline(always)]
    fn load_slice(self, from: &[f32]) -> F {
        from_fn(|i| from[i])
    }

    #[inline(always)]
    fn store_slice(self, value: F, to: &mut [f32]) {
        to[..LANES].copy_from_slice(&value);
    }

    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        both(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        both(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        both(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: F, b: F) -> F {
        both(a, b, |a, b| a / b)
    }

    // Two roundings: without the instruction a fused product is a slow function call.
    #[inline(always)]
    fn mul_add(self, a: F, b: F, c: F) -> F {
        from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn neg_mul_add(self, a: F, b: F, c: F) -> F {
        from_fn(|i| c[i] - a[i] * b[i])
    }

    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        both(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        both(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn sqrt(self, a: F) -> F {
        each(a, f32::sqrt)
    }

    #[inline(always)]
    fn abs(self, a: F) -> F {
        each(a, f32::abs)
    }

    #[inline(always)]
    fn round(self, a: F) -> F {
        // Adding and taking away 2²³ leaves no room for a fraction; larger numbers are whole.
        const SHIFT: f32 = 8_388_608.0;
        each(a, |a| if a.abs() < SHIFT { ((a.abs() + SHIFT) - SHIFT).copysign(a) } else { a })
    }

    #[inline(always)]
    fn power_of_two(self, n: F) -> F {
        each(n, |n| f32::from_bits(((n as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    fn split(self, x: F) -> (F, F) {
        let exponent = each(x, |x| (x.to_bits() >> 23) as f32 - 127.0);
        (exponent, each(x, |x| f32::from_bits(x.to_bits() & 0x007f_ffff | 0x3f80_0000)))
    }

    #[inline(always)]
    fn less(self, a: F, b: F) -> [bool; LANES] {
        compare(a, b, |a, b| a < b)
    }

    #[inline(always)]
    fn at_most(self, a: F, b: F) -> [bool; LANES] {
        compare(a, b, |a, b| a <= b)
    }

    #[inline(always)]
    fn select(self, mask: [bool; LANES], yes: F, no: F) -> F {
        from_fn(|i| if mask[i] { yes[i] } else { no[i] })
    }

    #[inline(always)]
    fn sum(self, a: F) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }

    #[inline(always)]
    fn sum_each(self, a: [F; 4]) -> [f32; 4] {
        a.map(|a| self.sum(a))
    }

    #[inline(always)]
    fn add_first(self, value: F, to: &mut [f32]) {
        to.iter_mut().zip(value).for_each(|(to, lane)| *to += lane);
    }

    #[inline(always)]
    fn transpose(self, from: &[Column], to: &mut [Column; ROWS]) {
        for (column, from) in from.iter().enumerate() {
            for (to, value) in to.iter_mut().zip(from.0) {
                to.0[column] = value;
            }
        }
    }
}
