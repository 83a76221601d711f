//! Networks whose velocity is the gradient of a scalar, the fast tier of
//! [`crate::fields::PotentialField`]: up with slopes, and down again.
//!
//! With hᵢ = Wᵢ a(hᵢ₋₁) + bᵢ and Φ = wᵀ a(h_L), the gradient of activations i is eᵢ, e_L = w and
//! eᵢ₋₁ = Wᵢᵀ gᵢ, where gᵢ = a′(hᵢ) ∘ eᵢ is that of hᵢ; and v = W₁ᵀ g₁.
#![expect(clippy::mut_mut, reason = "a tape is cut from its front, piece by piece")]

mod curves;
mod reverse;

use super::bend::Hidden;
use super::net::{FieldNet, Start, product};
use crate::fast::dense::{Dense, Store};
use crate::fast::kernel::Pass;
use crate::fast::net::take;
use crate::fast::tile::Column;
use curves::{fall, rise};

impl FieldNet {
    /// As [`FieldNet::tape`].
    pub(super) fn gradient_tape(&self, tangents: usize, kept: bool) -> usize {
        if kept {
            return reverse::KEPT * self.units();
        }
        2 * (1 + tangents) * (self.units() + self.widest())
    }

    /// v = ∇Φ, and ∇²Φ u of each tangent u.
    pub(super) fn gradient(
        &self,
        pass: &Pass,
        start: Start,
        mut tape: &mut [Column],
        (velocity, derivatives): (&mut [Column], &mut [Column]),
    ) {
        let Some((last, inner)) = self.layers.split_last() else { return };
        let sets = start.tangents.len() / self.first_width();
        let mut layers: Vec<Hidden> = Vec::with_capacity(inner.len());
        for dense in inner {
            let mut layer = all_of(&mut tape, dense.outputs, sets);
            match layers.last() {
                None => {
                    product(pass, dense, start.input, layer.values, true);
                    layer.tangents.copy_from_slice(start.tangents);
                }
                Some(below) => {
                    product(pass, dense, below.values, layer.values, true);
                    product(pass, dense, below.tangents, layer.tangents, false);
                }
            }
            rise(pass.level, self.activation, &mut layer);
            layers.push(layer);
        }
        let (mut above, mut below) = tape.split_at_mut((1 + sets) * self.widest());
        self.readout(pass, &mut above[..last.inputs]);
        above[last.inputs..(1 + sets) * last.inputs].fill(Column::ZERO);
        for (i, layer) in layers.iter().enumerate().rev() {
            let width = layer.values.len();
            let (gradient, turned) = above[..(1 + sets) * width].split_at_mut(width);
            fall(pass.level, layer, gradient, turned);
            let Some(under) = i.checked_sub(1).and_then(|i| layers.get(i)) else {
                pull_back(pass, &self.points, start.input, gradient, velocity);
                pull_back(pass, &self.points, start.input, turned, derivatives);
                return;
            };
            let to = &mut below[..(1 + sets) * under.values.len()];
            pull_back(pass, &inner[i], under.values, &above[..(1 + sets) * width], to);
            std::mem::swap(&mut above, &mut below);
        }
    }

    /// w in all rows, a column for each unit of the last hidden layer.
    fn readout(&self, pass: &Pass, to: &mut [Column]) {
        let Some(last) = self.layers.last() else { return };
        for (column, w) in to.iter_mut().zip(&pass.theta[last.weight..]) {
            *column = Column::splat(*w);
        }
    }
}

/// The columns of a hidden layer with all that there is to keep.
fn all_of<'a>(tape: &mut &'a mut [Column], width: usize, sets: usize) -> Hidden<'a> {
    Hidden {
        values: take(tape, width),
        tangents: take(tape, sets * width),
        slopes: take(tape, width),
        bends: take(tape, sets * width),
    }
}

/// The inputs' gradients from those of the outputs, of each set of columns; `like` stands for any
/// set of inputs.
fn pull_back(pass: &Pass, dense: &Dense, like: &[Column], d_y: &[Column], d_x: &mut [Column]) {
    let sets = d_y.chunks_exact(dense.outputs).zip(d_x.chunks_exact_mut(dense.inputs));
    for (d_y, d_x) in sets {
        dense.backward_inputs(pass.level, pass.theta, like, d_y, d_x, Store::Replace);
    }
}
