//! Defines time-dependent vector fields, the right-hand sides of continuous flows.

use crate::error::{Error, Result};
use crate::params::to_f64;
use crate::score::NoiseLevels;
use candle_core::Tensor;
use std::fmt::Debug;

/// A time-dependent vector field v(t, x | c) on ℝᵈ.
///
/// Everything it returns is differentiable with respect to its parameters by one reverse pass:
/// derivatives with respect to x are taken in forward mode, since candle's backward of a backward
/// is wrong.
///
/// Chen et al. 2018, *Neural Ordinary Differential Equations*.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::field::VectorField;
/// use diffeo_flows::fields::LinearField;
/// let rotation = LinearField::new(&Tensor::new(&[[0.0, -1.0], [1.0, 0.0]], &Device::Cpu)?)?;
/// let x = Tensor::new(&[[2.0, 0.0]], &Device::Cpu)?;
/// let (velocity, divergence) = rotation.velocity_and_divergence(0.0, &x, None)?;
/// assert_eq!(velocity.to_vec2::<f64>()?, [[0.0, 2.0]]);
/// assert_eq!(divergence.to_vec1::<f64>()?, [0.0]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub trait VectorField: Debug + Send + Sync {
    /// Number of features d.
    fn features(&self) -> usize;

    /// The noise levels of the diffusion whose probability flow this is, for fields that are one.
    fn noise_levels(&self) -> Option<&NoiseLevels> {
        None
    }

    /// Φ(t, x | c) with v = ∇Φ, `[n]`, for fields that are the gradient of a scalar: x `[n, d]`,
    /// context `[n, k]`. It is known up to a function of t and c.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn potential(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Option<Tensor>> {
        let _ = (t, x, context);
        Ok(None)
    }

    /// v(t, x | c): x `[n, d]`, context `[n, k]` → `[n, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn velocity(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor>;

    /// v(tᵢ, xᵢ | cᵢ) with a time for each row: times `[n]`, x `[n, d]`, context `[n, k]` →
    /// `[n, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn velocity_at(&self, times: &Tensor, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor>;

    /// v and its derivative along u, (∂v/∂x) u: x and u `[n, d]`, context `[n, k]` → two `[n, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn velocity_and_jvp(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)>;

    /// v `[n, d]` and its derivatives along k tangents: u `[k, n, d]` with k ≥ 1 → `[k, n, d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn velocity_and_jvps(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let along = |i: usize| self.velocity_and_jvp(t, x, &u.get(i)?, context);
        let (velocity, first) = along(0)?;
        let mut jvps = vec![first];
        for i in 1..u.dim(0)? {
            jvps.push(along(i)?.1);
        }
        Ok((velocity, Tensor::stack(&jvps, 0)?))
    }

    /// As [`VectorField::velocity_and_jvps`] with a time for each row, `[n]`; row by row, unless a field
    /// knows better.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn velocity_and_jvps_at(
        &self,
        times: &Tensor,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_times("VectorField::velocity_and_jvps_at", times, x)?;
        let (mut velocities, mut jvps) = (Vec::new(), Vec::new());
        for (row, t) in to_f64(times)?.into_iter().enumerate() {
            let context = context.map(|c| c.narrow(0, row, 1)).transpose()?;
            let (x, u) = (x.narrow(0, row, 1)?, u.narrow(1, row, 1)?);
            let (velocity, along) = self.velocity_and_jvps(t, &x, &u, context.as_ref())?;
            velocities.push(velocity);
            jvps.push(along);
        }
        Ok((Tensor::cat(&velocities, 0)?, Tensor::cat(&jvps, 1)?))
    }

    /// v `[n, d]` and its divergence Σᵢ ∂vᵢ/∂xᵢ `[n]`, exactly, from d tangents.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn velocity_and_divergence(
        &self,
        t: f64,
        x: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let unit = Tensor::eye(self.features(), x.dtype(), x.device())?;
        let along = |i: usize| -> Result<(Tensor, Tensor)> {
            let u = unit.narrow(0, i, 1)?.broadcast_as(x.shape())?.contiguous()?;
            let (velocity, jvp) = self.velocity_and_jvp(t, x, &u, context)?;
            Ok((velocity, jvp.narrow(1, i, 1)?.squeeze(1)?))
        };
        let (velocity, mut divergence) = along(0)?;
        for i in 1..self.features() {
            divergence = (divergence + along(i)?.1)?;
        }
        Ok((velocity, divergence))
    }
}

/// What points to a field is one.
macro_rules! delegate {
    ($($pointer:ty),*) => {$(
        impl VectorField for $pointer {
        fn features(&self) -> usize {
            (**self).features()
        }

        fn noise_levels(&self) -> Option<&NoiseLevels> {
            (**self).noise_levels()
        }

        fn potential(
            &self,
            t: f64,
            x: &Tensor,
            context: Option<&Tensor>,
        ) -> Result<Option<Tensor>> {
            (**self).potential(t, x, context)
        }

        fn velocity(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
            (**self).velocity(t, x, context)
        }

        fn velocity_at(&self, times: &Tensor, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
            (**self).velocity_at(times, x, context)
        }

        fn velocity_and_jvp(
            &self,
            t: f64,
            x: &Tensor,
            u: &Tensor,
            context: Option<&Tensor>,
        ) -> Result<(Tensor, Tensor)> {
            (**self).velocity_and_jvp(t, x, u, context)
        }

        fn velocity_and_jvps(
            &self,
            t: f64,
            x: &Tensor,
            u: &Tensor,
            context: Option<&Tensor>,
        ) -> Result<(Tensor, Tensor)> {
            (**self).velocity_and_jvps(t, x, u, context)
        }

        fn velocity_and_jvps_at(
            &self,
            times: &Tensor,
            x: &Tensor,
            u: &Tensor,
            context: Option<&Tensor>,
        ) -> Result<(Tensor, Tensor)> {
            (**self).velocity_and_jvps_at(times, x, u, context)
        }

        fn velocity_and_divergence(
            &self,
            t: f64,
            x: &Tensor,
            context: Option<&Tensor>,
        ) -> Result<(Tensor, Tensor)> {
            (**self).velocity_and_divergence(t, x, context)
        }
        }
    )*};
}
delegate!(Box<dyn VectorField>, &dyn VectorField);

/// Fails unless there is a time `[n]` for each row of x.
///
/// # Errors
/// [`Error::Shape`].
pub fn check_times(what: &'static str, times: &Tensor, x: &Tensor) -> Result<()> {
    let rows = x.dim(0)?;
    if times.dims() == [rows] {
        return Ok(());
    }
    Err(Error::shape(what, format!("times [{rows}]"), times.dims()))
}

/// Fails unless the tangent u has the shape of x.
///
/// # Errors
/// [`Error::Shape`].
pub fn check_tangent(what: &'static str, x: &Tensor, u: &Tensor) -> Result<()> {
    if x.shape() == u.shape() {
        return Ok(());
    }
    Err(Error::shape(what, format!("tangent {:?}", x.shape()), u.dims()))
}

/// Fails unless u is k ≥ 1 tangents of the shape of x each.
///
/// # Errors
/// [`Error::Shape`].
pub fn check_tangents(what: &'static str, x: &Tensor, u: &Tensor) -> Result<()> {
    match u.dims() {
        [k, others @ ..] if *k > 0 && others == x.dims() => Ok(()),
        got => Err(Error::shape(what, format!("tangents [k ≥ 1, {:?}]", x.dims()), got)),
    }
}
