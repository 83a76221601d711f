//! Networks that compute the parameters of a transform: dense and masked.

mod activation;
mod linear;
mod made;
mod mlp;

pub use activation::{Activation, softplus};
pub use linear::{LastLayer, Linear};
pub use made::Made;
pub(crate) use made::degrees;
pub use mlp::{Conditioner, Mlp};

use serde::{Deserialize, Serialize};

/// The shape of a network between its inputs and outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetConfig {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// The function between layers.
    #[serde(default)]
    pub activation: Activation,
    /// Whether each hidden layer after the first is a residual block of two layers of its width.
    #[serde(default)]
    pub residual: bool,
}

impl NetConfig {
    /// Two small layers of a smooth function, for tests.
    pub(crate) fn example() -> Self {
        Self { hidden: vec![6, 5], activation: Activation::Tanh, residual: false }
    }

    /// The same with other widths.
    pub(crate) fn with_hidden(&self, widths: &[usize]) -> Self {
        Self { hidden: widths.to_vec(), ..self.clone() }
    }

    /// Fails when a width is 0, or when residual blocks have unequal widths.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config).
    pub fn check(&self) -> crate::Result<()> {
        let remedy = "give positive widths, for instance 64,64";
        if self.hidden.is_empty() || self.hidden.contains(&0) {
            return Err(crate::Error::config(
                "hidden",
                format!("widths {:?}", self.hidden),
                remedy,
            ));
        }
        if self.residual && self.hidden.windows(2).any(|w| w[0] != w[1]) {
            let problem = format!("residual blocks of unequal widths {:?}", self.hidden);
            return Err(crate::Error::config("hidden", problem, "give equal widths"));
        }
        Ok(())
    }
}
