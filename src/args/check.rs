//! The arguments of `check`.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Run folder or model file
    pub model: PathBuf,
    /// Held-out rows, which the model was not trained on: toy name (fresh rows of it), .csv, .tsv,
    /// .npy, .npz[:key], .parquet, or -; needed for a model fitted with --given [default: none, so
    /// that whether it fits is not checked]
    pub data: Option<String>,
}
