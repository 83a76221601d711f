//! Writes an Apache Parquet file with one required float column a name.

use std::sync::Arc;

use parquet::basic::{Compression, Repetition, Type as PhysicalType};
use parquet::data_type::{DataType, DoubleType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::partial_file::PartialFile;
use crate::data::error::DataError;
use crate::data::writer::{Output, Precision, RowSink, require_rows};

/// Values collected before they are written as one row group.
const GROUP: usize = 1 << 20;

/// A Parquet file that grows by row groups.
pub(crate) struct ParquetSink {
    file: String,
    width: usize,
    precision: Precision,
    /// Rows of the row group to come.
    pending: Vec<f64>,
    writer: SerializedFileWriter<PartialFile>,
}

impl std::fmt::Debug for ParquetSink {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ParquetSink").field("file", &self.file).finish_non_exhaustive()
    }
}

impl ParquetSink {
    /// Writes the magic bytes; the schema follows at the end of the file.
    pub(crate) fn new(
        output: PartialFile,
        columns: &[String],
        precision: Precision,
    ) -> Result<Self, DataError> {
        let file = output.name();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            // Floats seldom repeat: a dictionary would be built and thrown away.
            .set_dictionary_enabled(false)
            .set_created_by("diffeo".to_owned())
            .build();
        let writer = schema(columns, precision)
            .and_then(|schema| SerializedFileWriter::new(output, schema, Arc::new(properties)))
            .map_err(|error| failed(&file, error))?;
        Ok(Self { file, width: columns.len(), precision, pending: Vec::new(), writer })
    }

    fn write_group(&mut self) -> Result<(), DataError> {
        let written = match self.precision {
            Precision::Single => {
                write_group::<FloatType>(&mut self.writer, &self.pending, self.width, |v| v as f32)
            }
            Precision::Double => {
                write_group::<DoubleType>(&mut self.writer, &self.pending, self.width, |v| v)
            }
        };
        self.pending.clear();
        written.map_err(|error| failed(&self.file, error))
    }
}

impl RowSink for ParquetSink {
    fn write_rows(&mut self, rows: &[f64]) -> Result<(), DataError> {
        require_rows(&self.file, rows.len(), self.width)?;
        let group = (GROUP / self.width).max(1) * self.width;
        let mut rest = rows;
        while !rest.is_empty() {
            let (some, more) = rest.split_at(rest.len().min(group - self.pending.len()));
            self.pending.extend_from_slice(some);
            if self.pending.len() == group {
                self.write_group()?;
            }
            rest = more;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), DataError> {
        if !self.pending.is_empty() {
            self.write_group()?;
        }
        let Self { file, writer, .. } = *self;
        writer.into_inner().map_err(|error| failed(&file, error))?.commit()
    }
}

fn schema(columns: &[String], precision: Precision) -> Result<TypePtr, ParquetError> {
    let kind = match precision {
        Precision::Single => PhysicalType::FLOAT,
        Precision::Double => PhysicalType::DOUBLE,
    };
    let field = |name: &String| {
        let field = Type::primitive_type_builder(name, kind);
        field.with_repetition(Repetition::REQUIRED).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Type::group_type_builder("schema").with_fields(fields).build().map(Arc::new)
}

fn write_group<T: DataType>(
    writer: &mut SerializedFileWriter<PartialFile>,
    rows: &[f64],
    width: usize,
    convert: impl Fn(f64) -> T::T,
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    let mut values = Vec::with_capacity(rows.len() / width);
    let mut index = 0;
    while let Some(mut column) = group.next_column()? {
        values.clear();
        values.extend(rows.iter().skip(index).step_by(width).map(|&value| convert(value)));
        column.typed::<T>().write_batch(&values, None, None)?;
        column.close()?;
        index += 1;
    }
    group.close().map(|_| ())
}

fn failed(file: &str, error: ParquetError) -> DataError {
    let error = match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => return DataError::from_io(file, *source),
            Err(source) => ParquetError::External(source),
        },
        other => other,
    };
    DataError::from_io(file, std::io::Error::other(error))
}
