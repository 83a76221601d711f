//! What the fuzz targets share: bytes in a file, read as a user's file would be.

use diffeo::data::{DataSource, ReadOptions};
use std::io::Write;
use std::path::Path;
use tempfile::Builder;

/// Calls `read` with the path of a file of these bytes, whose name ends in `extension`.
pub fn in_file(extension: &str, bytes: &[u8], read: impl FnOnce(&Path)) {
    let suffix = format!(".{extension}");
    let mut file = Builder::new().suffix(&suffix).tempfile().expect("a temporary file");
    file.write_all(bytes).expect("room for a temporary file");
    read(file.path());
}

/// Reads a table whatever is in it; an error is an answer, a panic is not.
pub fn table(extension: &str, bytes: &[u8]) {
    in_file(extension, bytes, |path| {
        let source = DataSource::parse(&path.display().to_string()).expect("a known extension");
        let survey = source.survey(&ReadOptions::default());
        if let Ok(table) = source.read(None) {
            assert_eq!(survey.expect("what is read can be surveyed").rows(), table.rows() as u64);
        }
    });
}

/// An allocator that ends the program when more than 128 MiB are held: inputs are at most some
/// kilobytes, compressed ones expand a thousandfold.
#[macro_export]
macro_rules! bounded {
    () => {
        #[global_allocator]
        static BOUNDED: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, 128 << 20);
    };
}
