//! What a flow is trained by, as data.

use super::ContinuousTraining;
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::objective::Objective;
use crate::objectives::{
    self, ContinuousLikelihood, FlowMatching, Judged, MaximumLikelihood, single_field,
};
use crate::pairing::Pairing;
use crate::paths::Path;
use crate::score::{LevelLaw, LevelSampling, NoiseLevels, Schedule, Weighting};
use crate::workers::Workers;
use serde::{Deserialize, Serialize};

/// What a flow is trained by.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ObjectiveConfig {
    /// [`MaximumLikelihood`]
    #[default]
    MaximumLikelihood,
    /// [`ContinuousLikelihood`]
    ContinuousLikelihood(ContinuousTraining),
    /// [`FlowMatching`](crate::objectives::FlowMatching)
    FlowMatching(Matching),
    /// [`ScoreMatching`](crate::objectives::ScoreMatching)
    ScoreMatching(ScoreMatching),
}

/// How a score is matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreMatching {
    /// What the loss of a row is.
    pub objective: ScoreObjective,
    /// How the noise levels follow one another.
    pub schedule: Schedule,
    /// How much each level counts.
    pub weighting: Weighting,
    /// How levels are drawn.
    pub sampling: LevelSampling,
    /// Gives each row its noise twice, with either sign, and takes the mean of both losses: for twice
    /// the work the part of the gradient that noise of either sign cancels is gone, which is most of
    /// it at small levels.
    pub antithetic: bool,
}

/// A loss whose least value is at the score: see [`objectives::ScoreMatching`](crate::objectives::ScoreMatching).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScoreObjective {
    /// Regression on the noise that was added.
    #[default]
    #[serde(rename = "dsm")]
    Denoising,
    /// The derivative along one random direction, and the score along it.
    #[serde(rename = "ssm")]
    Sliced,
    /// The derivative along one random direction, and the whole score: less variance.
    #[serde(rename = "ssm-vr")]
    SlicedVarianceReduced,
    /// The exact divergence.
    #[serde(rename = "ism")]
    Implicit,
}

impl ScoreObjective {
    /// All objectives.
    pub const ALL: [Self; 4] =
        [Self::Denoising, Self::Sliced, Self::SlicedVarianceReduced, Self::Implicit];

    /// The name, as in configuration files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Denoising => "dsm",
            Self::Sliced => "ssm",
            Self::SlicedVarianceReduced => "ssm-vr",
            Self::Implicit => "ism",
        }
    }

    /// What it is, in a line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::Denoising => "denoising: regression on the noise that was added (Vincent 2011)",
            Self::Sliced => "sliced: the derivative along a random direction (Song et al. 2019)",
            Self::SlicedVarianceReduced => {
                "sliced, with the whole score in place of its slice: less variance (Song et al. 2019)"
            }
            Self::Implicit => "implicit: the exact divergence (Hyvärinen 2005)",
        }
    }

    /// Whether it draws directions.
    pub(crate) fn is_sliced(self) -> bool {
        matches!(self, Self::Sliced | Self::SlicedVarianceReduced)
    }
}

impl ScoreMatching {
    /// The signs that the noise of a row has in turn.
    pub(crate) fn signs(self) -> &'static [f64] {
        if self.antithetic { &[1.0, -1.0] } else { &[1.0] }
    }

    /// The levels it draws from a range.
    pub(crate) fn law(self, levels: &NoiseLevels) -> Result<LevelLaw> {
        LevelLaw::new(levels, self.schedule, self.weighting, self.sampling)
    }
}

/// How flow matching joins data points and latent points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matching {
    /// The path from one to the other.
    pub path: Path,
    /// Which is joined to which.
    pub pairing: Pairing,
    /// Times are uᵏ for this k and u uniform over [0, 1): above 1, more of them lie near the data,
    /// where a field that makes sharp densities changes fast.
    pub time_power: f64,
}

impl Default for Matching {
    fn default() -> Self {
        Self { path: Path::default(), pairing: Pairing::default(), time_power: 1.0 }
    }
}

impl Matching {
    /// The time of one row of n: the uᵏ of a batch are spread evenly from one random start.
    pub(crate) fn time(&self, start: f64, row: usize, n: usize) -> f64 {
        let u = objectives::spread(start, row, n);
        // A power costs as much as a small network's share of the row.
        let even = (self.time_power - 1.0).abs() < f64::EPSILON;
        if even { u } else { u.powf(self.time_power) }
    }

    /// Fails for settings that cannot be used.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        if !(0.1..=10.0).contains(&self.time_power) {
            let problem = format!("{} lies outside 0.1 to 10", self.time_power);
            return Err(Error::config(
                "time-power",
                problem,
                "1 for even times, 2 for more near 0",
            ));
        }
        self.pairing.check()
    }
}

impl ObjectiveConfig {
    /// Whether its loss is −log p(x), in nats.
    pub fn is_likelihood(&self) -> bool {
        match self {
            Self::MaximumLikelihood => true,
            Self::ContinuousLikelihood(training) => {
                training.kinetic == 0.0 && training.jacobian == 0.0
            }
            Self::FlowMatching(_) | Self::ScoreMatching(_) => false,
        }
    }

    /// The loss of a flow, in tensor operations.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) when the flow is none that can be trained so.
    pub(crate) fn build<'a>(
        &'a self,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Box<dyn Objective + 'a>> {
        Ok(match self {
            Self::MaximumLikelihood => Box::new(MaximumLikelihood::new(flow, workers)),
            Self::ContinuousLikelihood(training) => {
                Box::new(ContinuousLikelihood::new(flow, training, workers)?)
            }
            Self::FlowMatching(matching) => {
                matching.check()?;
                let training = FlowMatching::new(single_field(flow)?, *matching, workers)
                    .with_base(flow.base());
                let judge = MaximumLikelihood::new(flow, workers);
                Box::new(Judged { training: Box::new(training), judge: Box::new(judge) })
            }
            Self::ScoreMatching(config) => {
                let training =
                    objectives::ScoreMatching::new(single_field(flow)?, *config, workers)?;
                let judge = MaximumLikelihood::new(flow, workers);
                Box::new(Judged { training: Box::new(training), judge: Box::new(judge) })
            }
        })
    }
}
