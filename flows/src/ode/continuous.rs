//! Continuous normalizing flows: a vector field, integrated, is a bijection.

use super::solve::{Solver, solve};
use super::state::{State, System};
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::transform::{Mapped, Transform, check_points};
use candle_core::Tensor;

/// The flow of a vector field over time 0 → 1, data → latent.
///
/// z = x(1) with x′ = v(t, x | c), x(0) = x, and log|det ∂z/∂x| = ∫₀¹ div v(t, x(t)) dt, with the
/// exact divergence: d forward-mode tangents for each evaluation. The inverse integrates 1 → 0, and
/// undoes the forward map up to the error of the solver. A velocity of zero is the identity.
///
/// Gradients through [`Transform::forward`] keep the graph of all steps;
/// [`ContinuousFlow::system`] with
/// [`solve_with_checkpoints`](super::solve_with_checkpoints) or [`adjoint`](super::adjoint())
/// does not.
///
/// Chen et al. 2018, *Neural Ordinary Differential Equations*, section 4; Grathwohl et al. 2019.
///
/// # Example
/// ```
/// use candle_core::{Device, Tensor};
/// use diffeo_flows::Transform;
/// use diffeo_flows::fields::LinearField;
/// use diffeo_flows::ode::{ContinuousFlow, Solver, TSIT5};
/// let growth = LinearField::new(&Tensor::new(&[[0.5]], &Device::Cpu)?)?;
/// let flow = ContinuousFlow::new(growth, Solver::fixed(&TSIT5, 10))?;
/// let mapped = flow.forward(&Tensor::new(&[[2.0]], &Device::Cpu)?, None)?;
/// assert!((mapped.points.to_vec2::<f64>()?[0][0] - 2.0 * 0.5f64.exp()).abs() < 1e-8);
/// assert!((mapped.log_det.to_vec1::<f64>()?[0] - 0.5).abs() < 1e-12);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ContinuousFlow<F> {
    field: F,
    solver: Solver,
}

impl<F: VectorField> ContinuousFlow<F> {
    /// The flow of a field, solved so.
    ///
    /// # Errors
    /// [`Error::Config`] for a solver that cannot be used.
    pub fn new(field: F, solver: Solver) -> Result<Self> {
        solver.check()?;
        Ok(Self { field, solver })
    }

    /// The field.
    pub fn field(&self) -> &F {
        &self.field
    }

    /// The solver.
    pub fn solver(&self) -> &Solver {
        &self.solver
    }

    /// The differential equation of points and log-volume, given a context.
    pub fn system<'a>(&'a self, context: Option<&'a Tensor>) -> PointsAndVolume<'a> {
        PointsAndVolume { field: &self.field, context }
    }

    fn map(&self, x: &Tensor, context: Option<&Tensor>, span: (f64, f64)) -> Result<Mapped> {
        let start = PointsAndVolume::start(x)?;
        let solution = solve(&self.system(context), &start, span, &self.solver)?;
        let (points, log_det) = both(&solution.state)?;
        Ok(Mapped { points: points.clone(), log_det: log_det.clone() })
    }
}

impl<F: VectorField> Transform for ContinuousFlow<F> {
    fn features(&self) -> usize {
        self.field.features()
    }

    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("ContinuousFlow::forward", x, self.field.features())?;
        self.map(x, context, (0.0, 1.0))
    }

    fn inverse(&self, z: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        check_points("ContinuousFlow::inverse", z, self.field.features())?;
        self.map(z, context, (1.0, 0.0))
    }

    fn field(&self) -> Option<&dyn VectorField> {
        Some(&self.field)
    }
}

/// x′ = v(t, x | c), ℓ′ = div v(t, x | c) with x `[n, d]` and ℓ `[n]`.
#[derive(Debug, Clone, Copy)]
pub struct PointsAndVolume<'a> {
    field: &'a dyn VectorField,
    context: Option<&'a Tensor>,
}

impl PointsAndVolume<'_> {
    /// Points x `[n, d]` with log-volumes of 0.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn start(x: &Tensor) -> Result<State> {
        let log_det = Tensor::zeros(x.dim(0)?, x.dtype(), x.device())?;
        Ok(State::new(vec![x.clone(), log_det]))
    }
}

impl System for PointsAndVolume<'_> {
    fn slope(&self, t: f64, state: &State) -> Result<State> {
        let (points, _) = both(state)?;
        let (velocity, divergence) = self.field.velocity_and_divergence(t, points, self.context)?;
        Ok(State::new(vec![velocity, divergence]))
    }
}

/// Points and log-volume.
fn both(state: &State) -> Result<(&Tensor, &Tensor)> {
    match state.parts() {
        [points, log_det] => Ok((points, log_det)),
        parts => Err(Error::shape("PointsAndVolume", "points and log-volume", &[parts.len()])),
    }
}
