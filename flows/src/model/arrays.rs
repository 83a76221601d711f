//! Named arrays of plain numbers in a file like a model's.

use super::container::{read_safetensors, write_safetensors};
use crate::error::{Error, ModelFileError, Result};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::path::Path;

/// Arrays by name with a description, stored with a format version and a checksum.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrays {
    /// What the arrays are, usually JSON.
    pub description: String,
    /// The arrays.
    pub arrays: BTreeMap<String, Vec<f64>>,
}

impl Arrays {
    /// Writes a safetensors file of this kind, beside its name first.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written; what was there is unharmed.
    pub fn write(&self, path: impl AsRef<Path>, kind: &str) -> Result<()> {
        let tensors: Vec<_> = self
            .arrays
            .iter()
            .map(|(name, values)| {
                let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name.clone(), Dtype::F64, vec![values.len()], data)
            })
            .collect();
        write_safetensors(path.as_ref(), kind, &self.description, &tensors)
    }

    /// Reads a file of this kind.
    ///
    /// # Errors
    /// [`Error::Io`] when there is none; [`Error::ModelFile`] when it is damaged, of a newer format
    /// or of another kind.
    pub fn read(path: impl AsRef<Path>, kind: &str) -> Result<Self> {
        let path = path.as_ref();
        let (described, content) = read_safetensors(path, kind)?;
        let tensors = SafeTensors::deserialize(&content).map_err(|e| {
            let problem = ModelFileError::Corrupted { detail: e.to_string() };
            Error::ModelFile { path: path.to_owned(), problem }
        })?;
        let arrays = tensors.iter().map(|(name, view)| (name.to_owned(), numbers(&view)));
        Ok(Self { description: described.description, arrays: arrays.collect() })
    }
}

/// The numbers of an `f64` tensor.
pub(super) fn numbers(view: &TensorView<'_>) -> Vec<f64> {
    let (numbers, _) = view.data().as_chunks::<8>();
    numbers.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
}
