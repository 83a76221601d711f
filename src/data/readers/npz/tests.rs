use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;
use crate::data::readers::npy_header::NpyHeader;

fn archive(names: &[&str], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (index, name) in names.iter().enumerate() {
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(&NpyHeader::written(8, 2, 1)).unwrap();
        for value in [1.0, index as f64] {
            writer.write_all(&f64::to_le_bytes(value)).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn read(bytes: &[u8], key: Option<&str>) -> Result<Vec<f64>, DataError> {
    let mut values = Vec::new();
    let mut rows = open("f.npz", Cursor::new(bytes), key, None)?;
    crate::data::reader::RowReader::read_rows(&mut rows, usize::MAX, &mut values, &mut Vec::new())?;
    Ok(values)
}

#[test]
fn an_array_is_found_by_its_key_stored_or_deflated() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = archive(&["train.npy", "test.npy", "readme.txt"], method);
        assert_eq!(read(&bytes, Some("test")).unwrap(), [1.0, 1.0]);
        assert_eq!(read(&bytes, Some("train.npy")).unwrap(), [1.0, 0.0]);
    }
}

#[test]
fn the_key_may_be_left_out_when_there_is_one_array() {
    assert_eq!(read(&archive(&["a.npy"], CompressionMethod::Deflated), None).unwrap(), [1.0, 0.0]);
    let two = archive(&["train.npy", "test.npy"], CompressionMethod::Stored);
    assert_eq!(
        read(&two, None).unwrap_err().to_string(),
        "f.npz: holds several arrays; choose one with f.npz:KEY from train, test"
    );
    let none = archive(&["a.txt"], CompressionMethod::Stored);
    assert!(matches!(read(&none, None), Err(DataError::Empty { .. })));
}

#[test]
fn an_unknown_key_lists_those_there() {
    let bytes = archive(&["train.npy", "test.npy"], CompressionMethod::Stored);
    assert_eq!(
        read(&bytes, Some("tarin")).unwrap_err().to_string(),
        "f.npz: no array 'tarin' (did you mean 'train'?); the arrays are train, test"
    );
}

#[test]
fn other_files_and_truncated_archives_are_malformed() {
    let message = |bytes: &[u8]| read(bytes, None).unwrap_err().to_string();
    assert!(message(b"").starts_with("f.npz: not a readable NumPy archive (.npz) file"));
    assert!(message(b"\x93NUMPY").starts_with("f.npz: not a readable NumPy archive"));
    let bytes = archive(&["a.npy"], CompressionMethod::Stored);
    assert!(message(&bytes[..bytes.len() / 2]).starts_with("f.npz: not a readable"));
}

#[test]
fn flipped_bytes_never_panic() {
    let bytes = archive(&["a.npy"], CompressionMethod::Deflated);
    for index in 0..bytes.len() {
        for mask in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[index] ^= mask;
            let _ = read(&damaged, None);
        }
    }
}
