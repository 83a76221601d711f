//! Reads tables from any supported source, whole or in pieces.

use std::fmt;

use super::error::{DataError, Place};
use super::labels::{Labels, index_of_number};
use super::missing::{Dropped, Missing};
use super::names::listed;
use super::table::Table;

/// Rows decoded before those with missing values are left out.
const BLOCK: usize = 16_384;

/// A source of rows: the one thing a file format has to provide.
pub(crate) trait RowReader: fmt::Debug {
    /// The names of the columns that are read.
    fn columns(&self) -> &[String];

    /// How many rows are still to come, where that is known and true.
    fn rows_left(&self) -> Option<u64> {
        None
    }

    /// What is to be said of how the source was understood.
    fn notes(&self) -> &[String] {
        &[]
    }

    /// Whether labels are turned into their indices already.
    fn knows_labels(&self) -> bool {
        false
    }

    /// Appends the next `limit` rows to `values` and returns how many; fewer only at the end. A
    /// missing value is NaN, and each row with some is added to `gaps`.
    ///
    /// Implementations check that no value is infinite and that memory grows with the rows that
    /// are really there, not with what a header claims.
    fn read_rows(
        &mut self,
        limit: usize,
        values: &mut Vec<f64>,
        gaps: &mut Vec<Gap>,
    ) -> Result<usize, DataError>;
}

/// A row with missing values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Its number among the rows just read.
    pub(crate) row: usize,
    /// Where it is in the file.
    pub(crate) place: Place,
    /// The position of the first column without a value.
    pub(crate) column: usize,
}

/// How a table is read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// The columns, in this order; `None` for all.
    pub columns: Option<Vec<String>>,
    /// What happens to rows with missing values.
    pub missing: Missing,
    /// The labels of the columns that hold categories.
    pub labels: Labels,
    /// What the columns of a table without names are to be called, in order; none for x1, x2, …
    pub expected: Vec<String>,
    /// A column that such a table may have besides.
    pub besides: Option<String>,
    /// Whether the first row of a text holds the names of its columns; `None` to find out.
    pub header: Option<bool>,
}

/// An opened table whose rows are still to be read.
#[derive(Debug)]
pub struct TableReader {
    source: String,
    columns: Vec<String>,
    rows: Box<dyn RowReader>,
    missing: Missing,
    /// The labels of columns whose numbers are still to be replaced by indices.
    labels: Vec<(usize, Vec<String>)>,
    dropped: Dropped,
    /// Rows read so far, with and without missing values.
    seen: u64,
    started: bool,
}

impl TableReader {
    pub(crate) fn new(
        source: String,
        columns: Vec<String>,
        rows: Box<dyn RowReader>,
        options: &ReadOptions,
    ) -> Self {
        let of = |(at, name): (usize, &String)| Some((at, options.labels.of(name)?.to_vec()));
        let labels = if rows.knows_labels() {
            Vec::new()
        } else {
            columns.iter().enumerate().filter_map(of).collect()
        };
        let (missing, dropped) = (options.missing, Dropped::default());
        Self { source, columns, rows, missing, labels, dropped, seen: 0, started: false }
    }

    /// The names of the columns that are read.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// What is to be said of how the source was understood: no header found, other delimiters.
    pub fn notes(&self) -> &[String] {
        self.rows.notes()
    }

    /// The rows left out so far for their missing values.
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// The next rows, at most `limit` of them (at least 1); `None` at the end.
    ///
    /// # Errors
    /// When a value is infinite or not a number, the file is damaged, there are no rows at all, or
    /// a value is missing and may not be.
    pub fn next_rows(&mut self, limit: usize) -> Result<Option<Table>, DataError> {
        let (limit, width) = (limit.max(1), self.columns().len());
        let (mut values, mut gaps) = (Vec::new(), Vec::new());
        let mut numbers = Numbers::from(self.seen as usize);
        let left = self.rows.rows_left().map_or(0, |rows| limit.min(rows as usize));
        values.reserve_exact(left * width);
        while values.len() < limit.saturating_mul(width) {
            let (start, kept) = (values.len(), values.len() / width);
            let read = self.rows.read_rows(BLOCK.min(limit - kept), &mut values, &mut gaps)?;
            if read == 0 {
                break;
            }
            self.index_labels(&mut values[start..], width)?;
            numbers.add(self.seen as usize, read, &gaps);
            self.seen += read as u64;
            if !gaps.is_empty() {
                for gap in &gaps {
                    self.dropped.add(gap);
                }
                if self.missing == Missing::Reject {
                    return Err(self.refused());
                }
                leave_out(&mut values, start, width, &gaps);
                gaps.clear();
            }
        }
        if values.is_empty() {
            return if self.started { Ok(None) } else { Err(self.without_rows()) };
        }
        self.started = true;
        let table = Table::new(self.source.clone(), self.columns().to_vec(), values)?;
        Ok(Some(match numbers.0 {
            Some(numbers) => table.with_numbers(numbers),
            None => table,
        }))
    }

    /// All remaining rows as one table.
    ///
    /// # Errors
    /// As [`TableReader::next_rows`], and when nothing remains.
    pub fn read(mut self) -> Result<Table, DataError> {
        self.read_rest()
    }

    /// As [`TableReader::read`], for who wants to know afterwards what was left out.
    ///
    /// # Errors
    /// As [`TableReader::read`].
    pub fn read_rest(&mut self) -> Result<Table, DataError> {
        let rest = self.next_rows(usize::MAX)?;
        rest.ok_or_else(|| DataError::NoRows { file: self.source.clone() })
    }

    /// The remaining rows in tables of at most `limit` rows, for files larger than memory.
    pub fn chunks(self, limit: usize) -> Chunks {
        Chunks { reader: Some(self), limit }
    }

    /// Replaces numbers that are labels by their indices.
    fn index_labels(&self, values: &mut [f64], width: usize) -> Result<(), DataError> {
        for (column, labels) in &self.labels {
            let cells = values.iter_mut().skip(*column).step_by(width);
            for (row, cell) in cells.enumerate().filter(|(_, cell)| !cell.is_nan()) {
                let found = index_of_number(labels, *cell);
                *cell = found.ok_or_else(|| DataError::UnknownLabel {
                    file: self.source.clone(),
                    place: Place::Row(self.seen + row as u64 + 1),
                    column: self.columns()[*column].clone(),
                    text: cell.to_string(),
                    labels: listed(labels),
                })? as f64;
            }
        }
        Ok(())
    }

    /// Counts the rows with missing values up to the end, or up to what is worse.
    #[cold]
    fn refused(&mut self) -> DataError {
        let (mut values, mut gaps) = (Vec::new(), Vec::new());
        while self.rows.read_rows(BLOCK, &mut values, &mut gaps).is_ok_and(|read| read > 0) {
            for gap in gaps.drain(..) {
                self.dropped.add(&gap);
            }
            values.clear();
        }
        self.dropped.refused(&self.source, &self.columns)
    }

    #[cold]
    fn without_rows(&self) -> DataError {
        let file = self.source.clone();
        match self.dropped.rows() {
            0 => DataError::NoRows { file },
            rows => DataError::AllMissing { file, rows },
        }
    }
}

/// The numbers of the rows that are kept; none while they are 0, 1, 2, …
struct Numbers(Option<Vec<usize>>);

impl Numbers {
    /// Those of a piece of a table that starts at this row.
    fn from(start: usize) -> Self {
        Self((start > 0).then(Vec::new))
    }

    /// Adds those of so many rows from this one on, but for those with gaps.
    fn add(&mut self, start: usize, read: usize, gaps: &[Gap]) {
        if !gaps.is_empty() {
            self.0.get_or_insert_with(|| (0..start).collect());
        }
        let Some(numbers) = &mut self.0 else { return };
        let mut gaps = gaps.iter().map(|gap| gap.row).peekable();
        let kept = (0..read).filter(|row| gaps.next_if_eq(row).is_none());
        numbers.extend(kept.map(|row| start + row));
    }
}

/// Removes the rows with gaps, which are in ascending order and counted from `start`.
fn leave_out(values: &mut Vec<f64>, start: usize, width: usize, gaps: &[Gap]) {
    let rows = (values.len() - start) / width;
    let mut gaps = gaps.iter().map(|gap| gap.row).peekable();
    let mut end = start;
    for row in 0..rows {
        if gaps.next_if_eq(&row).is_some() {
            continue;
        }
        let from = start + row * width;
        values.copy_within(from..from + width, end);
        end += width;
    }
    values.truncate(end);
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
