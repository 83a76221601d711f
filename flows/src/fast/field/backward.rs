//! The network of a field in reverse.

use super::bend::{Hidden, unbend};
use super::net::{FieldNet, Start};
use crate::fast::activation::add;
use crate::fast::dense::{Dense, Store};
use crate::fast::kernel::Pass;
use crate::fast::tile::Column;

/// Where the gradients of a pass go.
#[derive(Debug)]
pub(super) struct Gradients<'a> {
    /// Of the points: overwritten, where there are columns for them.
    pub(super) points: &'a mut [Column],
    /// Of the first layer's tangents: to be added to, so that one product with the probes serves
    /// all passes of a solution.
    pub(super) tangents: &'a mut [Column],
    /// Of the parameters, without what [`FieldNet::first_weights`] adds: to be added to.
    pub(super) theta: &'a mut [f32],
}

impl FieldNet {
    /// After [`FieldNet::forward`] with `kept`: the gradients of what `velocity` and `derivatives`
    /// are those of.
    pub(super) fn backward(
        &self,
        pass: &Pass,
        start: Start,
        mut tape: &mut [Column],
        scratch: &mut [Column],
        (velocity, derivatives): (&[Column], &[Column]),
        gradients: &mut Gradients,
    ) {
        if self.is_potential() {
            return self.gradient_backward(pass, start, tape, scratch, velocity, gradients);
        }
        let Some((_, inner)) = self.layers.split_last() else { return };
        let sets = start.tangents.len() / self.first_width();
        let cut = |dense: &Dense| self.cut(&mut tape, dense.outputs, sets, true);
        let layers: Vec<Hidden> = inner.iter().map(cut).collect();
        let half = scratch.len() / 2;
        let (mut above, mut below) = scratch.split_at_mut(half);
        let theta = &mut *gradients.theta;
        for (i, layer) in layers.iter().enumerate().rev() {
            let (dense, width) = (&self.layers[i + 1], layer.values.len());
            let (d_values, d_tangents) = if i + 1 == inner.len() {
                (velocity, derivatives)
            } else {
                above[..(1 + sets) * dense.outputs].split_at(dense.outputs)
            };
            weights(pass, dense, (layer.values, d_values), theta, true);
            weights(pass, dense, (layer.tangents, d_tangents), theta, false);
            let (values, tangents) = below[..(1 + sets) * width].split_at_mut(width);
            inputs(pass, dense, layer.values, d_values, values);
            inputs(pass, dense, layer.tangents, d_tangents, tangents);
            unbend(pass.level, self.activation, layer, values, tangents);
            std::mem::swap(&mut above, &mut below);
        }
        let (d_values, d_tangents) =
            above[..(1 + sets) * self.first_width()].split_at(self.first_width());
        weights(pass, &self.layers[0], (start.input, d_values), theta, true);
        add(pass.level, d_tangents, gradients.tangents);
        if !gradients.points.is_empty() {
            inputs(pass, &self.points, start.input, d_values, gradients.points);
        }
    }

    /// The weights' gradients from those of the first layer's tangents along the probes.
    pub(super) fn first_weights(
        &self,
        pass: &Pass,
        probes: &[Column],
        d_tangents: &[Column],
        theta: &mut [f32],
    ) {
        weights(pass, &self.points, (probes, d_tangents), theta, false);
    }
}

/// The weights' gradients, of each set of columns.
pub(super) fn weights(
    pass: &Pass,
    dense: &Dense,
    (x, d_y): (&[Column], &[Column]),
    theta: &mut [f32],
    biased: bool,
) {
    for (x, d_y) in x.chunks_exact(dense.inputs).zip(d_y.chunks_exact(dense.outputs)) {
        dense.backward_weights(pass.level, x, d_y, theta, biased);
    }
}

/// The inputs' gradients, of each set of columns.
pub(super) fn inputs(pass: &Pass, dense: &Dense, x: &[Column], d_y: &[Column], d_x: &mut [Column]) {
    let x = x.chunks(dense.inputs);
    let sets = d_y.chunks_exact(dense.outputs).zip(d_x.chunks_exact_mut(dense.inputs));
    for (x, (d_y, d_x)) in x.zip(sets) {
        dense.backward_inputs(pass.level, pass.theta, x, d_y, d_x, Store::Replace);
    }
}
