//! The arguments of `plot`.

use super::{SamplerArgs, WhichField};
use crate::failure::Usage;
use crate::fit_flags::named;
use anyhow::Result;
use clap::{Args, ValueEnum};
use diffeo::data::Missing;
use diffeo::plots::Theme;
use std::path::PathBuf;

/// What to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlotKind {
    /// The density: heat map with contours, corner plot above two columns
    Density,
    /// Data beside samples of the model
    Samples,
    /// log|det| of the map from data to latent points (two columns)
    LogDet,
    /// The smallest singular value of its Jacobian, as a logarithm (two columns)
    Singular,
    /// Data, model and their difference in standard errors, bin by bin (two columns)
    Residual,
    /// Ranks of data under the model and the coverage of its highest-density regions
    Calibration,
    /// Mean log-likelihoods of this model and of others --with, with paired differences
    Scores,
    /// Data after each layer, over the latent grid carried back (two columns)
    Layers,
    /// A latent grid carried to data space, through time for a continuous flow (two columns)
    Flow,
    /// Paths of points through time (a continuous flow of two columns)
    Trajectories,
    /// Samples on their way from noise to data (a score model of two columns)
    Reverse,
    /// The score, or the velocity of a continuous flow, over the density (two columns)
    Field,
    /// The divergence of that field (two columns)
    Divergence,
    /// The curl of that field: 0 for a true score (two columns)
    Curl,
    /// −log p as a surface, or the energy of a conservative score network at --noise (two columns)
    Energy,
    /// The scores of two models and their difference; name the other --with (two columns)
    Compare,
    /// Losses against steps
    Training,
}

impl PlotKind {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether it shows a vector field, or a derivative of one.
    pub fn is_of_field(self) -> bool {
        matches!(self, Self::Field | Self::Divergence | Self::Curl)
    }

    /// Whether it judges a model by rows, which should not be those it was fitted to.
    pub fn judges(self) -> bool {
        matches!(self, Self::Residual | Self::Calibration | Self::Scores)
    }

    /// Whether something moves in it.
    pub fn can_move(self) -> bool {
        matches!(self, Self::Flow | Self::Trajectories | Self::Reverse)
    }
}

/// Arguments of `plot`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct PlotArgs {
    /// What to draw
    pub kind: PlotKind,
    /// Run folder or model file; for `density` and `samples` also a toy or a table
    pub subject: String,
    /// The picture, .png or .svg; .gif for an animation of `flow`, `trajectories` or `reverse`
    #[arg(long = "output", short, value_name = "FILE")]
    pub output: PathBuf,
    /// Data to draw beside a model, or to judge models by: a toy or a table
    #[arg(long, value_name = "DATA")]
    pub data: Option<String>,
    /// Rows with missing values: reject, an error, or drop, leave them out
    #[arg(long, value_name = "POLICY", default_value = "reject", value_parser = named::<Missing>)]
    pub missing: Missing,
    /// Another model: run folder or model file; one for `compare`, any number for `scores`
    #[arg(long, value_name = "MODEL")]
    pub with: Vec<PathBuf>,
    /// Draw an animation; the file must be a .gif
    #[arg(long)]
    pub animate: bool,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
    /// Draw a field as streamlines in place of arrows
    #[arg(long)]
    pub streamlines: bool,
    /// Which field to draw.
    #[command(flatten)]
    pub which: WhichFields,
    /// How a score model walks from noise to data.
    #[command(flatten)]
    pub sampler: SamplerArgs,
    /// Title of the picture of a model [default: the name of its data]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Dark background
    #[arg(long)]
    pub dark: bool,
    /// Draw the logarithm of a density, down to 12 nats below its peak
    #[arg(long)]
    pub log: bool,
    /// Width of the picture in points of 1/96 inch; texts keep their size [default: that of the kind]
    #[arg(long, value_name = "POINTS")]
    pub width: Option<f64>,
    /// Pixels of a .png for each point, 1 to 8: 2 for screens, 4 for print
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=8))]
    pub scale: u32,
}

impl PlotArgs {
    /// How the picture looks.
    pub fn theme(&self) -> Theme {
        let mut theme = if self.dark { Theme::dark() } else { Theme::light() };
        (theme.pixel_ratio, theme.width) = (self.scale, self.width);
        theme
    }
}

/// A field of a model, or a score at several noise levels.
#[derive(Debug, Clone, Default, Args)]
pub struct WhichFields {
    /// The score of a continuous flow in place of its velocity
    #[arg(long, conflicts_with = "time")]
    pub score: bool,
    /// The time of the velocity: 0 at the data, 1 at the latent points [default: 0]
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub time: Option<f64>,
    /// The score of a score model at this noise level, in standard deviations of the columns; for
    /// `field` also at several, a panel for each [default: the smallest]
    #[arg(
        long,
        value_name = "SIGMA,...",
        value_delimiter = ',',
        allow_negative_numbers = true,
        conflicts_with_all = ["score", "time"]
    )]
    pub noise: Vec<f64>,
}

impl WhichFields {
    /// The only field that is asked for.
    ///
    /// # Errors
    /// For several noise levels.
    pub fn only(&self, kind: PlotKind) -> Result<WhichField> {
        if self.noise.len() > 1 {
            let name = kind.name();
            let message =
                format!("--noise: {name} is drawn at one level; only field takes several");
            return Err(Usage(message).into());
        }
        let noise = self.noise.first().copied();
        Ok(WhichField { score: self.score, time: self.time, noise })
    }
}
