//! Understands what the command line calls DATA: a file of some format, or the standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::columns::Survey;
use super::error::DataError;
use super::names::names_by_position;
use super::reader::{ReadOptions, RowReader, TableReader};
use super::readers::csv::CsvRows;
use super::readers::csv::layout::Asked;
use super::readers::{npy, npz};
use super::table::Table;

/// What is offered when an extension is unknown.
pub(crate) const READABLE: &str = ".csv, .tsv, .txt, .dat, .npy, .npz (FILE.npz:KEY), .parquet, and - \
                                   for CSV on the standard input; say which with --format where the \
                                   name does not";

/// How a table is written, where its name does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Text; fields are parted by commas unless they look otherwise.
    Csv,
    /// Text; fields are parted by tabs unless they look otherwise.
    Tsv,
    /// One `NumPy` array.
    Npy,
    /// A `NumPy` archive of one array.
    Npz,
    /// Apache Parquet.
    Parquet,
}

/// Where a table comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    /// Text on the standard input, written `-`.
    Stdin,
    /// The standard input, read whole so that it can be read again.
    Held {
        /// How it is written.
        format: Format,
        /// What it was.
        bytes: Arc<[u8]>,
    },
    /// Text with one row a line; fields end at `delimiter`.
    Csv {
        /// The file.
        path: PathBuf,
        /// `,` for `.csv`, tab for `.tsv`, unless the first rows speak against it.
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
            "csv" | "txt" | "dat" => Ok(Self::Csv { path, delimiter: b',' }),
            "tsv" => Ok(Self::Csv { path, delimiter: b'\t' }),
            "npy" => Ok(Self::Npy { path }),
            "npz" => Ok(Self::Npz { path, key: None }),
            "parquet" => Ok(Self::Parquet { path }),
            _ => Err(DataError::UnknownFormat { file: text.to_owned(), supported: READABLE }),
        }
    }

    /// As [`DataSource::parse`], of a table that is written as `format` says, whatever its name.
    ///
    /// # Errors
    /// When the standard input cannot be read.
    pub fn parse_as(text: &str, format: Format) -> Result<Self, DataError> {
        let path = PathBuf::from(text);
        if text == "-" {
            return Self::held(format);
        }
        Ok(match (format, split_key(text)) {
            (Format::Csv, _) => Self::Csv { path, delimiter: b',' },
            (Format::Tsv, _) => Self::Csv { path, delimiter: b'\t' },
            (Format::Npy, _) => Self::Npy { path },
            (Format::Npz, Some((path, key))) => {
                Self::Npz { path: path.into(), key: Some(key.to_owned()) }
            }
            (Format::Npz, None) => Self::Npz { path, key: None },
            (Format::Parquet, _) => Self::Parquet { path },
        })
    }

    fn held(format: Format) -> Result<Self, DataError> {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| DataError::from_io("<stdin>", error))?;
        Ok(Self::Held { format, bytes: bytes.into() })
    }

    /// The same source, the standard input read into memory: what can be read twice.
    ///
    /// # Errors
    /// When the standard input cannot be read.
    pub fn rereadable(self) -> Result<Self, DataError> {
        if self != Self::Stdin {
            return Ok(self);
        }
        let Self::Held { bytes, .. } = Self::held(Format::Csv)? else { return Ok(self) };
        Ok(Self::Held { format: format_of(&bytes).unwrap_or(Format::Csv), bytes })
    }

    /// Reads the table once to tell what its columns hold.
    ///
    /// # Errors
    /// When it cannot be read, or rows are longer or shorter than others.
    pub fn survey(&self, options: &ReadOptions) -> Result<Survey, DataError> {
        let file = self.name();
        let labels = &options.labels;
        match self {
            Self::Stdin => {
                CsvRows::new(&file, io::stdin().lock(), asked(b',', options), None, labels)?
                    .survey()
            }
            Self::Csv { path, delimiter } => {
                let asked = asked(*delimiter, options);
                CsvRows::new(&file, open_file(path)?, asked, None, labels)?.survey()
            }
            Self::Held { format: format @ (Format::Csv | Format::Tsv), bytes } => {
                let asked = asked(delimiter(*format), options);
                CsvRows::new(&file, &bytes[..], asked, None, labels)?.survey()
            }
            #[cfg(feature = "parquet")]
            Self::Parquet { path } => {
                use super::readers::parquet::{ParquetRows, columns};
                let (numbers, others) = columns(&file, open_file(path)?)?;
                if numbers.is_empty() {
                    return Ok(Survey::of_types(file, &others));
                }
                let rows = ParquetRows::new(&file, open_file(path)?, Some(&numbers))?;
                let survey = Survey::of_numbers(file, &numbers, Box::new(rows))?;
                Ok(survey.with_types(&others))
            }
            _ => {
                let rows = self.rows(options, None)?;
                let columns = rows.columns().to_vec();
                Survey::of_numbers(file, &columns, rows)
            }
        }
    }

    /// What messages call this source: the path as given, or `<stdin>`.
    pub fn name(&self) -> String {
        match self {
            Self::Stdin | Self::Held { .. } => "<stdin>".to_owned(),
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
        if *self == Self::Stdin {
            return open_stdin(options);
        }
        let file = self.name();
        let rows = self.rows(options, options.columns.as_deref())?;
        let columns = match self {
            Self::Npy { .. }
            | Self::Npz { .. }
            | Self::Held { format: Format::Npy | Format::Npz, .. } => {
                let besides = options.besides.as_deref();
                names_by_position(&file, rows.columns(), &options.expected, besides)?
            }
            _ => rows.columns().to_vec(),
        };
        Ok(TableReader::new(file, columns, rows, options))
    }

    fn rows(
        &self,
        options: &ReadOptions,
        columns: Option<&[String]>,
    ) -> Result<Box<dyn RowReader>, DataError> {
        let (file, labels) = (self.name(), &options.labels);
        Ok(match self {
            Self::Stdin => text_of_stdin(Vec::new(), options, columns)?,
            Self::Csv { path, delimiter } => {
                let asked = asked(*delimiter, options);
                Box::new(CsvRows::new(&file, open_file(path)?, asked, columns, labels)?)
            }
            Self::Npy { path } => npy::open(&file, open_file(path)?, columns)?,
            Self::Npz { path, key } => {
                Box::new(npz::open(&file, open_file(path)?, key.as_deref(), columns)?)
            }
            Self::Parquet { path } => open_parquet(&file, path, columns)?,
            Self::Held { format, bytes } => {
                let held = io::Cursor::new(bytes.clone());
                match format {
                    Format::Csv | Format::Tsv => {
                        let asked = asked(delimiter(*format), options);
                        Box::new(CsvRows::new(&file, held, asked, columns, labels)?)
                    }
                    Format::Npy => {
                        let length = Some(bytes.len() as u64);
                        Box::new(npy::NpyRows::new(&file, held, length, columns)?.buffered()?)
                    }
                    Format::Npz => Box::new(npz::open(&file, held, None, columns)?),
                    Format::Parquet => return Err(DataError::ParquetFromPipe { file }),
                }
            }
        })
    }

    /// Reads the whole table, all columns or those named.
    ///
    /// # Errors
    /// As [`DataSource::open`] and [`TableReader::read`].
    pub fn read(&self, columns: Option<&[String]>) -> Result<Table, DataError> {
        self.open(columns)?.read()
    }
}

/// The format of bytes that start like an array or an archive of arrays, or like Parquet.
fn format_of(start: &[u8]) -> Option<Format> {
    let starts: [(&[u8], Format); 3] =
        [(b"\x93NUMPY", Format::Npy), (b"PK\x03\x04", Format::Npz), (b"PAR1", Format::Parquet)];
    starts.into_iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, format)| format)
}

/// The table on the standard input, whatever its format. Text is not held in memory.
fn open_stdin(options: &ReadOptions) -> Result<TableReader, DataError> {
    let mut start = Vec::new();
    let read = io::stdin().lock().take(6).read_to_end(&mut start);
    read.map_err(|error| DataError::from_io("<stdin>", error))?;
    let Some(format) = format_of(&start) else {
        let rows = text_of_stdin(start, options, options.columns.as_deref())?;
        let columns = rows.columns().to_vec();
        return Ok(TableReader::new("<stdin>".to_owned(), columns, rows, options));
    };
    let read = io::stdin().lock().read_to_end(&mut start);
    read.map_err(|error| DataError::from_io("<stdin>", error))?;
    // Arrays have no names: their columns are told by position.
    let options = ReadOptions { columns: None, ..options.clone() };
    DataSource::Held { format, bytes: start.into() }.open_with(&options)
}

/// The text on the standard input, of which this much has been read.
fn text_of_stdin(
    start: Vec<u8>,
    options: &ReadOptions,
    columns: Option<&[String]>,
) -> Result<Box<dyn RowReader>, DataError> {
    let text = io::Cursor::new(start).chain(io::stdin().lock());
    let asked = asked(b',', options);
    Ok(Box::new(CsvRows::new("<stdin>", text, asked, columns, &options.labels)?))
}

/// What parts the fields of a text where nothing speaks against it.
fn delimiter(format: Format) -> u8 {
    if format == Format::Tsv { b'\t' } else { b',' }
}

fn asked(delimiter: u8, options: &ReadOptions) -> Asked {
    Asked { delimiter, header: options.header }
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
mod tests;
