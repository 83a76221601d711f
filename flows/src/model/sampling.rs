//! Draws of a model.

use super::{CHUNK_ROWS, Model};
use crate::error::Result;
use crate::workers::Workers;

impl Model {
    /// Draws n rows in data units, row-major; see [`Evaluator::sample`](super::Evaluator::sample).
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the context does not fit.
    pub fn sample_rows(
        &self,
        n: usize,
        context: Option<&[f64]>,
        seed: u64,
        workers: &Workers,
    ) -> Result<Vec<f64>> {
        self.evaluator()?.sample(n, context, seed, workers)
    }

    /// Rows of one chunk of a sample.
    pub const SAMPLE_CHUNK: usize = CHUNK_ROWS;
}
