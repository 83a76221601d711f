//! What a flow is trained by, as data.

use super::ContinuousTraining;
use crate::error::Result;
use crate::flow::Flow;
use crate::objective::Objective;
use crate::objectives::{
    ContinuousLikelihood, FlowMatching, Judged, MaximumLikelihood, single_field,
};
use crate::pairing::Pairing;
use crate::paths::Path;
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
}

/// How flow matching joins data points and latent points.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// The path from one to the other.
    #[serde(default)]
    pub path: Path,
    /// Which is joined to which.
    #[serde(default)]
    pub pairing: Pairing,
}

impl ObjectiveConfig {
    /// Whether its loss is −log p(x), in nats.
    pub fn is_likelihood(&self) -> bool {
        match self {
            Self::MaximumLikelihood => true,
            Self::ContinuousLikelihood(training) => {
                training.kinetic == 0.0 && training.jacobian == 0.0
            }
            Self::FlowMatching(_) => false,
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
            Self::FlowMatching(Matching { path, pairing }) => {
                pairing.check()?;
                let training = FlowMatching::new(single_field(flow)?, *path, *pairing, workers)
                    .with_base(flow.base());
                let judge = MaximumLikelihood::new(flow, workers);
                Box::new(Judged { training: Box::new(training), judge: Box::new(judge) })
            }
        })
    }
}
