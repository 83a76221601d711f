//! Concat-squash layers at one time: (x W + b) ∘ g + w_t t = x (W ∘ g) + (b ∘ g + w_t t) with
//! g = σ(w_g t + b_g), so that a network at time t is one without time and other parameters.

use super::net::FieldNet;
use crate::fast::dense::Dense;
use crate::fast::kernel::Pass;
use crate::fast::layout::Layout;
use crate::fast::math;
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;

/// Where w_g, b_g and w_t of a layer stand among all parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Squash {
    pub(super) gate_weight: usize,
    pub(super) gate_bias: usize,
    pub(super) drift: usize,
}

impl Squash {
    /// Those of the layer `path`.
    pub(super) fn new(layout: &Layout, path: &str, outputs: usize) -> Option<Self> {
        let place = |name: &str| layout.place(&format!("{path}.{name}"), outputs);
        Some(Self {
            gate_weight: place("gate_weight")?,
            gate_bias: place("gate_bias")?,
            drift: place("drift")?,
        })
    }
}

impl FieldNet {
    /// Whether the weights depend on time.
    pub(super) fn is_squashed(&self) -> bool {
        !self.squashes.is_empty()
    }

    /// Room for the parameters at one time.
    pub(super) fn at_time_room(&self, pass_length: usize) -> usize {
        if self.is_squashed() { pass_length } else { 0 }
    }

    /// The pass with the parameters at time t: W ∘ g, b ∘ g + w_t t, and g where w_g stands.
    pub(super) fn at_time<'a>(&self, pass: &Pass<'a>, t: f64, room: &'a mut [f32]) -> Pass<'a> {
        if !self.is_squashed() {
            return *pass;
        }
        for (dense, squash) in self.layers.iter().zip(&self.squashes) {
            squashed(pass.level, pass.theta, t as f32, dense, *squash, room);
        }
        Pass { theta: room, ..*pass }
    }

    /// Adds the gradients of the parameters, from those of the parameters at time t.
    pub(super) fn pull_back_time(
        &self,
        pass: &Pass,
        t: f64,
        at_time: &[f32],
        d_at_time: &[f32],
        gradient: &mut [f32],
    ) {
        for (dense, squash) in self.layers.iter().zip(&self.squashes) {
            let from = (pass.theta, at_time, d_at_time);
            unsquashed(pass.level, from, t as f32, dense, *squash, gradient);
        }
    }
}

// Plain loops over slices of one length: the compiler makes vectors of the level's width of them.

vectorised! {
    fn squashed<S>(s, theta: &[f32], t: f32, dense: &Dense, squash: Squash, to: &mut [f32]) {
        let n = dense.outputs;
        for start in (0..n).step_by(crate::fast::tile::ROWS) {
            let (mut w, mut b) = (Column::ZERO, Column::ZERO);
            let count = (n - start).min(crate::fast::tile::ROWS);
            let at = |place: usize| place + start..place + start + count;
            w.0[..count].copy_from_slice(&theta[at(squash.gate_weight)]);
            b.0[..count].copy_from_slice(&theta[at(squash.gate_bias)]);
            for v in 0..S::VECTORS {
                let logit = s.mul_add(s.splat(t), s.load(&w, v), s.load(&b, v));
                s.store(math::quick_sigmoid(s, logit), &mut w, v);
            }
            to[at(squash.gate_weight)].copy_from_slice(&w.0[..count]);
            let gates = &w.0[..count];
            let (bias, drift) = (&theta[at(dense.bias)], &theta[at(squash.drift)]);
            for (o, to) in to[at(dense.bias)].iter_mut().enumerate() {
                *to = bias[o] * gates[o] + drift[o] * t;
            }
            for i in 0..dense.inputs {
                let row = at(dense.weight + i * n);
                let weights = theta[row.clone()].iter().zip(gates);
                for (to, (weight, gate)) in to[row].iter_mut().zip(weights) {
                    *to = weight * gate;
                }
            }
        }
    }
}

vectorised! {
    fn unsquashed<S>(
        _s,
        from: (&[f32], &[f32], &[f32]),
        t: f32,
        dense: &Dense,
        squash: Squash,
        gradient: &mut [f32],
    ) {
        let ((theta, at_time, d_at_time), n) = (from, dense.outputs);
        for start in (0..n).step_by(crate::fast::tile::ROWS) {
            let mut d_gates = [0.0; crate::fast::tile::ROWS];
            let count = (n - start).min(crate::fast::tile::ROWS);
            let at = |place: usize| place + start..place + start + count;
            let gates = &at_time[at(squash.gate_weight)];
            for i in 0..=dense.inputs {
                let row = at(if i < dense.inputs { dense.weight + i * n } else { dense.bias });
                let (values, d) = (&theta[row.clone()], &d_at_time[row.clone()]);
                for (d_gate, (d, value)) in d_gates.iter_mut().zip(d.iter().zip(values)) {
                    *d_gate += d * value;
                }
                for (to, (d, gate)) in gradient[row].iter_mut().zip(d.iter().zip(gates)) {
                    *to += d * gate;
                }
            }
            for (d_gate, gate) in d_gates.iter_mut().zip(gates) {
                *d_gate *= gate * (1.0 - gate);
            }
            let d_bias = &d_at_time[at(dense.bias)];
            for (place, factor, d) in [
                (squash.gate_weight, t, &d_gates[..count]),
                (squash.gate_bias, 1.0, &d_gates[..count]),
                (squash.drift, t, d_bias),
            ] {
                for (to, d) in gradient[at(place)].iter_mut().zip(d) {
                    *to += factor * d;
                }
            }
        }
    }
}
