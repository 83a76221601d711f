//! One file a format; each knows how to find columns and decode rows.

pub(crate) mod csv;
pub(crate) mod npy;
pub(crate) mod npy_header;
pub(crate) mod npz;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
pub(crate) mod text;
