//! Rows as plain numbers, the way tiles are filled from them.

use super::program::Workspace;
use super::simd::Level;
use super::tile::{Column, ROWS, read_rows};
use crate::error::{Error, Result};
use crate::objective::Batch;
use candle_core::{DType, Device, Tensor};
use std::ops::Range;

/// A batch in single precision, row-major.
#[derive(Debug, Clone)]
pub(super) struct Table {
    rows: usize,
    features: usize,
    context_features: usize,
    points: Vec<f32>,
    context: Vec<f32>,
    weights: Option<Vec<f32>>,
    log_det: Option<Vec<f32>>,
}

fn flat(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

impl Table {
    /// The rows of points `[n, d]` given a context `[n, k]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when they have other numbers of columns.
    pub(super) fn new(batch: &Batch, (features, context_features): (usize, usize)) -> Result<Self> {
        let (rows, d) = batch.points.dims2()?;
        let given = batch.context.as_ref().map_or(Ok(0), |context| context.dim(1))?;
        if d != features || (context_features > 0 && given != context_features) {
            let expected = format!("[n, {features}] given [n, {context_features}]");
            return Err(Error::shape("a fast flow", expected, &[d, given]));
        }
        let context = if context_features > 0 { batch.context.as_ref() } else { None };
        for (what, tensor) in [
            ("context", context),
            ("weights", batch.weights.as_ref()),
            ("log_det", batch.log_det.as_ref()),
        ] {
            if let Some(tensor) = tensor.filter(|tensor| tensor.dims()[0] != rows) {
                return Err(Error::shape(
                    "a fast flow",
                    format!("{what} of {rows} rows"),
                    tensor.dims(),
                ));
            }
        }
        Ok(Self {
            rows,
            features,
            context_features,
            points: flat(&batch.points)?,
            context: context.map_or(Ok(Vec::new()), flat)?,
            weights: batch.weights.as_ref().map(flat).transpose()?,
            log_det: batch.log_det.as_ref().map(flat).transpose()?,
        })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Fills a tile with these rows, at most [`ROWS`] of them.
    pub(super) fn fill(
        &self,
        level: Level,
        rows: impl ExactSizeIterator<Item = usize> + Clone,
        work: &mut Workspace,
    ) {
        self.read(level, rows, &mut work.points, &mut work.context);
    }

    /// The same, into columns for points and context.
    pub(super) fn read(
        &self,
        level: Level,
        rows: impl ExactSizeIterator<Item = usize> + Clone,
        points: &mut [Column],
        context: &mut [Column],
    ) {
        let (d, k) = (self.features, self.context_features);
        read_rows(level, rows.clone().map(|row| &self.points[row * d..(row + 1) * d]), points);
        if k > 0 {
            let from = rows.map(|row| &self.context[row * k..(row + 1) * k]);
            read_rows(level, from, context);
        }
    }

    /// The points of a row.
    pub(super) fn point(&self, row: usize) -> &[f32] {
        &self.points[row * self.features..(row + 1) * self.features]
    }

    /// The weight of a row.
    pub(super) fn weight(&self, row: usize) -> f32 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// The log-volume that preparing a row has spent.
    pub(super) fn log_det(&self, row: usize) -> f32 {
        self.log_det.as_ref().map_or(0.0, |log_det| log_det[row])
    }
}

/// The tiles of a range of rows.
pub(super) fn tiles(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(ROWS).map(move |start| start..end.min(start + ROWS))
}
