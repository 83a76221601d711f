//! Writes a `NumPy` matrix in C order, little-endian.
//!
//! The header is written with no rows and replaced once their number is known.

use std::io::{BufWriter, Write};

use super::partial_file::PartialFile;
use crate::data::error::DataError;
use crate::data::readers::npy_header::NpyHeader;
use crate::data::writer::{BUFFER, Output, Precision, RowSink, require_rows};

/// An array that grows row by row.
#[derive(Debug)]
pub(crate) struct NpySink {
    file: String,
    width: usize,
    rows: u64,
    precision: Precision,
    output: BufWriter<PartialFile>,
}

impl NpySink {
    /// Writes a header for no rows yet.
    pub(crate) fn new(
        output: PartialFile,
        width: usize,
        precision: Precision,
    ) -> Result<Self, DataError> {
        let file = output.name();
        let output = BufWriter::with_capacity(BUFFER, output);
        let mut sink = Self { file, width, rows: 0, precision, output };
        let header = sink.header();
        sink.output.write_all(&header).map_err(|error| DataError::from_io(&sink.file, error))?;
        Ok(sink)
    }

    fn header(&self) -> Vec<u8> {
        let size = match self.precision {
            Precision::Single => size_of::<f32>(),
            Precision::Double => size_of::<f64>(),
        };
        NpyHeader::written(size, self.rows, self.width)
    }
}

impl RowSink for NpySink {
    fn write_rows(&mut self, rows: &[f64]) -> Result<(), DataError> {
        require_rows(&self.file, rows.len(), self.width)?;
        for &value in rows {
            match self.precision {
                Precision::Single => self.output.write_all(&(value as f32).to_le_bytes()),
                Precision::Double => self.output.write_all(&value.to_le_bytes()),
            }
            .map_err(|error| DataError::from_io(&self.file, error))?;
        }
        self.rows += (rows.len() / self.width) as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        let header = self.header();
        let Self { file, output, .. } = *self;
        let mut output =
            output.into_inner().map_err(|error| DataError::from_io(&file, error.into_error()))?;
        output.patch_start(&header).map_err(|error| DataError::from_io(&file, error))?;
        output.commit()
    }
}
