//! Reads text tables: fields parted by commas, semicolons, tabs, bars or spaces.
//!
//! What parts the fields, whether the first row is a header and which decimal mark is used is found
//! out from the first rows ([`layout`]). Without a header the columns are `x1` to `xd`. Accepted are a
//! byte-order mark, LF and CRLF, blank lines, comments before the table, quoted fields, spaces around
//! numbers, and text in Windows-1252 where it is no UTF-8.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use ::csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

use self::layout::{Asked, Heading, Layout, layout, names, start_of};
use self::number::{marked, parse};
use self::spaces::Spaces;
use super::text::{Text, not_text};
use crate::data::columns::{Cell, Survey};
use crate::data::error::{DataError, Place};
use crate::data::labels::Labels;
use crate::data::labels::index_of;
use crate::data::names::{listed, positions, require_unique};
use crate::data::reader::{Gap, RowReader};

pub(crate) mod layout;
pub(crate) mod number;
mod spaces;

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;
/// Characters of an offending field that a message shows.
const SHOWN: usize = 40;
/// Texts that stand for a missing value.
const MISSING: [&str; 14] =
    ["", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaT", "null", "NULL", "None", "?", ".", "-", "--"];
/// The characters of the bytes 0x80 to 0x9f in Windows-1252; the others are those of Latin-1.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A text table whose rows are decoded as they are asked for.
pub(crate) struct CsvRows<R: Read> {
    file: String,
    columns: Vec<String>,
    /// Positions in the record of the columns that are read.
    picks: Vec<usize>,
    /// Whether each column of the record lacks a name.
    unnamed: Vec<bool>,
    width: usize,
    layout: Layout,
    notes: Vec<String>,
    reader: Reader<Input<R>>,
    record: ByteRecord,
    /// The first row, already in `record`, is data.
    pending: bool,
    /// The labels of those of the columns that hold text.
    labels: Vec<Option<Vec<String>>>,
}

/// The source and one more line end, so that every record is terminated.
type Input<R> = io::Chain<Spaces<Text<Whole<R>>>, &'static [u8]>;

/// The bytes looked at and those that follow.
type Whole<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

impl<R: Read> fmt::Debug for CsvRows<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CsvRows").field("file", &self.file).finish_non_exhaustive()
    }
}

impl<R: Read> CsvRows<R> {
    /// Finds out the layout, reads the first row and finds the columns.
    pub(crate) fn new(
        file: &str,
        mut source: R,
        asked: Asked,
        wanted: Option<&[String]>,
        labels: &Labels,
    ) -> Result<Self, DataError> {
        let mut start = start_of(file, &mut source)?;
        let layout = layout(&mut start, asked);
        let text = Text::new(io::Cursor::new(start).chain(source));
        // Ending records at LF alone keeps the line count right in files with CRLF; the CR is
        // trimmed with the other white space.
        let reader = ReaderBuilder::new()
            .delimiter(layout.delimiter.unwrap_or(b'\t'))
            .terminator(Terminator::Any(b'\n'))
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER)
            .from_reader(Spaces::new(text, layout.delimiter.is_none()).chain(&b"\n"[..]));
        let mut rows = Self {
            file: file.to_owned(),
            columns: Vec::new(),
            picks: Vec::new(),
            unnamed: Vec::new(),
            width: 0,
            layout,
            notes: Vec::new(),
            reader,
            record: ByteRecord::new(),
            pending: false,
            labels: Vec::new(),
        };
        rows.find_columns(asked, wanted, labels)?;
        Ok(rows)
    }

    fn find_columns(
        &mut self,
        asked: Asked,
        wanted: Option<&[String]>,
        labels: &Labels,
    ) -> Result<(), DataError> {
        if !self.advance()? {
            return Err(DataError::Empty { file: self.file.clone() });
        }
        let first: Vec<String> =
            self.record.iter().map(|field| text_of(trim(field)).into_owned()).collect();
        if let (None, Some(wanted)) = (asked.header, wanted) {
            self.layout.heading.settle(&first, wanted);
        }
        let (heading, found) = (&self.layout.heading, self.record.len());
        self.width = found + usize::from(*heading == Heading::ShortByOne);
        self.pending = matches!(heading, Heading::Absent | Heading::Comment(_));
        let names = names(heading, &first, self.width);
        self.unnamed = match heading {
            Heading::First => first.iter().map(String::is_empty).collect(),
            Heading::ShortByOne => (0..self.width).map(|at| at == 0).collect(),
            _ => vec![false; self.width],
        };
        if !self.pending && self.record.iter().any(|field| std::str::from_utf8(field).is_err()) {
            self.notes.push("names are read as Windows-1252, as they are not UTF-8".to_owned());
        }
        self.notes.extend(self.layout.notes(asked, &names, &first));
        require_unique(&self.file, &names)?;
        self.picks = positions(&self.file, &names, wanted)?;
        self.columns = self.picks.iter().map(|&i| names[i].clone()).collect();
        self.labels = self.columns.iter().map(|name| labels.of(name).map(<[_]>::to_vec)).collect();
        Ok(())
    }

    /// Reads all rows to tell what each column holds.
    pub(crate) fn survey(mut self) -> Result<Survey, DataError> {
        let unnamed: Vec<bool> = self.picks.iter().map(|&at| self.unnamed[at]).collect();
        let notes = std::mem::take(&mut self.notes);
        let mut survey = Survey::new(self.file.clone(), &self.columns, &unnamed, notes);
        while std::mem::take(&mut self.pending) || self.advance()? {
            if self.record.len() != self.width {
                return Err(self.ragged());
            }
            let mut place = None;
            for (index, &position) in self.picks.iter().enumerate() {
                let field = trim(&self.record[position]);
                let text = text_of(field);
                if matches!(text, Cow::Owned(_)) {
                    survey.note_encoding();
                }
                let is_label = |labels: &Vec<String>| index_of(labels, text.as_bytes()).is_some();
                let cell = match marked(field, self.layout.decimal) {
                    _ if self.labels[index].as_ref().is_some_and(is_label) => Cell::Text,
                    _ if is_missing(field) => Cell::Missing,
                    Some((value, _)) if value.is_nan() => Cell::Missing,
                    Some((value, _)) if value.is_infinite() => Cell::Infinite(value),
                    Some((value, mark)) => Cell::Number(value, mark),
                    None => Cell::Text,
                };
                let place = place.get_or_insert_with(|| self.place());
                survey.add(index, cell, &text, *place);
            }
            survey.end_row();
        }
        Ok(survey)
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

    /// The line on which the current record starts: the reader stands at the start of the line
    /// after it.
    #[cold]
    fn place(&self) -> Place {
        let lines = self.record.as_slice().split(|&byte| byte == b'\n').count() as u64;
        // The line end added to the source lies inside a quotation that is never closed.
        let unclosed = u64::from(self.record.as_slice().ends_with(b"\n"));
        let after = self.reader.position().line() + unclosed;
        Place::Line(after.saturating_sub(lines).max(1) + self.layout.comments)
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
        let text = &*text_of(field);
        if let Some(labels) = &self.labels[index] {
            return DataError::UnknownLabel {
                file,
                place,
                column,
                text: cut(text),
                labels: listed(labels),
            };
        }
        if let Some(value) = parse(field, self.layout.decimal) {
            return DataError::NotFinite { file, place, column, value };
        }
        DataError::NotANumber { file, place, column, remedy: remedy(text), text: cut(text) }
    }

    /// The number in a field, or the index of its label; NaN where it is missing.
    fn value(&self, index: usize, field: &[u8]) -> Option<f64> {
        let field = trim(field);
        let label = |labels: &[String]| index_of(labels, text_of(field).as_bytes());
        match self.labels[index].as_deref().map(label) {
            Some(Some(label)) => Some(label as f64),
            _ if is_missing(field) => Some(f64::NAN),
            Some(None) => None,
            None => parse(field, self.layout.decimal).filter(|value| !value.is_infinite()),
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

    fn notes(&self) -> &[String] {
        &self.notes
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

fn is_blank(record: &ByteRecord) -> bool {
    record.len() <= 1 && record.iter().all(|field| trim(field).is_empty())
}

fn trim(field: &[u8]) -> &[u8] {
    field.trim_ascii()
}

fn is_missing(field: &[u8]) -> bool {
    MISSING.iter().any(|mark| mark.as_bytes() == field)
}

/// The text in a field: UTF-8, or where it is none, Windows-1252.
fn text_of(field: &[u8]) -> Cow<'_, str> {
    let decoded = |&byte: &u8| match byte {
        0x80..=0x9f => WINDOWS[usize::from(byte - 0x80)],
        other => char::from(other),
    };
    std::str::from_utf8(field)
        .map_or_else(|_| field.iter().map(decoded).collect::<String>().into(), Cow::Borrowed)
}

pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn remedy(text: &str) -> &'static str {
    if text.contains([';', '\t']) {
        "separate all fields in the same way, with commas or tabs"
    } else if text.contains(',') {
        "write a point as decimal mark and no thousands separators"
    } else {
        "correct it, or leave the column out (fit: --columns)"
    }
}

#[cfg(test)]
mod tests;
