//! Networks that compute the parameters of a map, plain and masked: the fast tier of
//! [`crate::nets`].
#![expect(clippy::mut_mut, reason = "a tape is cut from its front, piece by piece")]

mod build;
mod incremental;

use super::activation;
use super::dense::{Dense, Store};
use super::kernel::Pass;
use super::tile::Column;
use crate::nets::Activation;
use std::ops::Range;

/// A network, of which a masked one can be computed feature by feature.
#[derive(Debug)]
pub(super) struct Net {
    first: Dense,
    /// The product with the context, and whether it has a bias of its own.
    context: Option<(Dense, bool)>,
    blocks: Vec<Block>,
    last: Dense,
    activation: Activation,
    degrees: Option<Degrees>,
    /// Widths of all activated layers, in order.
    hidden: Vec<usize>,
}

#[derive(Debug)]
enum Block {
    Plain(Dense),
    Residual(Dense, Dense),
}

/// Where the units of each degree stand, in a masked network.
#[derive(Debug)]
struct Degrees {
    /// For each hidden layer, the number of units of a degree up to that.
    up_to: Vec<Vec<usize>>,
    per_feature: usize,
}

/// Which part of a network is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    All,
    /// What becomes known with the features before this one: hidden units of this degree, and the
    /// outputs for this feature.
    Feature(usize),
}

/// The columns that a hidden layer keeps: its values, and their slopes where those are kept.
struct Hidden<'a> {
    values: &'a mut [Column],
    slopes: &'a mut [Column],
}

impl Net {
    pub(super) fn outputs(&self) -> usize {
        self.last.outputs
    }

    /// Hidden columns kept between forward and backward.
    pub(super) fn tape(&self) -> usize {
        let copies = 1 + usize::from(activation::keeps_slopes(self.activation));
        let trunk = if self.is_residual() { self.first.outputs } else { 0 };
        trunk + copies * self.hidden.iter().sum::<usize>()
    }

    /// Columns that backward needs.
    pub(super) fn scratch(&self) -> usize {
        3 * self.hidden.iter().max().copied().unwrap_or_default()
    }

    fn is_residual(&self) -> bool {
        matches!(self.blocks.first(), Some(Block::Residual(..)))
    }

    /// Calls `visit` with every product.
    pub(super) fn each_dense(&self, mut visit: impl FnMut(&Dense)) {
        visit(&self.first);
        for block in &self.blocks {
            match block {
                Block::Plain(dense) => visit(dense),
                Block::Residual(a, b) => [a, b].into_iter().for_each(&mut visit),
            }
        }
        visit(&self.last);
    }

    /// The units of hidden layer `layer` (as the configuration counts them) in a part.
    fn units(&self, layer: usize, width: usize, part: Part) -> Range<usize> {
        match (part, &self.degrees) {
            (Part::Feature(i), Some(degrees)) => {
                let up_to = &degrees.up_to[layer];
                let before = if i == 0 { 0 } else { up_to[i - 1] };
                before..up_to[i]
            }
            _ => 0..width,
        }
    }

    /// Computes a part of the network: x → `outputs`, leaving in `tape` what backward needs.
    pub(super) fn forward(
        &self,
        pass: &Pass,
        x: &[Column],
        tape: &mut [Column],
        outputs: &mut [Column],
        part: Part,
    ) {
        let (trunk, mut tape) = self.split_trunk(tape);
        let mut input = self.forward_first(pass, x, trunk, &mut tape, part);
        for (i, block) in self.blocks.iter().enumerate() {
            input = self.forward_block(pass, block, i + 1, (input, trunk), &mut tape, part);
        }
        let range = match (part, &self.degrees) {
            (Part::Feature(i), Some(d)) => i * d.per_feature..(i + 1) * d.per_feature,
            _ => 0..self.last.outputs,
        };
        self.last.forward(pass.level, pass.theta, input, outputs, range, (Store::Replace, true));
    }

    fn forward_first<'a>(
        &self,
        pass: &Pass,
        x: &[Column],
        trunk: &mut [Column],
        tape: &mut &'a mut [Column],
        part: Part,
    ) -> &'a [Column] {
        let hidden = self.take_hidden(tape, self.first.outputs);
        let units = self.units(0, self.first.outputs, part);
        let is_residual = !trunk.is_empty();
        let store = self.store(self.context.is_none() && !is_residual);
        let to = if is_residual { &mut *trunk } else { &mut *hidden.values };
        self.first.forward(pass.level, pass.theta, x, to, units.clone(), (store, true));
        if let Some((dense, biased)) = &self.context {
            let how = (Store::Add, *biased);
            dense.forward(pass.level, pass.theta, pass.context, to, units.clone(), how);
        }
        if is_residual {
            hidden.values[units.clone()].copy_from_slice(&trunk[units.clone()]);
        }
        if store == Store::Relu { hidden.values } else { self.activate(pass, hidden, units) }
    }

    fn forward_block<'a>(
        &self,
        pass: &Pass,
        block: &Block,
        layer: usize,
        (input, trunk): (&'a [Column], &mut [Column]),
        tape: &mut &'a mut [Column],
        part: Part,
    ) -> &'a [Column] {
        let (Block::Plain(dense) | Block::Residual(dense, _)) = block;
        let units = self.units(layer, dense.outputs, part);
        let hidden = self.take_hidden(tape, dense.outputs);
        let store = self.store(true);
        let how = (store, true);
        dense.forward(pass.level, pass.theta, input, hidden.values, units.clone(), how);
        let inner = if store == Store::Relu {
            &*hidden.values
        } else {
            self.activate(pass, hidden, units.clone())
        };
        let Block::Residual(_, second) = block else { return inner };
        let how = (Store::Add, true);
        second.forward(pass.level, pass.theta, inner, trunk, units.clone(), how);
        let hidden = self.take_hidden(tape, second.outputs);
        hidden.values[units.clone()].copy_from_slice(&trunk[units.clone()]);
        self.activate(pass, hidden, units)
    }

    /// Adds the gradients of the weights, and to `d_x` those of x, from those of the outputs.
    pub(super) fn backward(
        &self,
        pass: &Pass,
        x: &[Column],
        (tape, scratch): (&mut [Column], &mut [Column]),
        d_outputs: &[Column],
        d_x: &mut [Column],
        gradient: &mut [f32],
    ) {
        let (_, mut tape) = self.split_trunk(tape);
        let mut layers: Vec<Hidden> =
            self.hidden.iter().map(|width| self.take_hidden(&mut tape, *width)).collect();
        let third = scratch.len() / 3;
        let (d_hidden, scratch) = scratch.split_at_mut(third);
        let (other, third) = scratch.split_at_mut(third);
        let (mut d_hidden, mut other) = (d_hidden, other);
        let top = layers.pop();
        let Some(mut top) = top else { return };
        self.reverse(pass, &self.last, &top, d_outputs, d_hidden, gradient);
        for block in self.blocks.iter().rev() {
            let Some(below) = layers.pop() else { return };
            match block {
                Block::Plain(dense) => {
                    let d_y = &d_hidden[..dense.outputs];
                    self.reverse(pass, dense, &below, d_y, other, gradient);
                    std::mem::swap(&mut d_hidden, &mut other);
                    top = below;
                }
                Block::Residual(first, second) => {
                    let Some(input) = layers.pop() else { return };
                    let width = second.outputs;
                    self.reverse(pass, second, &below, &d_hidden[..width], other, gradient);
                    self.reverse(pass, first, &input, &other[..width], third, gradient);
                    activation::add(pass.level, &third[..width], d_hidden);
                    top = input;
                }
            }
        }
        let d_first = &d_hidden[..top.values.len()];
        self.first_weights(pass, x, d_first, gradient);
        self.first.backward_inputs(pass.level, pass.theta, x, d_first, d_x, Store::Add);
    }

    /// Adds the gradients of the weights of x and of the context.
    fn first_weights(&self, pass: &Pass, x: &[Column], d_first: &[Column], gradient: &mut [f32]) {
        self.first.backward_weights(pass.level, x, d_first, gradient, true);
        if let Some((dense, biased)) = &self.context {
            dense.backward_weights(pass.level, pass.context, d_first, gradient, *biased);
        }
    }

    /// One product in reverse: its weights' gradients, and those of what `input` was activated from.
    fn reverse(
        &self,
        pass: &Pass,
        dense: &Dense,
        input: &Hidden,
        d_y: &[Column],
        d_input: &mut [Column],
        gradient: &mut [f32],
    ) {
        let (x, store) = (&*input.values, self.store(true));
        dense.backward_weights(pass.level, x, d_y, gradient, true);
        let d_input = &mut d_input[..dense.inputs];
        dense.backward_inputs(pass.level, pass.theta, x, d_y, d_input, store);
        if store != Store::Relu {
            activation::reverse(pass.level, self.activation, x, input.slopes, d_input);
        }
    }

    /// A rectifier that nothing else precedes is part of the product.
    fn store(&self, alone: bool) -> Store {
        if alone && self.activation == Activation::Relu { Store::Relu } else { Store::Replace }
    }

    fn activate<'a>(&self, pass: &Pass, hidden: Hidden<'a>, units: Range<usize>) -> &'a [Column] {
        let Hidden { values, slopes } = hidden;
        let slopes = slopes.get_mut(units.clone()).unwrap_or_default();
        activation::apply(pass.level, self.activation, &mut values[units], slopes);
        values
    }

    /// The running sum of residual blocks, none without them, and the rest of the tape.
    fn split_trunk<'a>(&self, tape: &'a mut [Column]) -> (&'a mut [Column], &'a mut [Column]) {
        tape.split_at_mut(if self.is_residual() { self.first.outputs } else { 0 })
    }

    fn take_hidden<'a>(&self, tape: &mut &'a mut [Column], width: usize) -> Hidden<'a> {
        let values = take(tape, width);
        let kept = if activation::keeps_slopes(self.activation) { width } else { 0 };
        Hidden { values, slopes: take(tape, kept) }
    }
}

/// Cuts the first columns off a tape.
pub(super) fn take<'a>(tape: &mut &'a mut [Column], count: usize) -> &'a mut [Column] {
    let (first, rest) = std::mem::take(tape).split_at_mut(count);
    *tape = rest;
    first
}
