//! The energy of a diffusion whose network is the gradient of a scalar, in data units.

use super::{CHUNK_ROWS, Model};
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::flow::Flow;
use crate::objectives::{noise_levels, single_field};
use crate::params::to_f64;
use crate::rows::Rows;
use crate::score::NoisePrediction;
use crate::workers::Workers;
use candle_core::{DType, Tensor};

impl Model {
    /// E_σ(x) = −log p_σ(x) + constant of each row, nats in data units, as the network of a diffusion
    /// says without any solver; its negative gradient is the noisy score,
    /// [`FieldKind::NoisyScore`](super::FieldKind::NoisyScore).
    ///
    /// The score at prepared points x_σ is −ε̂/σ with ε̂ = a y + b v(t, y) at y = α x_σ, as
    /// [`NoisePrediction`] has a and b. With v = ∇Φ that is the negative gradient of
    ///
    /// (a α ‖x_σ‖²/2 + (b/α) Φ(t, α x_σ)) / σ
    ///
    /// and in data units x, with x_σ = P(x), of the same less log|det ∂P/∂x|. The constant depends on
    /// the level and, for a conditional model, on the context.
    ///
    /// # Errors
    /// [`Error::Config`] for a model that is no diffusion or whose network is no gradient, or a level
    /// outside its range; [`Error::Shape`] when the rows have other columns than the model.
    ///
    /// # Example
    /// ```no_run
    /// use diffeo_flows::{Workers, model::Model, rows::Rows};
    /// let model = Model::load("runs/energy", &candle_core::Device::Cpu)?;
    /// let rows = Rows::new(2, vec![2.0, 0.0, -1.5, 0.7])?;
    /// let energy = model.energy_rows(0.1, &rows, &Workers::new(1)?)?;
    /// let ratio = (energy[1] - energy[0]).exp(); // p_σ of the first row over that of the second
    /// # Ok::<(), diffeo_flows::Error>(())
    /// ```
    pub fn energy_rows(&self, level: f64, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        self.check_rows(rows)?;
        self.noise_levels()?.time_within(level)?;
        let model = self.in_double()?;
        let field = single_field(&model.flow)?;
        let device = model.params.device();
        let chunks = workers.map_chunks(rows.len(), CHUNK_ROWS, |range| {
            let mapped = model.preparation.forward(&rows.points_tensor(&range, device)?)?;
            let context = rows.context_tensor(&range, device)?;
            let context = model.preparation.context(context.as_ref())?;
            let energy = energy_at(field, level, &mapped.points, context.as_ref())?;
            to_f64(&(energy.to_dtype(DType::F64)? - mapped.log_det)?)
        })?;
        Ok(chunks.concat())
    }

    /// Whether the field of a diffusion is the gradient of a scalar, so that it has an energy.
    pub fn has_energy(&self) -> bool {
        let levels = self.noise_levels().is_ok();
        levels && self.flow.field().is_some_and(|field| is_gradient(field, &self.flow))
    }
}

/// Whether a field gives a potential at the origin.
fn is_gradient(field: &dyn VectorField, flow: &Flow) -> bool {
    let origin = Tensor::zeros((1, field.features()), flow.dtype(), flow.device());
    // A conditional field refuses points without context, which says that there is a potential.
    origin.is_ok_and(|origin| !matches!(field.potential(0.0, &origin, None), Ok(None)))
}

/// −log p_σ of points x_σ `[n, d]` of the prepared space up to a constant, `[n]`.
fn energy_at(
    field: &dyn VectorField,
    level: f64,
    x: &Tensor,
    context: Option<&Tensor>,
) -> Result<Tensor> {
    let levels = noise_levels(field)?;
    let t = levels.time_within(level)?;
    let (alpha, c) = (levels.coefficients(t).alpha, NoisePrediction::at(&levels, t));
    let y = x.affine(alpha, 0.0)?;
    let Some(potential) = field.potential(t, &y, context)? else {
        let problem = "the network is no gradient of a scalar";
        return Err(Error::config("energy", problem, "fit with --network conservative"));
    };
    let squares = y.sqr()?.sum(1)?;
    let sum =
        squares.affine(0.5 * c.point / alpha, 0.0)? + potential.affine(c.velocity / alpha, 0.0)?;
    Ok(sum?.affine(1.0 / level, 0.0)?.detach())
}
