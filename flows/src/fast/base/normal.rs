//! N(0, s² I).

use crate::config::BaseConfig;
use crate::densities::StandardNormalConfig;
use crate::fast::kernel::{Base, Built, Pass, Reverse, Site};
use crate::fast::simd::vectorised;
use crate::fast::tile::Column;
use std::f64::consts::TAU;

/// The fast tier of [`crate::densities::IsotropicNormal`], and, with deviation 1, of
/// [`crate::densities::StandardNormal`].
#[derive(Debug, Clone, Copy)]
pub(in crate::fast) struct IsotropicNormal {
    pub(in crate::fast) deviation: f64,
}

impl IsotropicNormal {
    /// 1 / s²
    fn precision(self) -> f32 {
        (1.0 / (self.deviation * self.deviation)) as f32
    }
}

/// The kernel of [`StandardNormalConfig`].
pub(super) fn kernel(base: &BaseConfig, _: &mut Site) -> Option<Built<dyn Base>> {
    base.of::<StandardNormalConfig>()?;
    Some(Ok(Box::new(IsotropicNormal { deviation: 1.0 })))
}

impl Base for IsotropicNormal {
    fn tape(&self) -> usize {
        0
    }

    fn prepare(&self, _: &mut [f32]) {}

    fn log_prob(&self, pass: &Pass, z: &[Column], log_prob: &mut Column, _: &mut [Column]) {
        let each = -0.5 * TAU.ln() - self.deviation.ln();
        let constant = (z.len() as f64 * each) as f32;
        log_prob_of(pass.level, (self.precision(), constant), z, log_prob);
    }

    fn backward(&self, pass: &Pass, z: &[Column], reverse: Reverse) {
        gradients(pass.level, self.precision(), z, reverse.d_log_det, reverse.d_points);
    }

    fn finish(&self, _: &[f32], _: &mut [f32]) {}
}

vectorised! {
    fn log_prob_of<S>(s, factors: (f32, f32), z: &[Column], log_prob: &mut Column) {
        let (half, constant) = (s.splat(-0.5 * factors.0), s.splat(factors.1));
        for v in 0..S::VECTORS {
            let squares = z.iter().fold(s.splat(0.0), |sum, z| {
                let z = s.load(z, v);
                s.mul_add(z, z, sum)
            });
            let value = s.mul_add(half, squares, constant);
            s.store(s.add(s.load(log_prob, v), value), log_prob, v);
        }
    }
}

vectorised! {
    fn gradients<S>(
        s,
        precision: f32,
        z: &[Column],
        d_log_prob: &Column,
        d_points: &mut [Column],
    ) {
        let minus = s.splat(-precision);
        for (z, d) in z.iter().zip(d_points) {
            for v in 0..S::VECTORS {
                let value = s.mul(s.load(z, v), s.load(d_log_prob, v));
                s.store(s.mul(minus, value), d, v);
            }
        }
    }
}
