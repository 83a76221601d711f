//! Dense products over a tile and their reverse: the kernels that take most of the time.
//!
//! Weights are row-major `[inputs, outputs]`, as in [`Params`](crate::Params), and are used where
//! they are. Six sums are formed at once, for all 64 rows of a tile with AVX-512 (24 vectors in
//! registers) and for 16 with AVX2 and Neon: each weight that is read is used for that many rows.

mod products;
mod sums;
mod weights;

pub(super) use sums::{add_row_sums, row_sum};

use super::simd::Level;
use super::tile::{Column, ROWS};
use products::{input_gradients, products};
use std::cell::RefCell;
use std::ops::Range;
use sums::add_scalar_products;
use weights::add_outer_products;

/// Sums formed at once.
const BLOCK: usize = 6;
/// Up to this number of inputs or outputs a weight's gradient is a plain scalar product.
const FEW: usize = 4;

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
    ($size:expr, $function:ident::<$S:ident, _, $J:tt>($($arg:expr),*)) => {
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
use sized;
