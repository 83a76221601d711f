//! Transport with an entropy.

use crate::error::{Error, Result};
use rand::{Rng, RngCore};

/// The largest share of the mass that a plan may have in the wrong place.
pub(super) const TOLERANCE: f64 = 1e-4;
/// The largest number of rescalings of the rows.
const ITERATIONS: usize = 5000;

/// The plan P `[n, n]` of least ⟨P, C⟩ + ε Σ P log P with rows that sum to 1, and columns that do
/// up to a total of n [`TOLERANCE`]; C finite, ε = `regularisation` × its mean.
///
/// P = exp(f + g − C/ε) with f and g rescaled in turn, in logarithms: Cuturi 2013, *Sinkhorn
/// Distances*; Peyré and Cuturi 2019, *Computational Optimal Transport*, section 4.4.
pub(super) fn plan(costs: &[f64], n: usize, regularisation: f64) -> Result<Vec<f64>> {
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    let epsilon = if mean > 0.0 { regularisation * mean } else { 1.0 };
    let rows: Vec<f64> = costs.iter().map(|c| c / epsilon).collect();
    let columns: Vec<f64> = (0..n * n).map(|k| rows[k % n * n + k / n]).collect();
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; n]);
    for _ in 0..ITERATIONS {
        let rescaled = rescaled(&rows, &g);
        // Row i of the plan summed to exp(fᵢ − rescaledᵢ), its columns to 1.
        let wrong = f.iter().zip(&rescaled).map(|(f, r)| ((f - r).exp() - 1.0).abs()).sum::<f64>();
        f = rescaled;
        if wrong <= TOLERANCE * n as f64 {
            let entry = |k: usize| (f[k / n] + g[k % n] - rows[k]).exp();
            return Ok((0..n * n).map(entry).collect());
        }
        g = self::rescaled(&columns, &f);
    }
    let problem = format!("{regularisation}: no plan within {ITERATIONS} iterations");
    Err(Error::config("regularisation", problem, "give a larger one, or take optimal-transport"))
}

/// −log Σⱼ exp(gⱼ − cᵢⱼ) for each row i.
fn rescaled(costs: &[f64], g: &[f64]) -> Vec<f64> {
    let row = |costs: &[f64]| {
        let terms = || g.iter().zip(costs).map(|(g, c)| g - c);
        let largest = terms().fold(f64::NEG_INFINITY, f64::max);
        -largest - terms().map(|t| (t - largest).exp()).sum::<f64>().ln()
    };
    costs.chunks_exact(g.len()).map(row).collect()
}

/// A column for each row of a plan, with the probabilities of that row.
pub(super) fn drawn(plan: &[f64], n: usize, rng: &mut dyn RngCore) -> Vec<usize> {
    let draw = |row: &[f64]| {
        let mut left = rng.random::<f64>() * row.iter().sum::<f64>();
        for (column, mass) in row.iter().enumerate() {
            left -= mass;
            if left < 0.0 {
                return column;
            }
        }
        // Rounding left a crumb: any column with mass will do.
        row.iter().rposition(|mass| *mass > 0.0).unwrap_or(0)
    };
    plan.chunks_exact(n).map(draw).collect()
}
