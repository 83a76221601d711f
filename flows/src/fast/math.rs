//! Elementary functions of vectors, to about two units in the last place.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use super::simd::Simd;

const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;

/// eˣ; from −87 to 88, beyond which it stays what it is there, so that it is never 0 or infinite.
///
/// x = n ln 2 + r with |r| ≤ ½ ln 2; eʳ by the polynomial of degree 7 of Moshier's *Cephes*.
#[inline(always)]
pub(super) fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    let x = s.max(s.splat(-87.0), s.min(s.splat(88.0), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.neg_mul_add(n, s.splat(LN_2_HIGH), x);
    let r = s.neg_mul_add(n, s.splat(LN_2_LOW), r);
    let mut p = s.splat(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = s.mul_add(p, r, s.splat(c));
    }
    let p = s.add(s.mul_add(p, s.mul(r, r), r), s.splat(1.0));
    s.mul(p, s.power_of_two(n))
}

/// ln x of positive normal x; NaN of NaN. Of other x it is arbitrary, and differs by level.
///
/// x = m 2ᵉ with ½√2 ≤ m < √2; with f = m − 1 and s = f / (2 + f), ln m = f − ½f² + s (½f² + R(s²)),
/// R of degree 4 in s² (FreeBSD's `logf`).
#[inline(always)]
pub(super) fn ln<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let (e, m) = s.split(x);
    let high = s.less(s.splat(std::f32::consts::SQRT_2), m);
    let m = s.select(high, s.mul(m, s.splat(0.5)), m);
    let e = s.select(high, s.add(e, one), e);
    let f = s.sub(m, one);
    let t = s.div(f, s.add(f, s.splat(2.0)));
    let z = s.mul(t, t);
    let mut r = s.splat(0.242_790_79);
    for c in [0.284_987_87, 0.400_009_72, 0.666_666_6] {
        r = s.mul_add(r, z, s.splat(c));
    }
    let half_square = s.mul(s.splat(0.5), s.mul(f, f));
    let correction = s.mul(t, s.mul_add(r, z, half_square));
    let low = s.mul_add(e, s.splat(9.058_001e-6), correction);
    let ln_m = s.sub(f, s.sub(half_square, low));
    let result = s.mul_add(e, s.splat(0.693_138_1), ln_m);
    // The bits of a NaN split into numbers.
    s.select(s.at_most(x, x), result, x)
}

/// 1 / (1 + e⁻ˣ)
#[inline(always)]
pub(super) fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}

/// tanh x = 1 − 2 / (e²ˣ + 1)
#[inline(always)]
pub(super) fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    let double = s.min(s.splat(60.0), s.add(x, x));
    s.sub(one, s.div(s.splat(2.0), s.add(one, exp(s, double))))
}

/// 1 / (1 + 2ʸ) to 2e-7; y beyond ±126 counts as ±126.
///
/// y = n + r with |r| ≤ ½; 2ʳ by the polynomial of degree 5 with the least relative error.
#[inline(always)]
fn share<S: Simd>(s: S, y: S::F) -> S::F {
    let y = s.max(s.splat(-126.0), s.min(s.splat(126.0), y));
    let n = s.round(y);
    let r = s.sub(y, n);
    let mut p = s.splat(1.327_647_2e-3);
    for c in [9.675_541e-3, 5.550_713e-2, 2.402_212e-1, 6.931_469_7e-1, 1.0] {
        p = s.mul_add(p, r, s.splat(c));
    }
    s.reciprocal(s.add(s.splat(1.0), s.scale(p, n)))
}

/// [`sigmoid`] to an error of 4e-7, without a division where the level has a faster way.
#[inline(always)]
pub(super) fn quick_sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    share(s, s.mul(s.splat(-std::f32::consts::LOG2_E), x))
}

/// [`tanh`] to an error of 4e-7, in the same way.
#[inline(always)]
pub(super) fn quick_tanh<S: Simd>(s: S, x: S::F) -> S::F {
    let share = share(s, s.mul(s.splat(2.0 * std::f32::consts::LOG2_E), x));
    s.neg_mul_add(s.splat(2.0), share, s.splat(1.0))
}

/// ln(1 + eˣ) and its derivative, the sigmoid.
#[inline(always)]
pub(super) fn softplus<S: Simd>(s: S, x: S::F) -> (S::F, S::F) {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    let small = exp(s, s.sub(zero, s.abs(x)));
    let share = s.div(one, s.add(one, small));
    let value = s.add(s.max(zero, x), ln(s, s.add(one, small)));
    (value, s.select(s.less(x, zero), s.mul(small, share), share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fast::simd::{Level, vectorised};
    use crate::fast::tile::Column;

    vectorised! {
        fn all<S>(s, x: &Column, y: &mut [Column; 7]) {
            for v in 0..S::VECTORS {
                let x = s.load(x, v);
                let (softplus, _) = softplus(s, x);
                let quick = [quick_sigmoid(s, x), quick_tanh(s, x)];
                let all = [exp(s, x), ln(s, s.abs(x)), sigmoid(s, x), tanh(s, x), softplus, quick[0], quick[1]];
                for (y, value) in y.iter_mut().zip(all) {
                    s.store(value, y, v);
                }
            }
        }
    }

    #[test]
    fn functions_agree_with_the_library_at_every_level() {
        for level in Level::available() {
            for start in 0..198 {
                let x = Column(std::array::from_fn(|i| 0.0137 * (start * 64 + i) as f32 - 86.0));
                let mut y = [Column::ZERO; 7];
                all(level, &x, &mut y);
                for (i, x) in x.0.iter().map(|x| f64::from(*x)).enumerate() {
                    let expected = [
                        x.exp(),
                        x.abs().ln(),
                        1.0 / (1.0 + (-x).exp()),
                        x.tanh(),
                        x.exp().ln_1p(),
                        1.0 / (1.0 + (-x).exp()),
                        x.tanh(),
                    ];
                    let relative = [true, false, true, false, false, false, false];
                    for ((y, expected), relative) in y.iter().zip(expected).zip(relative) {
                        let scale =
                            if relative { expected.max(1e-37) } else { expected.abs().max(1.0) };
                        let error = (f64::from(y.0[i]) - expected).abs() / scale;
                        assert!(error < 4e-7, "{} at {x}: {} for {expected}", level.name(), y.0[i]);
                    }
                }
            }
        }
    }

    #[test]
    fn nan_stays_and_extremes_are_finite() {
        for level in Level::available() {
            let mut y = [Column::ZERO; 7];
            all(level, &Column::splat(f32::NAN), &mut y);
            assert!(y.iter().all(|y| y.0[0].is_nan()), "{} {:?}", level.name(), y.map(|y| y.0[0]));
            for x in [f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30] {
                all(level, &Column::splat(x), &mut y);
                assert!(y[0].0[0].is_finite() && (0.0..=1.0).contains(&y[2].0[0]));
                assert!((y[3].0[0].abs() - 1.0).abs() < 1e-6);
                assert!((0.0..=1.0).contains(&y[5].0[0]));
                assert!((y[6].0[0].abs() - 1.0).abs() < 1e-6);
            }
        }
    }
}
