//! Vector fields in closed form.

use crate::error::{Error, Result};
use crate::field::{VectorField, check_tangent, check_times};
use crate::params::to_f64;
use crate::transform::check_points;
use candle_core::Tensor;
use std::fmt;

/// The linear field v(t, x) = A x, whose flow is x(t) = exp(A t) x(0) and whose divergence is tr A.
///
/// A context is ignored.
#[derive(Debug, Clone)]
pub struct LinearField {
    /// Aᵀ, since points are rows.
    transposed: Tensor,
}

impl LinearField {
    /// The field of a matrix A `[d, d]`, which may be a variable.
    ///
    /// # Errors
    /// [`Error::Shape`] when A is not square.
    pub fn new(matrix: &Tensor) -> Result<Self> {
        match matrix.dims() {
            [rows, columns] if rows == columns && *rows > 0 => {
                Ok(Self { transposed: matrix.t()?.contiguous()? })
            }
            got => Err(Error::shape("LinearField::new", "[d, d] with d ≥ 1", got)),
        }
    }
}

impl VectorField for LinearField {
    fn features(&self) -> usize {
        self.transposed.dims()[0]
    }

    fn velocity(&self, _t: f64, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("LinearField::velocity", x, self.features())?;
        Ok(x.contiguous()?.matmul(&self.transposed)?)
    }

    fn velocity_at(&self, times: &Tensor, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_times("LinearField::velocity_at", times, x)?;
        self.velocity(0.0, x, context)
    }

    fn velocity_and_jvp(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_tangent("LinearField::velocity_and_jvp", x, u)?;
        Ok((self.velocity(t, x, context)?, self.velocity(t, u, context)?))
    }
}

/// A field from two functions: v(t, x) and its derivative (∂v/∂x) u.
///
/// Both take and give `[n, d]`. A context is ignored.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::field::VectorField;
/// use diffeo_flows::fields::FieldFn;
/// // x′ = x cos t
/// let field = FieldFn::new(
///     1,
///     |t, x| Ok((x * t.cos())?),
///     |t, _x, u| Ok((u * t.cos())?),
/// );
/// let x = Tensor::new(&[[3.0]], &Device::Cpu)?;
/// assert_eq!(field.velocity(0.0, &x, None)?.to_vec2::<f64>()?, [[3.0]]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
pub struct FieldFn<V, J> {
    features: usize,
    velocity: V,
    jvp: J,
}

impl<V, J> FieldFn<V, J>
where
    V: Fn(f64, &Tensor) -> Result<Tensor> + Send + Sync,
    J: Fn(f64, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync,
{
    /// A field of `features` features.
    pub fn new(features: usize, velocity: V, jvp: J) -> Self {
        Self { features, velocity, jvp }
    }
}

impl<V, J> fmt::Debug for FieldFn<V, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldFn").field("features", &self.features).finish_non_exhaustive()
    }
}

impl<V, J> VectorField for FieldFn<V, J>
where
    V: Fn(f64, &Tensor) -> Result<Tensor> + Send + Sync,
    J: Fn(f64, &Tensor, &Tensor) -> Result<Tensor> + Send + Sync,
{
    fn features(&self) -> usize {
        self.features
    }

    fn velocity(&self, t: f64, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("FieldFn::velocity", x, self.features)?;
        (self.velocity)(t, x)
    }

    fn velocity_at(&self, times: &Tensor, x: &Tensor, _context: Option<&Tensor>) -> Result<Tensor> {
        check_points("FieldFn::velocity_at", x, self.features)?;
        check_times("FieldFn::velocity_at", times, x)?;
        let row = |(i, t)| (self.velocity)(t, &x.narrow(0, i, 1)?);
        let rows: Vec<Tensor> =
            to_f64(times)?.into_iter().enumerate().map(row).collect::<Result<_>>()?;
        Ok(Tensor::cat(&rows, 0)?)
    }

    fn velocity_and_jvp(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_tangent("FieldFn::velocity_and_jvp", x, u)?;
        Ok((self.velocity(t, x, context)?, (self.jvp)(t, x, u)?))
    }
}
