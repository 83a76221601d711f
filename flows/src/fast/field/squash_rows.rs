//! Concat-squash layers where each row has a time of its own: gates are columns.

use super::backward::{inputs, weights};
use super::bend::{Hidden, bend, unbend};
use super::net::{FieldNet, product};
use super::squash::Squash;
use crate::fast::dense::Dense;
use crate::fast::kernel::Pass;
use crate::fast::math;
use crate::fast::net::take;
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;

/// What a pass over rows with times of their own reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) input: &'a [Column],
    pub(super) times: &'a Column,
}

impl FieldNet {
    /// Columns that a pass over rows with times of their own needs beside the tape.
    pub(super) fn gates(&self) -> usize {
        let outputs: usize = self.layers.iter().map(|dense| dense.outputs).sum();
        if self.is_squashed() { 2 * outputs } else { 0 }
    }

    /// v without tangents; leaves in `tape` and `gates` what [`FieldNet::backward_rows`] needs.
    pub(super) fn forward_rows(
        &self,
        pass: &Pass,
        rows: Rows,
        (mut tape, mut gates): (&mut [Column], &mut [Column]),
        velocity: &mut [Column],
    ) {
        let Some((last, inner)) = self.layers.split_last() else { return };
        let mut x = rows.input;
        let mut layers = inner.iter().zip(&self.squashes);
        for (dense, squash) in &mut layers {
            let mut layer = self.cut(&mut tape, dense.outputs, 0, true);
            product(pass, dense, x, layer.values, true);
            let kept = take(&mut gates, 2 * dense.outputs);
            squash_rows(pass.level, pass.theta, *squash, rows.times, layer.values, kept);
            bend(pass.level, self.activation, &mut layer);
            x = layer.values;
        }
        product(pass, last, x, velocity, true);
        if let Some(squash) = self.squashes.last() {
            squash_rows(pass.level, pass.theta, *squash, rows.times, velocity, gates);
        }
    }

    /// Adds the gradients of the parameters, from those of v, which it spoils.
    pub(super) fn backward_rows(
        &self,
        pass: &Pass,
        rows: Rows,
        (mut tape, mut gates): (&mut [Column], &[Column]),
        scratch: &mut [Column],
        d_velocity: &mut [Column],
        gradient: &mut [f32],
    ) {
        let Some((_, inner)) = self.layers.split_last() else { return };
        let cut = |dense: &Dense| self.cut(&mut tape, dense.outputs, 0, true);
        let layers: Vec<Hidden> = inner.iter().map(cut).collect();
        let half = scratch.len() / 2;
        let (mut above, mut below) = scratch.split_at_mut(half);
        above[..d_velocity.len()].copy_from_slice(d_velocity);
        for (i, (dense, squash)) in self.layers.iter().zip(&self.squashes).enumerate().rev() {
            let d_y = &mut above[..dense.outputs];
            let (rest, kept) = gates.split_at(gates.len() - 2 * dense.outputs);
            gates = rest;
            unsquash_rows(pass.level, *squash, rows.times, kept, d_y, gradient);
            let Some(layer) = i.checked_sub(1).and_then(|i| layers.get(i)) else {
                weights(pass, dense, (rows.input, d_y), gradient, true);
                return;
            };
            weights(pass, dense, (layer.values, d_y), gradient, true);
            let d_x = &mut below[..dense.inputs];
            inputs(pass, dense, layer.values, d_y, d_x);
            unbend(pass.level, self.activation, layer, d_x, &mut []);
            std::mem::swap(&mut above, &mut below);
        }
    }
}

vectorised! {
    /// y becomes y ∘ g + w_t t with g = σ(w_g t + b_g); keeps first all y, then all g.
    fn squash_rows<S>(
        s,
        theta: &[f32],
        squash: Squash,
        times: &Column,
        y: &mut [Column],
        kept: &mut [Column],
    ) {
        let (old, gates) = kept.split_at_mut(y.len());
        for (o, (y, (old, gate))) in y.iter_mut().zip(old.iter_mut().zip(gates)).enumerate() {
            let at = |place: usize| s.splat(theta[place + o]);
            let (weight, bias, drift) =
                (at(squash.gate_weight), at(squash.gate_bias), at(squash.drift));
            for v in 0..S::VECTORS {
                let (t, value) = (s.load(times, v), s.load(y, v));
                let g = math::quick_sigmoid(s, s.mul_add(weight, t, bias));
                s.store(value, old, v);
                s.store(g, gate, v);
                s.store(s.mul_add(value, g, s.mul(drift, t)), y, v);
            }
        }
    }
}

vectorised! {
    /// The gradients of y before the gates from those after, in place; adds those of the gates.
    fn unsquash_rows<S>(
        s,
        squash: Squash,
        times: &Column,
        kept: &[Column],
        d_y: &mut [Column],
        gradient: &mut [f32],
    ) {
        let (old, gates) = kept.split_at(d_y.len());
        let one = s.splat(1.0);
        for (o, (d_y, (old, gate))) in d_y.iter_mut().zip(old.iter().zip(gates)).enumerate() {
            let zero = s.splat(0.0);
            let (mut d_weight, mut d_bias, mut d_drift) = (zero, zero, zero);
            for v in 0..S::VECTORS {
                let (t, g, d) = (s.load(times, v), s.load(gate, v), s.load(d_y, v));
                let logit = s.mul(s.mul(s.load(old, v), d), s.mul(g, s.sub(one, g)));
                d_drift = s.mul_add(t, d, d_drift);
                d_weight = s.mul_add(t, logit, d_weight);
                d_bias = s.add(logit, d_bias);
                s.store(s.mul(g, d), d_y, v);
            }
            let [d_weight, d_bias, d_drift, _] = s.sum_each([d_weight, d_bias, d_drift, zero]);
            gradient[squash.gate_weight + o] += d_weight;
            gradient[squash.gate_bias + o] += d_bias;
            gradient[squash.drift + o] += d_drift;
        }
    }
}
