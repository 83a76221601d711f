//! Standardisation: zero mean and unit standard deviation, fitted once and frozen.

use crate::error::{Error, Result};
use crate::params::{Buffer, Once, Scope, to_f64};
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points};
use candle_core::{DType, Device, Tensor};

/// A column whose deviations are this share of its mean is constant but for rounding.
const ROUNDING: f64 = 1e-14;

/// The frozen map z = (x − mean) / scale.
///
/// log|det J| = −Σ log scaleᵢ. Mean and scale are `f64` buffers: applied to `f64` points it keeps
/// the digits of columns with a large offset. [`Transform::initialise`] sets them from data.
#[derive(Debug, Clone)]
pub struct Standardise {
    features: usize,
    mean: Buffer,
    scale: Buffer,
    initialised: Once,
}

impl Standardise {
    /// A map of `features` features, the identity until it is initialised.
    ///
    /// # Errors
    /// When a parameter's name is taken.
    pub fn new(mut scope: Scope, features: usize) -> Result<Self> {
        let device = scope.device().clone();
        let mean = Tensor::zeros((1, features), DType::F64, &device)?;
        let scale = Tensor::ones((1, features), DType::F64, &device)?;
        Ok(Self {
            features,
            mean: scope.buffer("mean", &mean)?,
            scale: scope.buffer("scale", &scale)?,
            initialised: scope.once("initialised")?,
        })
    }

    /// The device of mean and scale.
    pub(crate) fn device(&self) -> Device {
        self.mean.tensor().device().clone()
    }

    /// Fits mean and standard deviation of each column to the rows of all pieces `[n, d]`, weighted by
    /// `[n, 1]` where there are weights, which are asked for twice and need never be in memory together.
    pub(crate) fn initialise_from<I>(&self, pieces: impl Fn() -> I) -> Result<()>
    where
        I: Iterator<Item = Result<(Tensor, Option<Tensor>)>>,
    {
        self.initialised.run(|| {
            let mut total = 0.0;
            let mut mean = self.mean.tensor().zeros_like()?;
            for piece in pieces() {
                let (piece, weights) = piece?;
                let piece = piece.detach().to_dtype(DType::F64)?;
                total += match &weights {
                    Some(weights) => weights.sum_all()?.to_scalar::<f64>()?,
                    None => piece.dim(0)? as f64,
                };
                mean = (mean + weighted(piece, weights.as_ref())?.sum_keepdim(0)?)?;
            }
            let mean = (mean / total)?;
            let mut square = mean.zeros_like()?;
            for piece in pieces() {
                let (piece, weights) = piece?;
                let away = piece.detach().to_dtype(DType::F64)?.broadcast_sub(&mean)?;
                square = (square + weighted(away.sqr()?, weights.as_ref())?.sum_keepdim(0)?)?;
            }
            self.set_moments(&mean, &(square / total)?.sqrt()?)
        })
    }

    /// Sets mean and scale `[1, d]`, unless a column is constant.
    fn set_moments(&self, mean: &Tensor, scale: &Tensor) -> Result<()> {
        for (i, (mean, scale)) in mean
            .flatten_all()?
            .to_vec1::<f64>()?
            .iter()
            .zip(scale.flatten_all()?.to_vec1::<f64>()?)
            .enumerate()
        {
            if !(mean.is_finite() && scale.is_finite() && scale > ROUNDING * mean.abs()) {
                return Err(Error::data(
                    format!("column {}", i + 1),
                    format!("mean {mean:?} and standard deviation {scale:?}"),
                    "leave out columns of one value and rows that are not finite; rescale a column whose \
                     size is below 1e-150 or above 1e150",
                ));
            }
        }
        self.mean.set(mean)?;
        self.scale.set(scale)
    }

    /// The scale of each feature.
    pub(crate) fn scales(&self) -> Result<Vec<f64>> {
        to_f64(&self.scale.tensor())
    }

    /// Mean and scale in the dtype of `points`.
    fn moments(&self, points: &Tensor) -> Result<(Tensor, Tensor)> {
        let dtype = points.dtype();
        Ok((self.mean.tensor().to_dtype(dtype)?, self.scale.tensor().to_dtype(dtype)?))
    }
}

/// w ⊙ x, or x.
fn weighted(x: Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    match weights {
        Some(weights) => Ok(x.broadcast_mul(weights)?),
        None => Ok(x),
    }
}

impl Transform for Standardise {
    fn features(&self) -> usize {
        self.features
    }

    fn forward(&self, x: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Standardise::forward", x, self.features)?;
        let (mean, scale) = self.moments(x)?;
        let log_det = scale.log()?.sum_all()?.neg()?.reshape(1)?.broadcast_as(x.dim(0)?)?;
        Ok(Mapped { points: x.broadcast_sub(&mean)?.broadcast_div(&scale)?, log_det })
    }

    fn inverse(&self, z: &Tensor, _context: Option<&Tensor>) -> Result<Mapped> {
        check_points("Standardise::inverse", z, self.features)?;
        let (mean, scale) = self.moments(z)?;
        let log_det = scale.log()?.sum_all()?.reshape(1)?.broadcast_as(z.dim(0)?)?;
        Ok(Mapped { points: z.broadcast_mul(&scale)?.broadcast_add(&mean)?, log_det })
    }

    /// Fits mean and standard deviation of each column, or those of the inverse.
    fn initialise(&self, x: &Tensor, _: Option<&Tensor>, direction: Direction) -> Result<()> {
        check_points("Standardise::initialise", x, self.features)?;
        let is_set = self.initialised.is_done()?;
        self.initialise_from(|| std::iter::once(Ok((x.clone(), None))))?;
        if is_set || direction == Direction::Forward {
            return Ok(());
        }
        let (mean, scale) = (self.mean.tensor(), self.scale.tensor());
        self.mean.set(&(mean / &scale)?.neg()?)?;
        self.scale.set(&scale.recip()?)
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        None
    }
}
