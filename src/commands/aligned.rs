//! One row of output for each row of a table, whatever is left out of it.

use anyhow::Result;
use diffeo::data::{Dropped, RowSink, Table};

/// Writes rows at their numbers in the table; those left out for missing values are empty.
pub struct Aligned<F> {
    width: usize,
    /// Called with the first values: a table that is refused leaves no header behind.
    create: F,
    sink: Option<Box<dyn RowSink>>,
    written: usize,
}

impl<F: Fn() -> Result<Box<dyn RowSink>>> Aligned<F> {
    /// Rows of so many values.
    pub fn new(width: usize, create: F) -> Self {
        Self { width, create, sink: None, written: 0 }
    }

    /// Writes the values of the rows of a piece of a table, after empty rows for those before them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, piece: &Table, values: &[f64]) -> Result<()> {
        self.write_at((0..piece.rows()).map(|row| piece.number(row)), values)
    }

    /// The same for rows of these numbers.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write_at(&mut self, numbers: impl Iterator<Item = usize>, values: &[f64]) -> Result<()> {
        let mut rows = Vec::with_capacity(values.len());
        for (number, row) in numbers.zip(values.chunks_exact(self.width)) {
            rows.resize(rows.len() + (number - self.written) * self.width, f64::NAN);
            rows.extend_from_slice(row);
            self.written = number + 1;
        }
        self.send(&rows)
    }

    fn send(&mut self, rows: &[f64]) -> Result<()> {
        let sink = match self.sink.take() {
            Some(sink) => sink,
            None => (self.create)()?,
        };
        Ok(self.sink.insert(sink).write_rows(rows)?)
    }

    /// Writes the empty rows at the end, and says how many rows there are.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn finish(mut self, kept: usize, dropped: &Dropped) -> Result<usize> {
        let all = kept + dropped.rows() as usize;
        self.send(&vec![f64::NAN; (all - self.written) * self.width])?;
        if let Some(sink) = self.sink {
            sink.finish()?;
        }
        Ok(all)
    }
}
