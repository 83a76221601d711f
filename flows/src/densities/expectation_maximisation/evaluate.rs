//! Log-densities of fitted mixtures.

use super::super::kernel_estimate::check_rows;
use super::Mixture;
use crate::error::Result;
use crate::workers::Workers;
use std::f64::consts::TAU;

/// Rows of one piece of work.
const CHUNK: usize = 256;

impl Mixture {
    /// Log-density of each row of n×d, nats, of its other columns given the first `given`.
    ///
    /// log p(x | c) = ln Σₖ wₖ N((c, x); μₖ, Σₖ) − ln Σₖ wₖ N(c; μₖ, Σₖ), of which the latter takes the first
    /// columns of means and covariances. −∞ for rows that are not finite. Cost: n·M·d².
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for rows that are not whole, or none but given columns.
    pub fn log_prob_rows(&self, rows: &[f64], given: usize, workers: &Workers) -> Result<Vec<f64>> {
        let d = self.centre.len();
        check_rows("Mixture::log_prob_rows", rows, d, given)?;
        let constants: Vec<[f64; 2]> = (0..self.weights.len())
            .map(|k| [given, d].map(|columns| self.log_constant(k, columns)))
            .collect();
        let chunks = workers.map_chunks(rows.len() / d, CHUNK, |range| {
            let rows = rows[range.start * d..range.end * d].chunks_exact(d);
            Ok(rows.map(|x| self.log_prob(x, given, &constants)).collect::<Vec<f64>>())
        })?;
        Ok(chunks.concat())
    }

    fn log_prob(&self, x: &[f64], given: usize, constants: &[[f64; 2]]) -> f64 {
        if !x.iter().all(|v| v.is_finite()) {
            return f64::NEG_INFINITY;
        }
        let d = x.len();
        let (mut terms, mut of_given) = (Vec::with_capacity(constants.len()), Vec::new());
        for (k, constants) in constants.iter().enumerate() {
            let (mean, p) = (&self.means[k * d..][..d], &self.whitenings[k * d * d..][..d * d]);
            let mut squares = 0.0;
            for j in 0..d {
                if j == given && given > 0 {
                    of_given.push(constants[0] - 0.5 * squares);
                }
                let u: f64 = (0..=j).map(|i| (x[i] - mean[i]) * p[i * d + j]).sum();
                squares += u * u;
            }
            terms.push(constants[1] - 0.5 * squares);
        }
        match log_sum_exp(&terms) {
            joint if given > 0 && joint > f64::NEG_INFINITY => joint - log_sum_exp(&of_given),
            joint => joint,
        }
    }

    /// ln wₖ |Pₖ| (2π)^(−m/2) of the first m columns.
    fn log_constant(&self, k: usize, columns: usize) -> f64 {
        let d = self.centre.len();
        let diagonal = self.whitenings[k * d * d..][..d * d].iter().step_by(d + 1);
        let log_volume: f64 = diagonal.take(columns).map(|p| p.ln()).sum();
        self.weights[k].ln() + log_volume - 0.5 * columns as f64 * TAU.ln()
    }
}

fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + terms.iter().map(|t| (t - largest).exp()).sum::<f64>().ln()
}
