//! Samples of a diffusion by the samplers of [`crate::score`], in data units.

use super::{CHUNK_ROWS, Model, in_sample_chunks};
use crate::engine::Walker;
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::rng::{Stream, generator};
use crate::score::{NoiseLevels, Sampler};
use crate::workers::Workers;
use candle_core::Tensor;

/// Points of a walk from noise to data, at one of its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The step: 0 for the start.
    pub step: usize,
    /// The noise level, in standard deviations of the columns.
    pub level: f64,
    /// The points with their noise, row-major, in data units.
    pub points: Vec<f64>,
}

impl Model {
    /// The noise levels of the diffusion that the model is.
    ///
    /// # Errors
    /// [`Error::Config`] for a model that is none.
    pub fn noise_levels(&self) -> Result<NoiseLevels> {
        let field = self.flow.field();
        field.and_then(|field| field.noise_levels().copied()).ok_or_else(|| {
            let problem = format!("{} has no noise levels", self.spec.recipe);
            Error::config("score model", problem, "leave it out, or fit score")
        })
    }

    /// As [`Evaluator::sample_from`](super::Evaluator::sample_from), by this sampler.
    ///
    /// # Errors
    /// [`Error::Config`] for a model that is no diffusion; [`Error::Shape`] when the context does not
    /// fit.
    pub fn sample_rows_by(
        &self,
        sampler: &Sampler,
        (start, n): (usize, usize),
        context: Option<&[f64]>,
        seed: u64,
        workers: &Workers,
    ) -> Result<Vec<f64>> {
        let walker = self.walker(sampler)?;
        let (k, device) = (self.spec.given.len(), self.params.device());
        let chunks =
            in_sample_chunks((start, n), (k, context), device, workers, |rows, context, index| {
                let mut rng = generator(seed, Stream::Sample, index as u64);
                let context = self.preparation.context(context.as_ref())?;
                let latent = self.flow.base().sample(rows, context.as_ref(), &mut rng)?;
                let x =
                    walker.walk(sampler, &latent, context.as_ref(), &mut rng, |_, _, _| Ok(()))?;
                to_f64(&self.preparation.inverse(&x)?.points)
            })?;
        Ok(chunks.concat())
    }

    /// The points of n rows, at most [`Model::SAMPLE_CHUNK`], at each of these steps of a sampler.
    ///
    /// # Errors
    /// [`Error::Config`] for a conditional model, one that is no diffusion, or more rows.
    pub fn frames(
        &self,
        sampler: &Sampler,
        n: usize,
        steps: &[usize],
        seed: u64,
    ) -> Result<Vec<Frame>> {
        let (walker, levels) = (self.walker(sampler)?, sampler.levels(&self.noise_levels()?));
        if !self.spec.given.is_empty() || n == 0 || n > CHUNK_ROWS {
            let remedy = format!("draw at most {CHUNK_ROWS} rows of a model without context");
            return Err(Error::config("frames", format!("{n} rows"), remedy));
        }
        let d = self.spec.columns.len();
        let mut rng = generator(seed, Stream::Sample, 0);
        let latent = self.flow.base().sample(n, None, &mut rng)?;
        let empty = |step: &usize| Frame {
            step: *step,
            level: levels.get(*step).copied().unwrap_or(f64::NAN),
            points: vec![0.0; n * d],
        };
        let mut frames: Vec<Frame> = steps.iter().map(empty).collect();
        walker.walk(sampler, &latent, None, &mut rng, |first, step, points| {
            for frame in frames.iter_mut().filter(|frame| frame.step == step) {
                frame.points[first * d..first * d + points.len()].copy_from_slice(points);
            }
            Ok(())
        })?;
        for frame in &mut frames {
            let points = Tensor::from_slice(&frame.points, (n, d), self.flow.device())?;
            frame.points = to_f64(&self.preparation.inverse(&points)?.points)?;
        }
        Ok(frames)
    }

    fn walker(&self, sampler: &Sampler) -> Result<Walker> {
        sampler.check()?;
        self.noise_levels()?;
        self.engine()?.walker(&self.spec.flow, &self.params)
    }
}
