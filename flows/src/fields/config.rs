//! Describes a network with time.

use super::{PotentialField, TimeMlp};
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::nets::{Activation, LastLayer, NetConfig};
use crate::params::Scope;
use serde::{Deserialize, Serialize};

/// How a network is told the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeForm {
    /// t is appended to the inputs.
    Concat,
    /// Each layer is (W x + b) ∘ σ(w_g t + b_g) + w_t t: Grathwohl et al. 2019, *FFJORD*.
    #[default]
    ConcatSquash,
    /// sin 2π fₖt and cos 2π fₖt with fₖ = k/2, k = 1, …, `frequencies`, are appended to the
    /// inputs; the half makes t = 0 and t = 1 differ. Tancik et al. 2020, *Fourier Features*.
    Fourier {
        /// Number of frequencies.
        frequencies: usize,
    },
}

impl TimeForm {
    /// Number of inputs that this form appends.
    pub(crate) fn inputs(self) -> usize {
        match self {
            Self::Concat => 1,
            Self::ConcatSquash => 0,
            Self::Fourier { frequencies } => 2 * frequencies,
        }
    }

    /// What it appends at time t.
    pub(crate) fn values(self, t: f64) -> Vec<f64> {
        match self {
            Self::Concat => vec![t],
            Self::ConcatSquash => Vec::new(),
            Self::Fourier { frequencies } => (1..=frequencies)
                .map(|k| std::f64::consts::PI * k as f64 * t)
                .flat_map(|angle| [angle.sin(), angle.cos()])
                .collect(),
        }
    }
}

/// The shape of a [`TimeMlp`] or a [`PotentialField`] between its inputs and outputs.
///
/// # Example
/// ```
/// use diffeo_flows::fields::{FieldConfig, TimeForm};
/// let config: FieldConfig = toml::from_str("hidden = [64, 64]\ntime = { fourier = { frequencies = 4 } }").unwrap();
/// assert_eq!(config.time, TimeForm::Fourier { frequencies: 4 });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldConfig {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// The function between layers: smooth by default, since solvers count on derivatives.
    #[serde(default = "smooth")]
    pub activation: Activation,
    /// How the network is told the time.
    #[serde(default)]
    pub time: TimeForm,
    /// Whether a layer builds a [`PotentialField`], whose velocity is the gradient of a scalar,
    /// in place of a [`TimeMlp`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub potential: bool,
}

fn smooth() -> Activation {
    Activation::Silu
}

impl FieldConfig {
    /// Small networks, for tests: a free one and one of a potential.
    pub(crate) fn examples() -> Vec<Self> {
        let of = |(time, potential)| Self {
            hidden: vec![3],
            activation: Activation::Tanh,
            time,
            potential,
        };
        [(TimeForm::ConcatSquash, false), (TimeForm::Concat, true)].map(of).into()
    }

    /// Fails when there is no hidden layer, a width is 0, there are no frequencies, or a potential
    /// has no curvature: a network of relu is linear piece by piece.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(&self) -> Result<()> {
        if matches!(self.time, TimeForm::Fourier { frequencies: 0 }) {
            let remedy = "give at least 1, for instance 4";
            return Err(Error::config("time", "no frequencies", remedy));
        }
        if self.potential && self.activation == Activation::Relu {
            let problem = "a potential of relu has no curvature";
            return Err(Error::config("activation", problem, "take silu or tanh"));
        }
        let (hidden, activation) = (self.hidden.clone(), self.activation);
        NetConfig { hidden, activation, residual: false }.check()
    }

    /// The network that is asked for, of `features` features given `context` context features.
    pub(crate) fn build(
        &self,
        scope: Scope,
        (features, context): (usize, usize),
        last: LastLayer,
    ) -> Result<Box<dyn VectorField>> {
        Ok(if self.potential {
            Box::new(PotentialField::new(scope, features, context, self, last)?)
        } else {
            Box::new(TimeMlp::new(scope, features, context, self, last)?)
        })
    }
}
