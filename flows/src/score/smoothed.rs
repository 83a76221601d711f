//! Toys with noise as targets.

use super::target::{Target, on_rows_of};
use crate::densities::SmoothedToy;
use crate::error::Result;
use crate::params::to_f64;
use crate::transform::check_points;
use candle_core::Tensor;

impl Target for SmoothedToy {
    fn features(&self) -> usize {
        2
    }

    fn score(&self, x: &Tensor) -> Result<Tensor> {
        Ok(Target::log_prob_and_score(self, x)?.1)
    }

    fn log_prob(&self, x: &Tensor) -> Result<Tensor> {
        Ok(Target::log_prob_and_score(self, x)?.0)
    }

    fn log_prob_and_score(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        check_points("SmoothedToy", x, 2)?;
        let rows: Vec<[f64; 2]> = to_f64(x)?.chunks_exact(2).map(|x| [x[0], x[1]]).collect();
        let (log_probs, scores): (Vec<f64>, Vec<[f64; 2]>) =
            self.log_probs_and_scores(&rows).into_iter().unzip();
        on_rows_of(x, log_probs, scores.concat())
    }
}
