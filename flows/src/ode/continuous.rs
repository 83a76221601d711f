//! Continuous normalizing flows: a vector field, integrated, is a bijection.

use super::divergence::{Divergence, drawn, forms};
use super::march::Keep;
use super::solve::{Solver, solve, solve_each};
use super::state::{State, System};
use crate::calculus::Probe;
use crate::config::DivergenceConfig;
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::transform::{Direction, FlowOfField, Mapped, Transform, check_points};
use candle_core::Tensor;
use std::ops::Range;

/// The flow of a vector field over time 0 → 1, data → latent.
///
/// z = x(1) with x′ = v(t, x | c), x(0) = x, and log|det ∂z/∂x| = ∫₀¹ div v(t, x(t)) dt, with the
/// exact divergence, d forward-mode tangents for each evaluation, unless
/// [`ContinuousFlow::with_divergence`] says otherwise. The inverse integrates 1 → 0, and undoes the
/// forward map up to the error of the solver. A velocity of zero is the identity.
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
    divergence: DivergenceConfig,
    seed: u64,
    /// The most rows that are solved together outside a gradient.
    rows: usize,
}

impl<F: VectorField> ContinuousFlow<F> {
    /// The flow of a field, solved so.
    ///
    /// # Errors
    /// [`Error::Config`] for a solver that cannot be used.
    pub fn new(field: F, solver: Solver) -> Result<Self> {
        solver.check()?;
        Ok(Self { field, solver, divergence: DivergenceConfig::Exact, seed: 0, rows: usize::MAX })
    }

    /// The same flow with its divergence found so.
    ///
    /// Probes are held fixed over a solve and depend on the seed and on a row's entries (rounded to
    /// single precision) alone, not on where the row stands, so log-volumes are deterministic, and
    /// their expectation over seeds is the exact one at these points (Grathwohl et al. 2019, section
    /// 3.1; Meyer et al. 2021 for Hutch++). The inverse draws by the latent points: its log-volumes
    /// are other estimates than those of the forward map.
    ///
    /// # Example
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use diffeo_flows::Transform;
    /// use diffeo_flows::calculus::Probe;
    /// use diffeo_flows::config::DivergenceConfig;
    /// use diffeo_flows::fields::LinearField;
    /// use diffeo_flows::ode::{ContinuousFlow, RK4, Solver};
    /// let growth = LinearField::new(&Tensor::new(&[[0.5]], &Device::Cpu)?)?;
    /// let hutchinson = DivergenceConfig::Hutchinson { probe: Probe::Rademacher, probes: 2 };
    /// let flow = ContinuousFlow::new(growth, Solver::fixed(&RK4, 4))?
    ///     .with_divergence(hutchinson, 7)?;
    /// let mapped = flow.forward(&Tensor::new(&[[2.0]], &Device::Cpu)?, None)?;
    /// assert!((mapped.log_det.to_vec1::<f64>()?[0] - 0.5).abs() < 1e-12);
    /// # Ok::<(), diffeo_flows::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for too few probes.
    pub fn with_divergence(self, divergence: DivergenceConfig, seed: u64) -> Result<Self> {
        divergence.check()?;
        Ok(Self { divergence, seed, ..self })
    }

    /// The same flow that solves no more than so many rows together outside a gradient, so that memory
    /// is bounded.
    ///
    /// # Errors
    /// [`Error::Config`] for none.
    pub fn with_rows_at_once(self, rows: usize) -> Result<Self> {
        if rows == 0 {
            return Err(Error::config("rows at once", "there are none", "give at least 1"));
        }
        Ok(Self { rows, ..self })
    }

    /// The field.
    pub fn field(&self) -> &F {
        &self.field
    }

    /// The solver.
    pub fn solver(&self) -> &Solver {
        &self.solver
    }

    /// The differential equation of points and log-volume with the exact divergence, given a
    /// context.
    pub fn system<'a>(&'a self, context: Option<&'a Tensor>) -> PointsAndVolume<'a> {
        PointsAndVolume { field: &self.field, context, divergence: Divergence::Exact }
    }

    /// The same with the divergence that the flow is set to, for points shaped as x.
    ///
    /// # Errors
    /// [`Error::Shape`] when the shape of x does not fit.
    pub fn system_for<'a>(
        &'a self,
        x: &Tensor,
        context: Option<&'a Tensor>,
    ) -> Result<PointsAndVolume<'a>> {
        check_points("ContinuousFlow::system_for", x, self.field.features())?;
        let divergence = Divergence::new(self.divergence, self.seed, x)?;
        Ok(PointsAndVolume { field: &self.field, context, divergence })
    }

    /// Latent points `[n, d]` of x and, for each of the probes `first`, `first` + 1, …, the
    /// log-volume `[n]` that it gives alone, all from one solve: their spread is the error of their
    /// mean.
    ///
    /// Probes are of the kind that the flow is set to, or of signs; orthogonal ones are so within
    /// each d from a multiple of d on.
    ///
    /// # Example
    /// ```
    /// use candle_core::{Device, Tensor};
    /// use diffeo_flows::fields::LinearField;
    /// use diffeo_flows::ode::{ContinuousFlow, RK4, Solver};
    /// let shear = LinearField::new(&Tensor::new(&[[0.5, 1.0], [0.0, 0.5]], &Device::Cpu)?)?;
    /// let flow = ContinuousFlow::new(shear, Solver::fixed(&RK4, 4))?;
    /// let x = Tensor::new(&[[1.0, 2.0]], &Device::Cpu)?;
    /// let (_, log_dets) = flow.log_det_each(&x, None, 8, 0)?;
    /// // tr J = 1, and probes of signs see the shear as ±1 beside it.
    /// for log_det in log_dets {
    ///     assert!(((log_det.to_vec1::<f64>()?[0] - 1.0).abs() - 1.0).abs() < 1e-12);
    /// }
    /// # Ok::<(), diffeo_flows::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for no probes; otherwise as [`Transform::forward`].
    pub fn log_det_each(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        probes: usize,
        first: usize,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        check_points("ContinuousFlow::log_det_each", x, self.field.features())?;
        if probes == 0 {
            return Err(Error::config("probes", "there are none", "give at least 1"));
        }
        let kind = match self.divergence.resolved(self.field.features()) {
            DivergenceConfig::Hutchinson { probe, .. } => probe,
            _ => Probe::Rademacher,
        };
        let probes = drawn(kind, self.seed, x, first..first + probes)?;
        let system = |t: f64, state: &State| -> Result<State> {
            let (points, _) = both(state)?;
            let (velocity, forms) = forms(&self.field, t, points, &probes, context)?;
            Ok(State::new(vec![velocity, forms.t()?.contiguous()?]))
        };
        let zero = Tensor::zeros((x.dim(0)?, probes.dim(0)?), x.dtype(), x.device())?;
        let start = State::new(vec![x.clone(), zero]);
        let solution = solve(&system, &start, (0.0, 1.0), &self.solver)?;
        let (points, log_dets) = both(&solution.state)?;
        let each = (0..probes.dim(0)?).map(|j| Ok(log_dets.narrow(1, j, 1)?.squeeze(1)?));
        Ok((points.clone(), each.collect::<Result<_>>()?))
    }

    fn map(&self, x: &Tensor, context: Option<&Tensor>, span: (f64, f64)) -> Result<Mapped> {
        let start = PointsAndVolume::start(x)?;
        let solution = solve(&self.system_for(x, context)?, &start, span, &self.solver)?;
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

    fn initialise(&self, _: &Tensor, _: Option<&Tensor>, _: Direction) -> Result<()> {
        Ok(())
    }

    fn as_flow(&self) -> Option<(&dyn FlowOfField, Direction)> {
        Some((self, Direction::Forward))
    }
}

impl<F: VectorField> FlowOfField for ContinuousFlow<F> {
    fn field(&self) -> &dyn VectorField {
        &self.field
    }

    fn map_rows(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        direction: Direction,
    ) -> Result<Mapped> {
        check_points("ContinuousFlow::map_rows", x, self.field.features())?;
        let span = match direction {
            Direction::Forward => (0.0, 1.0),
            Direction::Inverse => (1.0, 0.0),
        };
        let rows = x.dim(0)?;
        let pieces = (0..rows).step_by(self.rows).map(|start| {
            let rows = start..rows.min(start + self.rows);
            self.by_halves(x, context, rows, span)
        });
        joined(&pieces.collect::<Result<Vec<_>>>()?)
    }
}

impl<F: VectorField> ContinuousFlow<F> {
    /// The images of these rows, outside any gradient. Where the solver fails, each half of them is
    /// solved by itself, down to the rows that are to blame.
    fn by_halves(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        rows: Range<usize>,
        span: (f64, f64),
    ) -> Result<Mapped> {
        let cut = |t: &Tensor| t.narrow(0, rows.start, rows.len())?.contiguous();
        let (some, given) = (cut(x)?.detach(), context.map(cut).transpose()?);
        let start = PointsAndVolume::start(&some)?;
        let system = self.system_for(&some, given.as_ref())?;
        match solve_each(&system, &start, span, &self.solver, &mut Keep::Last) {
            Ok(solution) => {
                let (points, log_det) = both(&solution.state)?;
                Ok(Mapped { points: points.clone(), log_det: log_det.clone() })
            }
            Err(Error::Solver { .. }) if rows.len() > 1 => {
                let middle = rows.start + rows.len() / 2;
                let halves = [rows.start..middle, middle..rows.end];
                let halves = halves.map(|rows| self.by_halves(x, context, rows, span));
                joined(&halves.into_iter().collect::<Result<Vec<_>>>()?)
            }
            Err(Error::Solver { .. }) => {
                let unknown = |t: &Tensor| t.zeros_like()?.affine(1.0, f64::NAN);
                Ok(Mapped {
                    points: unknown(&some)?,
                    log_det: unknown(&some.narrow(1, 0, 1)?.squeeze(1)?)?,
                })
            }
            Err(error) => Err(error),
        }
    }
}

/// Rows one after the other.
fn joined(pieces: &[Mapped]) -> Result<Mapped> {
    let points: Vec<&Tensor> = pieces.iter().map(|piece| &piece.points).collect();
    let log_det: Vec<&Tensor> = pieces.iter().map(|piece| &piece.log_det).collect();
    Ok(Mapped { points: Tensor::cat(&points, 0)?, log_det: Tensor::cat(&log_det, 0)? })
}

/// x′ = v(t, x | c), ℓ′ = div v(t, x | c) with x `[n, d]` and ℓ `[n]`.
#[derive(Debug, Clone)]
pub struct PointsAndVolume<'a> {
    field: &'a dyn VectorField,
    context: Option<&'a Tensor>,
    divergence: Divergence,
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
        let (velocity, divergence) = self.divergence.of(self.field, t, points, self.context)?;
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
