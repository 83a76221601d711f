//! The arguments of every command.

mod check;
mod outliers;
mod plot;

pub use check::CheckArgs;
pub use outliers::OutlierArgs;
pub use plot::{PlotArgs, PlotKind};

use crate::failure::Usage;
use crate::fit_flags::{FitFlags, named};
use crate::output::Voice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use diffeo::data::Missing;
use diffeo::flows::Engine;
use diffeo::flows::model::{FieldKind, Model};
use diffeo::flows::score::{Sampler, SamplerKind, Schedule};
use std::path::PathBuf;

/// The version, what was built in, and the licences of what is inside.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nLicensed under MIT or Apache-2.0; the font of the pictures, Inter, under the SIL Open Font \
     License 1.1."
);

/// Fit a probability density to data, prove that the result is a density, and draw it.
#[derive(Debug, Parser)]
#[command(name = "diffeo", version, long_version = LONG_VERSION, about)]
#[command(max_term_width = 100, args_override_self = true)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Print exactly one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no messages on stderr, only errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Seed of all random numbers: same seed, same result, on the same kind of processor and with the
    /// same engine [default: 0]
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads to use [default: all cores]; the result does not depend on it
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
    /// What computes the flow: kernels of its own, or plain tensor operations; `diffeo info` says
    /// which one a model gets
    #[arg(long, global = true, value_enum, default_value_t)]
    pub engine: EngineName,
}

/// What computes a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EngineName {
    /// Kernels where every part of the flow has one, tensor operations elsewhere
    #[default]
    Auto,
    /// Tensor operations
    Reference,
    /// Kernels, or an error
    Fast,
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Auto => Self::Auto,
            EngineName::Reference => Self::Reference,
            EngineName::Fast => Self::Fast,
        }
    }
}

impl Common {
    /// How the command speaks.
    pub fn voice(&self) -> Voice {
        Voice { json: self.json, quiet: self.quiet }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List toy densities, flows, objectives of scores and samplers
    List,
    /// Draw samples of a toy density
    Toy(ToyArgs),
    /// Fit a density to a toy or a table, hold out, save, check, draw; the exit code is 0 also when a
    /// check fails, which is said and stands in --json as `certificate`
    Fit(Box<FitFlags>),
    /// Log-density of each row, in nats and in the units of the data
    LogProb(LogProbArgs),
    /// Draw rows from a model
    Sample(SampleArgs),
    /// Mean log-likelihood with its error, baselines, and KL to the truth where it is known
    Evaluate(EvaluateArgs),
    /// The certificate: what must hold for a model, checked; exit code 1 when a check fails
    Check(CheckArgs),
    /// Score or velocity of a model at given points
    Field(FieldArgs),
    /// Rank rows by log-density, the lowest first, with conformal p-values
    Outliers(OutlierArgs),
    /// Say what a model is
    Info(InfoArgs),
    /// Draw a picture of a model or of data
    Plot(PlotArgs),
    /// Print shell completions
    Completions(CompletionArgs),
}

/// Where rows go.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// Write to this .csv, .tsv, .npy or .parquet file [default: CSV on stdout]
    #[arg(long = "output", short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `toy`.
#[derive(Debug, Args)]
pub struct ToyArgs {
    /// Name of a toy density; see `diffeo list`
    pub name: String,
    /// Number of rows
    #[arg(long = "rows", short, default_value_t = 10_000, value_name = "N")]
    pub n: usize,
    /// Add the true log-density as last column
    #[arg(long)]
    pub log_prob: bool,
    /// Where the rows go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `log-prob`.
#[derive(Debug, Args)]
pub struct LogProbArgs {
    /// Run folder or model file
    pub model: PathBuf,
    /// Toy name, .csv, .tsv, .npy, .npz[:key], .parquet, or - for CSV on stdin
    pub data: String,
    /// Rows with missing values: reject, an error, or drop, an empty row of the output for each
    #[arg(long, value_name = "POLICY", default_value = "reject", value_parser = named::<Missing>)]
    pub missing: Missing,
    /// Add a column `standard_error`: the error of the solver and the probes of a continuous flow and of
    /// the draws of whole numbers and labels, 0 for other models
    #[arg(long)]
    pub errors: bool,
    /// Draws that the probability of whole numbers and labels is averaged over [default: 32]
    #[arg(long, value_name = "N")]
    pub draws: Option<usize>,
    /// The same as --errors, with tighter tolerances and more probes until each is at most this
    #[arg(long, value_name = "SE", allow_negative_numbers = true)]
    pub log_prob_se: Option<f64>,
    /// Where the values go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `sample`.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// Run folder or model file
    pub model: PathBuf,
    /// Number of rows
    #[arg(short, long = "rows", value_name = "N")]
    pub n: Option<usize>,
    /// Table with the context of each row to draw, for a model fitted with --given
    #[arg(long, value_name = "DATA")]
    pub given: Option<String>,
    /// Contexts with missing values: reject, an error, or drop, an empty row of the output for each
    #[arg(
        long,
        value_name = "POLICY",
        default_value = "reject",
        value_parser = named::<Missing>,
        requires = "given"
    )]
    pub missing: Missing,
    /// How a score model walks from noise to data.
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// Where the rows go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A sampler of a score model.
#[derive(Debug, Clone, Default, Args)]
pub struct SamplerArgs {
    /// Sampler of a score model: probability-flow, multistep, ddim, euler-maruyama, heun, predictor-corrector,
    /// annealed-langevin or langevin [default: the solver of its probability flow]
    #[arg(long, value_name = "NAME", value_parser = named::<SamplerKind>)]
    pub sampler: Option<SamplerKind>,
    /// Steps of the sampler [default: the sampler's own]
    #[arg(long, value_name = "N", requires = "sampler")]
    pub sampler_steps: Option<usize>,
    /// Langevin steps at each level, for predictor-corrector and annealed-langevin
    #[arg(long, value_name = "N", requires = "sampler")]
    pub corrections: Option<usize>,
    /// Size of Langevin steps against the noise [default: 0.2]
    #[arg(long, value_name = "RATIO", requires = "sampler", allow_negative_numbers = true)]
    pub signal_to_noise: Option<f64>,
    /// Noise schedule of the steps: ve, vp or sub-vp [default: ve]
    #[arg(long, value_name = "NAME", requires = "sampler", value_parser = named::<Schedule>)]
    pub schedule: Option<Schedule>,
}

impl SamplerArgs {
    /// The sampler that is asked for, if any.
    ///
    /// # Errors
    /// For settings that this sampler has no use for or that cannot be used.
    pub fn sampler(&self) -> anyhow::Result<Option<Sampler>> {
        let Some(kind) = self.sampler else { return Ok(None) };
        let own = Sampler::new(kind);
        let walks = matches!(
            kind,
            SamplerKind::PredictorCorrector | SamplerKind::AnnealedLangevin | SamplerKind::Langevin
        );
        let idle = [
            ("--corrections", self.corrections.is_some() && own.corrections == 0),
            ("--signal-to-noise", self.signal_to_noise.is_some() && !walks),
            ("--schedule", self.schedule.is_some() && kind == SamplerKind::Langevin),
        ];
        if let Some((flag, _)) = idle.iter().find(|(_, idle)| *idle) {
            return Err(Usage(format!("{flag}: {} has no such setting", kind.name())).into());
        }
        let sampler = Sampler {
            kind,
            steps: self.sampler_steps.unwrap_or(own.steps),
            schedule: self.schedule.unwrap_or(own.schedule),
            corrections: self.corrections.unwrap_or(own.corrections),
            signal_to_noise: self.signal_to_noise.unwrap_or(own.signal_to_noise),
        };
        sampler.check()?;
        Ok(Some(sampler))
    }
}

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Run folder or model file
    pub model: PathBuf,
    /// Toy name (fresh rows are drawn), .csv, .tsv, .npy, .npz[:key], .parquet, or -
    pub data: String,
    /// Fresh rows to draw of a toy
    #[arg(long, default_value_t = 50_000, value_name = "N")]
    pub rows: usize,
    /// Rows with missing values: reject, an error, or drop, leave them out
    #[arg(long, value_name = "POLICY", default_value = "reject", value_parser = named::<Missing>)]
    pub missing: Missing,
    /// Compare a score model's field with the exact score of a toy with noise of these standard
    /// deviations, in the units of the data
    #[arg(long, value_delimiter = ',', value_name = "SIGMA,...", allow_negative_numbers = true)]
    pub noise: Vec<f64>,
    /// Draw this many rows of the model and give their energy distance from as many of the data
    #[arg(long, value_name = "N")]
    pub samples: Option<usize>,
    /// How a score model draws them.
    #[command(flatten)]
    pub sampler: SamplerArgs,
}

/// Arguments of `field`.
#[derive(Debug, Args)]
pub struct FieldArgs {
    /// Run folder or model file
    pub model: PathBuf,
    /// Where to look: toy name, .csv, .tsv, .npy, .npz[:key], .parquet, or - for CSV on stdin
    pub points: String,
    /// Points with missing values: reject, an error, or drop, an empty row of the output for each
    #[arg(long, value_name = "POLICY", default_value = "reject", value_parser = named::<Missing>)]
    pub missing: Missing,
    /// Add the divergence as a column
    #[arg(long)]
    pub divergence: bool,
    /// Add the curl as a column (two columns only)
    #[arg(long)]
    pub curl: bool,
    /// Which field.
    #[command(flatten)]
    pub which: WhichField,
    /// Where the values go.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A field of a model.
#[derive(Debug, Clone, Default, Args)]
pub struct WhichField {
    /// The score of a continuous flow in place of its velocity
    #[arg(long, conflicts_with = "time")]
    pub score: bool,
    /// The time of the velocity: 0 at the data, 1 at the latent points [default: 0]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub time: Option<f64>,
    /// The score of a score model at this noise level, in standard deviations of the columns
    /// [default: the smallest]
    #[arg(long, value_name = "SIGMA", conflicts_with_all = ["score", "time"])]
    pub noise: Option<f64>,
}

impl WhichField {
    /// The score of a score model, the velocity of any other continuous flow unless its score is
    /// asked for, and the score of the rest.
    pub fn of(&self, model: &Model) -> FieldKind {
        let smallest = model.noise_levels().map(|levels| levels.smallest).ok();
        let level = self.noise.or(smallest.filter(|_| !self.score && self.time.is_none()));
        if let Some(level) = level {
            return FieldKind::NoisyScore { level };
        }
        let is_continuous = model.flow().field().is_some();
        if self.score || !is_continuous && self.time.is_none() {
            return FieldKind::Score;
        }
        FieldKind::Velocity { time: self.time.unwrap_or(0.0) }
    }
}

/// Arguments of `info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Run folder or model file
    pub model: PathBuf,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
