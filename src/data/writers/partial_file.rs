//! Writes beside the final name and renames at the end, so that no half-written file is ever seen.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::data::error::DataError;
use crate::data::writer::Output;

/// A file under a temporary name; removed when dropped before [`Output::commit`].
#[derive(Debug)]
pub(crate) struct PartialFile {
    file: NamedTempFile,
    path: PathBuf,
    overwrite: bool,
}

impl PartialFile {
    /// Creates a new file in the folder of `path`.
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self, DataError> {
        if !overwrite && path.symlink_metadata().is_ok() {
            return Err(already_there(path));
        }
        let file = beside(path).map_err(|error| folder_error(path, error))?;
        Ok(Self { file, path: path.to_owned(), overwrite })
    }

    /// What messages call this file: its final name.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Replaces the first bytes.
    pub(crate) fn patch_start(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(bytes)?;
        self.file.seek(SeekFrom::End(0)).map(|_| ())
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Output for PartialFile {
    fn commit(self) -> Result<(), DataError> {
        let name = self.name();
        self.file.as_file().sync_all().map_err(|error| DataError::from_io(&name, error))?;
        // A file that has come meanwhile is not replaced either.
        let persisted = if self.overwrite {
            self.file.persist(&self.path)
        } else {
            self.file.persist_noclobber(&self.path)
        };
        persisted.map(drop).map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => already_there(&self.path),
            _ => DataError::from_io(&name, failed.error),
        })
    }
}

/// Writes a file beside its name and then into its place, so that no half of it is ever seen; what was
/// there is replaced.
///
/// # Errors
/// When it cannot be written; what was there is unharmed.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = beside(path)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

/// A new file in the folder of `path`, under a name that nobody can foresee.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut named = tempfile::Builder::new();
    named.prefix(".").suffix(".partial");
    // As of any new file: temporary ones are for their owner alone.
    #[cfg(unix)]
    named.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    named.tempfile_in(folder.unwrap_or(Path::new(".")))
}

fn already_there(path: &Path) -> DataError {
    DataError::AlreadyExists { file: path.display().to_string() }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_has_come_meanwhile_stays_unless_it_may_be_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        for (overwrite, kept) in [(false, "theirs"), (true, "ours")] {
            let mut file = PartialFile::create(&path, overwrite).unwrap();
            file.write_all(b"ours").unwrap();
            std::fs::write(&path, "theirs").unwrap();
            let refused = matches!(file.commit(), Err(DataError::AlreadyExists { .. }));
            assert_eq!(refused, !overwrite);
            assert_eq!(std::fs::read_to_string(&path).unwrap(), kept);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "leftovers");
            if !overwrite {
                std::fs::remove_file(&path).unwrap();
            }
        }
    }

    /// Temporary files are for their owner alone; what becomes of them is for whom any new file is.
    #[cfg(unix)]
    #[test]
    fn a_file_may_be_read_by_whom_any_new_one_may() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let path = folder.path().join(name);
            std::fs::metadata(path).unwrap().permissions().mode()
        };
        std::fs::write(folder.path().join("plain"), "x").unwrap();
        replace_file(&folder.path().join("replaced"), b"x").unwrap();
        let file = PartialFile::create(&folder.path().join("committed"), false).unwrap();
        file.commit().unwrap();
        assert_eq!(mode("replaced"), mode("plain"));
        assert_eq!(mode("committed"), mode("plain"));
    }
}
