//! Reads one array out of a `NumPy` archive: a zip file of `.npy` files.

use std::io::{BufReader, Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::npy::{Buffered, NpyRows};
use crate::data::error::DataError;
use crate::data::names::{listed, nearest};

/// Deflate cannot shrink data by more than this.
const MAX_RATIO: u64 = 1032;

/// Reads the array called `key`, or the only one for `None`.
pub(crate) fn open<R: Read + Seek>(
    file: &str,
    source: R,
    key: Option<&str>,
    wanted: Option<&[String]>,
) -> Result<Buffered, DataError> {
    let mut archive =
        ZipArchive::new(BufReader::new(source)).map_err(|error| malformed(file, error))?;
    let keys = keys(&archive);
    let key = match (key, &keys[..]) {
        (Some(key), _) => key.strip_suffix(".npy").unwrap_or(key),
        (None, [only]) => only,
        (None, []) => return Err(DataError::Empty { file: file.to_owned() }),
        (None, _) => {
            return Err(DataError::KeyNeeded { file: file.to_owned(), available: listed(&keys) });
        }
    };
    if !keys.iter().any(|known| known == key) {
        return Err(DataError::UnknownKey {
            file: file.to_owned(),
            key: key.to_owned(),
            available: listed(&keys),
            suggestion: nearest(key, &keys),
        });
    }
    let name = format!("{key}.npy");
    let entry = archive.by_name(&name).map_err(|error| malformed(file, error))?;
    // The declared size is not to be trusted beyond what the stored bytes can hold.
    let most = entry.compressed_size().saturating_mul(MAX_RATIO).saturating_add(MAX_RATIO);
    let length = entry.size().min(most);
    let name = format!("{file}:{key}");
    let rows = NpyRows::new(&name, BufReader::new(entry), Some(length), wanted)?;
    rows.buffered()
}

/// The names of the arrays, without `.npy`.
fn keys<R: Read + Seek>(archive: &ZipArchive<R>) -> Vec<String> {
    archive
        .file_names()
        .filter_map(Result::ok)
        .filter_map(|name| name.strip_suffix(".npy").map(str::to_owned))
        .collect()
}

fn malformed(file: &str, error: ZipError) -> DataError {
    match error {
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            DataError::from_io(file, error)
        }
        other => DataError::Malformed {
            file: file.to_owned(),
            format: "NumPy archive (.npz)",
            detail: other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests;
