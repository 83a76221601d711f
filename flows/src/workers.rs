//! Runs chunks of rows on a bounded number of threads, with results in the order of the chunks.

use crate::error::{Error, Result};
use rayon::prelude::*;
use std::ops::Range;

/// Stack of each worker: candle walks its graph recursively, and 2 MB overflow at a few thousand
/// chained operations.
const STACK_BYTES: usize = 256 << 20;

/// A pool of worker threads.
///
/// Rows are cut into chunks of a fixed size and results are combined in the order of the chunks,
/// so no result depends on the number of threads. candle's own threads are best kept at one
/// (environment variables `RAYON_NUM_THREADS=1` and `CANDLE_NUM_THREADS=1`), as the program does.
#[derive(Debug)]
pub struct Workers {
    pool: rayon::ThreadPool,
}

impl Workers {
    /// A pool of `threads` threads.
    ///
    /// # Errors
    /// [`Error::Config`] when there are none, or when the system refuses them.
    pub fn new(threads: usize) -> Result<Self> {
        if threads == 0 {
            return Err(Error::config("threads", "there are none", "give at least 1"));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .stack_size(STACK_BYTES)
            .build()
            .map_err(|e| Error::config("threads", e.to_string(), "give fewer"))?;
        Ok(Self { pool })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `work` on the pool, where its own parallel loops use no more threads than the pool has.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.pool.install(work)
    }

    /// Runs `work` on each chunk of `rows_per_chunk` rows, the last one possibly shorter.
    ///
    /// # Errors
    /// The error of the first chunk that failed.
    pub fn map_chunks<T: Send>(
        &self,
        rows: usize,
        rows_per_chunk: usize,
        work: impl Fn(Range<usize>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let chunks = rows.div_ceil(rows_per_chunk);
        let results: Vec<Result<T>> = self.pool.install(|| {
            (0..chunks)
                .into_par_iter()
                .map(|i| work(i * rows_per_chunk..rows.min((i + 1) * rows_per_chunk)))
                .collect()
        });
        results.into_iter().collect()
    }
}
