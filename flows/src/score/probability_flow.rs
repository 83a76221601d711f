//! The deterministic flow that has the densities of a diffusion.

use super::NoiseLevels;
use crate::error::Result;
use crate::field::VectorField;
use crate::objectives::noise_levels;
use crate::params::to_f64;
use candle_core::Tensor;

/// The probability flow y′ = θ′(t) F(t, y) of a network F, in the coordinates of [`NoiseLevels`].
///
/// A diffusion x_σ = x + σ ε and this flow have the same density at each level. A network that gives
/// 0 says that the data are N(0, I); its flow is the identity, and p_σ₀ = N(0, (1 + σ₀²) I) the density
/// of its latent points too.
///
/// Song et al. 2021, *Score-Based Generative Modeling through Stochastic Differential Equations*,
/// eq. 13, in the coordinates of Salimans and Ho 2022.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::field::VectorField;
/// use diffeo_flows::fields::LinearField;
/// use diffeo_flows::score::{NoiseLevels, ProbabilityFlow};
/// let zero = LinearField::new(&Tensor::new(&[[0.0]], &Device::Cpu)?)?;
/// let flow = ProbabilityFlow::new(zero, NoiseLevels::default())?;
/// let x = Tensor::new(&[[0.7]], &Device::Cpu)?;
/// assert_eq!(flow.velocity(0.5, &x, None)?.to_vec2::<f64>()?, [[0.0]]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ProbabilityFlow<F> {
    network: F,
    levels: NoiseLevels,
}

impl<F: VectorField> ProbabilityFlow<F> {
    /// The flow of a network over these levels.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for levels that are no range.
    pub fn new(network: F, levels: NoiseLevels) -> Result<Self> {
        levels.check()?;
        Ok(Self { network, levels })
    }

    /// v and k tangents of a time each, scaled.
    fn scaled(&self, t: f64, (velocity, along): (Tensor, Tensor)) -> Result<(Tensor, Tensor)> {
        let rate = self.levels.rate(t);
        Ok((velocity.affine(rate, 0.0)?, along.affine(rate, 0.0)?))
    }

    /// θ′ of each row, `[n, 1]`.
    fn rates(&self, times: &Tensor, x: &Tensor) -> Result<Tensor> {
        let rates: Vec<f64> = to_f64(times)?.iter().map(|t| self.levels.rate(*t)).collect();
        let rates = Tensor::from_vec(rates, (times.dim(0)?, 1), x.device())?;
        Ok(rates.to_dtype(x.dtype())?)
    }
}

impl<F: VectorField> VectorField for ProbabilityFlow<F> {
    fn features(&self) -> usize {
        self.network.features()
    }

    fn noise_levels(&self) -> Option<&NoiseLevels> {
        Some(&self.levels)
    }

    fn potential(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Option<Tensor>> {
        let potential = self.network.potential(t, x, context)?;
        Ok(potential.map(|p| p.affine(self.levels.rate(t), 0.0)).transpose()?)
    }

    fn velocity(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        Ok(self.network.velocity(t, x, context)?.affine(self.levels.rate(t), 0.0)?)
    }

    fn velocity_at(&self, times: &Tensor, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let velocity = self.network.velocity_at(times, x, context)?;
        Ok(velocity.broadcast_mul(&self.rates(times, x)?)?)
    }

    fn velocity_and_jvp(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        self.scaled(t, self.network.velocity_and_jvp(t, x, u, context)?)
    }

    fn velocity_and_jvps(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        self.scaled(t, self.network.velocity_and_jvps(t, x, u, context)?)
    }

    fn velocity_and_jvps_at(
        &self,
        times: &Tensor,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let (velocity, along) = self.network.velocity_and_jvps_at(times, x, u, context)?;
        let rates = self.rates(times, x)?;
        let all = rates.unsqueeze(0)?;
        Ok((velocity.broadcast_mul(&rates)?, along.broadcast_mul(&all)?))
    }

    fn velocity_and_divergence(
        &self,
        t: f64,
        x: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        self.scaled(t, self.network.velocity_and_divergence(t, x, context)?)
    }
}

/// How much of a point's coordinates and of its velocity the predicted noise is:
/// ε̂ = `point` y + `velocity` v at one time.
///
/// With y = (cos θ x + sin θ ε)/cos θ₀ and v = θ′ (cos θ ε − sin θ x)/cos θ₀,
/// ε̂ = cos θ₀ (sin θ y + cos θ v/θ′); and the score is s(x_σ) = −ε̂/σ.
///
/// # Example
/// ```
/// use diffeo_flows::score::{NoiseLevels, NoisePrediction};
/// let levels = NoiseLevels::default();
/// let (c, predicted) = (levels.coefficients(0.4), NoisePrediction::at(&levels, 0.4));
/// let (x, noise) = (0.3, -1.2);
/// let y = c.alpha * x + c.sigma * noise;
/// let v = c.alpha_dot * x + c.sigma_dot * noise;
/// assert!((predicted.point * y + predicted.velocity * v - noise).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoisePrediction {
    /// The factor of the point y.
    pub point: f64,
    /// The factor of its velocity v.
    pub velocity: f64,
}

impl NoisePrediction {
    /// The factors at time t.
    #[must_use]
    pub fn at(levels: &NoiseLevels, t: f64) -> Self {
        let ((cos, sin), unstretch) = (levels.turn(t), 1.0 / levels.latent_deviation());
        Self { point: unstretch * sin, velocity: unstretch * cos / levels.rate(t) }
    }
}

/// The score s(x_σ, σ) `[n, d]` that a diffusion's field says points x_σ `[n, d]` have at a level.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::fields::LinearField;
/// use diffeo_flows::score::{NoiseLevels, ProbabilityFlow, score_at};
/// // The field of data N(0, I): with noise of level 2 their variance is 5.
/// let zero = LinearField::new(&Tensor::new(&[[0.0]], &Device::Cpu)?)?;
/// let field = ProbabilityFlow::new(zero, NoiseLevels::default())?;
/// let score = score_at(&field, 2.0, &Tensor::new(&[[3.0]], &Device::Cpu)?, None)?;
/// assert!((score.to_vec2::<f64>()?[0][0] + 3.0 / 5.0).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`](crate::Error::Config) for a field that is no diffusion's or a level outside its
/// range; [`Error::Shape`](crate::Error::Shape) when a shape does not fit.
pub fn score_at(
    field: &dyn VectorField,
    level: f64,
    x: &Tensor,
    context: Option<&Tensor>,
) -> Result<Tensor> {
    let levels = noise_levels(field)?;
    let t = levels.time_within(level)?;
    let y = x.affine(levels.coefficients(t).alpha, 0.0)?;
    let velocity = field.velocity(t, &y, context)?;
    let (c, scale) = (NoisePrediction::at(&levels, t), -1.0 / level);
    Ok((y.affine(scale * c.point, 0.0)? + velocity.affine(scale * c.velocity, 0.0)?)?)
}

/// The score at a level, as [`score_at`], and its derivative along u: x and u `[n, d]` → two `[n, d]`.
///
/// # Errors
/// As [`score_at`].
pub(crate) fn score_and_jvp_at(
    field: &dyn VectorField,
    level: f64,
    x: &Tensor,
    u: &Tensor,
    context: Option<&Tensor>,
) -> Result<(Tensor, Tensor)> {
    let levels = noise_levels(field)?;
    let t = levels.time_within(level)?;
    let alpha = levels.coefficients(t).alpha;
    let (y, u) = (x.affine(alpha, 0.0)?, u.affine(alpha, 0.0)?);
    let (velocity, along) = field.velocity_and_jvp(t, &y, &u, context)?;
    let (c, scale) = (NoisePrediction::at(&levels, t), -1.0 / level);
    let both = |point: &Tensor, velocity: &Tensor| -> Result<Tensor> {
        Ok((point.affine(scale * c.point, 0.0)? + velocity.affine(scale * c.velocity, 0.0)?)?)
    };
    Ok((both(&y, &velocity)?, both(&u, &along)?))
}
