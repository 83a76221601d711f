//! The learning rate as a function of the step.

use super::TrainConfig;
use std::f64::consts::PI;

/// Learning rate at a step, counted from 0: linear warm-up, then a cosine down to the final share.
///
/// Loshchilov and Hutter 2017, *SGDR*, eq. 5, without restarts.
pub fn learning_rate(config: &TrainConfig, step: usize) -> f64 {
    if step < config.warmup_steps {
        return config.learning_rate * (step + 1) as f64 / config.warmup_steps as f64;
    }
    let length = config.steps.saturating_sub(config.warmup_steps).max(1);
    let progress = ((step - config.warmup_steps) as f64 / length as f64).min(1.0);
    let cosine = 0.5 * (1.0 + (PI * progress).cos());
    config.learning_rate * (config.final_share + (1.0 - config.final_share) * cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_then_falls_to_the_final_share() {
        let config = TrainConfig {
            steps: 110,
            warmup_steps: 10,
            learning_rate: 2.0,
            final_share: 0.1,
            ..TrainConfig::default()
        };
        let at = |step| learning_rate(&config, step);
        assert!((at(0) - 0.2).abs() < 1e-12);
        assert!((at(9) - 2.0).abs() < 1e-12);
        assert!((at(10) - 2.0).abs() < 1e-12);
        assert!((at(60) - 1.1).abs() < 1e-12);
        assert!((at(110) - 0.2).abs() < 1e-12);
        assert!((at(1000) - 0.2).abs() < 1e-12);
    }
}
