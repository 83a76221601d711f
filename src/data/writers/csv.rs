//! Writes comma- and tab-separated text with a header.
//!
//! Numbers get the fewest digits that read back as the same number (Ryū).

use ::csv::{Terminator, Writer, WriterBuilder};

use crate::data::error::DataError;
use crate::data::labels::{Labels, at_index};
use crate::data::writer::{BUFFER, Output, Precision, RowSink, require_rows};

/// Text that grows row by row.
#[derive(Debug)]
pub(crate) struct CsvSink<W: Output> {
    file: String,
    columns: Vec<String>,
    precision: Precision,
    /// The labels of columns of categories.
    labels: Vec<Option<Vec<String>>>,
    /// Which columns hold whole numbers.
    whole: Vec<bool>,
    writer: Writer<W>,
}

impl<W: Output> CsvSink<W> {
    /// Writes the header.
    pub(crate) fn new(
        file: &str,
        output: W,
        delimiter: u8,
        columns: &[String],
        precision: Precision,
    ) -> Result<Self, DataError> {
        let mut writer = WriterBuilder::new()
            .delimiter(delimiter)
            .buffer_capacity(BUFFER)
            .terminator(Terminator::Any(b'\n'))
            .from_writer(output);
        writer.write_record(columns).map_err(|error| failed(file, error))?;
        let (labels, whole) = (vec![None; columns.len()], vec![false; columns.len()]);
        let columns = columns.to_vec();
        Ok(Self { file: file.to_owned(), columns, precision, labels, whole, writer })
    }

    /// The same, with labels in place of their indices, and whole numbers without a fraction.
    pub(crate) fn labelled(mut self, labels: &Labels) -> Self {
        self.labels = self.columns.iter().map(|name| labels.of(name).map(<[_]>::to_vec)).collect();
        self.whole = self.columns.iter().map(|name| labels.are_whole(name)).collect();
        self
    }
}

impl<W: Output> RowSink for CsvSink<W> {
    fn write_rows(&mut self, rows: &[f64]) -> Result<(), DataError> {
        let width = self.columns.len();
        require_rows(&self.file, rows.len(), width)?;
        let mut digits = ryu::Buffer::new();
        for row in rows.chunks_exact(width) {
            for ((&value, labels), whole) in row.iter().zip(&self.labels).zip(&self.whole) {
                let label = labels.as_ref().and_then(|labels| at_index(labels, value));
                // Not a number: there is no value.
                let label = if value.is_nan() { Some("") } else { label.map(String::as_str) };
                let text = match (label, self.precision) {
                    (Some(label), _) => label,
                    (None, Precision::Single) => digits.format(value as f32),
                    (None, Precision::Double) => digits.format(value),
                };
                let text = if *whole { text.strip_suffix(".0").unwrap_or(text) } else { text };
                self.writer.write_field(text).map_err(|error| failed(&self.file, error))?;
            }
            self.writer.write_record(None::<&[u8]>).map_err(|error| failed(&self.file, error))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        let Self { file, writer, .. } = *self;
        let output =
            writer.into_inner().map_err(|error| DataError::from_io(&file, error.into_error()))?;
        output.commit()
    }
}

fn failed(file: &str, error: ::csv::Error) -> DataError {
    match error.into_kind() {
        ::csv::ErrorKind::Io(source) => DataError::from_io(file, source),
        other => DataError::Malformed {
            file: file.to_owned(),
            format: "CSV",
            detail: format!("{other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, Write};

    /// Keeps what was committed, or fails like a pipe without a reader.
    #[derive(Debug, Default)]
    struct Memory {
        bytes: Vec<u8>,
        closed: bool,
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.bytes.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output for &mut Memory {
        fn commit(self) -> Result<(), DataError> {
            Ok(())
        }
    }

    fn written(columns: &[&str], rows: &[f64], delimiter: u8, precision: Precision) -> String {
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        let mut memory = Memory::default();
        let mut sink = CsvSink::new("f", &mut memory, delimiter, &columns, precision).unwrap();
        sink.write_rows(rows).unwrap();
        Box::new(sink).finish().unwrap();
        String::from_utf8(memory.bytes).unwrap()
    }

    #[test]
    fn numbers_are_short_and_names_quoted_when_needed() {
        assert_eq!(
            written(&["a,b", "c"], &[1.0, -0.1, 1e300, f64::NEG_INFINITY], b',', Precision::Double),
            "\"a,b\",c\n1.0,-0.1\n1e300,-inf\n"
        );
        assert_eq!(written(&["a", "b"], &[0.5, 2.0], b'\t', Precision::Double), "a\tb\n0.5\t2.0\n");
    }

    #[test]
    fn single_precision_is_printed_with_its_own_digits() {
        let value = f64::from(0.1_f32);
        assert_eq!(written(&["a"], &[value], b',', Precision::Single), "a\n0.1\n");
        assert_eq!(written(&["a"], &[value], b',', Precision::Double), "a\n0.10000000149011612\n");
    }

    #[test]
    fn what_is_not_a_number_is_an_empty_field() {
        let rows = [f64::NAN, 1.0, 2.0, f64::NAN];
        assert_eq!(written(&["a", "b"], &rows, b',', Precision::Double), "a,b\n,1.0\n2.0,\n");
        // A line of its own, which readers do not skip.
        assert_eq!(written(&["a"], &[f64::NAN], b',', Precision::Double), "a\n\"\"\n");
    }

    #[test]
    fn half_a_row_is_refused() {
        let mut memory = Memory::default();
        let columns = ["a".to_owned(), "b".to_owned()];
        let mut sink = CsvSink::new("f", &mut memory, b',', &columns, Precision::Double).unwrap();
        assert!(matches!(sink.write_rows(&[1.0]), Err(DataError::PartialRow { .. })));
    }

    #[test]
    fn a_closed_pipe_is_its_own_error() {
        let mut memory = Memory { closed: true, ..Memory::default() };
        let columns = ["a".to_owned()];
        let mut sink =
            CsvSink::new("<stdout>", &mut memory, b',', &columns, Precision::Double).unwrap();
        let error = sink.write_rows(&vec![1.5; 100_000]).unwrap_err();
        assert!(matches!(error, DataError::BrokenPipe { .. }), "{error}");
        let error = Box::new(sink).finish().unwrap_err();
        assert!(matches!(error, DataError::BrokenPipe { .. }), "{error}");
    }
}
