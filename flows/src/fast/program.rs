//! A whole flow as kernels, run over one tile of rows at a time.

mod build;

pub use build::Unsupported;
pub(super) use build::{base, check_placement};

use super::kernel::{Base, Kernel, Pass, Reverse};
use super::simd::Level;
use super::tile::Column;
use crate::error::{Error, Result};
use crate::params::Params;

/// The kernels of a flow, in order, and of its base.
#[derive(Debug)]
pub struct Program {
    level: Level,
    features: usize,
    context: usize,
    layers: Vec<Box<dyn Kernel>>,
    base: Box<dyn Base>,
    /// Trainable scalars.
    parameters: usize,
    /// Trainable scalars and those prepared from them.
    length: usize,
}

/// The columns one thread works in: they stay in its cache from tile to tile.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) points: Vec<Column>,
    pub(super) context: Vec<Column>,
    pub(super) log_det: Column,
    /// Gradients of what the tile came to, one for each row.
    pub(super) d_log_det: Column,
    pub(super) d_points: Vec<Column>,
    tape: Vec<Column>,
    scratch: Vec<Column>,
}

impl Program {
    /// Number of features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Number of context features.
    pub fn context_features(&self) -> usize {
        self.context
    }

    /// The vector instructions it runs on.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Trainable scalars.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Trainable scalars and those prepared from them.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// All parameters as they stand, and what is prepared from them.
    ///
    /// # Errors
    /// [`Error::Shape`] when they are those of another flow.
    pub(super) fn theta(&self, params: &Params) -> Result<Vec<f32>> {
        let mut theta = read_theta(params, self.parameters, self.length)?;
        self.prepare(&mut theta);
        Ok(theta)
    }

    /// Prepares what depends on the parameters alone.
    pub(super) fn prepare(&self, theta: &mut [f32]) {
        self.layers.iter().for_each(|layer| layer.prepare(theta));
        self.base.prepare(theta);
    }

    /// Turns the gradients of what was prepared into those of the parameters.
    pub(super) fn finish(&self, theta: &[f32], gradient: &mut [f32]) {
        self.layers.iter().for_each(|layer| layer.finish(theta, gradient));
        self.base.finish(theta, gradient);
    }

    /// Columns for a pass with a backward one, or without.
    pub(super) fn workspace(&self, trains: bool) -> Workspace {
        let tapes = self.layers.iter().map(|layer| layer.tape());
        let layers = if trains { tapes.sum() } else { tapes.max().unwrap_or_default() };
        let tape = if trains { layers + self.base.tape() } else { layers.max(self.base.tape()) };
        let scratch = self.layers.iter().map(|layer| layer.scratch()).max().unwrap_or_default();
        let columns = |count: usize| vec![Column::ZERO; count];
        Workspace {
            points: columns(self.features),
            context: columns(self.context),
            log_det: Column::ZERO,
            d_log_det: Column::ZERO,
            d_points: columns(if trains { self.features } else { 0 }),
            tape: columns(tape),
            scratch: columns(if trains { scratch } else { 0 }),
        }
    }

    fn pass<'a>(&self, theta: &'a [f32], context: &'a [Column]) -> Pass<'a> {
        Pass { level: self.level, theta, context }
    }

    /// Maps the points of a tile data → latent; `log_det` becomes that of each row.
    pub(super) fn forward(&self, theta: &[f32], work: &mut Workspace) {
        work.log_det = Column::ZERO;
        let pass = self.pass(theta, &work.context);
        for layer in &self.layers {
            let tape = &mut work.tape[..layer.tape()];
            layer.forward(&pass, &mut work.points, &mut work.log_det, tape);
        }
    }

    /// Maps the points of a tile latent → data; `log_det` becomes that of the inverse.
    pub(super) fn inverse(&self, theta: &[f32], work: &mut Workspace) {
        work.log_det = Column::ZERO;
        let pass = self.pass(theta, &work.context);
        for layer in self.layers.iter().rev() {
            let tape = &mut work.tape[..layer.tape()];
            layer.inverse(&pass, &mut work.points, &mut work.log_det, tape);
        }
    }

    /// The log-density of each row of a tile, in `log_det`; the points become the latent ones.
    pub(super) fn log_prob(&self, theta: &[f32], work: &mut Workspace) {
        self.forward(theta, work);
        let pass = self.pass(theta, &work.context);
        let tape = &mut work.tape[..self.base.tape()];
        self.base.log_prob(&pass, &work.points, &mut work.log_det, tape);
    }

    /// As [`Program::forward`], keeping what [`Program::backward`] needs.
    pub(super) fn forward_kept(&self, theta: &[f32], work: &mut Workspace) {
        work.log_det = Column::ZERO;
        let pass = self.pass(theta, &work.context);
        let mut tape = &mut work.tape[..];
        for layer in &self.layers {
            let (own, rest) = tape.split_at_mut(layer.tape());
            layer.forward(&pass, &mut work.points, &mut work.log_det, own);
            tape = rest;
        }
    }

    /// After [`Program::forward_kept`]: turns `d_points`, the gradients of the images, into those of
    /// the points, with `d_log_det` those of the log-determinants, and adds those of the parameters.
    pub(super) fn backward(&self, theta: &[f32], work: &mut Workspace, gradient: &mut [f32]) {
        let Workspace { context, d_log_det, d_points, tape, scratch, .. } = work;
        let pass = self.pass(theta, context);
        let end: usize = self.layers.iter().map(|layer| layer.tape()).sum();
        let mut tape = &mut tape[..end];
        for layer in self.layers.iter().rev() {
            let (rest, own) = tape.split_at_mut(tape.len() - layer.tape());
            let scratch = &mut scratch[..layer.scratch()];
            layer.backward(&pass, Reverse { tape: own, scratch, d_log_det, d_points, gradient });
            tape = rest;
        }
    }

    /// The log-density of each row, in `log_det`, and the gradients of Σ `d_log_det` · log p: added
    /// for the parameters, in `d_points` for the points.
    pub(super) fn log_prob_and_gradients(
        &self,
        theta: &[f32],
        work: &mut Workspace,
        gradient: &mut [f32],
    ) {
        self.forward_kept(theta, work);
        let Workspace { points, context, log_det, d_log_det, d_points, tape, .. } = work;
        let pass = self.pass(theta, context);
        let end = tape.len() - self.base.tape();
        let tape = &mut tape[end..];
        self.base.log_prob(&pass, points, log_det, tape);
        let reverse = Reverse { tape, scratch: &mut [], d_log_det, d_points, gradient };
        self.base.backward(&pass, points, reverse);
        self.backward(theta, work, gradient);
    }
}

/// All parameters as they stand, with room for `length` numbers.
pub(super) fn read_theta(params: &Params, parameters: usize, length: usize) -> Result<Vec<f32>> {
    let mut theta = Vec::with_capacity(length);
    for param in params.trainable() {
        theta.extend(param.var().flatten_all()?.to_vec1::<f32>()?);
    }
    if theta.len() != parameters {
        let expected = format!("[{parameters}] parameters");
        return Err(Error::shape("a fast flow", expected, &[theta.len()]));
    }
    theta.resize(length, 0.0);
    Ok(theta)
}
