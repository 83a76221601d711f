//! Writes tables row by row to a file or the standard output.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::labels::{LabelNumbers, Labels};
use super::names::require_unique;
use super::source::extension;
use super::table::Table;
use super::writers::csv::CsvSink;
use super::writers::npy::NpySink;
use super::writers::partial_file::PartialFile;

/// What is offered when an extension is unknown.
const WRITABLE: &str = ".csv, .tsv, .npy, .parquet, and - for CSV on the standard output";
/// Bytes collected before they are written.
pub(crate) const BUFFER: usize = 1 << 16;

/// Where rows go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The standard output, as CSV.
    Stdout,
    /// A file whose extension decides the format.
    File {
        /// The file.
        path: PathBuf,
        /// Whether an existing file may be replaced.
        overwrite: bool,
    },
}

/// How many digits the values are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// The values came from `f32`: text gets the digits that tell one `f32` from the next, arrays
    /// are 4 bytes a value.
    Single,
    /// The values are full `f64`.
    #[default]
    Double,
}

/// Takes rows and writes them in some format.
///
/// Memory does not grow with the number of rows. A file appears under its name only after
/// [`RowSink::finish`]; a sink that is dropped leaves nothing behind.
pub trait RowSink: std::fmt::Debug {
    /// Writes whole rows, one after another.
    ///
    /// # Errors
    /// When `rows` is not a whole number of rows, or writing fails; [`DataError::BrokenPipe`] when
    /// nobody reads the output any more.
    fn write_rows(&mut self, rows: &[f64]) -> Result<(), DataError>;

    /// Writes what is left and moves the file to its name.
    ///
    /// # Errors
    /// When writing or renaming fails.
    fn finish(self: Box<Self>) -> Result<(), DataError>;
}

impl Target {
    /// The target of `-o`: the standard output for `None` and `-`.
    pub fn new(path: Option<&Path>, overwrite: bool) -> Self {
        match path {
            Some(path) if path != Path::new("-") => Self::File { path: path.to_owned(), overwrite },
            _ => Self::Stdout,
        }
    }

    /// Opens the target for rows of the given columns and writes the header.
    ///
    /// # Errors
    /// When the extension is unknown (the message lists those supported), the file exists and may
    /// not be replaced, its folder cannot be written, or two columns share a name.
    pub fn create(
        &self,
        columns: &[String],
        precision: Precision,
    ) -> Result<Box<dyn RowSink>, DataError> {
        self.create_labelled(columns, &Labels::default(), precision)
    }

    /// As [`Target::create`]; in a column with labels, text gets the label of an index, other formats
    /// the number that the label is, or else the index.
    ///
    /// # Errors
    /// As [`Target::create`].
    pub fn create_labelled(
        &self,
        columns: &[String],
        labels: &Labels,
        precision: Precision,
    ) -> Result<Box<dyn RowSink>, DataError> {
        match self {
            Self::Stdout => {
                let output = io::stdout().lock();
                let sink = CsvSink::new("<stdout>", output, b',', columns, precision)?;
                Ok(Box::new(sink.labelled(labels)))
            }
            Self::File { path, overwrite } => {
                create_file(path, *overwrite, columns, labels, precision)
            }
        }
    }

    /// Writes a whole table.
    ///
    /// # Errors
    /// As [`Target::create`] and [`RowSink::write_rows`].
    pub fn write(&self, table: &Table, precision: Precision) -> Result<(), DataError> {
        let mut sink = self.create(table.columns(), precision)?;
        sink.write_rows(table.values())?;
        sink.finish()
    }
}

fn create_file(
    path: &Path,
    overwrite: bool,
    columns: &[String],
    labels: &Labels,
    precision: Precision,
) -> Result<Box<dyn RowSink>, DataError> {
    let file = path.display().to_string();
    require_unique(&file, columns)?;
    if columns.is_empty() {
        return Err(DataError::Empty { file });
    }
    let extension = extension(path);
    if !matches!(extension.as_str(), "csv" | "tsv" | "npy" | "parquet") {
        return Err(DataError::UnknownFormat { file, supported: WRITABLE });
    }
    match extension.as_str() {
        "npy" => {
            let output = PartialFile::create(path, overwrite)?;
            let sink = Box::new(NpySink::new(output, columns.len(), precision)?);
            Ok(LabelNumbers::over(sink, columns, labels))
        }
        "parquet" => {
            let sink = create_parquet(path, overwrite, columns, precision)?;
            Ok(LabelNumbers::over(sink, columns, labels))
        }
        extension => {
            let output = PartialFile::create(path, overwrite)?;
            let delimiter = if extension == "tsv" { b'\t' } else { b',' };
            let sink = CsvSink::new(&file, output, delimiter, columns, precision)?;
            Ok(Box::new(sink.labelled(labels)))
        }
    }
}

#[cfg(feature = "parquet")]
fn create_parquet(
    path: &Path,
    overwrite: bool,
    columns: &[String],
    precision: Precision,
) -> Result<Box<dyn RowSink>, DataError> {
    let output = PartialFile::create(path, overwrite)?;
    Ok(Box::new(super::writers::parquet::ParquetSink::new(output, columns, precision)?))
}

#[cfg(not(feature = "parquet"))]
fn create_parquet(
    path: &Path,
    _overwrite: bool,
    _columns: &[String],
    _precision: Precision,
) -> Result<Box<dyn RowSink>, DataError> {
    Err(super::error::parquet_disabled(&path.display().to_string()))
}

/// An output that can be moved to its final place.
pub(crate) trait Output: Write + std::fmt::Debug {
    /// Makes what was written permanent.
    fn commit(self) -> Result<(), DataError>;
}

impl Output for io::StdoutLock<'_> {
    fn commit(mut self) -> Result<(), DataError> {
        self.flush().map_err(|error| DataError::from_io("<stdout>", error))
    }
}

/// Fails when `values` numbers are not whole rows of `columns`.
pub(crate) fn require_rows(file: &str, values: usize, columns: usize) -> Result<(), DataError> {
    if values.is_multiple_of(columns) {
        return Ok(());
    }
    Err(DataError::PartialRow { file: file.to_owned(), values, columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_and_a_dash_mean_the_standard_output() {
        assert_eq!(Target::new(None, false), Target::Stdout);
        assert_eq!(Target::new(Some(Path::new("-")), true), Target::Stdout);
        let file = Target::File { path: "a.csv".into(), overwrite: true };
        assert_eq!(Target::new(Some(Path::new("a.csv")), true), file);
    }

    #[test]
    fn an_unknown_extension_lists_those_supported() {
        let target = Target::new(Some(Path::new("no/such/a.xlsx")), false);
        let message = target.create(&["x".to_owned()], Precision::Double).unwrap_err().to_string();
        assert_eq!(
            message,
            "no/such/a.xlsx: unknown kind of table; supported are .csv, .tsv, .npy, .parquet, \
             and - for CSV on the standard output"
        );
    }
}
