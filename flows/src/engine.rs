//! Chooses the tier that computes a flow: the one place that does.

use crate::config::{FlowConfig, ObjectiveConfig};
use crate::density::Density;
use crate::error::{Error, Result};
use crate::fast::simd::Level;
use crate::fast::{self, FastFlow, Program, Unsupported};
use crate::flow::Flow;
use crate::objective::Objective;
use crate::objectives;
use crate::params::Params;
use crate::workers::Workers;
use std::sync::Arc;

/// Which tier computes a flow.
///
/// Both give the same values, log-determinants and losses within |a − b| ≤ 1e-5 · max(1, |b|), and
/// gradients within 1e-4 of the largest entry; where single precision itself moves a result by more,
/// as in very steep splines, within three times that. The reference tier runs any
/// flow, in any precision, on any device; the fast tier flows of known layers, in single precision,
/// on the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// The fast tier where it can, the reference tier elsewhere.
    #[default]
    Auto,
    /// Plain tensor operations.
    Reference,
    /// Kernels, or an error naming the part that has none.
    Fast,
}

/// What runs, and why not the other.
#[derive(Debug)]
pub enum Choice {
    /// Kernels.
    Fast(Arc<Program>),
    /// Tensor operations: because they were asked for, or because a part has no kernel.
    Reference(Option<Unsupported>),
}

impl Engine {
    /// The tier that runs the flow which `config` builds from these parameters.
    ///
    /// # Errors
    /// [`Error::Config`] naming the part without a kernel when kernels were asked for.
    pub fn choose(self, config: &FlowConfig, params: &Params) -> Result<Choice> {
        if self == Self::Reference {
            return Ok(Choice::Reference(None));
        }
        match (Program::new(config, params, Level::best()), self) {
            (Ok(program), _) => Ok(Choice::Fast(program.into())),
            (Err(why), Self::Fast) => Err(Error::config(
                "engine",
                format!("the fast engine cannot run this flow: {why}"),
                "take the reference engine, or leave the choice to the program",
            )),
            (Err(why), _) => Ok(Choice::Reference(Some(why))),
        }
    }
}

impl Choice {
    /// The flow as a density with its weights as they stand, outside any gradient.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn density(self, frozen: Flow, params: &Params) -> Result<Box<dyn Density>> {
        Ok(match self {
            Self::Fast(program) => Box::new(FastFlow::new(program, frozen, params)?),
            Self::Reference(_) => Box::new(frozen),
        })
    }

    /// The loss of maximum likelihood.
    pub fn maximum_likelihood<'a>(
        &'a self,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Box<dyn Objective + 'a> {
        match self {
            Self::Fast(program) => Box::new(fast::MaximumLikelihood::new(program, flow, workers)),
            Self::Reference(_) => Box::new(objectives::MaximumLikelihood::new(flow, workers)),
        }
    }

    /// The loss of an objective.
    ///
    /// # Errors
    /// [`Error::Config`] when the flow is none that can be trained so.
    pub fn objective<'a>(
        &'a self,
        objective: &'a ObjectiveConfig,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Box<dyn Objective + 'a>> {
        match objective {
            ObjectiveConfig::MaximumLikelihood => Ok(self.maximum_likelihood(flow, workers)),
            _ => objective.build(flow, workers),
        }
    }
}
