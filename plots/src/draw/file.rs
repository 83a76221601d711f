//! Writes pictures to files.

use std::io::{self, Write};
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

/// Writes beside a file, under a name that nobody can foresee, and then into its place, so that no
/// half-written picture is ever seen.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    written(path, bytes).map_err(|source| PlotError::Io { path: path.to_path_buf(), source })
}

fn written(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut beside = tempfile::Builder::new();
    beside.prefix(".").suffix(".partial");
    // As of any new file: temporary ones are for their owner alone.
    #[cfg(unix)]
    beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = beside.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}
