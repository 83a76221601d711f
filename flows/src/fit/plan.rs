//! What a fit will take, before it is begun.

use super::Fit;
use crate::model::{INITIAL_ROWS, Model};

/// Copies of the weights that training keeps, in bytes a parameter: weights, their average, two moments, and
/// a gradient for each of 16 chunks of a batch in single precision; four vectors of the state and of the
/// last evaluation's, and the best weights, in double precision.
const BYTES: usize = 4 * (4 + 16) + 8 * (4 + 4 + 1);

/// Multiplications of a parameter and a row: one forward, two for the gradients of inputs and weights.
const PASSES: f64 = 3.0;

/// Iterations that a mixture takes, about.
const ITERATIONS: f64 = 30.0;

/// Estimates of what a fit takes, from the numbers of parameters, rows and steps alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Features.
    pub features: usize,
    /// Parameters of the flow, but for those of a mixture whose number of components is open.
    pub parameters: usize,
    /// Optimiser steps.
    pub steps: usize,
    /// Rows of a step.
    pub batch_size: usize,
    /// Bytes of memory for weights and gradients.
    pub bytes: usize,
    /// Multiplications of all steps; those of a continuous flow many times as many.
    pub multiplications: f64,
    /// Multiplications to choose the number of components of a mixture.
    pub start_multiplications: f64,
}

impl Plan {
    /// Of a fit to so many rows.
    pub(super) fn of(fit: &Fit, model: &Model, rows: usize) -> Self {
        let (parameters, features) = (model.params().count(), model.spec().columns.len());
        let (steps, batch_size) = (fit.config.steps, fit.config.batch_size.min(rows));
        let seen = rows.min(INITIAL_ROWS);
        let most = fit.recipe.components_up_to.map_or(0, |up_to| up_to.min(seen / (5 * features)));
        // Of 1, 2, 4, … components, each with two products of d² a row.
        let components = if most == 0 { 0.0 } else { 2.0 * most as f64 };
        let square = (features * features) as f64;
        Self {
            features,
            parameters,
            steps,
            batch_size,
            bytes: parameters * BYTES,
            multiplications: PASSES * parameters as f64 * batch_size as f64 * steps as f64,
            start_multiplications: 2.0 * ITERATIONS * components * seen as f64 * square,
        }
    }
}
