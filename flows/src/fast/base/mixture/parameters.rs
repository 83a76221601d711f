//! What is prepared for the components, and the way back of its gradients.

use super::GaussianMixture;
use crate::densities::{BROAD_WEIGHT, NARROWEST};
use crate::fast::triangular::copy_strictly_upper;
use std::f64::consts::TAU;

impl GaussianMixture {
    pub(super) fn prepare_from(&self, theta: &mut [f32]) {
        let d = self.features;
        let (parameters, blocks) = theta.split_at_mut(self.prepared);
        let logits = &parameters[self.logits..self.logits + self.components];
        let normaliser = log_sum_exp(logits);
        let gaussian = (1.0 - BROAD_WEIGHT).ln() - 0.5 * d as f64 * TAU.ln();
        for (k, block) in blocks.chunks_exact_mut(self.stride()).take(self.components).enumerate() {
            let upper = &parameters[self.upper + k * d * d..][..d * d];
            copy_strictly_upper(upper, &mut block[..d * d], d);
            let mut constant = gaussian + f64::from(logits[k]) - normaliser;
            for (j, b) in parameters[self.log_diagonal + k * d..][..d].iter().enumerate() {
                let diagonal = (NARROWEST + (-f64::from(*b)).exp()).recip();
                block[j * d + j] = diagonal as f32;
                constant += diagonal.ln();
            }
            block[d * d + d] = constant as f32;
        }
    }

    pub(super) fn finish_from(&self, theta: &[f32], gradient: &mut [f32]) {
        let d = self.features;
        let (gradient, d_blocks) = gradient.split_at_mut(self.prepared);
        let d_blocks = d_blocks.chunks_exact(self.stride()).take(self.components);
        let d_constants: f64 = d_blocks.clone().map(|block| f64::from(block[d * d + d])).sum();
        let logits = &theta[self.logits..self.logits + self.components];
        let normaliser = log_sum_exp(logits);
        for (k, d_block) in d_blocks.enumerate() {
            let block = &theta[self.block(k)];
            let (d_whitening, rest) = d_block.split_at(d * d);
            let (d_shift, d_constant) = rest.split_at(d);
            let d_constant = f64::from(d_constant[0]);
            let weight = (f64::from(logits[k]) - normaliser).exp();
            gradient[self.logits + k] += (d_constant - weight * d_constants) as f32;
            let d_upper = &mut gradient[self.upper + k * d * d..][..d * d];
            copy_strictly_upper(d_whitening, d_upper, d);
            for i in 0..d {
                let row = i * d + i..(i + 1) * d;
                let products = block[row].iter().zip(&d_shift[i..]).map(|(p, shift)| p * shift);
                gradient[self.means + k * d + i] -= products.sum::<f32>();
                // dP/db = P² exp(−b) = P (1 − 10⁻³ P); the constant has ln P.
                let diagonal = f64::from(block[i * d + i]);
                let d_log = diagonal * f64::from(d_whitening[i * d + i]) + d_constant;
                let slope = 1.0 - NARROWEST * diagonal;
                gradient[self.log_diagonal + k * d + i] += (slope * d_log) as f32;
            }
        }
    }
}

fn log_sum_exp(values: &[f32]) -> f64 {
    let largest = values.iter().fold(f64::MIN, |largest, value| largest.max(f64::from(*value)));
    largest + values.iter().map(|value| (f64::from(*value) - largest).exp()).sum::<f64>().ln()
}
