//! A fitted density to hold and to ask often: everything that does not depend on the rows is done once.

use super::{CHUNK_ROWS, Model};
use crate::density::Density;
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::preparation::Preparation;
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::transform::check_points;
use crate::transforms::Support;
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor};
use rand::RngCore;
use std::ops::Range;

/// Standard deviations from the mean beyond which the density is 0.
pub(super) const FAR_AWAY: f64 = 1e12;

/// A model's density in data units with its weights as they stood, whatever becomes of them later: the tier
/// is chosen, kernels are built and their parameters prepared.
///
/// A service that is asked row by row holds one; [`Model::log_prob_rows`] and [`Model::sample_rows`] make one
/// for each call. It may be asked from many threads at once: a row has the same bits from each, alone or in
/// a table, but where the steps of a solver are adaptive.
///
/// # Example
/// ```no_run
/// use diffeo_flows::{Workers, model::Model, rows::Rows};
/// let model = Model::load("runs/two-moons", &candle_core::Device::Cpu)?;
/// let (evaluator, workers) = (model.evaluator()?, Workers::new(1)?);
/// for point in [[2.0, 0.0], [-1.5, 0.7]] {
///     let log_prob = evaluator.log_prob(&Rows::try_from(&[point])?, &workers)?[0];
///     assert!(log_prob.is_finite());
/// }
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Evaluator {
    features: usize,
    context: usize,
    device: Device,
    preparation: Preparation,
    /// In the prepared space.
    density: Box<dyn Density>,
}

impl Model {
    /// The density with the weights as they stand, to hold and to ask often.
    ///
    /// # Errors
    /// [`Error::Config`] when the fast tier was asked for and cannot run the flow.
    pub fn evaluator(&self) -> Result<Evaluator> {
        let supports: Vec<Support> = self.spec.columns.iter().map(|c| c.support).collect();
        let context = self.spec.given.len();
        let preparation = Preparation::new(&mut self.params.snapshot()?, &supports, context)?
            .holding_context_to(&self.spec.given_ranges);
        let density = self.engine()?.density(&self.spec.flow, &self.params)?;
        let device = self.params.device().clone();
        Ok(Evaluator { features: supports.len(), context, device, preparation, density })
    }
}

impl Evaluator {
    /// Log-density of each row, nats, in data units: −∞ where the density is 0, and NaN where it could
    /// not be computed, which [`Model::not_computed`] lists. That is so for a row that the solver of a
    /// continuous flow cannot follow; no other row is touched by it.
    ///
    /// A row's value depends on the row. Where steps are adaptive, rows that are solved together share
    /// theirs, so that in another table it differs within the tolerance of the solver.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have other columns than the model.
    pub fn log_prob(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let context = rows.context().map_or(0, |(width, _)| width);
        if (rows.features(), context) != (self.features, self.context) {
            let (d, k) = (self.features, self.context);
            let expected = format!("rows of {d} features and {k} context values");
            return Err(Error::shape("Model", expected, &[rows.features(), context]));
        }
        let chunks = workers.map_chunks(rows.len(), CHUNK_ROWS, |range| {
            let points = rows.points_tensor(&range, &self.device)?;
            let context = rows.context_tensor(&range, &self.device)?;
            to_f64(&self.log_prob_of_chunk(&points, context.as_ref())?)
        })?;
        Ok(chunks.concat())
    }

    /// Draws n rows in data units, row-major; with a context `[n · k]`, row-major, one for each of its rows.
    ///
    /// Each chunk of rows has a generator of its own: the same seed gives the same rows whatever
    /// the number of threads.
    ///
    /// # Errors
    /// [`Error::Shape`] when the context does not fit.
    pub fn sample(
        &self,
        n: usize,
        context: Option<&[f64]>,
        seed: u64,
        workers: &Workers,
    ) -> Result<Vec<f64>> {
        self.sample_from(0, n, context, seed, workers)
    }

    /// As [`Evaluator::sample`], the rows from `start` of a longer sample; `start` must be a
    /// multiple of [`Model::SAMPLE_CHUNK`].
    ///
    /// # Errors
    /// [`Error::Shape`] when the context does not fit.
    pub fn sample_from(
        &self,
        start: usize,
        n: usize,
        context: Option<&[f64]>,
        seed: u64,
        workers: &Workers,
    ) -> Result<Vec<f64>> {
        let (k, device) = (self.context, &self.device);
        let chunks =
            in_sample_chunks((start, n), (k, context), device, workers, |n, context, index| {
                let mut rng = generator(seed, Stream::Sample, index as u64);
                to_f64(&self.sample_chunk(n, context.as_ref(), &mut rng)?)
            })?;
        Ok(chunks.concat())
    }

    fn log_prob_of_chunk(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let mapped = self.preparation.forward(x)?;
        let context = self.preparation.context(context)?;
        // Masked before the mathematics: so far out every density is 0, and single precision NaN.
        let far = mapped.points.detach().abs()?.max_keepdim(1)?.gt(FAR_AWAY)?;
        let origin = mapped.points.zeros_like()?;
        let points = far.broadcast_as(origin.shape())?.where_cond(&origin, &mapped.points)?;
        let log_prob = self.density.log_prob(&points, context.as_ref())?;
        let log_prob = (log_prob.to_dtype(DType::F64)? + mapped.log_det)?;
        let nowhere = log_prob.zeros_like()?.affine(1.0, f64::NEG_INFINITY)?;
        Ok(far.squeeze(1)?.where_cond(&nowhere, &log_prob)?)
    }

    fn sample_chunk(
        &self,
        n: usize,
        context: Option<&Tensor>,
        rng: &mut dyn RngCore,
    ) -> Result<Tensor> {
        let context = self.preparation.context(context)?;
        let points = self.density.sample(n, context.as_ref(), rng)?;
        Ok(self.preparation.inverse(&points)?.points)
    }
}

/// What `draw` makes of each chunk of n rows from `start`, given its number of rows, their context of k
/// columns and its own number.
pub(super) fn in_sample_chunks(
    (start, n): (usize, usize),
    (k, context): (usize, Option<&[f64]>),
    device: &Device,
    workers: &Workers,
    draw: impl Fn(usize, Option<Tensor>, usize) -> Result<Vec<f64>> + Sync,
) -> Result<Vec<Vec<f64>>> {
    let given = context.map_or(0, <[f64]>::len);
    if given != n * k || !start.is_multiple_of(CHUNK_ROWS) {
        let expected = format!("context [{n} · {k}]");
        return Err(Error::shape("Model::sample_rows", expected, &[given]));
    }
    workers.map_chunks(n, CHUNK_ROWS, |range| {
        let index = (start + range.start) / CHUNK_ROWS;
        let context = match context {
            Some(values) if k > 0 => {
                let slice = &values[range.start * k..range.end * k];
                Some(Tensor::from_slice(slice, (range.len(), k), device)?)
            }
            _ => None,
        };
        draw(range.len(), context, index)
    })
}

/// Joins what `part` makes of chunks of n rows and of their context.
fn in_chunks(
    n: usize,
    context: Option<&Tensor>,
    mut part: impl FnMut(Range<usize>, Option<&Tensor>) -> Result<Tensor>,
) -> Result<Tensor> {
    let parts = (0..n).step_by(CHUNK_ROWS).map(|start| {
        let rows = start..n.min(start + CHUNK_ROWS);
        let given = context.map(|c| c.narrow(0, start, rows.len())).transpose()?;
        part(rows, given.as_ref())
    });
    Ok(Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)?)
}

/// Fails unless a context has n rows.
fn check_rows(n: usize, context: Option<&Tensor>) -> Result<()> {
    match context {
        Some(context) if context.dims().first() != Some(&n) => {
            Err(Error::shape("Model", format!("a context of {n} rows"), context.dims()))
        }
        _ => Ok(()),
    }
}

/// Tensors of any dtype, with results in `f64`, in chunks, outside any gradient.
impl Density for Evaluator {
    fn features(&self) -> usize {
        self.features
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("Model::log_prob", x, self.features)?;
        check_rows(x.dim(0)?, context)?;
        let x = x.detach();
        in_chunks(x.dim(0)?, context, |rows, given| {
            let points = x.narrow(0, rows.start, rows.len())?;
            Ok(self.log_prob_of_chunk(&points, given)?.detach())
        })
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        check_rows(n, context)?;
        in_chunks(n, context, |rows, given| {
            Ok(self.sample_chunk(rows.len(), given, &mut *rng)?.detach())
        })
    }
}

/// On the tier of [`Model::with_engine`], as its [`Evaluator`].
impl Density for Model {
    fn features(&self) -> usize {
        self.spec.columns.len()
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        Density::log_prob(&self.evaluator()?, x, context)
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        Density::sample(&self.evaluator()?, n, context, rng)
    }
}
