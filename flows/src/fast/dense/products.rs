//! Outputs from inputs, and the gradients of inputs from those of outputs.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]
#![expect(clippy::needless_range_loop, reason = "constant bounds keep sums in registers")]

use super::{Dense, Store, blocks, sized};
use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::Column;
use std::ops::Range;

vectorised! {
    pub(super) fn products<S>(
        s,
        dense: &Dense,
        weights: &[f32],
        bias: Option<&[f32]>,
        x: &[Column],
        y: &mut [Column],
        range: Range<usize>,
        store: Store,
    ) {
        for block in blocks(range) {
            let x = &x[..dense.seen(&block)];
            let weights = weights.get(block.start..).unwrap_or_default();
            let bias = bias.map(|bias| &bias[block.clone()]);
            let (stride, y) = (dense.outputs, &mut y[block]);
            if S::WIDE {
                for v in (0..S::VECTORS).step_by(4) {
                    sized!(y.len(), product::<S, _, 4>(s, weights, stride, bias, x, y, v, store));
                }
            } else {
                for v in (0..S::VECTORS).step_by(2) {
                    sized!(y.len(), product::<S, _, 2>(s, weights, stride, bias, x, y, v, store));
                }
            }
        }
    }
}

/// M outputs for J vectors of rows from v.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "one block of a product")]
fn product<S: Simd, const M: usize, const J: usize>(
    s: S,
    weights: &[f32],
    stride: usize,
    bias: Option<&[f32]>,
    x: &[Column],
    y: &mut [Column],
    v: usize,
    store: Store,
) {
    let bias: [f32; M] = bias.map_or([0.0; M], |bias| std::array::from_fn(|m| bias[m]));
    let mut sums: [[S::F; J]; M] = std::array::from_fn(|m| [s.splat(bias[m]); J]);
    for (x, w) in x.iter().zip(weights.chunks(stride)) {
        let w = &w[..M];
        let x: [S::F; J] = std::array::from_fn(|j| s.load(x, v + j));
        for m in 0..M {
            let w = s.splat(w[m]);
            for j in 0..J {
                sums[m][j] = s.mul_add(w, x[j], sums[m][j]);
            }
        }
    }
    match store {
        Store::Replace => put::<S, M, J>(s, y, v, |m, j, _| sums[m][j]),
        Store::Relu => put::<S, M, J>(s, y, v, |m, j, _| s.max(s.splat(0.0), sums[m][j])),
        Store::Add => put::<S, M, J>(s, y, v, |m, j, old| s.add(s.load(old, v + j), sums[m][j])),
    }
}

/// Stores `value(m, j, old)` as vector v + j of column m. Loops over constants alone: only then do
/// the sums stay in registers.
#[inline(always)]
fn put<S: Simd, const M: usize, const J: usize>(
    s: S,
    y: &mut [Column],
    v: usize,
    value: impl Fn(usize, usize, &Column) -> S::F,
) {
    let y = &mut y[..M];
    for m in 0..M {
        for j in 0..J {
            s.store(value(m, j, &y[m]), &mut y[m], v + j);
        }
    }
}

vectorised! {
    pub(super) fn input_gradients<S>(
        s,
        dense: &Dense,
        weights: &[f32],
        x: &[Column],
        d_y: &[Column],
        d_x: &mut [Column],
        range: Range<usize>,
        store: Store,
    ) {
        for block in blocks(range) {
            let from = dense.seen_from(block.start);
            let d_y = &d_y[from..];
            let weights = &weights[block.start * dense.outputs + from..];
            let (stride, x, d_x) = (dense.outputs, &x[block.clone()], &mut d_x[block]);
            if S::WIDE {
                for v in (0..S::VECTORS).step_by(4) {
                    sized!(x.len(), input_gradient::<S, _, 4>(s, weights, stride, x, d_y, d_x, v, store));
                }
            } else {
                for v in (0..S::VECTORS).step_by(2) {
                    sized!(x.len(), input_gradient::<S, _, 2>(s, weights, stride, x, d_y, d_x, v, store));
                }
            }
        }
    }
}

/// Gradients of M inputs for J vectors of rows from v.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "one block of a product")]
fn input_gradient<S: Simd, const M: usize, const J: usize>(
    s: S,
    weights: &[f32],
    stride: usize,
    x: &[Column],
    d_y: &[Column],
    d_x: &mut [Column],
    v: usize,
    store: Store,
) {
    let mut sums = [[s.splat(0.0); J]; M];
    let count = d_y.len();
    let rows: [&[f32]; M] = std::array::from_fn(|m| &weights[m * stride..m * stride + count]);
    for (o, d_y) in d_y.iter().enumerate() {
        let d_y: [S::F; J] = std::array::from_fn(|j| s.load(d_y, v + j));
        for m in 0..M {
            let w = s.splat(rows[m][o]);
            for j in 0..J {
                sums[m][j] = s.mul_add(w, d_y[j], sums[m][j]);
            }
        }
    }
    let zero = s.splat(0.0);
    match store {
        Store::Replace => put::<S, M, J>(s, d_x, v, |m, j, _| sums[m][j]),
        Store::Relu => put::<S, M, J>(s, d_x, v, |m, j, _| {
            s.select(s.less(zero, s.load(&x[m], v + j)), sums[m][j], zero)
        }),
        Store::Add => put::<S, M, J>(s, d_x, v, |m, j, old| s.add(s.load(old, v + j), sums[m][j])),
    }
}
