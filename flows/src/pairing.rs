//! Pairs the data points of a batch with its latent points.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which latent point each data point of a batch is joined to.
///
/// Pairs of least total squared distance make paths that hardly cross, so the field learned from
/// them is straighter and its gradients vary less: Tong et al. 2024, *Improving and Generalizing
/// Flow-Based Generative Models with Minibatch Optimal Transport*; Pooladian et al. 2023,
/// *Multisample Flow Matching*.
///
/// # Example
/// ```
/// use diffeo_flows::pairing::Pairing;
/// let pairing: Pairing = toml::from_str("kind = 'sinkhorn'\nregularisation = 0.05").unwrap();
/// assert_eq!(pairing, Pairing::Sinkhorn { regularisation: 0.05 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Pairing {
    /// As they were drawn.
    #[default]
    Independent,
    /// The permutation of least Σ |x − z|².
    OptimalTransport,
    /// Drawn from the plan of least mean cost minus entropy, which Sinkhorn's algorithm finds.
    Sinkhorn {
        /// The weight of the entropy, as a fraction of the mean of |x − z|² over all pairs, so that
        /// one value serves any number of features: small is close to the best permutation and
        /// slow to find, for instance 0.05.
        regularisation: f64,
    },
}

impl Pairing {
    /// Fails for a regularisation that cannot be used.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check(self) -> Result<()> {
        match self {
            Self::Sinkhorn { regularisation }
                if !(regularisation > 0.0 && regularisation.is_finite()) =>
            {
                let problem = format!("{regularisation}");
                Err(Error::config("regularisation", problem, "give a positive number, say 0.05"))
            }
            _ => Ok(()),
        }
    }
}
