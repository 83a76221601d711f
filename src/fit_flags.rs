//! The settings of `fit`: flags beat the file given by `--config`, the file beats the defaults.

use crate::failure::Usage;
use anyhow::{Context, Result};
use clap::Args;
use diffeo::data::{Format, Missing};
use diffeo::flows::calculus::Probe;
use diffeo::flows::config::{DivergenceKind, Method, NetworkKind, ScoreObjective};
use diffeo::flows::pairing::Pairing;
use diffeo::flows::paths::Path as Bridge;
use diffeo::flows::score::{LevelSampling, Schedule, Weighting};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as Unknown, StrDeserializer};
use std::path::{Path, PathBuf};

/// Arguments of `fit`; every one but `--config` is a key of the configuration file too.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct FitFlags {
    /// Toy name, .csv, .tsv, .npy, .npz[:key], .parquet, or - for CSV on stdin
    pub data: Option<String>,
    /// Read settings from this file; every flag is a key
    #[arg(long, value_name = "FILE.toml")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Run folder to create [default: runs/NAME]
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Replace the run folder if it exists
    #[arg(long)]
    pub force: bool,
    /// Go on from the checkpoint in the run folder, or start if there is none
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Flow to fit; see `diffeo list`; auto tries several and chooses one by the validation rows
    /// [default: nsf-gmm]
    #[arg(long, value_name = "NAME")]
    pub flow: Option<String>,
    /// Columns to model [default: all others that can be]; repeatable, names with commas in double
    /// quotes: '"income, 1000s",group'
    #[arg(long, value_name = "A,B")]
    pub columns: Option<Vec<String>>,
    /// Columns that the density is conditional on; written as --columns
    #[arg(long, value_name = "C,D")]
    pub given: Option<Vec<String>>,
    /// Columns to leave out, whatever their role; written as --columns
    #[arg(long, value_name = "E,F")]
    pub without: Option<Vec<String>>,
    /// How DATA is written, where its name does not say
    #[arg(long, value_name = "FORMAT", value_parser = named::<Format>)]
    pub format: Option<Format>,
    /// The first row of a text holds the names of the columns [default: found out]
    #[arg(long, conflicts_with = "no_header")]
    #[serde(default)]
    pub header: bool,
    /// The first row of a text is data: columns are called x1, x2, …
    #[arg(long)]
    #[serde(default)]
    pub no_header: bool,
    /// Column that weighs the rows
    #[arg(long, value_name = "W")]
    pub weight: Option<String>,
    /// Values a column can take: NAME=positive, NAME=positive-softplus or NAME=LOW:HIGH; repeatable
    #[arg(long, value_name = "NAME=KIND")]
    pub support: Option<Vec<String>>,
    /// What each column holds, from a file: positive, interval, circular, integer, category; --support
    /// takes precedence
    #[arg(long, value_name = "FILE.toml")]
    pub schema: Option<PathBuf>,
    /// Rows with missing values: reject, an error, or drop, leave them out [default: reject]
    #[arg(long, value_name = "POLICY", value_parser = named::<Missing>)]
    pub missing: Option<Missing>,
    /// Rows to draw of a toy [default: 20000]
    #[arg(long, value_name = "N")]
    pub rows: Option<usize>,
    /// Share of rows held out to choose the weights by [default: 0.1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub valid: Option<f64>,
    /// Share of rows held out to judge the result by [default: 0.1]
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub test: Option<f64>,
    /// Optimiser steps [default: the flow's own, mostly 5000, fewer for small tables]
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Batch size: rows of each optimiser step
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Largest learning rate
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub lr: Option<f64>,
    /// Steps over which the learning rate rises
    #[arg(long, value_name = "N")]
    pub warmup: Option<usize>,
    /// Decoupled weight decay of the networks
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub weight_decay: Option<f64>,
    /// Largest norm of a gradient
    #[arg(long, value_name = "NORM", allow_negative_numbers = true)]
    pub clip_norm: Option<f64>,
    /// Decay of the averaged weights, 0 for none
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub average_decay: Option<f64>,
    /// Steps between evaluations on the held-out rows
    #[arg(long, value_name = "N")]
    pub evaluate_every: Option<usize>,
    /// Evaluations much worse than the best, without progress, after which training stops, 0 for never
    #[arg(long, value_name = "N")]
    pub patience: Option<usize>,
    /// Number of blocks of layers
    #[arg(long, value_name = "N")]
    pub layers: Option<usize>,
    /// Widths of the hidden layers
    #[arg(long, value_delimiter = ',', value_name = "64,64")]
    pub hidden: Option<Vec<usize>>,
    /// Bins of each spline
    #[arg(long, value_name = "N")]
    pub bins: Option<usize>,
    /// Components of a Gaussian mixture as base, 0 for a standard normal base
    #[arg(long, value_name = "N")]
    pub components: Option<usize>,
    /// Density of the latent points: standard-normal, gaussian-mixture, or student-t, whose degrees of
    /// freedom are trained, for columns with heavy tails
    #[arg(long, value_name = "KIND")]
    pub base: Option<String>,
    /// Solver of a continuous flow: euler, midpoint, heun, rk4, bosh3, dopri5 or tsit5; in ffjord euler
    /// and rk4, which estimate no error, serve training alone
    #[arg(long, value_name = "NAME", value_parser = named::<Method>)]
    pub solver: Option<Method>,
    /// Equal steps of the solver in training; in results too, where training does without a
    /// solver
    #[arg(long, value_name = "N")]
    pub solver_steps: Option<usize>,
    /// Adaptive steps in training, within this tolerance, by tsit5 unless --solver says otherwise
    #[arg(long, value_name = "TOL", allow_negative_numbers = true)]
    pub train_tolerance: Option<f64>,
    /// Absolute tolerance of log-densities and samples of a continuous flow [default: 1e-5]
    #[arg(long, value_name = "TOL", allow_negative_numbers = true)]
    pub atol: Option<f64>,
    /// Relative tolerance of log-densities and samples of a continuous flow [default: 1e-5]
    #[arg(long, value_name = "TOL", allow_negative_numbers = true)]
    pub rtol: Option<f64>,
    /// Divergence of a continuous flow: exact, hutchinson or hutch++ (in training as hutchinson)
    /// [default: exact for up to 64 columns, in
    /// training for up to 2]
    #[arg(long, value_name = "NAME", value_parser = named::<DivergenceKind>)]
    pub divergence: Option<DivergenceKind>,
    /// Probes of a divergence, which they make an estimate: rademacher, gaussian or orthogonal
    #[arg(long, value_name = "NAME", value_parser = named::<Probe>)]
    pub probe: Option<Probe>,
    /// Number of probes of a log-density in results [default: 16]
    #[arg(long, value_name = "N")]
    pub probes: Option<usize>,
    /// Weight of the kinetic energy in the training of ffjord
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub kinetic: Option<f64>,
    /// Weight of the Jacobian's Frobenius norm in the training of ffjord
    #[arg(long, value_name = "WEIGHT", allow_negative_numbers = true)]
    pub jacobian: Option<f64>,
    /// Path of flow matching: straight or variance-preserving
    #[arg(long, value_name = "NAME", value_parser = named::<Bridge>)]
    pub path: Option<Bridge>,
    /// Pairing of flow matching: independent, optimal-transport or sinkhorn:REGULARISATION
    #[arg(long, value_name = "NAME", value_parser = pairing)]
    #[serde(deserialize_with = "pairing_of_file")]
    pub pairing: Option<Pairing>,
    /// Power k of the times uᵏ that flow matching is trained at: above 1, more lie near the data
    #[arg(long, value_name = "K", allow_negative_numbers = true)]
    pub time_power: Option<f64>,
    /// Loss of a score model: dsm, ssm, ssm-vr or ism [default: dsm]
    #[arg(long, value_name = "NAME", value_parser = named::<ScoreObjective>)]
    pub score_objective: Option<ScoreObjective>,
    /// Noise schedule of a score model: variance-exploding (ve), variance-preserving (vp) or
    /// sub-variance-preserving (sub-vp) [default: ve]
    #[arg(long, value_name = "NAME", value_parser = named::<Schedule>)]
    pub schedule: Option<Schedule>,
    /// What the noise levels of a score model count: likelihood or unit [default: likelihood]
    #[arg(long, value_name = "NAME", value_parser = named::<Weighting>)]
    pub weighting: Option<Weighting>,
    /// How the noise levels of a score model are drawn: importance, of less variance, or even
    /// [default: importance]
    #[arg(long, value_name = "NAME", value_parser = named::<LevelSampling>)]
    pub level_sampling: Option<LevelSampling>,
    /// Smallest noise level of a score model, in standard deviations of the columns [default: 0.01]
    #[arg(long, value_name = "SIGMA", allow_negative_numbers = true)]
    pub noise_min: Option<f64>,
    /// Largest noise level of a score model [default: 20]
    #[arg(long, value_name = "SIGMA", allow_negative_numbers = true)]
    pub noise_max: Option<f64>,
    /// Network of a score model: free, or conservative, the gradient of an energy [default: free]
    #[arg(long, value_name = "NAME", value_parser = named::<NetworkKind>)]
    pub network: Option<NetworkKind>,
    /// Device to train on: cpu or cuda:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Precision of the weights: f32 or f64
    #[arg(long, value_name = "TYPE")]
    pub dtype: Option<String>,
    /// Draw no pictures
    #[arg(long)]
    pub no_plots: bool,
    /// Draw a small density in the terminal while training
    #[arg(long)]
    pub live: bool,
    /// Make training.gif, the density during training (two columns); of a run that is resumed, from
    /// there on
    #[arg(long)]
    pub film: bool,
    /// The seed, for the file; `--seed` on the command line
    #[arg(skip)]
    pub seed: Option<u64>,
    /// The threads, for the file; `--threads` on the command line
    #[arg(skip)]
    pub threads: Option<usize>,
}

impl FitFlags {
    /// The flags, with `--seed` and `--threads`, and with the gaps filled from the configuration file.
    ///
    /// # Errors
    /// When the file cannot be read or has unknown keys.
    pub fn with_file(&self, seed: Option<u64>, threads: Option<usize>) -> Result<Self> {
        let file = match &self.config {
            Some(path) => read(path)?,
            None => Self::default(),
        };
        let f = self.clone();
        Ok(Self {
            data: f.data.or(file.data),
            config: f.config,
            output: f.output.or(file.output),
            force: f.force || file.force,
            resume: f.resume || file.resume,
            flow: f.flow.or(file.flow),
            columns: names("--columns", f.columns)?.or(file.columns),
            given: names("--given", f.given)?.or(file.given),
            without: names("--without", f.without)?.or(file.without),
            format: f.format.or(file.format),
            header: f.header || file.header && !f.no_header,
            no_header: f.no_header || file.no_header && !f.header,
            weight: f.weight.or(file.weight),
            support: f.support.or(file.support),
            schema: f.schema.or(file.schema),
            missing: f.missing.or(file.missing),
            rows: f.rows.or(file.rows),
            valid: f.valid.or(file.valid),
            test: f.test.or(file.test),
            steps: f.steps.or(file.steps),
            batch_size: f.batch_size.or(file.batch_size),
            lr: f.lr.or(file.lr),
            warmup: f.warmup.or(file.warmup),
            weight_decay: f.weight_decay.or(file.weight_decay),
            clip_norm: f.clip_norm.or(file.clip_norm),
            average_decay: f.average_decay.or(file.average_decay),
            evaluate_every: f.evaluate_every.or(file.evaluate_every),
            patience: f.patience.or(file.patience),
            layers: f.layers.or(file.layers),
            hidden: f.hidden.or(file.hidden),
            bins: f.bins.or(file.bins),
            components: f.components.or(file.components),
            base: f.base.or(file.base),
            solver: f.solver.or(file.solver),
            solver_steps: f.solver_steps.or(file.solver_steps),
            train_tolerance: f.train_tolerance.or(file.train_tolerance),
            atol: f.atol.or(file.atol),
            rtol: f.rtol.or(file.rtol),
            divergence: f.divergence.or(file.divergence),
            probe: f.probe.or(file.probe),
            probes: f.probes.or(file.probes),
            kinetic: f.kinetic.or(file.kinetic),
            jacobian: f.jacobian.or(file.jacobian),
            path: f.path.or(file.path),
            pairing: f.pairing.or(file.pairing),
            time_power: f.time_power.or(file.time_power),
            score_objective: f.score_objective.or(file.score_objective),
            schedule: f.schedule.or(file.schedule),
            weighting: f.weighting.or(file.weighting),
            level_sampling: f.level_sampling.or(file.level_sampling),
            noise_min: f.noise_min.or(file.noise_min),
            noise_max: f.noise_max.or(file.noise_max),
            network: f.network.or(file.network),
            device: f.device.or(file.device),
            dtype: f.dtype.or(file.dtype),
            no_plots: f.no_plots || file.no_plots,
            live: f.live || file.live,
            film: f.film || file.film,
            seed: seed.or(file.seed),
            threads: threads.or(file.threads),
        })
    }
}

fn read(path: &Path) -> Result<FitFlags> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text).map_err(|e| {
        let place = crate::schema_file::place(&text, e.span());
        Usage(format!("{}{place}: {}", path.display(), e.message())).into()
    })
}

/// The names in the values of a flag: each a line of comma-separated text.
fn names(flag: &str, values: Option<Vec<String>>) -> Result<Option<Vec<String>>> {
    let Some(values) = values else { return Ok(None) };
    let mut names = Vec::new();
    for value in values {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .trim(csv::Trim::None)
            .from_reader(value.as_bytes());
        for record in reader.records() {
            let record = record.map_err(|e| Usage(format!("{flag} {value}: {e}")))?;
            names.extend(record.iter().map(str::to_owned));
        }
    }
    Ok(Some(names))
}

/// A value by the name it has in files.
pub fn named<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    let name: StrDeserializer<Unknown> = text.into_deserializer();
    T::deserialize(name).map_err(|e| e.to_string())
}

/// A pairing by its name, Sinkhorn's with its regularisation.
fn pairing(text: &str) -> std::result::Result<Pairing, String> {
    match text.split_once(':') {
        None if text == "independent" => Ok(Pairing::Independent),
        None if text == "optimal-transport" => Ok(Pairing::OptimalTransport),
        Some(("sinkhorn", value)) => {
            let regularisation = value.parse().map_err(|e| format!("{value}: {e}"))?;
            let pairing = Pairing::Sinkhorn { regularisation };
            pairing.check().map_err(|e| e.to_string())?;
            Ok(pairing)
        }
        _ => Err("give independent, optimal-transport or sinkhorn:0.05".to_owned()),
    }
}

fn pairing_of_file<'de, D: serde::Deserializer<'de>>(
    source: D,
) -> std::result::Result<Option<Pairing>, D::Error> {
    let text = String::deserialize(source)?;
    pairing(&text).map(Some).map_err(serde::de::Error::custom)
}
