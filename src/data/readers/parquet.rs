//! Reads Apache Parquet files with flat columns of numbers or booleans.
//!
//! Columns are decoded a batch at a time through the column readers of the `parquet` crate and
//! interleaved into rows.
//!
//! The `parquet` crate panics on some damaged files (60.1: a negative chunk length, a missing
//! dictionary, a short byte-stream-split page). Such panics are caught here and become errors; the
//! reader is not used again after one.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::data::error::{DataError, Place};
use crate::data::names::{positions, require_unique};
use crate::data::reader::{Gap, RowReader};

/// Rows decoded at a time.
const BATCH: usize = 8192;
const SUPPORTED: &str = "float, double, an integer type or bool";

/// The rows of a Parquet file, one row group after another.
pub(crate) struct ParquetRows {
    file: String,
    columns: Vec<String>,
    picks: Vec<usize>,
    unsigned: Vec<bool>,
    reader: SerializedFileReader<File>,
    next_group: usize,
    /// Readers of the picked columns of the current row group; empty before the first.
    group: Vec<ColumnReader>,
    /// Rows already read.
    row: u64,
}

impl std::fmt::Debug for ParquetRows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ParquetRows").field("file", &self.file).finish_non_exhaustive()
    }
}

impl ParquetRows {
    /// Reads the footer and checks the types of the columns that are wanted.
    pub(crate) fn new(
        file: &str,
        source: File,
        wanted: Option<&[String]>,
    ) -> Result<Self, DataError> {
        let length = source.metadata().map_err(|error| DataError::from_io(file, error))?.len();
        if length == 0 {
            return Err(DataError::Empty { file: file.to_owned() });
        }
        guarded(file, || Self::read_footer(file, source, wanted))
    }

    fn read_footer(file: &str, source: File, wanted: Option<&[String]>) -> Result<Self, DataError> {
        let reader = SerializedFileReader::new(source).map_err(|error| malformed(file, &error))?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let names: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
        require_unique(file, &names)?;
        let picks = positions(file, &names, wanted)?;
        let unsigned = picks
            .iter()
            .map(|&i| require_number(file, &schema.column(i)))
            .collect::<Result<_, _>>()?;
        let columns: Vec<String> = picks.iter().map(|&i| names[i].clone()).collect();
        if columns.is_empty() {
            return Err(DataError::Empty { file: file.to_owned() });
        }
        let file = file.to_owned();
        Ok(Self { file, columns, picks, unsigned, reader, next_group: 0, group: vec![], row: 0 })
    }

    /// Opens the next row group; false after the last.
    fn advance(&mut self) -> Result<bool, DataError> {
        if self.next_group == self.reader.num_row_groups() {
            return Ok(false);
        }
        let group = self
            .reader
            .get_row_group(self.next_group)
            .map_err(|error| malformed(&self.file, &error))?;
        self.group = self
            .picks
            .iter()
            .map(|&i| group.get_column_reader(i))
            .collect::<Result<_, _>>()
            .map_err(|error| malformed(&self.file, &error))?;
        self.next_group += 1;
        Ok(true)
    }

    /// Appends at most `limit` rows of the current row group; 0 at its end.
    fn read_batch(
        &mut self,
        limit: usize,
        values: &mut Vec<f64>,
        done: usize,
        gaps: &mut Vec<Gap>,
    ) -> Result<usize, DataError> {
        let width = self.columns.len();
        let limit = limit.min(BATCH);
        let start = values.len();
        let mut rows = None;
        for (index, reader) in self.group.iter_mut().enumerate() {
            let column = read_column(reader, limit, self.unsigned[index])
                .map_err(|error| malformed(&self.file, &error))?;
            let expected = *rows.get_or_insert(column.len());
            if column.len() != expected {
                let detail = format!("column '{}' ends early", self.columns[index]);
                return Err(malformed(&self.file, &ParquetError::General(detail)));
            }
            values.resize(start + expected * width, 0.0);
            let cells = values[start..].iter_mut().skip(index).step_by(width);
            for (row, (cell, value)) in cells.zip(column).enumerate() {
                *cell = match value {
                    Some(value) if value.is_infinite() => {
                        return Err(self.infinite(value, row, index));
                    }
                    other => other.unwrap_or(f64::NAN),
                };
            }
        }
        let rows = rows.unwrap_or(0);
        for (row, cells) in values[start..].chunks_exact(width).enumerate() {
            let gap = cells.iter().position(|value| value.is_nan());
            let place = Place::Row(self.row + row as u64 + 1);
            gaps.extend(gap.map(|column| Gap { row: done + row, place, column }));
        }
        self.row += rows as u64;
        Ok(rows)
    }

    #[cold]
    fn infinite(&self, value: f64, row: usize, index: usize) -> DataError {
        DataError::NotFinite {
            file: self.file.clone(),
            place: Place::Row(self.row + row as u64 + 1),
            column: self.columns[index].clone(),
            value,
        }
    }
}

impl RowReader for ParquetRows {
    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn read_rows(
        &mut self,
        limit: usize,
        values: &mut Vec<f64>,
        gaps: &mut Vec<Gap>,
    ) -> Result<usize, DataError> {
        let file = self.file.clone();
        guarded(&file, || {
            let mut done = 0;
            while done < limit {
                let read = self.read_batch(limit - done, values, done, gaps)?;
                if read == 0 && !self.advance()? {
                    break;
                }
                done += read;
            }
            Ok(done)
        })
    }
}

/// The names of the columns of numbers, and of the others with their types.
type Names = (Vec<String>, Vec<(String, String)>);

/// What columns a file has.
pub(crate) fn columns(file: &str, source: File) -> Result<Names, DataError> {
    let length = source.metadata().map_err(|error| DataError::from_io(file, error))?.len();
    if length == 0 {
        return Err(DataError::Empty { file: file.to_owned() });
    }
    guarded(file, || {
        let reader = SerializedFileReader::new(source).map_err(|error| malformed(file, &error))?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let (mut numbers, mut others) = (Vec::new(), Vec::new());
        for column in schema.columns() {
            let name = column.path().string();
            match require_number(file, column) {
                Ok(_) => numbers.push(name),
                Err(DataError::UnsupportedType { found, .. }) => others.push((name, found)),
                Err(other) => return Err(other),
            }
        }
        if numbers.is_empty() && others.is_empty() {
            return Err(DataError::Empty { file: file.to_owned() });
        }
        Ok((numbers, others))
    })
}

/// Runs code of the `parquet` crate and turns its panics into errors.
fn guarded<T>(file: &str, decode: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        Err(malformed(file, &ParquetError::General("its decoder gave up".to_owned())))
    })
}

/// Checks that a column is flat and numeric, and tells whether its integers are unsigned.
fn require_number(file: &str, column: &ColumnDescriptor) -> Result<bool, DataError> {
    let unsupported = |found: String| DataError::UnsupportedType {
        file: file.to_owned(),
        what: format!("column '{}'", column.path().string()),
        found,
        supported: SUPPORTED,
    };
    let optional = column.self_type().get_basic_info().repetition() != Repetition::REPEATED;
    if column.path().parts().len() > 1 || !optional || column.max_rep_level() > 0 {
        return Err(unsupported("nested".to_owned()));
    }
    if let Some(logical) = column.logical_type_ref() {
        return match logical {
            LogicalType::Integer(integer) => Ok(!integer.is_signed),
            other => Err(unsupported(
                format!("{other:?}").chars().take_while(char::is_ascii_alphanumeric).collect(),
            )),
        };
    }
    match (column.physical_type(), column.converted_type()) {
        (
            PhysicalType::BOOLEAN
            | PhysicalType::INT32
            | PhysicalType::INT64
            | PhysicalType::FLOAT
            | PhysicalType::DOUBLE,
            converted,
        ) => match converted {
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Ok(true),
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64 => Ok(false),
            other => Err(unsupported(other.to_string())),
        },
        (physical, _) => Err(unsupported(physical.to_string())),
    }
}

/// At most `limit` values of a column, `None` for null.
fn read_column(
    reader: &mut ColumnReader,
    limit: usize,
    unsigned: bool,
) -> Result<Vec<Option<f64>>, ParquetError> {
    match reader {
        ColumnReader::BoolColumnReader(typed) => {
            read_typed(typed, limit, |v| f64::from(u8::from(v)))
        }
        ColumnReader::Int32ColumnReader(typed) if unsigned => {
            read_typed(typed, limit, |v| f64::from(v.cast_unsigned()))
        }
        ColumnReader::Int32ColumnReader(typed) => read_typed(typed, limit, f64::from),
        ColumnReader::Int64ColumnReader(typed) if unsigned => {
            read_typed(typed, limit, |v| v.cast_unsigned() as f64)
        }
        ColumnReader::Int64ColumnReader(typed) => read_typed(typed, limit, |v| v as f64),
        ColumnReader::FloatColumnReader(typed) => read_typed(typed, limit, f64::from),
        ColumnReader::DoubleColumnReader(typed) => read_typed(typed, limit, |v| v),
        _ => Err(ParquetError::General("a column changes its type".to_owned())),
    }
}

fn read_typed<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    limit: usize,
    convert: impl Fn(T::T) -> f64,
) -> Result<Vec<Option<f64>>, ParquetError> {
    let (mut levels, mut present) = (Vec::new(), Vec::new());
    let mut rows = 0;
    while rows < limit {
        let (read, _, _) =
            reader.read_records(limit - rows, Some(&mut levels), None, &mut present)?;
        if read == 0 {
            break;
        }
        rows += read;
    }
    let mut present = present.into_iter().map(convert);
    if levels.is_empty() {
        return Ok(present.map(Some).collect());
    }
    Ok(levels.iter().map(|&level| if level > 0 { present.next() } else { None }).collect())
}

fn malformed(file: &str, error: &ParquetError) -> DataError {
    DataError::Malformed { file: file.to_owned(), format: "Parquet", detail: error.to_string() }
}

#[cfg(test)]
mod tests;
