//! The gradients of weights from inputs and the gradients of outputs.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]
#![expect(clippy::needless_range_loop, reason = "constant bounds keep sums in registers")]

use super::{Dense, blocks, sized};
use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::{Column, ROWS};

vectorised! {
    /// Adds Σ over rows of xᵢ d_yₒ to weight (i, o), by turning 64 outputs around at a time, so that
    /// the sums over rows run along vectors of outputs.
    pub(super) fn add_outer_products<S>(
        s,
        dense: &Dense,
        columns: (&[Column], &[Column]),
        gradient: &mut [f32],
        biased: bool,
        panel: &mut [Column; ROWS],
    ) {
        let (x, d_y) = columns;
        for first in (0..dense.outputs).step_by(ROWS) {
            let outputs = ROWS.min(dense.outputs - first);
            s.transpose(&d_y[first..first + outputs], panel);
            let vectors = outputs.div_ceil(S::LANES);
            if biased {
                let bias = &mut gradient[dense.bias + first..dense.bias + first + outputs];
                add_panel_sums(s, panel, bias);
            }
            for block in blocks(0..dense.inputs) {
                let x = &x[block.clone()];
                let place = dense.weight + block.start * dense.outputs + first;
                let weights = &mut gradient[place..];
                let mut v = dense.seen_from(block.start).saturating_sub(first) / S::LANES;
                while v < vectors {
                    let stride = dense.outputs;
                    v += match vectors - v {
                        1 => outer_products::<S, 1>(s, x, panel, v, weights, (stride, outputs)),
                        4.. if S::WIDE => {
                            outer_products::<S, 4>(s, x, panel, v, weights, (stride, outputs))
                        }
                        _ => outer_products::<S, 2>(s, x, panel, v, weights, (stride, outputs)),
                    };
                }
            }
        }
    }
}

/// Adds Σ over the rows of a panel.
#[inline(always)]
fn add_panel_sums<S: Simd>(s: S, panel: &[Column; ROWS], sums: &mut [f32]) {
    const TOGETHER: usize = 4;
    for (group, sums) in sums.chunks_mut(TOGETHER * S::LANES).enumerate() {
        // Side by side, so that no addition waits for the one before.
        let mut totals = [s.splat(0.0); TOGETHER];
        for row in panel {
            for j in 0..TOGETHER {
                totals[j] = s.add(totals[j], s.load(row, group * TOGETHER + j));
            }
        }
        for (total, sums) in totals.into_iter().zip(sums.chunks_mut(S::LANES)) {
            s.add_first(total, sums);
        }
    }
}

/// [`outer_product`] of as many inputs as there are.
#[inline(always)]
fn outer_products<S: Simd, const J: usize>(
    s: S,
    x: &[Column],
    panel: &[Column; ROWS],
    v: usize,
    weights: &mut [f32],
    (stride, outputs): (usize, usize),
) -> usize {
    sized!(x.len(), outer_product::<S, _, J>(s, x, panel, v, weights, stride, outputs))
}

/// Gradients of the weights of M inputs to J vectors of outputs from v; gives J.
#[inline(always)]
fn outer_product<S: Simd, const M: usize, const J: usize>(
    s: S,
    x: &[Column],
    panel: &[Column; ROWS],
    v: usize,
    weights: &mut [f32],
    stride: usize,
    outputs: usize,
) -> usize {
    let mut sums = [[s.splat(0.0); J]; M];
    let x: [&Column; M] = std::array::from_fn(|m| &x[m]);
    for (r, row) in panel.iter().enumerate() {
        let d_y: [S::F; J] = std::array::from_fn(|j| s.load(row, v + j));
        for m in 0..M {
            let x = s.splat(x[m].0[r]);
            for j in 0..J {
                sums[m][j] = s.mul_add(x, d_y[j], sums[m][j]);
            }
        }
    }
    for m in 0..M {
        let to = &mut weights[m * stride + v * S::LANES..m * stride + outputs];
        for j in 0..J {
            s.add_first(sums[m][j], &mut to[j * S::LANES..]);
        }
    }
    J
}
