//! The arguments of `outliers`.

use super::OutputArgs;
use crate::fit_flags::named;
use clap::Args;
use diffeo::data::Missing;
use std::path::PathBuf;

/// Arguments of `outliers`.
#[derive(Debug, Args)]
pub struct OutlierArgs {
    /// Run folder or model file
    pub model: PathBuf,
    /// Rows to rank: toy name, .csv, .tsv, .npy, .npz[:key], .parquet, or - for CSV on stdin
    pub data: String,
    /// Column of 0 and 1, or a table of one such column, that says which rows are outliers: adds how
    /// well the ranking finds them
    #[arg(long, value_name = "COLUMN|FILE")]
    pub labels: Option<String>,
    /// Rows to compare with, which the model was not fitted to [default: the log-densities of the rows
    /// that its fit held out]
    #[arg(long, value_name = "DATA")]
    pub against: Option<String>,
    /// Rows with missing values: reject, an error, or drop: they come last, without a density
    #[arg(long, value_name = "POLICY", default_value = "reject", value_parser = named::<Missing>)]
    pub missing: Missing,
    /// Write only the N rows with the lowest densities
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Add a column `outlier` that is 1 where the procedure of Benjamini and Hochberg calls a row one:
    /// of these, a share of at most A is expected to be wrong
    #[arg(long, value_name = "A", allow_negative_numbers = true)]
    pub alpha: Option<f64>,
    /// Where the ranking goes.
    #[command(flatten)]
    pub output: OutputArgs,
}
