//! One fit at a time in a folder.

use crate::failure::Usage;
use anyhow::{Context, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// The file that a fit locks as long as it runs.
pub(super) const NAME: &str = ".lock";

/// A folder that no other fit may write until this is dropped, or the program ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
    /// Folders made for it, the innermost first.
    made: Vec<PathBuf>,
}

impl Lock {
    /// Locks a folder, made for it if there is none.
    ///
    /// # Errors
    /// When another fit holds it, or it cannot be written.
    pub(super) fn of(folder: &Path) -> Result<Self> {
        let missing =
            folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let made: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        let context = || format!("cannot write the run folder {}", folder.display());
        let path = folder.join(NAME);
        loop {
            std::fs::create_dir_all(folder).with_context(context)?;
            let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
            let file = match opened {
                // Whoever held the lock has just removed a folder that was its own.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                opened => opened.with_context(context)?,
            };
            match file.try_lock() {
                Ok(()) if is_there(&file) => return Ok(Self { file, path, made }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Usage(format!(
                        "{}: another fit is running in this folder: wait for its end, or choose another \
                         -o DIR",
                        folder.display()
                    ))
                    .into());
                }
                Err(TryLockError::Error(e)) => return Err(e).with_context(context),
            }
        }
    }

    /// Whether the folder was made for the lock.
    pub(super) fn made_folder(&self) -> bool {
        !self.made.is_empty()
    }
}

/// Whether the file still has a name: another fit may have ended and removed it.
#[cfg(unix)]
fn is_there(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
}

/// An open file cannot be opened anew once it is removed.
#[cfg(not(unix))]
fn is_there(_file: &File) -> bool {
    true
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed before it is unlocked, so that whoever waits for the name finds none or a new one.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
        for folder in &self.made {
            // One with something in it stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
}
