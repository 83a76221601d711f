//! Draws of a model.

use super::{CHUNK_ROWS, InDataUnits, Model};
use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::rng::{Stream, generator};
use crate::workers::Workers;
use candle_core::Tensor;

impl Model {
    /// Draws n rows in data units, row-major; with a context `[n · k]`, row-major, one for each of its rows.
    ///
    /// Each chunk of rows has a generator of its own: the same seed gives the same rows whatever
    /// the number of threads.
    ///
    /// # Errors
    /// [`Error::Shape`] when the context does not fit.
    pub fn sample_rows(
        &self,
        n: usize,
        context: Option<&[f64]>,
        seed: u64,
        workers: &Workers,
    ) -> Result<Vec<f64>> {
        self.sample_rows_from(0, n, context, seed, workers)
    }

    /// As [`Model::sample_rows`], the rows from `start` of a longer sample; `start` must be a
    /// multiple of [`Model::SAMPLE_CHUNK`].
    ///
    /// # Errors
    /// [`Error::Shape`] when the context does not fit.
    pub fn sample_rows_from(
        &self,
        start: usize,
        n: usize,
        context: Option<&[f64]>,
        seed: u64,
        workers: &Workers,
    ) -> Result<Vec<f64>> {
        let density = self.density()?;
        let model = InDataUnits { preparation: &self.preparation, density: density.as_ref() };
        let chunks =
            self.in_sample_chunks((start, n), context, workers, |rows, context, index| {
                let mut rng = generator(seed, Stream::Sample, index as u64);
                to_f64(&model.sample(rows, context.as_ref(), &mut rng)?)
            })?;
        Ok(chunks.concat())
    }

    /// What `draw` makes of each chunk of n rows from `start`, given its number of rows, their
    /// context and its own number.
    pub(super) fn in_sample_chunks(
        &self,
        (start, n): (usize, usize),
        context: Option<&[f64]>,
        workers: &Workers,
        draw: impl Fn(usize, Option<Tensor>, usize) -> Result<Vec<f64>> + Sync,
    ) -> Result<Vec<Vec<f64>>> {
        let k = self.spec.given.len();
        let given = context.map_or(0, <[f64]>::len);
        if given != n * k || !start.is_multiple_of(CHUNK_ROWS) {
            return Err(Error::shape(
                "Model::sample_rows",
                format!("context [{n} · {k}]"),
                &[given],
            ));
        }
        workers.map_chunks(n, CHUNK_ROWS, |range| {
            let index = (start + range.start) / CHUNK_ROWS;
            let context = match context {
                Some(values) if k > 0 => {
                    let slice = &values[range.start * k..range.end * k];
                    Some(Tensor::from_slice(slice, (range.len(), k), self.params.device())?)
                }
                _ => None,
            };
            draw(range.len(), context, index)
        })
    }

    /// Rows of one chunk of a sample.
    pub const SAMPLE_CHUNK: usize = CHUNK_ROWS;
}
