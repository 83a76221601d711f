//! Dense products over a tile and their reverse: the kernels that take most of the time.
//!
//! Weights are row-major `[inputs, outputs]`, as in [`Params`](crate::Params), and are used where
//! they are. Six sums for all rows of a tile are formed at once: 24 vectors stay in registers, and
//! each weight that is read is used for 64 rows.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]
#![expect(clippy::needless_range_loop, reason = "constant bounds keep sums in registers")]

use super::simd::{Level, Simd, vectorised};
use super::tile::{Column, ROWS};
use std::cell::RefCell;
use std::ops::Range;

/// Sums formed at once.
const BLOCK: usize = 6;
/// Below this number of inputs or outputs a weight's gradient is a plain scalar product.
const FEW: usize = 2;

thread_local! {
    /// Columns turned around: their content is of no use from one call to the next, but clearing
    /// them at each would cost as much as a small product.
    static PANEL: RefCell<[Column; ROWS]> = const { RefCell::new([Column::ZERO; ROWS]) };
}

/// The product y = b + Wᵀ x, and where its weights stand among all parameters.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight: usize,
    pub(super) bias: usize,
    pub(super) reach: Reach,
}

/// Which inputs an output sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reach {
    /// All.
    Full,
    /// The first `seen[o]`, growing with o; `seen_from[i]` is the first output that sees input i.
    Staircase { seen: Vec<usize>, seen_from: Vec<usize> },
}

/// What becomes of the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// They replace what was there.
    Replace,
    /// Forward, their positive parts do; backward, where the input is positive, and 0 elsewhere.
    Relu,
    /// They are added to what was there.
    Add,
}

impl Dense {
    /// The outputs `range` of y from x, with or without the bias.
    pub(super) fn forward(
        &self,
        level: Level,
        theta: &[f32],
        x: &[Column],
        y: &mut [Column],
        range: Range<usize>,
        (store, biased): (Store, bool),
    ) {
        let weights = &theta[self.weight..self.weight + self.inputs * self.outputs];
        let bias = biased.then(|| &theta[self.bias..self.bias + self.outputs]);
        products(level, self, weights, bias, x, y, range, store);
    }

    /// The gradient of the inputs from that of the outputs.
    pub(super) fn backward_inputs(
        &self,
        level: Level,
        theta: &[f32],
        x: &[Column],
        d_y: &[Column],
        d_x: &mut [Column],
        store: Store,
    ) {
        self.backward_inputs_of(level, theta, x, d_y, d_x, (0..self.inputs, store));
    }

    /// The gradient of the inputs `range` alone, from that of the outputs that see them.
    pub(super) fn backward_inputs_of(
        &self,
        level: Level,
        theta: &[f32],
        x: &[Column],
        d_y: &[Column],
        d_x: &mut [Column],
        (range, store): (Range<usize>, Store),
    ) {
        let weights = &theta[self.weight..self.weight + self.inputs * self.outputs];
        input_gradients(level, self, weights, x, d_y, d_x, range, store);
    }

    /// Adds the gradients of weights and bias. Masked weights get arbitrary ones until
    /// [`Dense::mask`].
    pub(super) fn backward_weights(
        &self,
        level: Level,
        x: &[Column],
        d_y: &[Column],
        gradient: &mut [f32],
        biased: bool,
    ) {
        let count = self.inputs * self.outputs;
        if self.inputs <= FEW || self.outputs <= FEW {
            add_scalar_products(level, x, d_y, &mut gradient[self.weight..self.weight + count]);
            if biased {
                add_row_sums(level, d_y, &mut gradient[self.bias..self.bias + self.outputs]);
            }
        } else {
            PANEL.with_borrow_mut(|panel| {
                add_outer_products(level, self, (x, d_y), gradient, biased, panel);
            });
        }
    }

    /// Makes masked entries 0, of weights or of their gradient.
    pub(super) fn mask(&self, values: &mut [f32]) {
        let Reach::Staircase { seen_from, .. } = &self.reach else { return };
        let rows = values[self.weight..].chunks_exact_mut(self.outputs.max(1));
        for (row, from) in rows.zip(seen_from) {
            row[..*from].fill(0.0);
        }
    }

    fn seen(&self, outputs: &Range<usize>) -> usize {
        match &self.reach {
            Reach::Full => self.inputs,
            Reach::Staircase { seen, .. } => seen[outputs.end - 1],
        }
    }

    fn seen_from(&self, input: usize) -> usize {
        match &self.reach {
            Reach::Full => 0,
            Reach::Staircase { seen_from, .. } => seen_from[input],
        }
    }
}

/// Cuts a range into blocks of at most [`BLOCK`].
fn blocks(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(BLOCK).map(move |start| start..end.min(start + BLOCK))
}

/// Calls a function generic over the size M of a block with the size at hand.
macro_rules! sized {
    ($size:expr, $function:ident::<$S:ident, _, $J:literal>($($arg:expr),*)) => {
        match $size {
            1 => $function::<$S, 1, $J>($($arg),*),
            2 => $function::<$S, 2, $J>($($arg),*),
            3 => $function::<$S, 3, $J>($($arg),*),
            4 => $function::<$S, 4, $J>($($arg),*),
            5 => $function::<$S, 5, $J>($($arg),*),
            _ => $function::<$S, 6, $J>($($arg),*),
        }
    };
}

vectorised! {
    fn products<S>(
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
    fn input_gradients<S>(
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

vectorised! {
    /// Adds Σ over rows of each column.
    pub(super) fn add_row_sums<S>(s, columns: &[Column], sums: &mut [f32]) {
        let (fours, rest) = columns.as_chunks::<4>();
        let (sums, single) = sums[..columns.len()].split_at_mut(4 * fours.len());
        for (columns, sums) in fours.iter().zip(sums.chunks_exact_mut(4)) {
            let total = [
                lanes_of(s, &columns[0]),
                lanes_of(s, &columns[1]),
                lanes_of(s, &columns[2]),
                lanes_of(s, &columns[3]),
            ];
            add_four(s.sum_each(total), sums);
        }
        for (column, sum) in rest.iter().zip(single) {
            *sum += s.sum(lanes_of(s, column));
        }
    }
}

#[inline(always)]
fn add_four(values: [f32; 4], to: &mut [f32]) {
    to.iter_mut().zip(values).for_each(|(to, value)| *to += value);
}

/// The sum of a column's vectors.
#[inline(always)]
fn lanes_of<S: Simd>(s: S, column: &Column) -> S::F {
    (1..S::VECTORS).fold(s.load(column, 0), |sum, v| s.add(sum, s.load(column, v)))
}

/// The sum of the products of two columns' vectors.
#[inline(always)]
fn products_of<S: Simd>(s: S, a: &Column, b: &Column) -> S::F {
    let mut sum = s.mul(s.load(a, 0), s.load(b, 0));
    for v in 1..S::VECTORS {
        sum = s.mul_add(s.load(a, v), s.load(b, v), sum);
    }
    sum
}

vectorised! {
    /// Adds Σ over rows of xᵢ d_yₒ to weight (i, o).
    fn add_scalar_products<S>(s, x: &[Column], d_y: &[Column], weights: &mut [f32]) {
        let outputs = d_y.len();
        if outputs < 4 {
            let (fours, rest) = x.as_chunks::<4>();
            for (i, x) in fours.iter().enumerate() {
                for (o, d_y) in d_y.iter().enumerate() {
                    let sums = s.sum_each([
                        products_of(s, &x[0], d_y),
                        products_of(s, &x[1], d_y),
                        products_of(s, &x[2], d_y),
                        products_of(s, &x[3], d_y),
                    ]);
                    for (j, sum) in sums.into_iter().enumerate() {
                        weights[(4 * i + j) * outputs + o] += sum;
                    }
                }
            }
            let weights = &mut weights[4 * fours.len() * outputs..];
            for (x, row) in rest.iter().zip(weights.chunks_exact_mut(outputs)) {
                for (d_y, weight) in d_y.iter().zip(row) {
                    *weight += s.sum(products_of(s, x, d_y));
                }
            }
            return;
        }
        let (fours, rest) = d_y.as_chunks::<4>();
        for (x, row) in x.iter().zip(weights.chunks_exact_mut(outputs)) {
            let (row, single) = row.split_at_mut(4 * fours.len());
            for (d_y, row) in fours.iter().zip(row.chunks_exact_mut(4)) {
                let sums = s.sum_each([
                    products_of(s, x, &d_y[0]),
                    products_of(s, x, &d_y[1]),
                    products_of(s, x, &d_y[2]),
                    products_of(s, x, &d_y[3]),
                ]);
                add_four(sums, row);
            }
            for (d_y, weight) in rest.iter().zip(single) {
                *weight += s.sum(products_of(s, x, d_y));
            }
        }
    }
}

vectorised! {
    /// As [`add_scalar_products`], by turning 64 outputs around at a time, so that the sums over
    /// rows run along vectors of outputs.
    fn add_outer_products<S>(
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
                    let (stride, panel) = (dense.outputs, &*panel);
                    v += match vectors - v {
                        1 => sized!(x.len(), outer_product::<S, _, 1>(s, x, panel, v, weights, stride, outputs)),
                        2 | 3 => sized!(x.len(), outer_product::<S, _, 2>(s, x, panel, v, weights, stride, outputs)),
                        _ if S::WIDE => {
                            sized!(x.len(), outer_product::<S, _, 4>(s, x, panel, v, weights, stride, outputs))
                        }
                        _ => sized!(x.len(), outer_product::<S, _, 2>(s, x, panel, v, weights, stride, outputs)),
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
