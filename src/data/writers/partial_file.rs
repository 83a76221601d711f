//! Writes beside the final name and renames at the end, so that no half-written file is ever seen.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::writer::Output;

/// Names tried before giving up.
const ATTEMPTS: u32 = 100;

/// A file under a temporary name; removed when dropped before [`Output::commit`].
#[derive(Debug)]
pub(crate) struct PartialFile {
    /// Open until it is committed.
    file: Option<File>,
    partial: PathBuf,
    path: PathBuf,
    overwrite: bool,
}

impl PartialFile {
    /// Creates a new file in the folder of `path`.
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self, DataError> {
        require_absent(path, overwrite)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let process = std::process::id();
        for attempt in 0..ATTEMPTS {
            let partial = path.with_file_name(format!(".{name}.{process}-{attempt}.partial"));
            match OpenOptions::new().write(true).create_new(true).open(&partial) {
                Ok(file) => {
                    return Ok(Self {
                        file: Some(file),
                        partial,
                        path: path.to_owned(),
                        overwrite,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(folder_error(path, error)),
            }
        }
        let error = io::Error::other("temporary names beside it are all taken");
        Err(DataError::from_io(&path.display().to_string(), error))
    }

    /// What messages call this file: its final name.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Replaces the first bytes.
    pub(crate) fn patch_start(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.open()?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(bytes)?;
        file.seek(SeekFrom::End(0)).map(|_| ())
    }

    fn open(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("the file is already closed"))
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.open()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }
}

impl Output for PartialFile {
    fn commit(mut self) -> Result<(), DataError> {
        require_absent(&self.path, self.overwrite)?;
        // Some systems rename only closed files.
        self.file = None;
        fs::rename(&self.partial, &self.path)
            .map_err(|error| DataError::from_io(&self.name(), error))
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        self.file = None;
        // After a commit there is nothing under this name; other failures cannot be told from here.
        let _ = fs::remove_file(&self.partial);
    }
}

fn require_absent(path: &Path, overwrite: bool) -> Result<(), DataError> {
    if !overwrite && path.symlink_metadata().is_ok() {
        return Err(DataError::AlreadyExists { file: path.display().to_string() });
    }
    Ok(())
}

fn folder_error(path: &Path, error: io::Error) -> DataError {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    match (error.kind(), folder) {
        (io::ErrorKind::NotFound, Some(folder)) => DataError::NoFolder {
            file: path.display().to_string(),
            folder: folder.display().to_string(),
        },
        _ => DataError::from_io(&path.display().to_string(), error),
    }
}
