//! The arguments of `check`.

use crate::fit_flags::named;
use clap::Args;
use diffeo::data::Missing;
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
    /// Rows with missing values: reject, an error, or drop, leave them out
    #[arg(
        long,
        value_name = "POLICY",
        default_value = "reject",
        value_parser = named::<Missing>,
        requires = "data"
    )]
    pub missing: Missing,
}
