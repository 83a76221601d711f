//! One file a format, and the file that appears only when it is complete.

pub(crate) mod csv;
pub(crate) mod npy;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
pub(crate) mod partial_file;
