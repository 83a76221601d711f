//! Reads comma- and tab-separated text.
//!
//! The first row is a header if and only if one of its fields is neither a number nor a mark for a
//! missing value (empty, `NA`, …). Without a header the columns are `x1` to `xd`. Accepted are a
//! byte-order mark, LF and CRLF, blank lines, quoted fields, and spaces around numbers.

use std::fmt;
use std::io::{self, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use super::text::{Text, not_text};
use crate::data::error::{DataError, Place};
use crate::data::labels::Labels;
use crate::data::labels::index_of;
use crate::data::names::{listed, positions, require_unique};
use crate::data::reader::{Gap, RowReader};

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;
/// Characters of an offending field that a message shows.
const SHOWN: usize = 40;
/// Texts that stand for a missing value.
const MISSING: [&[u8]; 8] = [b"", b"NA", b"N/A", b"n/a", b"null", b"NULL", b"None", b"?"];

/// A text table whose rows are decoded as they are asked for.
pub(crate) struct CsvRows<R: Read> {
    file: String,
    columns: Vec<String>,
    /// Positions in the record of the columns that are read.
    picks: Vec<usize>,
    width: usize,
    reader: Reader<Input<R>>,
    record: ByteRecord,
    /// The first row, already in `record`, is data.
    pending: bool,
    /// The labels of those of the columns that hold text.
    labels: Vec<Option<Vec<String>>>,
}

/// The source and one more line end, so that every record is terminated.
type Input<R> = io::Chain<Text<R>, &'static [u8]>;

impl<R: Read> fmt::Debug for CsvRows<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CsvRows").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<R: Read> CsvRows<R> {
    /// Reads the first row and finds the columns.
    pub(crate) fn new(
        file: &str,
        source: R,
        delimiter: u8,
        wanted: Option<&[String]>,
        labels: &Labels,
    ) -> Result<Self, DataError> {
        // Ending records at LF alone keeps the line count right in files with CRLF; the CR is
        // trimmed with the other white space.
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .terminator(Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(Text::new(source).chain(&b"\n"[..]));
        let mut rows = Self {
            file: file.to_owned(),
            columns: Vec::new(),
            picks: Vec::new(),
            width: 0,
            reader,
            record: ByteRecord::new(),
            pending: false,
            labels: Vec::new(),
        };
        if !rows.advance()? {
            return Err(DataError::Empty { file: rows.file });
        }
        rows.width = rows.record.len();
        rows.pending = !is_header(&rows.record);
        let names = if rows.pending { numbered(rows.width) } else { rows.header()? };
        require_unique(file, &names)?;
        rows.picks = positions(file, &names, wanted)?;
        rows.columns = rows.picks.iter().map(|&i| names[i].clone()).collect();
        rows.labels = rows.columns.iter().map(|name| labels.of(name).map(<[_]>::to_vec)).collect();
        Ok(rows)
    }

    /// Moves to the next row that is not blank; false at the end.
    fn advance(&mut self) -> Result<bool, DataError> {
        loop {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) if is_blank(&self.record) => {}
                Ok(more) => return Ok(more),
                Err(error) => return Err(self.broken(error)),
            }
        }
    }

    fn header(&self) -> Result<Vec<String>, DataError> {
        let name = |(position, field): (usize, &[u8])| match std::str::from_utf8(trim(field)) {
            Ok("") => Ok(format!("x{}", position + 1)),
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(DataError::NotUtf8 { file: self.file.clone(), place: self.place() }),
        };
        self.record.iter().enumerate().map(name).collect()
    }

    /// The line on which the current record starts: the reader stands at the start of the line
    /// after it.
    #[cold]
    fn place(&self) -> Place {
        let lines = self.record.as_slice().split(|&byte| byte == b'\n').count() as u64;
        // The line end added to the source lies inside a quotation that is never closed.
        let unclosed = u64::from(self.record.as_slice().ends_with(b"\n"));
        let after = self.reader.position().line() + unclosed;
        Place::Line(after.saturating_sub(lines).max(1))
    }

    #[cold]
    fn broken(&self, error: ::csv::Error) -> DataError {
        match error.into_kind() {
            ::csv::ErrorKind::Io(source) => not_text(&self.file, source),
            other => DataError::Malformed {
                file: self.file.clone(),
                format: "CSV",
                detail: format!("{other:?}"),
            },
        }
    }

    #[cold]
    fn ragged(&self) -> DataError {
        DataError::Ragged {
            file: self.file.clone(),
            place: self.place(),
            expected: self.width,
            found: self.record.len(),
        }
    }

    /// Says why the field of column `index` of the current row is not a finite number.
    #[cold]
    fn rejected(&self, index: usize, field: &[u8]) -> DataError {
        let (file, place) = (self.file.clone(), self.place());
        let column = self.columns[index].clone();
        let field = trim(field);
        let Ok(text) = std::str::from_utf8(field) else {
            return DataError::NotUtf8 { file, place };
        };
        if let Some(labels) = &self.labels[index] {
            return DataError::UnknownLabel {
                file,
                place,
                column,
                text: cut(text),
                labels: listed(labels),
            };
        }
        if let Some(value) = parse(field) {
            return DataError::NotFinite { file, place, column, value };
        }
        DataError::NotANumber { file, place, column, remedy: remedy(text), text: cut(text) }
    }

    /// The number in a field, or the index of its label; NaN where it is missing.
    fn value(&self, index: usize, field: &[u8]) -> Option<f64> {
        let labelled = self.labels[index].as_deref().map(|labels| index_of(labels, trim(field)));
        match labelled {
            Some(Some(label)) => Some(label as f64),
            _ if MISSING.contains(&trim(field)) => Some(f64::NAN),
            Some(None) => None,
            None => parse(field).filter(|value| !value.is_infinite()),
        }
    }

    /// Appends the current row; the position of its first missing value, if any.
    fn decode(&self, values: &mut Vec<f64>) -> Result<Option<usize>, DataError> {
        if self.record.len() != self.width {
            return Err(self.ragged());
        }
        let mut gap = None;
        for (index, &position) in self.picks.iter().enumerate() {
            let field = &self.record[position];
            let value = self.value(index, field).ok_or_else(|| self.rejected(index, field))?;
            if value.is_nan() {
                gap.get_or_insert(index);
            }
            values.push(value);
        }
        Ok(gap)
    }
}

impl<R: Read> RowReader for CsvRows<R> {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn knows_labels(&self) -> bool {
        true
    }

    fn read_rows(
        &mut self,
        limit: usize,
        values: &mut Vec<f64>,
        gaps: &mut Vec<Gap>,
    ) -> Result<usize, DataError> {
        for row in 0..limit {
            if !std::mem::take(&mut self.pending) && !self.advance()? {
                return Ok(row);
            }
            if let Some(column) = self.decode(values)? {
                gaps.push(Gap { row, place: self.place(), column });
            }
        }
        Ok(limit)
    }
}

/// `x1` to `xd`, the names of columns that have none.
pub(crate) fn numbered(width: usize) -> Vec<String> {
    (1..=width).map(|i| format!("x{i}")).collect()
}

fn is_header(record: &ByteRecord) -> bool {
    record.iter().any(|field| !MISSING.contains(&trim(field)) && parse(field).is_none())
}

fn is_blank(record: &ByteRecord) -> bool {
    record.len() <= 1 && record.iter().all(|field| trim(field).is_empty())
}

fn trim(field: &[u8]) -> &[u8] {
    field.trim_ascii()
}

/// The number in a field, infinities and NaN included.
fn parse(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(trim(field)).ok()?.parse().ok()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn remedy(text: &str) -> &'static str {
    if text.contains([';', '\t']) {
        "separate the fields with commas, or with tabs in a .tsv file"
    } else if text.contains(',') {
        "write a point as decimal mark and no thousands separators"
    } else {
        "correct it, or leave the column out (fit: --columns)"
    }
}

#[cfg(test)]
mod tests;
