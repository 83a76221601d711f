//! Reads tables from any supported source, whole or in pieces.

use std::fmt;

use super::error::DataError;
use super::table::Table;

/// A source of rows: the one thing a file format has to provide.
pub(crate) trait RowReader: fmt::Debug {
    /// The names of the columns that are read.
    fn columns(&self) -> &[String];

    /// Appends the next `limit` rows to `values` and returns how many; fewer only at the end.
    ///
    /// Implementations check that every value is finite and that memory grows with the rows that
    /// are really there, not with what a header claims.
    fn read_rows(&mut self, limit: usize, values: &mut Vec<f64>) -> Result<usize, DataError>;
}

/// An opened table whose rows are still to be read.
#[derive(Debug)]
pub struct TableReader {
    source: String,
    rows: Box<dyn RowReader>,
    started: bool,
}

impl TableReader {
    pub(crate) fn new(source: String, rows: Box<dyn RowReader>) -> Self {
        Self { source, rows, started: false }
    }

    /// The names of the columns that are read.
    pub fn columns(&self) -> &[String] {
        self.rows.columns()
    }

    /// The next rows, at most `limit` of them (at least 1); `None` at the end.
    ///
    /// # Errors
    /// When a value is not a finite number, the file is damaged, or there are no rows at all.
    pub fn next_rows(&mut self, limit: usize) -> Result<Option<Table>, DataError> {
        let mut values = Vec::new();
        let read = self.rows.read_rows(limit.max(1), &mut values)?;
        if read == 0 {
            return if self.started {
                Ok(None)
            } else {
                Err(DataError::NoRows { file: self.source.clone() })
            };
        }
        self.started = true;
        Table::new(self.source.clone(), self.columns().to_vec(), values).map(Some)
    }

    /// All remaining rows as one table.
    ///
    /// # Errors
    /// As [`TableReader::next_rows`], and when nothing remains.
    pub fn read(mut self) -> Result<Table, DataError> {
        self.next_rows(usize::MAX)?.ok_or(DataError::NoRows { file: self.source })
    }

    /// The remaining rows in tables of at most `limit` rows, for files larger than memory.
    pub fn chunks(self, limit: usize) -> Chunks {
        Chunks { reader: Some(self), limit }
    }
}

/// Iterator over pieces of a table, from [`TableReader::chunks`]; ends after the first error.
#[derive(Debug)]
pub struct Chunks {
    reader: Option<TableReader>,
    limit: usize,
}

impl Iterator for Chunks {
    type Item = Result<Table, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.reader.as_mut()?.next_rows(self.limit).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.reader = None;
        }
        next
    }
}
