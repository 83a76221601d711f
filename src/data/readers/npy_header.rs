//! Parses and writes the header of a `NumPy` array.
//!
//! A `.npy` file is the magic string `\x93NUMPY`, a version, the length of the header, a Python
//! dictionary with the keys `descr`, `fortran_order` and `shape`, and then the raw values.
//!
//! # References
//! `NumPy` developers, *numpy.lib.format*,
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::{self, Read};

use crate::data::error::DataError;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// `NumPy` itself refuses longer headers when it does not trust a file.
const MAX_HEADER: usize = 10_000;
/// Whole length of a header that is written: room for any shape, a multiple of 64.
const WRITTEN: usize = 128;
const SUPPORTED: &str = "float32, float64, an integer type or bool";

/// What the header says about the values that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NpyHeader {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) big_endian: bool,
    pub(crate) fortran_order: bool,
    pub(crate) rows: u64,
    pub(crate) width: u64,
    /// Bytes before the values.
    pub(crate) length: u64,
}

/// The kinds of numbers that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
}

impl NpyHeader {
    /// Reads the header and leaves `source` at the first value.
    pub(crate) fn read(file: &str, source: &mut impl Read) -> Result<Self, DataError> {
        let (text, length) = read_text(file, source)?;
        let malformed = |detail: &str| malformed(file, detail);
        let descr = value_of(&text, "descr").ok_or_else(|| malformed("no 'descr'"))?;
        let order = value_of(&text, "fortran_order").ok_or_else(|| malformed("no order"))?;
        let fortran_order = match order {
            _ if order.starts_with("True") => true,
            _ if order.starts_with("False") => false,
            _ => return Err(malformed("'fortran_order' is neither True nor False")),
        };
        let shape = value_of(&text, "shape")
            .and_then(parse_shape)
            .ok_or_else(|| malformed("'shape' is not a tuple of sizes"))?;
        let (kind, size, big_endian) =
            quoted(descr).and_then(parse_descr).ok_or_else(|| DataError::UnsupportedType {
                file: file.to_owned(),
                what: "the array".to_owned(),
                found: quoted(descr).unwrap_or("record").to_owned(),
                supported: SUPPORTED,
            })?;
        let (rows, width) = match shape[..] {
            [rows] => (rows, 1),
            [rows, width] => (rows, width),
            _ => {
                let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
                let shape = format!("({})", sizes.join(", "));
                return Err(DataError::NotAMatrix { file: file.to_owned(), shape });
            }
        };
        Ok(Self { kind, size, big_endian, fortran_order, rows, width, length })
    }

    /// Bytes that the values take.
    pub(crate) fn data_bytes(&self) -> u128 {
        // Two factors below 2^64 and one below 2^4 cannot overflow unless both are absurd.
        u128::from(self.rows)
            .saturating_mul(u128::from(self.width))
            .saturating_mul(self.size as u128)
    }

    /// The header of a little-endian matrix of floats in C order, always of the same length, so
    /// that it can be replaced once the number of rows is known.
    pub(crate) fn written(size: usize, rows: u64, width: usize) -> Vec<u8> {
        let mut header = MAGIC.to_vec();
        header.extend([1, 0]);
        header.extend(((WRITTEN - 10) as u16).to_le_bytes());
        let shape = format!("({rows}, {width})");
        let dictionary =
            format!("{{'descr': '<f{size}', 'fortran_order': False, 'shape': {shape}, }}");
        header.extend(dictionary.bytes());
        header.resize(WRITTEN - 1, b' ');
        header.push(b'\n');
        header
    }
}

pub(crate) fn malformed(file: &str, detail: &str) -> DataError {
    DataError::Malformed { file: file.to_owned(), format: "NumPy", detail: detail.to_owned() }
}

fn read_text(file: &str, source: &mut impl Read) -> Result<(String, u64), DataError> {
    let cut_short = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => malformed(file, "it ends inside the header"),
        _ => DataError::from_io(file, error),
    };
    let mut start = [0; 8];
    source.read_exact(&mut start).map_err(cut_short)?;
    if start[..6] != MAGIC[..] {
        return Err(malformed(file, "it does not start with \\x93NUMPY"));
    }
    let (length, prefix) = match start[6] {
        1 => {
            let mut bytes = [0; 2];
            source.read_exact(&mut bytes).map_err(cut_short)?;
            (usize::from(u16::from_le_bytes(bytes)), 10)
        }
        2 | 3 => {
            let mut bytes = [0; 4];
            source.read_exact(&mut bytes).map_err(cut_short)?;
            (u32::from_le_bytes(bytes) as usize, 12)
        }
        version => return Err(malformed(file, &format!("format version {version} is unknown"))),
    };
    if length > MAX_HEADER {
        return Err(malformed(file, &format!("a header of {length} bytes is too long")));
    }
    let mut text = vec![0; length];
    source.read_exact(&mut text).map_err(cut_short)?;
    let text = String::from_utf8(text).map_err(|_| malformed(file, "the header is not text"))?;
    Ok((text, (prefix + length) as u64))
}

/// What follows `'key':` in the dictionary.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    ['\'', '"'].iter().find_map(|quote| {
        let name = format!("{quote}{key}{quote}");
        let rest = text[text.find(&name)? + name.len()..].trim_start();
        rest.strip_prefix(':').map(str::trim_start)
    })
}

/// The content of the Python string at the start of `text`.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote).map(|(inside, _)| inside)
}

fn parse_shape(text: &str) -> Option<Vec<u64>> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let inside = inside.trim().trim_end_matches(',');
    if inside.is_empty() {
        return Some(Vec::new());
    }
    // Python 2 wrote long integers with an L.
    inside.split(',').map(|size| size.trim().trim_end_matches('L').parse().ok()).collect()
}

/// Kind, bytes a value, and whether the first byte is the most significant.
fn parse_descr(descr: &str) -> Option<(Kind, usize, bool)> {
    let mut chars = descr.chars();
    let big_endian = match chars.next()? {
        '<' | '|' => false,
        '>' => true,
        '=' => cfg!(target_endian = "big"),
        _ => return None,
    };
    let kind = match chars.next()? {
        'f' => Kind::Float,
        'i' => Kind::Signed,
        'u' => Kind::Unsigned,
        'b' => Kind::Bool,
        _ => return None,
    };
    let size = chars.as_str().parse().ok()?;
    let known = match kind {
        Kind::Float => matches!(size, 4 | 8),
        Kind::Signed | Kind::Unsigned => matches!(size, 1 | 2 | 4 | 8),
        Kind::Bool => size == 1,
    };
    known.then_some((kind, size, big_endian))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(dictionary: &str) -> Result<NpyHeader, DataError> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.bytes());
        NpyHeader::read("f.npy", &mut &bytes[..])
    }

    fn message(dictionary: &str) -> String {
        header(dictionary).unwrap_err().to_string()
    }

    #[test]
    fn the_dictionary_is_understood_in_any_order_and_with_either_quote() {
        let found = header("{\"shape\": (7L,), 'fortran_order':True , 'descr': '>u2'}\n").unwrap();
        let expected = NpyHeader {
            kind: Kind::Unsigned,
            size: 2,
            big_endian: true,
            fortran_order: true,
            rows: 7,
            width: 1,
            length: 10 + 59,
        };
        assert_eq!(NpyHeader { length: 69, ..found }, expected);
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = NpyHeader::written(8, u64::MAX, 12345);
        assert_eq!(bytes.len() % 64, 0);
        let found = NpyHeader::read("f", &mut &bytes[..]).unwrap();
        assert_eq!((found.rows, found.width, found.size), (u64::MAX, 12345, 8));
        assert_eq!(found.length, bytes.len() as u64);
    }

    #[test]
    fn unsupported_types_name_the_supported_ones() {
        for (descr, shown) in
            [("'<c16'", "<c16"), ("'|O'", "|O"), ("'<f2'", "<f2"), ("[('a', '<f4')]", "record")]
        {
            let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}");
            assert_eq!(
                message(&text),
                format!(
                    "f.npy, the array: type {shown} is not supported; convert it to float32, \
                     float64, an integer type or bool"
                )
            );
        }
    }

    #[test]
    fn other_dimensions_are_told_with_the_shape() {
        let shaped = |shape| {
            message(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"))
        };
        assert_eq!(
            shaped("(2, 3, 4)"),
            "f.npy: the array has shape (2, 3, 4); expected rows × columns, reshape it to two \
             dimensions"
        );
        assert!(shaped("()").contains("has shape ();"));
        assert!(shaped("(-1, 2)").contains("'shape' is not a tuple of sizes"));
        assert!(shaped("(99999999999999999999, 2)").contains("'shape' is not"));
    }

    #[test]
    fn damaged_headers_are_malformed() {
        let read = |bytes: &[u8]| NpyHeader::read("f.npy", &mut &*bytes).unwrap_err().to_string();
        assert!(read(b"PK\x03\x04....").contains("does not start with \\x93NUMPY"));
        assert!(read(b"\x93NUM").contains("ends inside the header"));
        assert!(read(b"\x93NUMPY\x01\x00\xff\x00{").contains("ends inside the header"));
        assert!(read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").contains("is too long"));
        assert!(read(b"\x93NUMPY\x09\x00....").contains("version 9 is unknown"));
        assert!(message("{}").contains("no 'descr'"));
        assert!(message("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}").contains("neither"));
    }

    #[test]
    fn sizes_that_overflow_saturate() {
        let huge = header(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 18446744073709551615), }",
        );
        assert_eq!(huge.unwrap().data_bytes(), u128::MAX);
    }
}
