//! The arguments of `check`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Run folder or model file
    pub model: PathBuf,
    /// Where a field is looked at: toy name, .csv, .tsv, .npy, .npz[:key], .parquet, or -; needed for
    /// a model fitted with --given [default: samples of the model]
    pub data: Option<String>,
}
