//! Finds out from the first rows of a text how it is laid out: what parts its fields, whether it has
//! a header, which decimal mark it uses.

use std::io::{self, Read};

use ::csv::{ByteRecord, ReaderBuilder, Terminator};

use super::number::{Decimal, parse, shows};
use super::spaces::Spaces;
use super::{is_missing, numbered, text_of, trim};
use crate::data::error::DataError;

/// Bytes looked at, unless lines are longer.
const LOOKED_AT: usize = 1 << 16;
/// Bytes looked at where lines are long.
const MOST: usize = 1 << 24;
/// Lines wanted at least.
const LINES: usize = 3;
/// Rows looked at.
const ROWS: usize = 100;
/// What may part fields, in order of preference.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the caller says of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What parts the fields where nothing speaks against it.
    pub(crate) delimiter: u8,
    /// Whether the first row holds the names; none to find out.
    pub(crate) header: Option<bool>,
}

/// How a text is laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What parts the fields; none for runs of spaces and tabs.
    pub(crate) delimiter: Option<u8>,
    pub(crate) decimal: Decimal,
    pub(crate) heading: Heading,
    /// Lines of comments before the table.
    pub(crate) comments: u64,
}

/// Where the names of the columns are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Heading {
    /// In the first row.
    First,
    /// In the first row, which lacks the name of the first column: R's `write.table`.
    ShortByOne,
    /// In the last line of comments.
    Comment(Vec<String>),
    /// Nowhere.
    Absent,
}

impl Heading {
    /// Takes the first row for what it must be for a table to have the columns that are wanted.
    pub(crate) fn settle(&mut self, first: &[String], wanted: &[String]) {
        let has = |heading: &Self| {
            let names = names(heading, first, first.len());
            wanted.iter().all(|name| names.contains(name))
        };
        let is_row = first.iter().all(|field| is_number(field, Decimal::Either));
        let other = match self {
            Self::First if is_row => Self::Absent,
            Self::Absent => Self::First,
            _ => return,
        };
        if !has(self) && has(&other) {
            *self = other;
        }
    }
}

impl Layout {
    /// What is to be said of it, if it is not what everyone expects.
    pub(crate) fn notes(&self, asked: Asked, names: &[String], first: &[String]) -> Vec<String> {
        let mut notes = Vec::new();
        if self.delimiter != Some(asked.delimiter) {
            let what = match self.delimiter {
                None => "spaces".to_owned(),
                Some(b'\t') => "tabs".to_owned(),
                Some(other) => format!("`{}`", char::from(other)),
            };
            notes.push(format!("fields are parted by {what}"));
        }
        if self.decimal == Decimal::Comma {
            notes.push("a comma is read as the decimal mark".to_owned());
        }
        let numeric = first.iter().all(|field| parse(field.as_bytes(), self.decimal).is_some());
        match &self.heading {
            Heading::Absent if asked.header.is_none() => {
                let called = match names {
                    [only] => format!("the column is called {only}"),
                    [a, .., z] => format!("the columns are called {a} to {z}"),
                    [] => return notes,
                };
                let remedy = "if the first row holds the names, pass --header";
                notes.push(format!("no header found, {called}; {remedy}"));
            }
            Heading::First if asked.header.is_none() && numeric => {
                let names = super::listed(names);
                let remedy = "if it is a row, pass --no-header";
                notes.push(format!("the first row, {names}, is taken for the header; {remedy}"));
            }
            Heading::Comment(_) => notes.push("names are those of the comment line".to_owned()),
            _ => {}
        }
        notes
    }
}

/// The first bytes of a source: whole lines, some of them, unless they are very long.
pub(crate) fn start_of<R: Read>(file: &str, source: &mut R) -> Result<Vec<u8>, DataError> {
    let mut start = Vec::new();
    let lines = |start: &[u8]| start.split(|&byte| byte == b'\n').count() - 1;
    let mut wanted = LOOKED_AT;
    loop {
        let left = (wanted - start.len()) as u64;
        let read = source.by_ref().take(left).read_to_end(&mut start);
        let read = read.map_err(|error| DataError::from_io(file, error))?;
        let is_wide = start.len() < MOST && lines(&start) < LINES;
        if (read as u64) < left || !is_wide || start.contains(&0) {
            break;
        }
        wanted = (2 * wanted).min(MOST);
    }
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(DataError::Utf16 { file: file.to_owned() });
    }
    if start.starts_with(&[0xef, 0xbb, 0xbf]) {
        start.drain(..3);
    }
    Ok(start)
}

/// Takes the comments off the start of a text and finds out how the rest is laid out.
pub(crate) fn layout(start: &mut Vec<u8>, asked: Asked) -> Layout {
    let (comments, last) = take_comments(start);
    let (delimiter, rows) = delimited(start, asked.delimiter);
    let decimal = decimal(&rows, delimiter);
    let heading = match asked.header {
        Some(true) => Heading::First,
        Some(false) => Heading::Absent,
        None => heading(&rows, decimal, last.as_deref(), delimiter),
    };
    Layout { delimiter, decimal, heading, comments }
}

/// Removes lines that start with `#` from the start of a text, and blank ones before them; their
/// number, and the last. Without a row after them they stay.
fn take_comments(start: &mut Vec<u8>) -> (u64, Option<Vec<u8>>) {
    let (mut at, mut lines, mut last) = (0, 0, None);
    while let Some(length) = start[at..].iter().position(|&byte| byte == b'\n') {
        let line = start[at..at + length].trim_ascii();
        if !line.starts_with(b"#") {
            break;
        }
        last = Some(line.to_vec());
        (at, lines) = (at + length + 1, lines + 1);
    }
    if start[at..].trim_ascii().is_empty() {
        return (0, None);
    }
    start.drain(..at);
    (lines, last)
}

/// The rows of a text whose fields end at a delimiter, or at runs of spaces.
fn rows_of(start: &[u8], delimiter: Option<u8>) -> Vec<Vec<String>> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b'\t'))
        .terminator(Terminator::Any(b'\n'))
        .has_headers(false)
        .flexible(true)
        .from_reader(Spaces::new(io::Cursor::new(start), delimiter.is_none()));
    let mut record = ByteRecord::new();
    let mut rows = Vec::new();
    while rows.len() < ROWS && reader.read_byte_record(&mut record).is_ok_and(|more| more) {
        if record.iter().any(|field| !trim(field).is_empty()) {
            rows.push(record.iter().map(|field| text_of(trim(field)).into_owned()).collect());
        }
    }
    // The last may be cut.
    if start.len() >= LOOKED_AT && rows.len() < ROWS {
        rows.pop();
    }
    rows
}

/// What parts the fields, and the rows that this gives.
fn delimited(start: &[u8], preferred: u8) -> (Option<u8>, Vec<Vec<String>>) {
    let others = DELIMITERS.into_iter().filter(|other| *other != preferred);
    let mut best: Option<(f64, u8, Vec<Vec<String>>)> = None;
    for delimiter in [preferred].into_iter().chain(others) {
        let rows = rows_of(start, Some(delimiter));
        let Some(share) = evenness(&rows) else { continue };
        if best.as_ref().is_none_or(|(most, ..)| share > *most) {
            best = Some((share, delimiter, rows));
        }
    }
    if let Some((_, delimiter, rows)) = best {
        return (Some(delimiter), rows);
    }
    let spaced = rows_of(start, None);
    if evenness(&spaced).is_some_and(|share| share > 0.0) {
        return (None, spaced);
    }
    (Some(preferred), rows_of(start, Some(preferred)))
}

/// The share of numbers below the first of rows that are equally long, two fields or more; the first
/// may be one shorter. None for others.
fn evenness(rows: &[Vec<String>]) -> Option<f64> {
    let width = rows.last()?.len();
    let is_even = rows[1..].iter().all(|row| row.len() == width);
    let fits = rows[0].len() == width || is_short(rows);
    if width < 2 || !is_even || !fits {
        return None;
    }
    let body = if rows.len() > 1 { &rows[1..] } else { rows };
    let numbers = body.iter().flatten().filter(|field| is_number(field, Decimal::Either)).count();
    Some(numbers as f64 / (body.len() * width) as f64)
}

/// Whether the first row lacks the name of a first column, which names or counts the rows.
fn is_short(rows: &[Vec<String>]) -> bool {
    let [names, body @ ..] = rows else { return false };
    let [first, second, ..] = body else { return false };
    let counts = |text: &str| text.parse::<u64>().ok();
    let running = counts(&first[0]).zip(counts(&second[0])).is_some_and(|(a, b)| b == a + 1);
    let named = body.iter().all(|row| !row.is_empty() && !is_number(&row[0], Decimal::Point));
    names.len() + 1 == first.len()
        && names.iter().all(|name| !name.is_empty() && !is_number(name, Decimal::Either))
        && (running || named)
        && body.iter().any(|row| row.last().is_some_and(|field| !field.is_empty()))
}

fn is_number(field: &str, decimal: Decimal) -> bool {
    parse(field.as_bytes(), decimal).is_some()
}

/// The decimal mark that the fields show.
fn decimal(rows: &[Vec<String>], delimiter: Option<u8>) -> Decimal {
    if delimiter == Some(b',') {
        return Decimal::Point;
    }
    let shown = |mark| rows.iter().flatten().any(|field| shows(field.as_bytes()) == Some(mark));
    match (shown(Decimal::Comma), shown(Decimal::Point)) {
        (true, false) => Decimal::Comma,
        (false, true) => Decimal::Point,
        _ => Decimal::Either,
    }
}

/// Where the names are.
fn heading(
    rows: &[Vec<String>],
    decimal: Decimal,
    comment: Option<&[u8]>,
    delimiter: Option<u8>,
) -> Heading {
    let [first, body @ ..] = rows else { return Heading::Absent };
    if body.first().is_some_and(|row| row.len() == first.len() + 1) && is_short(rows) {
        return Heading::ShortByOne;
    }
    let is_text = |field: &str| !is_missing(field.as_bytes()) && !is_number(field, decimal);
    let below = |at: usize| body.iter().filter_map(move |row| row.get(at));
    let over_numbers = |at: usize| {
        let mut values = below(at).filter(|field| !is_missing(field.as_bytes())).peekable();
        values.peek().is_some() && values.all(|field| is_number(field, decimal))
    };
    let texts: Vec<usize> = (0..first.len()).filter(|&at| is_text(&first[at])).collect();
    if texts.iter().any(|&at| over_numbers(at)) {
        return Heading::First;
    }
    if let Some(names) = comment.and_then(|line| names_of(line, delimiter, first.len())) {
        return Heading::Comment(names);
    }
    let numbers = first.iter().filter(|field| is_number(field, decimal)).count();
    // A row of labels that all occur again below is a row.
    let repeats = |at: &usize| below(*at).any(|field| *field == first[*at]);
    if !texts.is_empty() && numbers == 0 {
        let are_labels = body.len() > 1 && texts.iter().all(repeats);
        return if are_labels { Heading::Absent } else { Heading::First };
    }
    let counts = if texts.is_empty() {
        counts_columns(first, body)
    } else {
        counts_years(first, body) && !texts.iter().any(repeats)
    };
    if counts { Heading::First } else { Heading::Absent }
}

/// Whether the numbers of a row are whole and follow each other, years perhaps, over some that are not
/// whole.
fn counts_years(first: &[String], body: &[Vec<String>]) -> bool {
    let years: Vec<i64> = first.iter().filter_map(|field| field.parse().ok()).collect();
    let follow = years.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let is_fraction = |field: &String| field.contains('.') && is_number(field, Decimal::Point);
    years.len() > 1 && follow && body.iter().flatten().any(is_fraction)
}

/// Whether a row is 0, 1, 2, … or 1, 2, 3, … over rows that are not; the name of an index may be
/// missing before it.
fn counts_columns(first: &[String], body: &[Vec<String>]) -> bool {
    let names = if first[0].is_empty() { &first[1..] } else { first };
    let offset = first.len() - names.len();
    let counted = |row: &[String], from: usize| {
        let is = |(at, field): (usize, &String)| *field == (at + from).to_string();
        row.iter().enumerate().all(is)
    };
    let Some(from) = [0, 1].into_iter().find(|from| counted(names, *from)) else { return false };
    let whole = |row: &Vec<String>| row.iter().skip(offset).all(|field| !field.contains('.'));
    let again = body.iter().any(|row| counted(row.get(offset..).unwrap_or_default(), from));
    let enough = match (from, names.len()) {
        (0, 2..) => true,
        (0, _) => !body.iter().any(whole),
        // 1, 2 over whole numbers may be a row of them.
        _ => names.len() > 1 && !body.iter().all(whole),
    };
    !body.is_empty() && !again && enough
}

/// The names in a line of comments, one for each of so many columns.
fn names_of(line: &[u8], delimiter: Option<u8>, width: usize) -> Option<Vec<String>> {
    let line = line.trim_ascii_start().strip_prefix(b"#")?;
    let mut names = rows_of(line, delimiter).pop()?;
    if let (Some(first), Some(_)) = (names.first_mut(), delimiter) {
        if first.is_empty() {
            "#".clone_into(first);
        }
    }
    let fits = names.len() == width && names.iter().all(|name| !is_number(name, Decimal::Either));
    fits.then_some(names)
}

/// The names in the first row; those of columns without are their positions.
pub(crate) fn names(heading: &Heading, first: &[String], width: usize) -> Vec<String> {
    let name = |(at, name): (usize, &String)| match name.as_str() {
        "" => format!("x{}", at + 1),
        name => name.to_owned(),
    };
    match heading {
        Heading::First => first.iter().enumerate().map(name).collect(),
        Heading::ShortByOne => ["x1".to_owned()].into_iter().chain(first.iter().cloned()).collect(),
        Heading::Comment(names) => names.clone(),
        Heading::Absent => numbered(width),
    }
}

#[cfg(test)]
mod tests;
