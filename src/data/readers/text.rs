//! Guards the text reader from files that are no text, which it would take into memory whole.

use std::io::{self, Read};

use crate::data::error::DataError;

/// The longest line: more than a million columns.
const LONGEST: usize = 64 << 20;
const ZERO_BYTE: &str = "a zero byte";
const ENDLESS: &str = "an endless line";

/// A source that fails at a zero byte and when a line does not end.
#[derive(Debug)]
pub(crate) struct Text<R> {
    source: R,
    /// Bytes since the last line end.
    line: usize,
}

impl<R> Text<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, line: 0 }
    }
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        let bytes = &buffer[..read];
        if bytes.contains(&0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, ZERO_BYTE));
        }
        self.line = match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => read - end - 1,
            None => self.line + read,
        };
        if self.line > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, ENDLESS));
        }
        Ok(read)
    }
}

/// What an error of reading text means.
pub(crate) fn not_text(file: &str, error: io::Error) -> DataError {
    if error.kind() == io::ErrorKind::InvalidData {
        match error.to_string().as_str() {
            ZERO_BYTE => return DataError::Binary { file: file.to_owned() },
            ENDLESS => {
                let mebibytes = LONGEST >> 20;
                return DataError::EndlessLine { file: file.to_owned(), mebibytes };
            }
            _ => {}
        }
    }
    DataError::from_io(file, error)
}
