//! Writes pictures to files.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use crate::{PlotError, Result, Scene};

/// Writes a scene in the format its path ends in.
pub(crate) fn save(scene: &Scene, path: &Path) -> Result<()> {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    let bytes = match extension.as_deref() {
        Some("png") => scene.picture()?.png()?,
        Some("svg") => scene.svg()?.into_bytes(),
        _ => return Err(PlotError::Extension { path: path.to_path_buf() }),
    };
    replace(path, &bytes)
}

/// Writes a neighbouring file first and renames it, so that no half-written picture is ever seen.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| PlotError::Io { path: path.to_path_buf(), source };
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        failed(error)
    })
}
