//! Adam with decoupled weight decay, over one flat vector.

use super::TrainConfig;
use crate::params::Params;

/// First and second moments of the gradient.
///
/// Kingma and Ba 2015, *Adam*, algorithm 1; Loshchilov and Hutter 2019, *Decoupled Weight Decay*,
/// algorithm 2.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    /// Decaying mean of the gradient.
    pub first: Vec<f64>,
    /// Decaying mean of its square.
    pub second: Vec<f64>,
    /// Steps taken.
    pub steps: usize,
}

impl AdamW {
    /// Moments of zero for `count` entries.
    pub fn new(count: usize) -> Self {
        Self { first: vec![0.0; count], second: vec![0.0; count], steps: 0 }
    }

    /// Moves the entries of `weights` against `gradient`; `decayed` says which ones decay.
    pub fn step(
        &mut self,
        weights: &mut [f64],
        gradient: &[f64],
        decayed: &[bool],
        learning_rate: f64,
        config: &TrainConfig,
    ) {
        self.steps += 1;
        let (beta1, beta2) = config.betas;
        let steps = self.steps as f64;
        let scale1 = learning_rate / (1.0 - beta1.powf(steps));
        let scale2 = 1.0 / (1.0 - beta2.powf(steps));
        let decay = 1.0 - learning_rate * config.weight_decay;
        let moments = self.first.iter_mut().zip(&mut self.second);
        for (((w, g), (m, v)), decays) in weights.iter_mut().zip(gradient).zip(moments).zip(decayed)
        {
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            let kept = if *decays { *w * decay } else { *w };
            *w = kept - scale1 * *m / ((*v * scale2).sqrt() + config.epsilon);
        }
    }
}

/// Scales a gradient down to the norm `largest`, and returns the norm it had.
pub(super) fn clip(gradient: &mut [f64], largest: f64) -> f64 {
    let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
    if norm > largest {
        let scale = largest / norm;
        for entry in gradient {
            *entry *= scale;
        }
    }
    norm
}

/// Which entries of the flat vector decay: those of the networks' weight matrices.
pub(super) fn decayed(params: &Params) -> Vec<bool> {
    params
        .trainable()
        .flat_map(|p| std::iter::repeat_n(p.name().ends_with(".weight"), p.var().elem_count()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_size_of_the_learning_rate() {
        let config = TrainConfig { epsilon: 1e-12, ..TrainConfig::default() };
        let mut weights = [1.0, 1.0, 1.0];
        AdamW::new(3).step(&mut weights, &[4.0, -0.5, 0.0], &[false; 3], 0.1, &config);
        assert!((weights[0] - 0.9).abs() < 1e-9);
        assert!((weights[1] - 1.1).abs() < 1e-9);
        assert!((weights[2] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn decay_is_apart_from_the_moments() {
        let config = TrainConfig { weight_decay: 0.5, ..TrainConfig::default() };
        let mut weights = [2.0, 2.0];
        AdamW::new(2).step(&mut weights, &[0.0, 0.0], &[true, false], 0.1, &config);
        assert!((weights[0] - 1.9).abs() < 1e-12);
        assert!((weights[1] - 2.0).abs() < 1e-12);
    }

    #[test]
    fn clipping_keeps_the_direction() {
        let mut gradient = [3.0, 4.0];
        assert!((clip(&mut gradient, 1.0) - 5.0).abs() < 1e-12);
        assert!((gradient[0] - 0.6).abs() < 1e-12 && (gradient[1] - 0.8).abs() < 1e-12);
    }
}
