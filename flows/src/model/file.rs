//! Models and checkpoints as files.
//!
//! A model is one safetensors file: the tensors are the parameters by name, the description says
//! what they are. A checkpoint is the same with the state of the training run beside it.

use super::arrays::numbers;
use super::container::{Stored, read_safetensors, write_safetensors};
use super::{Calibration, HeldOut, Model, ModelSpec};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::train::{Parts, TrainState};
use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The name of the model file in a run folder.
const MODEL_FILE: &str = "model.safetensors";
/// What precedes the names of a training run's vectors.
const STATE_PREFIX: &str = "state.";
/// The names of the log-densities of held-out rows.
const CALIBRATIONS: [(&str, HeldOut); 2] =
    [("calibration.test", HeldOut::Test), ("calibration.valid", HeldOut::Valid)];

impl Model {
    /// Writes the model to `path`, replacing what is there only once all is written.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written; the old file is then unharmed.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut tensors = stored(self.params())?;
        for (name, held_out) in CALIBRATIONS {
            if let Some(kept) = self.calibration().filter(|c| c.held_out == held_out) {
                tensors.push(vector(name.to_owned(), &kept.log_prob));
            }
        }
        write_safetensors(path.as_ref(), "model", &json(self.spec())?, &tensors)
    }

    /// Loads a model from its file or from the run folder it lies in.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no such file; [`Error::ModelFile`] when it is truncated,
    /// corrupted, of a newer format, or no model.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        let path = model_path(path.as_ref());
        let (described, content) = read_safetensors(&path, "model")?;
        let read = || {
            let spec: ModelSpec =
                serde_json::from_str(&described.description).map_err(|e| e.to_string())?;
            let tensors = SafeTensors::deserialize(&content).map_err(|e| e.to_string())?;
            restore(spec, &tensors, device)
        };
        read().map_err(|detail: String| {
            let problem = described.unusable(detail);
            Error::ModelFile { path: path.clone(), problem }
        })
    }

    /// Writes the model and the state of its training run.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written; the old file is then unharmed.
    pub fn save_checkpoint(&self, state: &TrainState, path: impl AsRef<Path>) -> Result<()> {
        let Parts { vectors, json: state } = state.to_parts();
        let mut tensors = stored(self.params())?;
        for (name, vector) in vectors {
            tensors.push(self::vector(format!("{STATE_PREFIX}{name}"), &vector));
        }
        let description = json(&Checkpoint { spec: self.spec().clone(), state })?;
        write_safetensors(path.as_ref(), "checkpoint", &description, &tensors)
    }

    /// Loads a model and the state of its training run.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn load_checkpoint(path: impl AsRef<Path>, device: &Device) -> Result<(Self, TrainState)> {
        let path = path.as_ref();
        let (described, content) = read_safetensors(path, "checkpoint")?;
        let read = || {
            let Checkpoint { spec, state } =
                serde_json::from_str(&described.description).map_err(|e| e.to_string())?;
            let tensors = SafeTensors::deserialize(&content).map_err(|e| e.to_string())?;
            let model = restore(spec, &tensors, device)?;
            let vectors = state_vectors(&tensors);
            let state =
                TrainState::from_parts(Parts { vectors, json: state }, model.params().count());
            Ok((model, state.ok_or("the state of the run is incomplete")?))
        };
        read().map_err(|detail: String| {
            let problem = described.unusable(detail);
            Error::ModelFile { path: path.to_owned(), problem }
        })
    }
}

/// The description of a checkpoint.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    spec: ModelSpec,
    state: String,
}

/// Builds a model and fills in its parameters.
fn restore(
    spec: ModelSpec,
    tensors: &SafeTensors,
    device: &Device,
) -> std::result::Result<Model, String> {
    let stored = tensors.iter().map(|(_, view)| view.shape().iter().product::<usize>()).sum();
    let mut model = Model::within(spec, device, stored).map_err(|e| e.to_string())?;
    for (name, held_out) in CALIBRATIONS {
        if let Ok(view) = tensors.tensor(name) {
            model.set_calibration(Calibration { held_out, log_prob: numbers(&view) });
        }
    }
    let is_beside = |name: &str| {
        name.starts_with(STATE_PREFIX) || CALIBRATIONS.iter().any(|(known, _)| *known == name)
    };
    let of_model = tensors.names().iter().filter(|n| !is_beside(n)).count();
    if of_model != model.params().iter().count() {
        return Err("the number of tensors differs from the description".to_owned());
    }
    for param in model.params().iter() {
        let view = tensors.tensor(param.name()).map_err(|e| e.to_string())?;
        let var = param.var();
        if view.shape() != var.dims() || view.dtype() != dtype(var.as_tensor()) {
            return Err(format!("tensor {} has another shape or dtype", param.name()));
        }
        Tensor::from_raw_buffer(view.data(), var.dtype(), var.dims(), device)
            .and_then(|tensor| var.set(&tensor))
            .map_err(|e| e.to_string())?;
    }
    Ok(model)
}

/// The vectors of a training run among the tensors of a checkpoint.
fn state_vectors(tensors: &SafeTensors) -> Vec<(String, Vec<f64>)> {
    tensors
        .iter()
        .filter_map(|(name, view)| {
            Some((name.strip_prefix(STATE_PREFIX)?.to_owned(), numbers(&view)))
        })
        .collect()
}

/// A vector to write.
fn vector(name: String, values: &[f64]) -> Stored {
    let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    (name, Dtype::F64, vec![values.len()], data)
}

fn json(description: &impl Serialize) -> Result<String> {
    serde_json::to_string(description)
        .map_err(|e| Error::config("model", e.to_string(), "this is a fault of the library"))
}

/// The file of a model given by itself or by its run folder.
fn model_path(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(MODEL_FILE) } else { path.to_owned() }
}

fn stored(params: &Params) -> Result<Vec<Stored>> {
    params
        .iter()
        .map(|param| {
            let tensor = param.var().as_tensor();
            Ok((param.name().to_owned(), dtype(tensor), tensor.dims().to_vec(), bytes(tensor)?))
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::Fit;
    use crate::rows::Rows;

    #[test]
    fn a_description_cannot_ask_for_more_than_the_file_holds() {
        let rows = Rows::new(2, (0..40).map(f64::from).collect()).unwrap();
        let model = Fit::new("maf").unwrap().model(&rows).unwrap();
        let mut spec = model.spec().clone();
        for layer in &mut spec.flow.layers {
            if let Some(wide) = layer.with_hidden(&[1 << 40, 1 << 40]) {
                *layer = wide;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let tensors = stored(model.params()).unwrap();
        write_safetensors(&path, "model", &json(&spec).unwrap(), &tensors).unwrap();
        let error = Model::load(&path, &Device::Cpu).unwrap_err().to_string();
        assert!(error.contains("room for"), "{error}");
    }

    fn saved(description: &str) -> Error {
        let rows = Rows::new(2, (0..40).map(f64::from).collect()).unwrap();
        let model = Fit::new("maf").unwrap().model(&rows).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let tensors = stored(model.params()).unwrap();
        let description = json(model.spec()).unwrap().replacen('{', description, 1);
        write_safetensors(&path, "model", &description, &tensors).unwrap();
        Model::load(&path, &Device::Cpu).unwrap_err()
    }

    /// Whole by its checksum, with a setting that this version does not know.
    #[test]
    fn a_setting_of_a_newer_version_is_called_so() {
        let error = saved(r#"{"shrinkage":0.5,"#);
        let problem = matches!(
            &error,
            Error::ModelFile { problem: crate::error::ModelFileError::Unknown { .. }, .. }
        );
        let text = error.to_string();
        assert!(problem && text.contains("shrinkage") && text.contains("newer"), "{text}");
        assert!(text.contains("update diffeo") && !text.contains("corrupted"), "{text}");
        // What no later version would write either is a fault of the file.
        let text = saved(r#"{"recipe":"twice","#).to_string();
        assert!(text.contains("corrupted"), "{text}");
    }
}
