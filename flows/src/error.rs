//! Names everything that can go wrong, with the remedy in the message.

use std::path::PathBuf;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor has another shape than the function asks for.
    #[error("{what}: expected shape {expected}, got {got:?}")]
    Shape {
        /// The argument, and the function it was given to.
        what: &'static str,
        /// The shape asked for.
        expected: String,
        /// The shape that came.
        got: Vec<usize>,
    },
    /// A setting has a value that cannot be used.
    #[error("{field}: {problem}; {remedy}")]
    Config {
        /// The setting.
        field: String,
        /// Why its value cannot be used.
        problem: String,
        /// What to do instead.
        remedy: String,
    },
    /// The data cannot be used as they are.
    #[error("{what}: {problem}; {remedy}")]
    Data {
        /// The rows or columns in question.
        what: String,
        /// What is wrong with them.
        problem: String,
        /// What to do about it.
        remedy: String,
    },
    /// A calculation gave NaN or infinity where a number is needed.
    #[error(
        "{0}; one restart with a smaller step did not help: lower the learning rate, or look at that \
         row"
    )]
    NonFinite(Box<NonFinite>),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not a model that this version can load.
    #[error("{}: {problem}", path.display())]
    ModelFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ModelFileError,
    },
    /// A differential equation could not be solved.
    #[error("differential equation at time {time}, step {step:e}: {problem}")]
    Solver {
        /// Where the solver stood.
        time: f64,
        /// The step it was about to take.
        step: f64,
        /// Why it cannot go on.
        problem: SolverError,
    },
    /// It was asked to stop; see [`Cancel`](crate::Cancel).
    #[error("interrupted before the first step")]
    Cancelled,
    /// A tensor operation failed.
    #[error("tensor operation: {0}")]
    Tensor(#[from] candle_core::Error),
}

/// Where a training run met a value that is not finite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NonFinite {
    /// The optimiser step, counted from 0.
    pub step: usize,
    /// The first layer whose output is not finite; none when only a gradient is.
    pub layer: Option<String>,
    /// The first offending row: its number among the training rows, counted from 0; from a fit to a
    /// table, its number in that table, counted from 1.
    pub row: Option<usize>,
}

impl std::fmt::Display for NonFinite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "step {}: the loss or its gradient is not finite", self.step)?;
        match &self.layer {
            Some(layer) => write!(f, "; first seen after layer `{layer}`")?,
            None => write!(f, "; all layers gave finite values, the gradient did not")?,
        }
        if let Some(row) = self.row {
            write!(f, ", training row {row}")?;
        }
        Ok(())
    }
}

/// Why a differential equation cannot be solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SolverError {
    /// The tolerance asks for steps below the resolution of time.
    #[error("the step underflows; loosen the tolerance, or look for a solution that blows up")]
    StepUnderflow,
    /// The state or its slope is NaN or infinite.
    #[error("the state or its slope is not finite; take smaller steps, or look at the field")]
    NonFinite,
    /// The number of steps allowed does not suffice.
    #[error("{allowed} steps do not suffice; allow more, or loosen the tolerance")]
    TooManySteps {
        /// How many were allowed.
        allowed: usize,
    },
}

/// Why a file cannot be loaded as a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFileError {
    /// Not a model at all.
    #[error("not a diffeo model ({detail}); give a run folder or its model.safetensors")]
    NotAModel {
        /// What was found instead.
        detail: String,
    },
    /// The file ends too early.
    #[error("the file is truncated ({detail}); copy it again or fit anew")]
    Truncated {
        /// Where it ends.
        detail: String,
    },
    /// The content does not match its checksum or its own description.
    #[error("the file is corrupted ({detail}); copy it again or fit anew")]
    Corrupted {
        /// What does not match.
        detail: String,
    },
    /// Of this format and whole, and yet it says something that this version does not know.
    #[error(
        "written by a newer version, diffeo {written_by} (this is {this}): {detail}; update diffeo"
    )]
    Unknown {
        /// What is not known.
        detail: String,
        /// The version that wrote the file; versions up to 0.1 did not say.
        written_by: String,
        /// The version that reads it.
        this: &'static str,
    },
    /// It names a kind of layer, univariate map or base that is not
    /// [registered](crate::kinds::Setting::register).
    #[error("{detail}")]
    UnknownKind {
        /// Which kind, and which are known.
        detail: String,
    },
    /// Written by a later version.
    #[error("written in format {found}, this version reads up to {supported}; update diffeo")]
    Newer {
        /// The file's format version.
        found: u32,
        /// The latest format that this version reads.
        supported: u32,
    },
}

impl Error {
    /// A setting that cannot be used.
    pub fn config(
        field: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Config { field: field.into(), problem: problem.into(), remedy: remedy.into() }
    }

    /// Data that cannot be used.
    pub fn data(
        what: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Data { what: what.into(), problem: problem.into(), remedy: remedy.into() }
    }

    /// A failure of the file system at `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { path: path.into(), source }
    }

    /// A tensor of another shape than asked for.
    pub fn shape(what: &'static str, expected: impl Into<String>, got: &[usize]) -> Self {
        Self::Shape { what, expected: expected.into(), got: got.to_vec() }
    }
}
