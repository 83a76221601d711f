//! The gradients of a loss of v = ∇Φ: the reverse of the ways up and down.
//!
//! From γ = ∂L/∂v, up again: W₁γ is the gradient of g₁, and of what it gives eᵢ and hᵢ the part of
//! eᵢ goes on, through Wᵢ₊₁, to gᵢ₊₁ and in the end to w; then down with the parts of hᵢ, as in any
//! network.

use super::curves::{add_product, lift, rise_kept, set_product};
use super::pull_back;
use crate::fast::field::backward::{Gradients, weights};
use crate::fast::field::net::{FieldNet, Start, product};
use crate::fast::kernel::Pass;
use crate::fast::net::take;
use crate::fast::tile::Column;

/// Columns that are kept for each unit.
pub(super) const KEPT: usize = 5;

/// The columns of a hidden layer.
struct Kept<'a> {
    /// a(h)
    values: &'a mut [Column],
    /// a′(h)
    slopes: &'a mut [Column],
    /// a″(h), then the gradient of h.
    curvatures: &'a mut [Column],
    /// e, then its gradient.
    falls: &'a mut [Column],
    /// g
    pulled: &'a mut [Column],
}

impl FieldNet {
    /// The columns of all hidden layers.
    fn kept<'a>(&self, mut tape: &'a mut [Column]) -> Vec<Kept<'a>> {
        let inner = self.layers.split_last().map_or(&[][..], |(_, inner)| inner);
        let cut = |width: usize| Kept {
            values: take(&mut tape, width),
            slopes: take(&mut tape, width),
            curvatures: take(&mut tape, width),
            falls: take(&mut tape, width),
            pulled: take(&mut tape, width),
        };
        inner.iter().map(|dense| dense.outputs).map(cut).collect()
    }

    /// v = ∇Φ; leaves in `tape` what [`FieldNet::gradient_backward`] needs.
    pub(in crate::fast::field) fn gradient_kept(
        &self,
        pass: &Pass,
        input: &[Column],
        tape: &mut [Column],
        velocity: &mut [Column],
    ) {
        let (level, mut layers) = (pass.level, self.kept(tape));
        let mut below = input;
        for (layer, dense) in layers.iter_mut().zip(&self.layers) {
            product(pass, dense, below, layer.values, true);
            let Kept { values, slopes, curvatures, .. } = layer;
            rise_kept(level, self.activation, values, slopes, curvatures);
            below = layer.values;
        }
        if let Some(top) = layers.last_mut() {
            self.readout(pass, top.falls);
        }
        for i in (0..layers.len()).rev() {
            let (under, rest) = layers.split_at_mut(i);
            let Some(Kept { slopes, falls, pulled, .. }) = rest.first_mut() else { return };
            set_product(level, slopes, falls, pulled);
            match under.last_mut() {
                Some(Kept { values, falls, .. }) => {
                    pull_back(pass, &self.layers[i], values, pulled, falls);
                }
                None => pull_back(pass, &self.points, input, pulled, velocity),
            }
        }
    }

    /// As [`FieldNet::backward`], without tangents.
    pub(in crate::fast::field) fn gradient_backward(
        &self,
        pass: &Pass,
        start: Start,
        tape: &mut [Column],
        scratch: &mut [Column],
        d_velocity: &[Column],
        gradients: &mut Gradients,
    ) {
        let mut layers = self.kept(tape);
        self.climb(pass, &mut layers, scratch, d_velocity, gradients.theta);
        for i in (0..layers.len()).rev() {
            let (under, rest) = layers.split_at_mut(i);
            let Some(Kept { curvatures: d_h, .. }) = rest.first() else { return };
            let Some(Kept { values, slopes, curvatures, .. }) = under.last_mut() else {
                weights(pass, &self.layers[0], (start.input, d_h), gradients.theta, true);
                if !gradients.points.is_empty() {
                    pull_back(pass, &self.points, start.input, d_h, gradients.points);
                }
                return;
            };
            weights(pass, &self.layers[i], (values, d_h), gradients.theta, true);
            let d_values = &mut scratch[..values.len()];
            pull_back(pass, &self.layers[i], values, d_h, d_values);
            add_product(pass.level, slopes, d_values, curvatures);
        }
    }

    /// The gradients of e and of what it meets, from the first layer to w.
    fn climb(
        &self,
        pass: &Pass,
        layers: &mut [Kept],
        scratch: &mut [Column],
        d_velocity: &[Column],
        theta: &mut [f32],
    ) {
        let mut below = d_velocity;
        let mut dense = &self.points;
        for (i, layer) in layers.iter_mut().enumerate() {
            let p = &mut scratch[..dense.outputs];
            product(pass, dense, below, p, false);
            weights(pass, dense, (below, layer.pulled), theta, false);
            lift(pass.level, p, layer.slopes, layer.curvatures, layer.falls);
            below = layer.falls;
            dense = &self.layers[i + 1];
        }
        weights(pass, dense, (below, &[Column::splat(1.0)]), theta, false);
    }
}
