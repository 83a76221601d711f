//! The reverse of a masked network feature by feature, from the last to the first.
//!
//! Hidden units stand in the order of their degrees. When the gradients of the outputs for a
//! feature and all after it are known, so are those of the hidden units of its degree: each is
//! formed once, as in a pass over the whole network, and the weights' gradients all at the end.

use super::{Block, Hidden, Net, Part};
use crate::fast::activation;
use crate::fast::dense::{Dense, Store};
use crate::fast::kernel::Pass;
use crate::fast::tile::Column;

/// A masked network on its way back.
#[derive(Debug)]
pub(in crate::fast) struct Incremental<'a> {
    net: &'a Net,
    layers: Vec<Layer<'a>>,
}

/// A hidden layer: what forward left, and the gradients of what it was activated from.
#[derive(Debug)]
struct Layer<'a> {
    values: &'a [Column],
    slopes: &'a [Column],
    gradients: &'a mut [Column],
    /// The product that takes it up.
    above: &'a Dense,
    /// As the configuration counts.
    number: usize,
    /// Whether a residual block adds to what it was activated from.
    skips: bool,
}

impl Net {
    /// Columns that [`Net::incremental`] needs.
    pub(in crate::fast) fn incremental_scratch(&self) -> usize {
        self.hidden.iter().sum()
    }

    /// Starts at the last feature. `tape` is as forward left it.
    pub(in crate::fast) fn incremental<'a>(
        &'a self,
        tape: &'a mut [Column],
        scratch: &'a mut [Column],
    ) -> Incremental<'a> {
        let (_, mut tape) = self.split_trunk(tape);
        let mut rest = scratch;
        let mut layer = |above: &'a Dense, number: usize, skips: bool| {
            let Hidden { values, slopes } = self.take_hidden(&mut tape, above.inputs);
            let gradients = super::take(&mut rest, above.inputs);
            Layer { values, slopes, gradients, above, number, skips }
        };
        let mut layers = Vec::with_capacity(2 * self.blocks.len() + 1);
        for (i, block) in self.blocks.iter().enumerate() {
            match block {
                Block::Plain(dense) => layers.push(layer(dense, i, false)),
                Block::Residual(first, second) => {
                    layers.push(layer(first, i, true));
                    layers.push(layer(second, i + 1, false));
                }
            }
        }
        layers.push(layer(&self.last, self.blocks.len(), false));
        Incremental { net: self, layers }
    }
}

impl Incremental<'_> {
    /// From the gradients of the outputs for this feature and those after it: the gradients of the
    /// hidden units of this feature's degree.
    pub(in crate::fast) fn descend(&mut self, pass: &Pass, feature: usize, d_outputs: &[Column]) {
        for k in (0..self.layers.len()).rev() {
            let (below, above) = self.layers.split_at_mut(k + 1);
            let d_y = above.first().map_or(d_outputs, |above| &*above.gradients);
            let Layer { values, slopes, gradients, above: dense, number, skips } = &mut below[k];
            let units = self.net.units(*number, values.len(), Part::Feature(feature));
            let store = self.net.store(true);
            let how = (units.clone(), store);
            dense.backward_inputs_of(pass.level, pass.theta, values, d_y, gradients, how);
            let d_units = &mut gradients[units.clone()];
            if store != Store::Relu {
                let slopes = slopes.get(units.clone()).unwrap_or_default();
                let values = &values[units.clone()];
                activation::reverse(pass.level, self.net.activation, values, slopes, d_units);
            }
            if *skips {
                activation::add(pass.level, &above[1].gradients[units], d_units);
            }
        }
    }

    /// Adds to the gradient of this feature what all features after it make of it.
    pub(in crate::fast) fn add_to_input(
        &self,
        pass: &Pass,
        feature: usize,
        x: &[Column],
        d_x: &mut [Column],
    ) {
        let how = (feature..feature + 1, Store::Add);
        let d_first = &*self.layers[0].gradients;
        self.net.first.backward_inputs_of(pass.level, pass.theta, x, d_first, d_x, how);
    }

    /// After the first feature: adds the gradients of all weights.
    pub(in crate::fast) fn backward_weights(
        &self,
        pass: &Pass,
        x: &[Column],
        d_outputs: &[Column],
        gradient: &mut [f32],
    ) {
        self.net.first_weights(pass, x, self.layers[0].gradients, gradient);
        let above = self.layers[1..].iter().map(|layer| &*layer.gradients);
        for (layer, d_y) in self.layers.iter().zip(above.chain([d_outputs])) {
            layer.above.backward_weights(pass.level, layer.values, d_y, gradient, true);
        }
    }
}
