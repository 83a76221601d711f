//! Says what is wrong with a table, where, and what to do about it.

use std::fmt;
use std::io;

use super::columns::Refusal;

/// The place of a value in a table, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A line of a text file, the header included, as an editor counts.
    Line(u64),
    /// A row of a binary array, which has no header.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Row(row) => write!(formatter, "row {row}"),
        }
    }
}

/// Everything that can go wrong between a file and a table.
///
/// Every message starts with the file (`<stdin>` for the standard input), names the line or row
/// and the column, and ends with a remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are what the messages show")]
pub enum DataError {
    /// The extension says nothing about the format.
    #[error("{file}: unknown kind of table; supported are {supported}")]
    UnknownFormat { file: String, supported: &'static str },
    /// The file does not exist.
    #[error("{file}: no such file; check the path and the working directory")]
    FileNotFound { file: String },
    /// The operating system refused.
    #[error("{file}: {source}")]
    Io { file: String, source: io::Error },
    /// The format is known, but this build leaves it out.
    #[error("{file}: this build cannot handle {format}; rebuild with `--features {feature}`")]
    FormatDisabled { file: String, format: &'static str, feature: &'static str },

    /// Parquet needs a file.
    #[error("{file}: Parquet is read from files alone; write the input to a file first")]
    ParquetFromPipe { file: String },

    /// There is nothing in the file.
    #[error("{file}: the file is empty; expected a header and rows of numbers")]
    Empty { file: String },
    /// There are columns but no rows.
    #[error("{file}: there are no rows after the header; add data")]
    NoRows { file: String },
    /// A text file is in UTF-16.
    #[error("{file}: UTF-16 text, as its byte-order mark says; save the file as UTF-8")]
    Utf16 { file: String },
    /// A field is not a number.
    #[error("{file}, {place}, column '{column}': not a number: \"{text}\"; {remedy}")]
    NotANumber { file: String, place: Place, column: String, text: String, remedy: &'static str },
    /// A field is infinite.
    #[error("{file}, {place}, column '{column}': {value} is not finite; drop the row or impute it")]
    NotFinite { file: String, place: Place, column: String, value: f64 },
    /// Fields are empty, `NA`, NaN or null; the first is in `column`.
    #[error(
        "{file}, {place}, column '{column}': the value is missing{}; leave such rows out, with \
         --missing drop where the command has it, or impute them",
        others(*.place, .more, *.rows)
    )]
    Missing {
        file: String,
        place: Place,
        column: String,
        /// The places of the next rows like it, the first few.
        more: Vec<Place>,
        /// How many rows there are with missing values.
        rows: u64,
    },
    /// After rows with missing values were left out, none was left.
    #[error(
        "{file}: each of its {rows} rows has a missing value; impute them, or leave a column out"
    )]
    AllMissing { file: String, rows: u64 },
    /// Columns cannot be used as they are.
    #[error("{0}")]
    Unusable(Box<Refusal>),
    /// A text is none of the labels of its column.
    #[error(
        "{file}, {place}, column '{column}': \"{text}\" is none of its labels {labels}; correct it, or add it to the schema and fit again"
    )]
    UnknownLabel { file: String, place: Place, column: String, text: String, labels: String },
    /// A text file holds a zero byte.
    #[error(
        "{file}: a zero byte in what should be text: it is binary, or UTF-16; save the file as UTF-8 text"
    )]
    Binary { file: String },
    /// A text file goes on and on without a line end.
    #[error("{file}: a line of more than {mebibytes} MiB; write each row on a line of its own")]
    EndlessLine { file: String, mebibytes: usize },
    /// A row is longer or shorter than the first.
    #[error("{file}, {place}: expected {expected} fields, found {found}; {}", ragged(*.expected, *.found))]
    Ragged { file: String, place: Place, expected: usize, found: usize },

    /// Two columns share a name.
    #[error("{file}: column '{column}' appears twice; rename or drop one of them")]
    DuplicateColumn { file: String, column: String },
    /// A column asked for is not there.
    #[error("{file}: no column '{column}'{}; the columns are {available}", did_you_mean(.suggestion.as_deref()))]
    UnknownColumn { file: String, column: String, available: String, suggestion: Option<String> },
    /// A table without column names is wider or narrower than the model that is asked about it.
    #[error(
        "{file}: {found} columns without names, expected {expected}: {names}; keep these alone, in this order, or give a table with names"
    )]
    OtherWidth { file: String, found: usize, expected: usize, names: String },
    /// A column does not vary.
    #[error(
        "{file}: column '{column}' is {value} in every row, so it has no density; remove it with --columns"
    )]
    ConstantColumn { file: String, column: String, value: String },
    /// Two tables that should be joined have different columns.
    #[error(
        "{file}: the columns are {found}, but {other} has {expected}; select the same ones with --columns"
    )]
    ColumnsDiffer { file: String, other: String, expected: String, found: String },
    /// The number of values does not fit the number of columns.
    #[error("{file}: {values} values do not fill rows of {columns} columns; pass whole rows")]
    PartialRow { file: String, values: usize, columns: usize },
    /// A row index is beyond the end.
    #[error("{file}: row {row} asked for, but there are {rows}; rows count from 0 here")]
    RowOutOfRange { file: String, row: usize, rows: usize },

    /// The content does not follow the format that the extension promises.
    #[error("{file}: not a readable {format} file ({detail}); check how it was written")]
    Malformed { file: String, format: &'static str, detail: String },
    /// The file ends before the data that its header announces.
    #[error(
        "{file}: truncated: the header announces {expected} bytes of data, found {found}; copy the file again"
    )]
    Truncated { file: String, expected: u128, found: u64 },
    /// The type of an array or a column is not a number type that is read.
    #[error("{file}, {what}: type {found} is not supported; convert it to {supported}")]
    UnsupportedType { file: String, what: String, found: String, supported: &'static str },
    /// An array is neither a vector nor a matrix.
    #[error(
        "{file}: the array has shape {shape}; expected rows × columns, reshape it to two dimensions"
    )]
    NotAMatrix { file: String, shape: String },
    /// An archive holds several arrays and none was named.
    #[error("{file}: holds several arrays; choose one with {file}:KEY from {available}")]
    KeyNeeded { file: String, available: String },
    /// An archive does not hold the array asked for.
    #[error("{file}: no array '{key}'{}; the arrays are {available}", did_you_mean(.suggestion.as_deref()))]
    UnknownKey { file: String, key: String, available: String, suggestion: Option<String> },

    /// The output exists and may not be replaced.
    #[error("{file}: already exists; pass --force to overwrite it")]
    AlreadyExists { file: String },
    /// The folder of the output does not exist.
    #[error("{file}: the folder {folder} does not exist; create it first")]
    NoFolder { file: String, folder: String },
    /// The reader of a pipe has gone; a command line tool ends quietly then.
    #[error("{file}: the reading end of the pipe was closed")]
    BrokenPipe { file: String },

    /// A column was given two roles.
    #[error("{file}: column '{column}' is both {first} and {second}; give it one role")]
    OverlappingRoles { file: String, column: String, first: &'static str, second: &'static str },
    /// Every column is context or weight.
    #[error("{file}: no column is left to model; leave one out of --given and --weight")]
    NoFeatures { file: String },
    /// A weight is negative.
    #[error(
        "{file}, row {row}, column '{column}': weight {value} is negative or not finite; weights are at least 0"
    )]
    InvalidWeight { file: String, row: usize, column: String, value: f64 },
    /// All weights are zero.
    #[error("{file}, column '{column}': all weights are zero; at least one row must count")]
    ZeroWeights { file: String, column: String },

    /// A held-out fraction is outside [0, 1).
    #[error("--{part} {value}: not a fraction; give a number from 0 up to, but not including, 1")]
    InvalidFraction { part: &'static str, value: f64 },
    /// The held-out fractions leave nothing to train on.
    #[error(
        "--valid {valid} and --test {test} leave no rows to train on; their sum must be below 1"
    )]
    NothingToTrain { valid: f64, test: f64 },
    /// A part of a split would be too small.
    #[error(
        "{rows} rows are too few: the {part} part would have {found}; at least {needed} rows are needed, or change --valid and --test"
    )]
    TooFewRows { rows: usize, part: &'static str, found: usize, needed: usize },
}

impl DataError {
    /// Turns an error of the operating system on `file` into the variant that says most.
    pub(crate) fn from_io(file: &str, source: io::Error) -> Self {
        let file = file.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::FileNotFound { file },
            io::ErrorKind::BrokenPipe => Self::BrokenPipe { file },
            io::ErrorKind::AlreadyExists => Self::AlreadyExists { file },
            _ => Self::Io { file, source },
        }
    }
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!(" (did you mean '{name}'?)")).unwrap_or_default()
}

/// The other rows with missing values, if any.
fn others(first: Place, more: &[Place], rows: u64) -> String {
    if rows <= 1 {
        return String::new();
    }
    let (word, mut numbers) = match first {
        Place::Line(line) => ("lines", vec![line]),
        Place::Row(row) => ("rows", vec![row]),
    };
    numbers.extend(more.iter().map(|place| match place {
        Place::Line(number) | Place::Row(number) => *number,
    }));
    let rest = if rows > numbers.len() as u64 { ", …" } else { "" };
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    format!(", as in {rows} rows in all: {word} {}{rest}", numbers.join(", "))
}

fn ragged(expected: usize, found: usize) -> &'static str {
    if found < expected {
        "complete the row or drop it"
    } else {
        "quote fields that contain the delimiter"
    }
}

/// The error of a build without the `parquet` feature.
#[cfg(not(feature = "parquet"))]
pub(crate) fn parquet_disabled(file: &str) -> DataError {
    DataError::FormatDisabled { file: file.to_owned(), format: "Parquet", feature: "parquet" }
}
