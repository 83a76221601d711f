//! Independent Student-t distributions.
#![expect(clippy::inline_always, reason = "bodies take the instructions of their callers")]

use crate::config::BaseConfig;
use crate::densities::{LEAST, RATE, SPAN, StudentTConfig};
use crate::fast::dense::add_row_sums;
use crate::fast::kernel::{Base, Built, Pass, Reverse, Site, placed};
use crate::fast::layout::Layout;
use crate::fast::math::ln;
use crate::fast::simd::{Simd, vectorised};
use crate::fast::tile::Column;
use statrs::function::gamma::{digamma, ln_gamma};
use std::f64::consts::PI;

/// The fast tier of [`crate::densities::StudentT`].
///
/// Prepared: ν of each feature, and the constants of all.
#[derive(Debug)]
pub(super) struct StudentT {
    features: usize,
    raw: usize,
    prepared: usize,
}

impl StudentT {
    fn new(layout: &mut Layout, path: &str, features: usize) -> Option<Self> {
        let raw = layout.place(&format!("{path}.degrees_of_freedom"), features)?;
        Some(Self { features, raw, prepared: layout.reserve(features + 1) })
    }

    fn degrees<'a>(&self, theta: &'a [f32]) -> &'a [f32] {
        &theta[self.prepared..self.prepared + self.features]
    }
}

/// The kernel of [`StudentTConfig`].
pub(super) fn kernel(base: &BaseConfig, site: &mut Site) -> Option<Built<dyn Base>> {
    base.of::<StudentTConfig>()?;
    let kernel = StudentT::new(site.layout, site.path, site.sizes.0);
    Some(placed(kernel).map(|kernel| Box::new(kernel) as _))
}

/// 1 / (1 + exp(−10 a))
fn share(raw: f32) -> f64 {
    (1.0 + (-RATE * f64::from(raw)).exp()).recip()
}

impl Base for StudentT {
    fn tape(&self) -> usize {
        self.features
    }

    fn prepare(&self, theta: &mut [f32]) {
        let mut constant = 0.0;
        for i in 0..self.features {
            let nu = LEAST + SPAN * share(theta[self.raw + i]);
            theta[self.prepared + i] = nu as f32;
            constant += ln_gamma(0.5 * nu + 0.5) - ln_gamma(0.5 * nu) - 0.5 * (nu * PI).ln();
        }
        theta[self.prepared + self.features] = constant as f32;
    }

    fn log_prob(&self, pass: &Pass, z: &[Column], log_prob: &mut Column, _: &mut [Column]) {
        let constant = pass.theta[self.prepared + self.features];
        log_prob_of(pass.level, self.degrees(pass.theta), constant, z, log_prob);
    }

    fn backward(&self, pass: &Pass, z: &[Column], reverse: Reverse) {
        let Reverse { tape, d_log_det, d_points, gradient, .. } = reverse;
        gradients(pass.level, self.degrees(pass.theta), z, d_log_det, d_points, tape);
        let to = &mut gradient[self.prepared..=self.prepared + self.features];
        add_row_sums(pass.level, &tape[..self.features], to);
        add_row_sums(pass.level, std::slice::from_ref(d_log_det), &mut to[self.features..]);
    }

    fn finish(&self, theta: &[f32], gradient: &mut [f32]) {
        let weight = f64::from(gradient[self.prepared + self.features]);
        for i in 0..self.features {
            let share = share(theta[self.raw + i]);
            let nu = LEAST + SPAN * share;
            let slope = 0.5 * (digamma(0.5 * nu + 0.5) - digamma(0.5 * nu) - nu.recip());
            let d_nu = f64::from(gradient[self.prepared + i]) + weight * slope;
            gradient[self.raw + i] += (d_nu * RATE * SPAN * share * (1.0 - share)) as f32;
        }
    }
}

/// No square of what is nearer overflows; models give rows beyond 1e12 density 0 before they come here.
const NEAR: f32 = 1e15;

/// Bounds come first, so that a NaN stays.
#[inline(always)]
fn near<S: Simd>(s: S, z: S::F) -> S::F {
    s.max(s.splat(-NEAR), s.min(s.splat(NEAR), z))
}

vectorised! {
    /// log p += constant − Σ ½ (ν+1) ln(1 + z²/ν)
    fn log_prob_of<S>(s, degrees: &[f32], constant: f32, z: &[Column], log_prob: &mut Column) {
        let one = s.splat(1.0);
        for v in 0..S::VECTORS {
            let mut total = s.add(s.load(log_prob, v), s.splat(constant));
            for (nu, z) in degrees.iter().zip(z) {
                let z = s.load(z, v);
                let infinite = s.at_most(s.splat(f32::INFINITY), s.abs(z));
                total = s.select(infinite, s.splat(f32::NEG_INFINITY), total);
                let z = near(s, z);
                let tail = s.mul_add(s.mul(z, s.splat(nu.recip())), z, one);
                total = s.neg_mul_add(s.splat(0.5 * (nu + 1.0)), ln(s, tail), total);
            }
            s.store(total, log_prob, v);
        }
    }
}

vectorised! {
    /// ∂/∂z = −(ν+1) z / (ν + z²) and ∂/∂ν of the tail, times those of log p.
    fn gradients<S>(
        s,
        degrees: &[f32],
        z: &[Column],
        d_log_prob: &Column,
        d_points: &mut [Column],
        d_degrees: &mut [Column],
    ) {
        let one = s.splat(1.0);
        for (((nu, z), d), d_nu) in degrees.iter().zip(z).zip(d_points).zip(d_degrees) {
            let (inverse, above) = (s.splat(nu.recip()), s.splat(nu + 1.0));
            for v in 0..S::VECTORS {
                let (z, weight) = (near(s, s.load(z, v)), s.load(d_log_prob, v));
                let scaled = s.mul(z, inverse);
                let tail = s.mul_add(scaled, z, one);
                let slope = s.div(s.mul(above, scaled), tail);
                s.store(s.mul(s.sub(s.splat(0.0), slope), weight), d, v);
                // ½ (ν+1) z² / (ν² + ν z²) − ½ ln(1 + z²/ν)
                let twice = s.sub(s.mul(slope, scaled), ln(s, tail));
                s.store(s.mul(s.mul(s.splat(0.5), twice), weight), d_nu, v);
            }
        }
    }
}
