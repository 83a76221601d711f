//! The folder that a fit writes.

mod lock;

use crate::failure::Usage;
use anyhow::{Context, Result};
use candle_core::Device;
use diffeo::data::replace_file;
use diffeo::flows::model::Model;
use diffeo::flows::train::TrainState;
use lock::Lock;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is made of a model: removed before the model is replaced, lest it be taken for the new one's.
const RESULTS: [&str; 11] = [
    "baselines.safetensors",
    RunFolder::CHOICE,
    "certificate.json",
    "report.html",
    "calibration.png",
    "density.png",
    "samples.png",
    "training.png",
    "training.gif",
    "flow.png",
    "field.png",
];

/// What a run writes before its first checkpoint.
const EARLY: [&str; 2] = ["config.toml", "metrics.jsonl"];

/// The same of a run that has a model in its folder to replace: they take the place of that model's at
/// its first checkpoint.
const BEGUN: [&str; 2] = [".config.toml.begun", ".metrics.jsonl.begun"];

/// Where the flows lie that a choice is made of, a folder each.
const CANDIDATES: &str = "candidates";

/// A run folder, existing or not.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// What `--flow auto` tried, and why it chose.
    pub const CHOICE: &str = "candidates.json";

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

    /// Whether there is the checkpoint of an interrupted run.
    pub fn has_checkpoint(&self) -> bool {
        self.path.join("checkpoint.safetensors").exists()
    }

    /// Whether flows have been tried to choose from.
    pub fn has_candidates(&self) -> bool {
        has_candidates(&self.path)
    }

    /// Whether flows have been tried and none was chosen yet.
    pub fn is_choosing(&self) -> bool {
        self.has_candidates() && !self.has_choice()
    }

    /// Whether a run of these settings began over another model and came to no checkpoint.
    ///
    /// # Errors
    /// When the settings cannot be written.
    pub fn has_begun(&self, settings: &impl Serialize) -> Result<bool> {
        let asked = toml::to_string(settings)?;
        Ok(std::fs::read_to_string(self.path.join(BEGUN[0])).is_ok_and(|begun| begun == asked))
    }

    /// Where the metrics of the run that goes on are.
    pub fn metrics_path(&self) -> PathBuf {
        let begun = self.path.join(BEGUN[1]);
        if begun.exists() { begun } else { self.path.join(EARLY[1]) }
    }

    /// Puts settings and metrics of a run that began over another model in place of that model's.
    ///
    /// # Errors
    /// When a file cannot be renamed.
    pub fn settle(&self) -> Result<()> {
        // The settings last: until they are moved, the run has begun and no more.
        for (begun, name) in BEGUN.iter().zip(EARLY).rev() {
            let path = self.path.join(name);
            match std::fs::rename(self.path.join(begun), &path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(e).with_context(|| format!("cannot write {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a choice among them has been made.
    pub fn has_choice(&self) -> bool {
        self.path.join(Self::CHOICE).exists()
    }

    /// The run folder of a flow to choose from.
    pub fn candidate(&self, name: &str) -> Self {
        Self { path: self.path.join(CANDIDATES).join(name) }
    }

    /// The finished model.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn model(&self) -> Result<Model> {
        crate::input::model(&self.path, crate::args::EngineName::Auto)
    }

    /// Takes the folder for one fit, for as long as the lock is kept.
    ///
    /// # Errors
    /// When another fit runs there, when it cannot be written, and when it is in use and may be neither
    /// replaced nor resumed: a message that names both ways out.
    pub fn claim(&self, force: bool, resume: bool) -> Result<Lock> {
        if self.path.exists() && !self.path.is_dir() {
            self.refuse_existing(force, resume)?;
        }
        let lock = Lock::of(&self.path)?;
        if !lock.made_folder() {
            self.refuse_existing(force, resume)?;
        }
        Ok(lock)
    }

    fn refuse_existing(&self, force: bool, resume: bool) -> Result<()> {
        let is_run = self.has_model() || self.has_checkpoint() || self.has_candidates();
        let is_fresh = std::fs::read_dir(&self.path).map_or(true, |mut files| {
            files.all(|file| file.is_ok_and(|f| is_early(&f.file_name().to_string_lossy())))
        });
        // What a fit leaves that was ended before its first step.
        let is_empty = std::fs::read_dir(&self.path)
            .is_ok_and(|mut files| files.all(|f| f.is_ok_and(|f| f.file_name() == lock::NAME)));
        if force || !self.path.exists() || is_empty || resume && (is_run || is_fresh) {
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

    /// Writes a file of the folder, beside its name first, so that no half of it is ever seen.
    ///
    /// # Errors
    /// When it cannot be written; what was there is unharmed.
    pub fn put(&self, name: &str, content: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        replace_file(&path, content).with_context(|| format!("cannot write {}", path.display()))
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

    /// Puts a model in place of the one before, if any, with nothing of that left beside it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace_model(&self, model: &Model) -> Result<()> {
        RESULTS.iter().try_for_each(|name| self.remove(name))?;
        model.save(self.model_path())?;
        self.remove("checkpoint.safetensors")
    }

    /// Whether all that is made of a model is there: the report is made last.
    pub fn is_complete(&self) -> bool {
        self.path.join("report.html").exists()
    }

    /// Removes what was being written when an earlier run was killed.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file not be removed.
    pub fn remove_leftovers(&self) -> Result<()> {
        let files = std::fs::read_dir(&self.path)
            .with_context(|| format!("cannot read {}", self.path.display()))?;
        for file in files.flatten() {
            let name = file.file_name();
            let name = name.to_string_lossy();
            if is_leftover(&name) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Removes the flows that an earlier choice was made of; files that no run writes stay.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove_candidates(&self) -> Result<()> {
        self.remove(Self::CHOICE)?;
        let Ok(found) = std::fs::read_dir(self.path.join(CANDIDATES)) else { return Ok(()) };
        for entry in found {
            let candidate = Self { path: entry?.path() };
            let own = ["model.safetensors", "checkpoint.safetensors"];
            let all = RESULTS.iter().chain(&EARLY).chain(&BEGUN).chain(&own);
            all.copied().try_for_each(|name| candidate.remove(name))?;
            candidate.remove_leftovers()?;
            // One with other files in it stays.
            let _ = std::fs::remove_dir(&candidate.path);
        }
        let _ = std::fs::remove_dir(self.path.join(CANDIDATES));
        Ok(())
    }

    /// Makes the folder, writes the resolved settings, and keeps of the metrics those up to the step
    /// that a run resumes from. The model of an earlier run stays until there is a new one, with its
    /// settings and metrics until [`RunFolder::settle`].
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn create(&self, settings: &impl Serialize, resumed_at: Option<usize>) -> Result<()> {
        let context = || format!("cannot write the run folder {}", self.path.display());
        std::fs::create_dir_all(&self.path).with_context(context)?;
        self.remove_leftovers()?;
        if resumed_at.is_none() {
            self.remove("checkpoint.safetensors")?;
            BEGUN.iter().try_for_each(|name| self.remove(name))?;
        }
        self.settle()?;
        let kept = resumed_at.map_or_else(String::new, |step| {
            let written = std::fs::read_to_string(self.metrics_path()).unwrap_or_default();
            lines_up_to(&written, step)
        });
        let names = if resumed_at.is_none() && self.has_model() { BEGUN } else { EARLY };
        self.put(names[0], toml::to_string(settings)?.as_bytes())?;
        self.put(names[1], kept.as_bytes())
    }
}

/// Whether flows have been tried in a folder; other files there count for nothing.
pub fn has_candidates(folder: &Path) -> bool {
    let Ok(mut found) = std::fs::read_dir(folder.join(CANDIDATES)) else { return false };
    found.any(|entry| {
        let files = ["config.toml", "checkpoint.safetensors", "model.safetensors"];
        entry.is_ok_and(|e| files.iter().any(|name| e.path().join(name).exists()))
    })
}

/// Whether a run writes a file of this name before its first checkpoint.
fn is_early(name: &str) -> bool {
    EARLY.contains(&name) || name == lock::NAME || is_leftover(name)
}

/// Whether a file is one that was being written when a run was killed.
fn is_leftover(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

/// The lines of `metrics.jsonl` up to a step.
fn lines_up_to(text: &str, step: usize) -> String {
    let kept = text.lines().filter(|line| {
        let value = serde_json::from_str::<serde_json::Value>(line).ok();
        value.and_then(|v| v["step"].as_u64()).is_some_and(|s| s as usize <= step)
    });
    kept.flat_map(|line| [line, "\n"]).collect()
}
