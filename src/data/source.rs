//! Understands what the command line calls DATA: a file of some format, or the standard input.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::error::DataError;
use super::names::names_by_position;
use super::reader::{ReadOptions, RowReader, TableReader};
use super::readers::csv::CsvRows;
use super::readers::{npy, npz};
use super::table::Table;

/// What is offered when an extension is unknown.
pub(crate) const READABLE: &str = ".csv, .tsv, .npy, .npz (FILE.npz:KEY), .parquet, and - for CSV \
                                   on the standard input";

/// Where a table comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    /// Comma-separated text on the standard input, written `-`.
    Stdin,
    /// Text with one row a line; fields end at `delimiter`.
    Csv {
        /// The file.
        path: PathBuf,
        /// `,` for `.csv`, tab for `.tsv`.
        delimiter: u8,
    },
    /// One `NumPy` array.
    Npy {
        /// The file.
        path: PathBuf,
    },
    /// One array of a `NumPy` archive.
    Npz {
        /// The file.
        path: PathBuf,
        /// The name of the array; may be left out when there is only one.
        key: Option<String>,
    },
    /// An Apache Parquet file with flat numeric columns.
    Parquet {
        /// The file.
        path: PathBuf,
    },
}

impl DataSource {
    /// Decides from the extension of `text`, in either case, how it is to be read.
    ///
    /// # Errors
    /// When the extension is none of those supported; the message lists them.
    ///
    /// # Example
    /// ```
    /// use diffeo::data::DataSource;
    ///
    /// let source = DataSource::parse("penguins.npz:train")?;
    /// assert_eq!(source.name(), "penguins.npz");
    /// # Ok::<(), diffeo::data::DataError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, DataError> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        if let Some((path, key)) = split_key(text) {
            return Ok(Self::Npz { path: path.into(), key: Some(key.to_owned()) });
        }
        let path = PathBuf::from(text);
        match extension(&path).as_str() {
            "csv" => Ok(Self::Csv { path, delimiter: b',' }),
            "tsv" => Ok(Self::Csv { path, delimiter: b'\t' }),
            "npy" => Ok(Self::Npy { path }),
            "npz" => Ok(Self::Npz { path, key: None }),
            "parquet" => Ok(Self::Parquet { path }),
            _ => Err(DataError::UnknownFormat { file: text.to_owned(), supported: READABLE }),
        }
    }

    /// What messages call this source: the path as given, or `<stdin>`.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin => "<stdin>".to_owned(),
            Self::Csv { path, .. }
            | Self::Npy { path }
            | Self::Npz { path, .. }
            | Self::Parquet { path } => path.display().to_string(),
        }
    }

    /// Opens the table and finds its columns: `columns` in that order, or all of them for `None`.
    ///
    /// Columns that are not asked for may hold text; they are skipped.
    ///
    /// # Errors
    /// When the source cannot be opened, is empty or damaged, or lacks one of the columns.
    pub fn open(&self, columns: Option<&[String]>) -> Result<TableReader, DataError> {
        let columns = columns.map(<[_]>::to_vec);
        self.open_with(&ReadOptions { columns, ..ReadOptions::default() })
    }

    /// As [`DataSource::open`], with a say in what happens to missing values and labels.
    ///
    /// # Errors
    /// As [`DataSource::open`].
    pub fn open_with(&self, options: &ReadOptions) -> Result<TableReader, DataError> {
        let file = self.name();
        let (columns, labels) = (options.columns.as_deref(), &options.labels);
        let rows: Box<dyn RowReader> = match self {
            Self::Stdin => {
                Box::new(CsvRows::new(&file, io::stdin().lock(), b',', columns, labels)?)
            }
            Self::Csv { path, delimiter } => {
                Box::new(CsvRows::new(&file, open_file(path)?, *delimiter, columns, labels)?)
            }
            Self::Npy { path } => npy::open(&file, open_file(path)?, columns)?,
            Self::Npz { path, key } => {
                Box::new(npz::open(&file, open_file(path)?, key.as_deref(), columns)?)
            }
            Self::Parquet { path } => open_parquet(&file, path, columns)?,
        };
        let columns = match self {
            Self::Npy { .. } | Self::Npz { .. } => {
                let besides = options.besides.as_deref();
                names_by_position(&file, rows.columns(), &options.expected, besides)?
            }
            _ => rows.columns().to_vec(),
        };
        Ok(TableReader::new(file, columns, rows, options))
    }

    /// Reads the whole table, all columns or those named.
    ///
    /// # Errors
    /// As [`DataSource::open`] and [`TableReader::read`].
    pub fn read(&self, columns: Option<&[String]>) -> Result<Table, DataError> {
        self.open(columns)?.read()
    }
}

#[cfg(feature = "parquet")]
fn open_parquet(
    file: &str,
    path: &Path,
    columns: Option<&[String]>,
) -> Result<Box<dyn RowReader>, DataError> {
    let rows = super::readers::parquet::ParquetRows::new(file, open_file(path)?, columns)?;
    Ok(Box::new(rows))
}

#[cfg(not(feature = "parquet"))]
fn open_parquet(
    file: &str,
    _path: &Path,
    _columns: Option<&[String]>,
) -> Result<Box<dyn RowReader>, DataError> {
    Err(super::error::parquet_disabled(file))
}

fn open_file(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|error| DataError::from_io(&path.display().to_string(), error))
}

/// The extension in lower case, empty when there is none.
pub(crate) fn extension(path: &Path) -> String {
    path.extension().map(|text| text.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Cuts `file.npz:key` at the first colon after the extension.
fn split_key(text: &str) -> Option<(&str, &str)> {
    let at = text.to_ascii_lowercase().find(".npz:")? + ".npz".len();
    Some((&text[..at], &text[at + 1..])).filter(|(_, key)| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_command_line_is_understood() {
        let parse = |text| DataSource::parse(text).unwrap();
        assert_eq!(parse("-"), DataSource::Stdin);
        assert_eq!(parse("a/b.CSV"), DataSource::Csv { path: "a/b.CSV".into(), delimiter: b',' });
        assert_eq!(parse("b.tsv"), DataSource::Csv { path: "b.tsv".into(), delimiter: b'\t' });
        assert_eq!(parse("b.npy"), DataSource::Npy { path: "b.npy".into() });
        assert_eq!(parse("b.npz"), DataSource::Npz { path: "b.npz".into(), key: None });
        assert_eq!(
            parse("C:/b.npz:x:y"),
            DataSource::Npz { path: "C:/b.npz".into(), key: Some("x:y".into()) }
        );
        assert_eq!(parse("b.parquet"), DataSource::Parquet { path: "b.parquet".into() });
    }

    #[test]
    fn an_unknown_extension_lists_those_supported() {
        for text in ["data.xls", "data", "data.npz:", ""] {
            let message = DataSource::parse(text).unwrap_err().to_string();
            assert_eq!(
                message,
                format!(
                    "{text}: unknown kind of table; supported are .csv, .tsv, .npy, .npz \
                     (FILE.npz:KEY), .parquet, and - for CSV on the standard input"
                )
            );
        }
    }

    #[test]
    fn names_are_those_the_user_typed() {
        assert_eq!(DataSource::Stdin.name(), "<stdin>");
        assert_eq!(DataSource::parse("a/b.npz:k").unwrap().name(), "a/b.npz");
    }

    #[cfg(not(feature = "parquet"))]
    #[test]
    fn a_build_without_parquet_says_how_to_get_it() {
        let source = DataSource::parse("t.parquet").unwrap();
        assert_eq!(
            source.read(None).unwrap_err().to_string(),
            "t.parquet: this build cannot handle Parquet; rebuild with `--features parquet`"
        );
    }
}
