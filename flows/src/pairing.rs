//! Pairs the data points of a batch with its latent points.

mod assignment;
mod sinkhorn;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use rand::RngCore;
use serde::{Deserialize, Serialize};

/// Rows paired among each other: the time for an exact pairing grows with their cube.
pub const GROUP: usize = 512;

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

    /// The row of z that each row of x is joined to: x and z `[n, d]`, row-major, → `[n]`.
    ///
    /// Rows beyond [`GROUP`] are paired in groups of as many consecutive rows. A permutation, except
    /// for [`Pairing::Sinkhorn`], which draws each row's partner from its row of the plan; the plan
    /// of a group is accurate to 10⁻⁴ of its mass. Only that draws from the generator.
    ///
    /// # Example
    /// ```
    /// use diffeo_flows::pairing::Pairing;
    /// use diffeo_flows::rng::{Stream, generator};
    /// let rng = &mut generator(0, Stream::Objective, 0);
    /// let pairs = Pairing::OptimalTransport.pair(&[3.0, 1.0], &[0.9, 3.1], 1, rng)?;
    /// assert_eq!(pairs, [1, 0]);
    /// # Ok::<(), diffeo_flows::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] unless x and z have as many rows of d; [`Error::Data`] when a distance is not
    /// finite; [`Error::Config`] for a regularisation that is not positive, or so small that
    /// Sinkhorn's algorithm does not converge.
    pub fn pair(self, x: &[f64], z: &[f64], d: usize, rng: &mut dyn RngCore) -> Result<Vec<u32>> {
        self.check()?;
        if x.len() != z.len() || d == 0 || !x.len().is_multiple_of(d) {
            let expected = format!("[n, {d}] as often as x, which has {} numbers", x.len());
            return Err(Error::shape("Pairing::pair", expected, &[z.len()]));
        }
        let mut pairs = Vec::with_capacity(x.len() / d);
        for (x, z) in x.chunks(GROUP * d).zip(z.chunks(GROUP * d)) {
            let start = pairs.len();
            let columns = self.group(x, z, d, rng)?;
            pairs.extend(columns.into_iter().map(|column| (start + column) as u32));
        }
        Ok(pairs)
    }

    /// The same for one group.
    fn group(self, x: &[f64], z: &[f64], d: usize, rng: &mut dyn RngCore) -> Result<Vec<usize>> {
        let n = x.len() / d;
        match self {
            Self::Independent => Ok((0..n).collect()),
            Self::OptimalTransport => Ok(assignment::assignment(&costs(x, z, d)?, n)),
            Self::Sinkhorn { regularisation } => {
                let plan = sinkhorn::plan(&costs(x, z, d)?, n, regularisation)?;
                Ok(sinkhorn::drawn(&plan, n, rng))
            }
        }
    }
}

/// |xᵢ − zⱼ|², `[n, n]`.
fn costs(x: &[f64], z: &[f64], d: usize) -> Result<Vec<f64>> {
    let square = |x: &[f64], z: &[f64]| x.iter().zip(z).map(|(x, z)| (x - z) * (x - z)).sum();
    let row = |x| z.chunks_exact(d).map(move |z| square(x, z));
    let costs: Vec<f64> = x.chunks_exact(d).flat_map(row).collect();
    if costs.iter().all(|cost| cost.is_finite()) {
        return Ok(costs);
    }
    let remedy = "remove or correct the rows that are";
    Err(Error::data("pairing", "points are NaN, infinite, or too far apart", remedy))
}
