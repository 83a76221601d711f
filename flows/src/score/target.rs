//! Defines densities known by their score, or up to a constant, and makes them of closures.

#[cfg(test)]
mod tests;

use crate::density::Density;
use crate::error::{Error, Result};
use crate::transform::check_points;
use candle_core::{Device, Tensor, Var};

/// A density on ℝᵈ to sample from, known by its score, and perhaps up to a constant.
///
/// The score s(x) = ∇ log p(x) does not see the constant: ∇ log (p Z) = ∇ log p. Points are rows,
/// independent of each other.
pub trait Target {
    /// Number of features d.
    fn features(&self) -> usize;

    /// ∇ log p(x): x `[n, d]` → `[n, d]`, outside any gradient.
    ///
    /// # Errors
    /// [`Error::Shape`] when the width of x differs.
    fn score(&self, x: &Tensor) -> Result<Tensor>;

    /// log p(x) up to a constant: x `[n, d]` → `[n]`, nats; −∞ where the density is 0.
    ///
    /// # Errors
    /// [`Error::Config`] unless the target says what it is, [`Error::Shape`] when the width of x
    /// differs.
    fn log_prob(&self, _x: &Tensor) -> Result<Tensor> {
        let remedy = "use what needs a score alone, or give the log-density";
        Err(Error::config("target", "only its score is known", remedy))
    }

    /// Both, from one pass where that saves work.
    ///
    /// # Errors
    /// Those of [`Target::log_prob`] and [`Target::score`].
    fn log_prob_and_score(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        Ok((self.log_prob(x)?, self.score(x)?))
    }
}

/// A target given by a closure for its log-density, made of tensor operations.
///
/// The closure takes x `[n, d]` to log p + constant, `[n]` or `[n, 1]`; the score is its gradient, by
/// one reverse pass. It must not take gradients itself: candle detaches them.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::score::{FromLogProb, Target};
/// // A ring of radius 2: log p = −(‖x‖² − 4)² / 8.
/// let ring = FromLogProb::new(2, |x: &Tensor| {
///     Ok(x.sqr()?.sum(1)?.affine(1.0, -4.0)?.sqr()?.affine(-0.125, 0.0)?)
/// });
/// let x = Tensor::new(&[[1f64, 0.0], [2.0, 0.0]], &Device::Cpu)?;
/// assert_eq!(ring.score(&x)?.to_vec2::<f64>()?, [[1.5, 0.0], [0.0, 0.0]]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub struct FromLogProb<F> {
    features: usize,
    log_prob: F,
}

impl<F: Fn(&Tensor) -> Result<Tensor>> FromLogProb<F> {
    /// The density exp(`log_prob`) of `features` features, up to a constant.
    pub fn new(features: usize, log_prob: F) -> Self {
        Self { features, log_prob }
    }
}

impl<F> std::fmt::Debug for FromLogProb<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FromLogProb({})", self.features)
    }
}

impl<F: Fn(&Tensor) -> Result<Tensor>> Target for FromLogProb<F> {
    fn features(&self) -> usize {
        self.features
    }

    fn score(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.log_prob_and_score(x)?.1)
    }

    fn log_prob(&self, x: &Tensor) -> Result<Tensor> {
        check_points("FromLogProb", x, self.features)?;
        one_a_row(&(self.log_prob)(x)?.detach(), x)
    }

    fn log_prob_and_score(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        check_points("FromLogProb", x, self.features)?;
        value_and_gradient(&self.log_prob, x)
    }
}

/// A target given by a closure for its score: x `[n, d]` → `[n, d]`.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::score::{FromScore, Target};
/// let normal = FromScore::new(1, |x: &Tensor| Ok(x.neg()?));
/// let x = Tensor::new(&[[0.5f64]], &Device::Cpu)?;
/// assert_eq!(normal.score(&x)?.to_vec2::<f64>()?, [[-0.5]]);
/// assert!(normal.log_prob(&x).is_err());
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub struct FromScore<F> {
    features: usize,
    score: F,
}

impl<F: Fn(&Tensor) -> Result<Tensor>> FromScore<F> {
    /// The density whose score is `score`, of `features` features.
    pub fn new(features: usize, score: F) -> Self {
        Self { features, score }
    }
}

impl<F> std::fmt::Debug for FromScore<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FromScore({})", self.features)
    }
}

impl<F: Fn(&Tensor) -> Result<Tensor>> Target for FromScore<F> {
    fn features(&self) -> usize {
        self.features
    }

    fn score(&self, x: &Tensor) -> Result<Tensor> {
        check_points("FromScore", x, self.features)?;
        let score = (self.score)(x)?.detach();
        if score.dims() != x.dims() {
            let expected = format!("{:?}", x.dims());
            return Err(Error::shape(
                "FromScore: what the closure returns",
                expected,
                score.dims(),
            ));
        }
        Ok(score)
    }
}

/// A [`Density`] as a target: its score is the gradient of its log-density.
///
/// The density must be made of tensor operations, as flows on the reference tier are; the toys are
/// not ([`SmoothedToy`](crate::densities::SmoothedToy) knows their scores).
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::densities::StandardNormal;
/// use diffeo_flows::score::{FromDensity, Target};
/// let normal = StandardNormal::new(2);
/// let x = Tensor::new(&[[0.5f64, -2.0]], &Device::Cpu)?;
/// assert_eq!(FromDensity::new(&normal).score(&x)?.to_vec2::<f64>()?, [[-0.5, 2.0]]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FromDensity<'a> {
    density: &'a dyn Density,
}

impl<'a> FromDensity<'a> {
    /// That density, without a context.
    pub fn new(density: &'a dyn Density) -> Self {
        Self { density }
    }
}

impl Target for FromDensity<'_> {
    fn features(&self) -> usize {
        self.density.features()
    }

    fn score(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.log_prob_and_score(x)?.1)
    }

    fn log_prob(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.density.log_prob(x, None)?.detach())
    }

    fn log_prob_and_score(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        check_points("FromDensity", x, self.density.features())?;
        value_and_gradient(|x: &Tensor| self.density.log_prob(x, None), x)
    }
}

/// f(x) `[n]` and ∇f(x) `[n, d]` by one reverse pass over the sum of rows.
fn value_and_gradient(
    f: impl Fn(&Tensor) -> Result<Tensor>,
    x: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let variable = Var::from_tensor(&x.detach())?;
    let value = f(&variable)?;
    // A silent zero would be a uniform density, and wrong.
    let Some(gradient) = value.sum_all()?.backward()?.remove(&variable) else {
        let problem = "no gradient reaches the points from its log-density";
        let remedy = "write it in tensor operations of x, or give the score";
        return Err(Error::config("target", problem, remedy));
    };
    Ok((one_a_row(&value.detach(), x)?, gradient.detach()))
}

/// Log-densities `[n]` and scores `[n, d]` calculated in `f64`, of the dtype of x and beside it.
pub(super) fn on_rows_of(
    x: &Tensor,
    log_probs: Vec<f64>,
    scores: Vec<f64>,
) -> Result<(Tensor, Tensor)> {
    let place = |tensor: Tensor| -> Result<Tensor> {
        Ok(tensor.to_dtype(x.dtype())?.to_device(x.device())?)
    };
    let log_prob = Tensor::from_vec(log_probs, x.dim(0)?, &Device::Cpu)?;
    Ok((place(log_prob)?, place(Tensor::from_vec(scores, x.shape(), &Device::Cpu)?)?))
}

/// `[n]` or `[n, 1]` as `[n]`.
fn one_a_row(value: &Tensor, x: &Tensor) -> Result<Tensor> {
    let n = x.dim(0)?;
    match value.dims() {
        [rows] | [rows, 1] if *rows == n => Ok(value.reshape(n)?),
        got => Err(Error::shape("a target's log-density", format!("[{n}]"), got)),
    }
}
