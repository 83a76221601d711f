//! Chains on their way: proposals, checks and what is kept.

use super::{Chains, Langevin};
use crate::error::{Error, Result};
use crate::metrics::Estimate;
use crate::params::to_f64;
use crate::score::target::Target;
use crate::transform::check_points;
use candle_core::{Device, Tensor};
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;

/// Chains on their way.
pub(super) struct Walk {
    what: &'static str,
    config: Langevin,
    like: Tensor,
    pub(super) n: usize,
    pub(super) d: usize,
    pub(super) rows: Vec<f64>,
    kept: Vec<Tensor>,
}

impl Walk {
    pub(super) fn new(
        what: &'static str,
        target: &dyn Target,
        start: &Tensor,
        config: Langevin,
    ) -> Result<Self> {
        check_points(what, start, target.features())?;
        let h = config.step_size;
        if !(h.is_finite() && h > 0.0) {
            return Err(Error::config("step_size", format!("{h}"), "give a positive number"));
        }
        if config.keep_every == Some(0) {
            return Err(Error::config("keep_every", "0 steps", "give at least 1"));
        }
        let (n, d) = start.dims2()?;
        let rows = to_f64(start)?;
        let walk = Self { what, config, like: start.detach(), n, d, rows, kept: Vec::new() };
        walk.check(0, &walk.rows)?;
        Ok(walk)
    }

    fn tensor(&self, rows: &[f64]) -> Result<Tensor> {
        let tensor = Tensor::from_slice(rows, (self.n, self.d), &Device::Cpu)?;
        Ok(tensor.to_dtype(self.like.dtype())?.to_device(self.like.device())?)
    }

    pub(super) fn points(&self) -> Result<Tensor> {
        self.tensor(&self.rows)
    }

    pub(super) fn evaluate(
        &self,
        target: &dyn Target,
        rows: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>)> {
        let (log_prob, score) = target.log_prob_and_score(&self.tensor(rows)?)?;
        Ok((to_f64(&log_prob)?, to_f64(&score)?))
    }

    /// x + h s + √(2h) z
    pub(super) fn proposal(&self, score: &[f64], rng: &mut dyn RngCore) -> Vec<f64> {
        let (h, spread) = (self.config.step_size, (2.0 * self.config.step_size).sqrt());
        let moved = |(x, s): (&f64, &f64)| {
            let z: f64 = rng.sample(StandardNormal);
            x + h * s + spread * z
        };
        self.rows.iter().zip(score).map(moved).collect()
    }

    /// ln q(to | from) up to a constant.
    pub(super) fn log_transition(&self, from: &[f64], score: &[f64], to: &[f64]) -> f64 {
        let h = self.config.step_size;
        let noise = from.iter().zip(score).zip(to).map(|((x, s), y)| (y - x - h * s).powi(2));
        -noise.sum::<f64>() / (4.0 * h)
    }

    pub(super) fn lost(&self, step: usize, row: usize) -> Error {
        let problem = format!("row {row} is not finite at step {step}");
        Error::data(self.what, problem, "take smaller steps, or start where the density is larger")
    }

    /// All values, as many for each row, are numbers.
    pub(super) fn check(&self, step: usize, values: &[f64]) -> Result<()> {
        match values.iter().position(|v| !v.is_finite()) {
            Some(k) => Err(self.lost(step, k * self.n / values.len())),
            None => Ok(()),
        }
    }

    pub(super) fn keep(&mut self, step: usize) -> Result<()> {
        if self.config.keep_every.is_some_and(|every| step.is_multiple_of(every)) {
            self.kept.push(self.points()?);
        }
        Ok(())
    }

    pub(super) fn finish(self, acceptance: Option<Estimate>) -> Result<Chains> {
        Ok(Chains { last: self.points()?, kept: self.kept, acceptance })
    }
}
