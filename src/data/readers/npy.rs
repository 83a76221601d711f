//! Reads `NumPy` arrays: vectors as one column, matrices as rows × columns.
//!
//! The columns are called `x1` to `xd`. Values are decoded as they are asked for; an array in
//! Fortran order is read whole, because its rows are scattered over the file.

use std::fs::File;
use std::io::{self, BufReader, Read};

use super::csv::numbered;
use super::npy_header::{Kind, NpyHeader, malformed};
use crate::data::error::{DataError, Place};
use crate::data::names::positions;
use crate::data::reader::{Gap, RowReader};

/// Bytes decoded at a time.
const BLOCK: usize = 1 << 16;

/// The rows of an array in C order.
pub(crate) struct NpyRows<R> {
    file: String,
    columns: Vec<String>,
    picks: Vec<usize>,
    header: NpyHeader,
    decode: fn(&[u8]) -> f64,
    source: R,
    /// Rows already read.
    row: u64,
    bytes: Vec<u8>,
}

impl<R> std::fmt::Debug for NpyRows<R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NpyRows").field("header", &self.header).finish_non_exhaustive()
    }
}

/// Opens a `.npy` file.
pub(crate) fn open(
    file: &str,
    source: File,
    wanted: Option<&[String]>,
) -> Result<Box<dyn RowReader>, DataError> {
    let metadata = source.metadata().map_err(|error| DataError::from_io(file, error))?;
    let length = metadata.is_file().then_some(metadata.len());
    let rows = NpyRows::new(file, BufReader::with_capacity(BLOCK, source), length, wanted)?;
    if rows.header.fortran_order && rows.header.width > 1 {
        return Ok(Box::new(rows.buffered()?));
    }
    Ok(Box::new(rows))
}

impl<R: Read> NpyRows<R> {
    /// Reads the header; `length`, the bytes in `source`, is checked against it when known.
    pub(crate) fn new(
        file: &str,
        mut source: R,
        length: Option<u64>,
        wanted: Option<&[String]>,
    ) -> Result<Self, DataError> {
        if length == Some(0) {
            return Err(DataError::Empty { file: file.to_owned() });
        }
        let header = NpyHeader::read(file, &mut source)?;
        let file = file.to_owned();
        let found = length.map_or(u64::MAX, |length| length.saturating_sub(header.length));
        if header.data_bytes() > u128::from(found) {
            return Err(DataError::Truncated { file, expected: header.data_bytes(), found });
        }
        if header.rows == 0 || header.width == 0 {
            return Err(DataError::NoRows { file });
        }
        let width = usize::try_from(header.width)
            .ok()
            .filter(|width| *width <= MAX_WIDTH)
            .ok_or_else(|| malformed(&file, &format!("{} columns are too many", header.width)))?;
        let names = numbered(width);
        let picks = positions(&file, &names, wanted)?;
        let columns = picks.iter().map(|&i| names[i].clone()).collect();
        let decode = decoder(&header);
        Ok(Self { file, columns, picks, header, decode, source, row: 0, bytes: Vec::new() })
    }

    /// Reads all rows at once, whatever their order.
    pub(crate) fn buffered(mut self) -> Result<Buffered, DataError> {
        let mut values = Vec::new();
        if self.header.fortran_order && self.header.width > 1 {
            self.read_columns(&mut values)?;
        } else {
            self.read_rows(usize::MAX, &mut values, &mut Vec::new())?;
        }
        Ok(Buffered { columns: self.columns, values, next: 0 })
    }

    /// Reads an array that lies column after column.
    fn read_columns(&mut self, values: &mut Vec<f64>) -> Result<(), DataError> {
        let rows = usize::try_from(self.header.rows)
            .map_err(|_| malformed(&self.file, "more rows than memory can address"))?;
        let mut stored = Vec::new();
        for _ in 0..self.header.width {
            let mut left = rows;
            while left > 0 {
                let some = left.min(BLOCK / self.header.size);
                self.fill(some * self.header.size)?;
                stored.extend(self.bytes.chunks_exact(self.header.size).map(self.decode));
                left -= some;
            }
        }
        values.reserve_exact(rows * self.picks.len());
        for row in 0..rows {
            for (index, &pick) in self.picks.iter().enumerate() {
                let value = stored[pick * rows + row];
                values.push(self.checked(value, row as u64, index)?);
            }
        }
        Ok(())
    }

    /// Reads exactly `count` bytes.
    fn fill(&mut self, count: usize) -> Result<(), DataError> {
        self.bytes.resize(count, 0);
        self.source.read_exact(&mut self.bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => malformed(&self.file, "it ends before its last row"),
            _ => DataError::from_io(&self.file, error),
        })
    }

    /// The value, unless it is infinite; NaN is a missing value.
    fn checked(&self, value: f64, row: u64, index: usize) -> Result<f64, DataError> {
        if !value.is_infinite() {
            return Ok(value);
        }
        Err(DataError::NotFinite {
            file: self.file.clone(),
            place: Place::Row(row + 1),
            column: self.columns[index].clone(),
            value,
        })
    }
}

impl<R: Read> RowReader for NpyRows<R> {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn rows_left(&self) -> Option<u64> {
        Some(self.header.rows - self.row)
    }

    fn read_rows(
        &mut self,
        limit: usize,
        values: &mut Vec<f64>,
        gaps: &mut Vec<Gap>,
    ) -> Result<usize, DataError> {
        let size = self.header.size;
        let row_bytes = self.header.width as usize * size;
        let left = usize::try_from(self.header.rows - self.row).unwrap_or(usize::MAX);
        let total = limit.min(left);
        let mut done = 0;
        while done < total {
            let some = (total - done).min((BLOCK / row_bytes).max(1));
            self.fill(some * row_bytes)?;
            for (at, row) in self.bytes.chunks_exact(row_bytes).enumerate() {
                let mut gap = None;
                for (index, &pick) in self.picks.iter().enumerate() {
                    let value = (self.decode)(&row[pick * size..(pick + 1) * size]);
                    let value = self.checked(value, self.row, index)?;
                    if value.is_nan() {
                        gap.get_or_insert(index);
                    }
                    values.push(value);
                }
                self.row += 1;
                gaps.extend(gap.map(|column| {
                    let place = Place::Row(self.row);
                    Gap { row: done + at, place, column }
                }));
            }
            done += some;
        }
        Ok(total)
    }
}

/// Columns beyond which a header is taken for damaged: each costs a name even without rows.
const MAX_WIDTH: usize = 1 << 20;

/// The function that turns one value's bytes into a number.
fn decoder(header: &NpyHeader) -> fn(&[u8]) -> f64 {
    macro_rules! decode {
        ($type:ty, $convert:expr) => {{
            let little: fn(&[u8]) -> f64 = |bytes| {
                bytes.try_into().map_or(f64::NAN, |bytes| $convert(<$type>::from_le_bytes(bytes)))
            };
            let big: fn(&[u8]) -> f64 = |bytes| {
                bytes.try_into().map_or(f64::NAN, |bytes| $convert(<$type>::from_be_bytes(bytes)))
            };
            if header.big_endian { big } else { little }
        }};
    }
    match (header.kind, header.size) {
        (Kind::Float, 4) => decode!(f32, f64::from),
        (Kind::Float, _) => decode!(f64, f64::from),
        (Kind::Signed, 1) => decode!(i8, f64::from),
        (Kind::Signed, 2) => decode!(i16, f64::from),
        (Kind::Signed, 4) => decode!(i32, f64::from),
        (Kind::Signed, _) => decode!(i64, |value| value as f64),
        (Kind::Unsigned | Kind::Bool, 1) => decode!(u8, f64::from),
        (Kind::Unsigned, 2) => decode!(u16, f64::from),
        (Kind::Unsigned, 4) => decode!(u32, f64::from),
        (Kind::Unsigned | Kind::Bool, _) => decode!(u64, |value| value as f64),
    }
}

/// Rows that are already in memory.
#[derive(Debug)]
pub(crate) struct Buffered {
    columns: Vec<String>,
    values: Vec<f64>,
    /// First value that has not been handed out.
    next: usize,
}

impl RowReader for Buffered {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn rows_left(&self) -> Option<u64> {
        Some(((self.values.len() - self.next) / self.columns.len()) as u64)
    }

    fn read_rows(
        &mut self,
        limit: usize,
        values: &mut Vec<f64>,
        gaps: &mut Vec<Gap>,
    ) -> Result<usize, DataError> {
        let width = self.columns.len();
        let rest = &self.values[self.next..];
        let rows = limit.min(rest.len() / width);
        let before = self.next / width;
        for (row, cells) in rest[..rows * width].chunks_exact(width).enumerate() {
            let gap = cells.iter().position(|value| value.is_nan());
            let place = Place::Row((before + row + 1) as u64);
            gaps.extend(gap.map(|column| Gap { row, place, column }));
        }
        values.extend_from_slice(&rest[..rows * width]);
        self.next += rows * width;
        Ok(rows)
    }
}

#[cfg(test)]
mod tests;
