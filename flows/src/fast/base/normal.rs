//! N(0, I).

use crate::fast::kernel::{Base, Pass, Reverse};
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;
use std::f32::consts::TAU;

/// The fast tier of [`crate::densities::StandardNormal`].
#[derive(Debug, Clone, Copy)]
pub(in crate::fast) struct StandardNormal;

impl Base for StandardNormal {
    fn tape(&self) -> usize {
        0
    }

    fn prepare(&self, _: &mut [f32]) {}

    fn log_prob(&self, pass: &Pass, z: &[Column], log_prob: &mut Column, _: &mut [Column]) {
        log_prob_of(pass.level, z, log_prob);
    }

    fn backward(&self, pass: &Pass, z: &[Column], reverse: Reverse) {
        gradients(pass.level, z, reverse.d_log_det, reverse.d_points);
    }

    fn finish(&self, _: &[f32], _: &mut [f32]) {}
}

vectorised! {
    fn log_prob_of<S>(s, z: &[Column], log_prob: &mut Column) {
        let constant = s.splat(-0.5 * z.len() as f32 * TAU.ln());
        for v in 0..S::VECTORS {
            let squares = z.iter().fold(s.splat(0.0), |sum, z| {
                let z = s.load(z, v);
                s.mul_add(z, z, sum)
            });
            let value = s.mul_add(s.splat(-0.5), squares, constant);
            s.store(s.add(s.load(log_prob, v), value), log_prob, v);
        }
    }
}

vectorised! {
    fn gradients<S>(s, z: &[Column], d_log_prob: &Column, d_points: &mut [Column]) {
        for (z, d) in z.iter().zip(d_points) {
            for v in 0..S::VECTORS {
                let value = s.mul(s.load(z, v), s.load(d_log_prob, v));
                s.store(s.sub(s.splat(0.0), value), d, v);
            }
        }
    }
}
