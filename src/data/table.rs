//! Holds a table of finite numbers with named columns, row after row.

use super::error::DataError;
use super::names::{listed, positions, require_unique};

/// A rectangular table of `f64` values with unique column names.
///
/// Values lie row after row, so that a table is one block of memory and becomes a tensor of shape
/// `[rows, width]` without moving.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    source: String,
    columns: Vec<String>,
    values: Vec<f64>,
    /// The numbers of the rows in their source, from 0; in order when absent.
    numbers: Option<Vec<usize>>,
}

impl Table {
    /// A table from column names and values, row after row; `source` names it in messages.
    ///
    /// # Errors
    /// When there is no column, two columns share a name, or the last row is incomplete.
    pub fn new(
        source: impl Into<String>,
        columns: Vec<String>,
        values: Vec<f64>,
    ) -> Result<Self, DataError> {
        let source = source.into();
        require_unique(&source, &columns)?;
        if columns.is_empty() {
            return Err(DataError::Empty { file: source });
        }
        if !values.len().is_multiple_of(columns.len()) {
            return Err(DataError::PartialRow {
                file: source,
                values: values.len(),
                columns: columns.len(),
            });
        }
        Ok(Self { source, columns, values, numbers: None })
    }

    /// The same rows, which have these numbers in their source.
    pub(crate) fn with_numbers(mut self, numbers: Vec<usize>) -> Self {
        debug_assert_eq!(numbers.len(), self.rows(), "a number a row");
        self.numbers = Some(numbers);
        self
    }

    /// The numbers of the rows in their source, counted from 0; none when these are 0, 1, 2, …, which
    /// they are unless rows were left out or it is a piece of a table.
    pub fn numbers(&self) -> Option<&[usize]> {
        self.numbers.as_deref()
    }

    /// The number of a row in its source, counted from 0.
    pub fn number(&self, row: usize) -> usize {
        self.numbers.as_ref().map_or(row, |numbers| numbers[row])
    }

    /// What messages call this table: its file, `<stdin>`, or the name of a toy density.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The column names in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns.len()
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All values, row after row, without a copy.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// The rows one by one.
    pub fn iter_rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.width())
    }

    /// The values of the column at `position`, from the first row to the last; none beyond the
    /// last column.
    pub fn column(&self, position: usize) -> impl Iterator<Item = f64> + '_ {
        self.iter_rows().filter_map(move |row| row.get(position).copied())
    }

    /// The position of the column called `name`.
    ///
    /// # Errors
    /// When there is none; the message lists the columns.
    pub fn position(&self, name: &str) -> Result<usize, DataError> {
        positions(&self.source, &self.columns, Some(&[name])).map(|found| found[0])
    }

    /// The named columns in the order asked for.
    ///
    /// # Errors
    /// When a name is unknown, repeated, or none is given.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, DataError> {
        let picks = positions(&self.source, &self.columns, Some(names))?;
        self.pick(&picks)
    }

    /// All columns but the named ones.
    ///
    /// # Errors
    /// When a name is unknown or repeated, or no column is left.
    pub fn without<S: AsRef<str>>(&self, names: &[S]) -> Result<Self, DataError> {
        let dropped = positions(&self.source, &self.columns, Some(names))?;
        let picks: Vec<usize> = (0..self.width()).filter(|i| !dropped.contains(i)).collect();
        self.pick(&picks)
    }

    fn pick(&self, picks: &[usize]) -> Result<Self, DataError> {
        let columns = picks.iter().map(|&i| self.columns[i].clone()).collect();
        let values = self.iter_rows().flat_map(|row| picks.iter().map(move |&i| row[i])).collect();
        let table = Self::new(self.source.clone(), columns, values)?;
        Ok(Self { numbers: self.numbers.clone(), ..table })
    }

    /// The rows at the given indices, counted from 0, in that order; an index may repeat.
    ///
    /// # Errors
    /// When an index is beyond the last row.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, DataError> {
        let width = self.width();
        let mut values = Vec::with_capacity(indices.len() * width);
        for &row in indices {
            let found = self.values.get(row * width..(row + 1) * width).ok_or_else(|| {
                DataError::RowOutOfRange { file: self.source.clone(), row, rows: self.rows() }
            })?;
            values.extend_from_slice(found);
        }
        let table = Self::new(self.source.clone(), self.columns.clone(), values)?;
        Ok(table.with_numbers(indices.iter().map(|&row| self.number(row)).collect()))
    }

    /// The rows of this table followed by those of `other`.
    ///
    /// # Errors
    /// When the columns differ in name or order.
    pub fn concat(mut self, other: &Self) -> Result<Self, DataError> {
        if self.columns != other.columns {
            return Err(DataError::ColumnsDiffer {
                file: other.source.clone(),
                other: self.source,
                expected: listed(&self.columns),
                found: listed(&other.columns),
            });
        }
        if self.numbers.is_some() || other.numbers.is_some() {
            let of = |table: &Self| (0..table.rows()).map(|row| table.number(row)).collect();
            let numbers: [Vec<usize>; 2] = [of(&self), of(other)];
            self.numbers = Some(numbers.concat());
        }
        self.values.extend_from_slice(&other.values);
        Ok(self)
    }

    /// Fails when one of these columns has the same value in every row: it has no density.
    ///
    /// # Errors
    /// Names the first such column and its value; a table of one row has only such columns. When there
    /// is no column of a name.
    pub fn require_varying<S: AsRef<str>>(&self, names: &[S]) -> Result<(), DataError> {
        let Some(first) = self.iter_rows().next() else {
            return Err(DataError::NoRows { file: self.source.clone() });
        };
        for position in positions(&self.source, &self.columns, Some(names))? {
            let value = first[position];
            if self.column(position).all(|other| other.total_cmp(&value).is_eq()) {
                return Err(DataError::ConstantColumn {
                    file: self.source.clone(),
                    column: self.columns[position].clone(),
                    value: value.to_string(),
                });
            }
        }
        Ok(())
    }

    /// The BLAKE3 hash of names and values in hexadecimal, the same on every platform.
    ///
    /// Hashed are the width and each name with its length, then each value's bits, all in
    /// little-endian order; where the table came from does not count.
    pub fn hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"diffeo table 1");
        hasher.update(&(self.width() as u64).to_le_bytes());
        for name in &self.columns {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
        }
        let mut block = Vec::with_capacity(HASH_BLOCK * size_of::<f64>());
        for values in self.values.chunks(HASH_BLOCK) {
            block.clear();
            block.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            hasher.update(&block);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// Values turned to bytes at a time while hashing.
const HASH_BLOCK: usize = 8192;

#[cfg(test)]
mod tests;
