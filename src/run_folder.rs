//! The folder that a fit writes.

use crate::failure::Usage;
use crate::fit_settings::FitSettings;
use anyhow::{Context, Result};
use candle_core::Device;
use diffeo::flows::model::Model;
use diffeo::flows::train::TrainState;
use std::path::{Path, PathBuf};

/// What a new run in the folder of an old one removes first, lest the two be mixed.
const RESULTS: [&str; 9] = [
    "checkpoint.safetensors",
    "model.safetensors",
    "certificate.json",
    "report.html",
    "density.png",
    "samples.png",
    "training.png",
    "flow.png",
    "field.png",
];

/// What a run writes before its first checkpoint.
const EARLY: [&str; 2] = ["config.toml", "metrics.jsonl"];

/// A run folder, existing or not.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder asked for, or `runs/` and the name of the data.
    pub fn new(asked: Option<&Path>, data: &str) -> Self {
        let path = asked.map_or_else(
            || {
                let stem = Path::new(data).file_stem().unwrap_or_default().to_string_lossy();
                let name = if stem.is_empty() || stem == "-" { "stdin".into() } else { stem };
                Path::new("runs").join(name.as_ref())
            },
            Path::to_owned,
        );
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the model goes.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// Whether there is a finished model.
    pub fn has_model(&self) -> bool {
        self.model_path().exists()
    }

    /// The finished model.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn model(&self) -> Result<Model> {
        crate::input::model(&self.path, crate::args::EngineName::Auto)
    }

    /// Fails when the folder is in use and may be neither replaced nor resumed.
    ///
    /// # Errors
    /// A message that names both ways out.
    pub fn refuse_existing(&self, force: bool, resume: bool) -> Result<()> {
        let is_run = self.has_model() || self.path.join("checkpoint.safetensors").exists();
        let is_fresh = std::fs::read_dir(&self.path).map_or(true, |mut files| {
            files.all(|file| file.is_ok_and(|f| EARLY.iter().any(|name| f.file_name() == *name)))
        });
        if force || !self.path.exists() || resume && (is_run || is_fresh) {
            return Ok(());
        }
        let path = self.path.display();
        Err(Usage(format!(
            "{path} exists; replace it with --force, go on with --resume, or choose another -o DIR"
        ))
        .into())
    }

    /// The model and state of an interrupted run.
    ///
    /// # Errors
    /// When the checkpoint cannot be loaded.
    pub fn checkpoint(&self, device: &Device) -> Result<Option<(Model, TrainState)>> {
        let path = self.path.join("checkpoint.safetensors");
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Model::load_checkpoint(path, device)?))
    }

    /// Removes the checkpoint of a finished run.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove_checkpoint(&self) -> Result<()> {
        self.remove("checkpoint.safetensors")
    }

    /// Writes a file of the folder, beside its name first, so that no half of it is ever seen.
    ///
    /// # Errors
    /// When it cannot be written; what was there is unharmed.
    pub fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let beside = self.path.join(format!(".{name}.{}.partial", std::process::id()));
        let written =
            std::fs::write(&beside, content).and_then(|()| std::fs::rename(&beside, &path));
        written
            .inspect_err(|_| drop(std::fs::remove_file(&beside)))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(e).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Makes the folder without the results of an earlier run, writes the resolved settings, and
    /// keeps of the metrics those up to the step that a run resumes from.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(&self, settings: &FitSettings, resumed_at: Option<usize>) -> Result<()> {
        let context = || format!("cannot write the run folder {}", self.path.display());
        std::fs::create_dir_all(&self.path).with_context(context)?;
        if resumed_at.is_none() {
            RESULTS.iter().try_for_each(|name| self.remove(name))?;
        }
        self.put("config.toml", toml::to_string(settings)?.as_bytes())?;
        let metrics = self.path.join("metrics.jsonl");
        let kept = match resumed_at {
            Some(step) => lines_up_to(&std::fs::read_to_string(&metrics).unwrap_or_default(), step),
            None => String::new(),
        };
        self.put("metrics.jsonl", kept.as_bytes())
    }
}

/// The lines of `metrics.jsonl` up to a step.
fn lines_up_to(text: &str, step: usize) -> String {
    let kept = text.lines().filter(|line| {
        let value = serde_json::from_str::<serde_json::Value>(line).ok();
        value.and_then(|v| v["step"].as_u64()).is_some_and(|s| s as usize <= step)
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}
