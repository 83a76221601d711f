//! A safetensors file with a description, a format version and a checksum.
//!
//! Files are written beside and renamed, so a reader never sees half of one.

use crate::error::{Error, ModelFileError, Result};
use crate::kinds::UNKNOWN;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// The version of the file format that this library writes; it reads all up to this one.
pub const FORMAT: u32 = 1;

/// The version of this library, which is written into files.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is read of a file.
#[derive(Debug)]
pub(crate) struct Described {
    /// What the file describes, as JSON.
    pub(crate) description: String,
    /// The version that wrote it; earlier ones did not say.
    written_by: Option<String>,
}

impl Described {
    /// Why a file whose checksum is right cannot be used: it says what only a later version can have
    /// written, or it contradicts itself.
    pub(crate) fn unusable(&self, detail: String) -> ModelFileError {
        if detail.contains(UNKNOWN) {
            return ModelFileError::UnknownKind { detail };
        }
        let unknown = ["unknown field", "unknown variant"].iter().any(|what| detail.contains(what));
        let is_later = self.written_by.as_deref().is_some_and(|by| is_later(by, VERSION));
        if !unknown && !is_later {
            return ModelFileError::Corrupted { detail };
        }
        let written_by = self.written_by.clone().unwrap_or_else(|| "of an unknown number".into());
        ModelFileError::Unknown { detail, written_by, this: VERSION }
    }
}

/// Whether version a comes after b, by their numbers.
fn is_later(a: &str, b: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
    };
    numbers(a) > numbers(b)
}

/// A tensor to write: name, dtype, shape, little-endian bytes.
pub(crate) type Stored = (String, Dtype, Vec<usize>, Vec<u8>);

/// Writes tensors with a description and a checksum, beside the file and then in its place.
pub(crate) fn write_safetensors(
    path: &Path,
    kind: &str,
    description: &str,
    tensors: &[Stored],
) -> Result<()> {
    let io = |source| Error::io(path, source);
    let metadata = BTreeMap::from([
        ("diffeo".to_owned(), kind.to_owned()),
        ("format".to_owned(), FORMAT.to_string()),
        ("version".to_owned(), VERSION.to_owned()),
        ("description".to_owned(), description.to_owned()),
        (
            "checksum".to_owned(),
            checksum(description, tensors.iter().map(|t| (t.0.as_str(), t.3.as_slice()))),
        ),
    ]);
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| {
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), data)?))
        })
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| io(std::io::Error::other(e)))?;
    let content = safetensors::serialize(views, None).map_err(|e| io(std::io::Error::other(e)))?;
    let content = with_metadata(&content, &metadata).map_err(|e| io(e.into()))?;
    replace(path, &content).map_err(io)
}

/// Writes beside a file, under a name that nobody can foresee, and then into its place. What is left of
/// one that could not be written is removed; the old one is unharmed.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut beside = tempfile::Builder::new();
    beside.prefix(".").suffix(".partial");
    // As of any new file: temporary ones are for their owner alone.
    #[cfg(unix)]
    beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = beside.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

/// Puts metadata into a serialised file, in the order of their keys: safetensors itself writes them
/// in a random order, and equal models shall be equal files.
fn with_metadata(
    content: &[u8],
    metadata: &BTreeMap<String, String>,
) -> serde_json::Result<Vec<u8>> {
    let mut length = [0; 8];
    length.copy_from_slice(&content[..8]);
    let (header, tensors) = content[8..].split_at(u64::from_le_bytes(length) as usize);
    let mut written = br#"{"__metadata__":"#.to_vec();
    serde_json::to_writer(&mut written, metadata)?;
    written.push(b',');
    written.extend_from_slice(&header[1..]);
    written.resize(written.len().next_multiple_of(8), b' ');
    Ok([&(written.len() as u64).to_le_bytes()[..], &written, tensors].concat())
}

/// The description and the bytes of a file, its length, format and checksum verified.
pub(crate) fn read_safetensors(path: &Path, kind: &str) -> Result<(Described, Vec<u8>)> {
    let content = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let problem = |problem| Error::ModelFile { path: path.to_owned(), problem };
    let description = verify(&content, kind).map_err(problem)?;
    Ok((description, content))
}

fn verify(content: &[u8], kind: &str) -> std::result::Result<Described, ModelFileError> {
    use safetensors::SafeTensorError as E;
    let not_a_model = |detail: &str| ModelFileError::NotAModel { detail: detail.to_owned() };
    if content.is_empty() {
        return Err(ModelFileError::Truncated { detail: "the file is empty".to_owned() });
    }
    let (_, header) = SafeTensors::read_metadata(content).map_err(|e| match e {
        E::HeaderTooSmall | E::InvalidHeaderLength | E::MetadataIncompleteBuffer => {
            let header = content.get(8).is_none_or(|b| *b == b'{');
            if header {
                ModelFileError::Truncated { detail: format!("{} bytes", content.len()) }
            } else {
                not_a_model("no safetensors header")
            }
        }
        _ => not_a_model("no safetensors header"),
    })?;
    let metadata = header.metadata().as_ref().ok_or_else(|| not_a_model("no metadata"))?;
    let get = |key: &str| metadata.get(key).ok_or_else(|| not_a_model("not written by diffeo"));
    if get("diffeo")? != kind {
        return Err(not_a_model(&format!("it is a {}", get("diffeo")?)));
    }
    let found = get("format")?.parse().map_err(|_| not_a_model("no format version"))?;
    if found > FORMAT {
        return Err(ModelFileError::Newer { found, supported: FORMAT });
    }
    let corrupted = |detail: String| ModelFileError::Corrupted { detail };
    let tensors = SafeTensors::deserialize(content).map_err(|e| corrupted(e.to_string()))?;
    let description = get("description")?;
    let mut named = tensors.tensors();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let found = checksum(description, named.iter().map(|(n, t)| (n.as_str(), t.data())));
    // A fuzzer would never get past it.
    if *get("checksum")? != found && !cfg!(fuzzing) {
        return Err(corrupted("the checksum does not match".to_owned()));
    }
    let written_by = metadata.get("version").cloned();
    Ok(Described { description: description.clone(), written_by })
}

/// A hash of the description and of the tensors in order of their names.
fn checksum<'t>(description: &str, tensors: impl Iterator<Item = (&'t str, &'t [u8])>) -> String {
    let mut sorted: Vec<_> = tensors.collect();
    sorted.sort_by(|a, b| a.0.cmp(b.0));
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(description.len() as u64).to_le_bytes()).update(description.as_bytes());
    for (name, data) in sorted {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&(data.len() as u64).to_le_bytes()).update(data);
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_a_later_version_is_no_damaged_one() {
        assert!(is_later("0.10.0", "0.9.3") && is_later("1.0.0-rc1", "0.9"));
        assert!(!is_later("0.1.0", "0.1.0") && !is_later("0.0.9", "0.1.0"));
        let by = |version: Option<&str>| Described {
            description: String::new(),
            written_by: version.map(ToOwned::to_owned),
        };
        let detail = || "missing field `flow`".to_owned();
        let newer = by(Some("999.0.0")).unusable(detail()).to_string();
        assert!(newer.contains("999.0.0") && newer.contains("update diffeo"), "{newer}");
        for version in [None, Some(VERSION)] {
            let problem = by(version).unusable(detail());
            assert!(matches!(problem, ModelFileError::Corrupted { .. }), "{problem}");
        }
        let kind = "unknown variant `diffusion-bridge`, expected one of …".to_owned();
        assert!(matches!(by(None).unusable(kind), ModelFileError::Unknown { .. }));
    }
}
