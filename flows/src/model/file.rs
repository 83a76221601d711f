//! One self-describing safetensors file a model.
//!
//! The tensors are the parameters by name; the metadata hold the format version, the description
//! as JSON and a checksum over both. Files are written beside and renamed, so a reader never sees
//! half of one.

use super::{Model, ModelSpec};
use crate::error::{Error, ModelFileError, Result};
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The version of the file format that this library writes; it reads all up to this one.
pub const FORMAT: u32 = 1;
/// The name of the model file in a run folder.
const MODEL_FILE: &str = "model.safetensors";

impl Model {
    /// Writes the model to `path`, replacing what is there only once all is written.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written; the old file is then unharmed.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let spec = serde_json::to_string(self.spec())
            .map_err(|e| Error::config("model", e.to_string(), "this is a fault of the library"))?;
        let mut tensors = Vec::new();
        for param in self.params().iter() {
            let tensor = param.var().as_tensor();
            tensors.push((param.name().to_owned(), dtype(tensor), tensor.dims().to_vec(), bytes(tensor)?));
        }
        write_safetensors(path.as_ref(), "model", &spec, &tensors)
    }

    /// Loads a model from its file or from the run folder it lies in.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no such file; [`Error::ModelFile`] when it is truncated,
    /// corrupted, of a newer format, or no model.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = model_path(path.as_ref());
        let (spec, content) = read_safetensors(&path, "model")?;
        let corrupted = |detail: String| Error::ModelFile {
            path: path.clone(),
            problem: ModelFileError::Corrupted { detail },
        };
        let spec: ModelSpec = serde_json::from_str(&spec).map_err(|e| corrupted(e.to_string()))?;
        let model = Self::new(spec, device).map_err(|e| corrupted(e.to_string()))?;
        let tensors = SafeTensors::deserialize(&content).map_err(|e| corrupted(e.to_string()))?;
        if tensors.len() != model.params().iter().count() {
            return Err(corrupted("the number of tensors differs from the description".to_owned()));
        }
        for param in model.params().iter() {
            let view = tensors.tensor(param.name()).map_err(|e| corrupted(e.to_string()))?;
            let var = param.var();
            if view.shape() != var.dims() || view.dtype() != dtype(var.as_tensor()) {
                return Err(corrupted(format!("tensor {} has another shape", param.name())));
            }
            var.set(&Tensor::from_raw_buffer(view.data(), var.dtype(), var.dims(), device)?)?;
        }
        Ok(model)
    }
}

/// A tensor to write: name, dtype, shape, little-endian bytes.
pub(crate) type Stored = (String, Dtype, Vec<usize>, Vec<u8>);

/// The file of a model given by itself or by its run folder.
fn model_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(MODEL_FILE) } else { path.to_owned() }
}

/// Writes tensors with a description and a checksum, beside the file and then in its place.
pub(crate) fn write_safetensors(
    path: &Path,
    kind: &str,
    description: &str,
    tensors: &[Stored],
) -> Result<()> {
    let io = |source| Error::io(path, source);
    let metadata = HashMap::from([
        ("diffeo".to_owned(), kind.to_owned()),
        ("format".to_owned(), FORMAT.to_string()),
        ("description".to_owned(), description.to_owned()),
        ("checksum".to_owned(), checksum(description, tensors.iter().map(|t| (t.0.as_str(), t.3.as_slice())))),
    ]);
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| {
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), data)?))
        })
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| io(std::io::Error::other(e)))?;
    let content =
        safetensors::serialize(views, Some(metadata)).map_err(|e| io(std::io::Error::other(e)))?;
    let beside = path.with_extension("partial");
    std::fs::write(&beside, content).map_err(|e| Error::io(&beside, e))?;
    std::fs::rename(&beside, path).map_err(io)
}

/// The description and the bytes of a file, its length, format and checksum verified.
pub(crate) fn read_safetensors(path: &Path, kind: &str) -> Result<(String, Vec<u8>)> {
    let content = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let problem = |problem| Error::ModelFile { path: path.to_owned(), problem };
    let description = verify(&content, kind).map_err(problem)?;
    Ok((description, content))
}

fn verify(content: &[u8], kind: &str) -> std::result::Result<String, ModelFileError> {
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
    if *get("checksum")? != checksum(description, named.iter().map(|(n, t)| (n.as_str(), t.data()))) {
        return Err(corrupted("the checksum does not match".to_owned()));
    }
    Ok(description.clone())
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

fn dtype(tensor: &Tensor) -> Dtype {
    match tensor.dtype() {
        DType::U8 => Dtype::U8,
        DType::U32 => Dtype::U32,
        DType::F64 => Dtype::F64,
        _ => Dtype::F32,
    }
}

fn bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
    Ok(match tensor.dtype() {
        DType::U8 => flat.to_vec1::<u8>()?,
        DType::U32 => flat.to_vec1::<u32>()?.iter().flat_map(|v| v.to_le_bytes()).collect(),
        DType::F64 => flat.to_vec1::<f64>()?.iter().flat_map(|v| v.to_le_bytes()).collect(),
        _ => flat.to_vec1::<f32>()?.iter().flat_map(|v| v.to_le_bytes()).collect(),
    })
}
