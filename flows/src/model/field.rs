//! The vector fields of a fitted model, in the units of its data.

use super::Model;
use super::differences::central_difference;
use crate::calculus::unit_direction;
use crate::config::ContinuousConfig;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::objectives::single_field;
use crate::params::to_f64;
use crate::rows::Rows;
use crate::score::{score_and_jvp_at, score_at};
use crate::transforms::Derivatives;
use crate::workers::Workers;
use candle_core::{DType, Tensor, Var};

/// Rows of one chunk.
const CHUNK_ROWS: usize = 256;
/// The same for few rows, so that the graph of a whole solution fits into memory that is at hand.
const FEW_ROWS: usize = 32;
/// Tolerance of the solver behind a score that is differentiated: far below the step of a difference.
const SCORE_TOLERANCE: f64 = 1e-9;

/// Which field of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FieldKind {
    /// ∇ₓ log p(x), of any model.
    Score,
    /// ∇ₓ log p_σ(x) of a diffusion, as its network gives it, at a noise level.
    NoisyScore {
        /// σ, in standard deviations of the columns.
        level: f64,
    },
    /// v(t, x) of a continuous flow, as it moves points in the units of the data.
    Velocity {
        /// The time: 0 at the data, 1 at the latent points.
        time: f64,
    },
}

/// A field of a model over the space of its data, in double precision.
///
/// It is computed in the prepared space, where every column has mean 0 and standard deviation 1, and
/// taken to the units of the data by the exact derivatives of supports and standardisation: columns
/// with a large offset or scale keep their digits.
///
/// # Example
/// ```no_run
/// use diffeo_flows::{Workers, model::{FieldKind, Model, ModelField}, rows::Rows};
/// let model = Model::load("runs/two-moons", &candle_core::Device::Cpu)?;
/// let score = ModelField::new(&model, FieldKind::Score)?;
/// let rows = Rows::new(2, vec![2.0, 0.0, -1.5, 0.7])?;
/// let [first, second] = [score.at(&rows, &Workers::new(1)?)?, score.divergence(&rows, &Workers::new(1)?)?];
/// assert_eq!((first.len(), second.len()), (4, 2));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct ModelField {
    model: Model,
    kind: FieldKind,
    /// Rows that are computed at a time.
    chunk: usize,
}

impl ModelField {
    /// The field of a model with its weights as they stand.
    ///
    /// # Errors
    /// [`Error::Config`] for the velocity of a model that is no continuous flow, or a time outside
    /// [0, 1].
    pub fn new(model: &Model, kind: FieldKind) -> Result<Self> {
        Ok(Self { chunk: CHUNK_ROWS, ..Self::within(model, kind, SCORE_TOLERANCE)? })
    }

    /// As [`ModelField::new`] with a tolerance of its own for the solver behind the score of a
    /// continuous flow: a looser one is faster, but leaves no digits to differentiate the score. For few rows.
    ///
    /// # Errors
    /// As [`ModelField::new`].
    pub fn within(model: &Model, kind: FieldKind, tolerance: f64) -> Result<Self> {
        let model = model.in_double_within(tolerance)?;
        if let FieldKind::Velocity { time } = kind {
            if model.flow.field().is_none() {
                let flow = &model.spec.recipe;
                return Err(Error::config(
                    "velocity",
                    format!("{flow} is no continuous flow"),
                    "ask for its score, or fit ffjord or flow-matching",
                ));
            }
            if !(0.0..=1.0).contains(&time) {
                let remedy = "give a time from 0, at the data, to 1, at the latent points";
                return Err(Error::config("time", format!("{time}"), remedy));
            }
        }
        if let FieldKind::NoisyScore { level } = kind {
            model.noise_levels()?.time_within(level)?;
        }
        Ok(Self { model, kind, chunk: FEW_ROWS })
    }

    /// Whether it is a score, not a velocity.
    pub(super) fn is_score(&self) -> bool {
        !matches!(self.kind, FieldKind::Velocity { .. })
    }

    /// The standard deviation of each feature in the data.
    pub(super) fn deviations(&self) -> Result<Vec<f64>> {
        self.model.baseline.standard_deviations()
    }

    /// The field at each row, `[n · d]` row-major: data units a unit of time, or nats a data unit. NaN
    /// in rows where it is not known: outside the support of a column, where the density underflows
    /// even in double precision, and where the solver of a continuous flow fails.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have other columns than the model.
    pub fn at(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        self.over(rows, workers, |prepared| {
            let field = self.prepared_field(&prepared.at())?;
            Ok(self.in_data_units(&field, &prepared.derivatives))
        })
    }

    /// Σᵢ ∂vᵢ/∂xᵢ at each row, `[n]`: exactly of a network's field, by differences in the prepared space
    /// of a score.
    ///
    /// # Errors
    /// As [`ModelField::at`].
    pub fn divergence(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let d = rows.features();
        let mut sum = vec![0.0; rows.len()];
        for i in 0..d {
            let slope = self.along(rows, i, workers)?;
            sum.iter_mut().zip(slope.chunks_exact(d)).for_each(|(sum, row)| *sum += row[i]);
        }
        Ok(sum)
    }

    /// ∂v₂/∂x₁ − ∂v₁/∂x₂ at each row of a field of the plane, `[n]`, in the same way.
    ///
    /// # Errors
    /// [`Error::Config`] for other than two features; as [`ModelField::at`].
    pub fn curl(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        self.check_plane()?;
        let (first, second) = (self.along(rows, 0, workers)?, self.along(rows, 1, workers)?);
        let pairs = first.chunks_exact(2).zip(second.chunks_exact(2));
        Ok(pairs.map(|(first, second)| first[1] - second[0]).collect())
    }

    /// Fails unless the field is one of the plane, where its curl is a number.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub fn check_plane(&self) -> Result<()> {
        match self.model.spec.columns.len() {
            2 => Ok(()),
            d => Err(Error::config(
                "curl",
                format!("the field has {d} features"),
                "it is a number only for two: leave it out",
            )),
        }
    }

    /// ∂v/∂xⱼ at each row, `[n · d]`.
    ///
    /// With y = P(x), h′ = dy/dx and a = d ln h′/dx of each feature, a score is sᵢ = h′ᵢ gᵢ(y) + aᵢ, a
    /// velocity vᵢ = wᵢ(y)/h′ᵢ.
    pub(super) fn along(&self, rows: &Rows, j: usize, workers: &Workers) -> Result<Vec<f64>> {
        let d = rows.features();
        self.over(rows, workers, |prepared| {
            let field = self.prepared_field(&prepared.at())?;
            let mut slopes = self.prepared_along(&prepared.at(), j)?;
            let all = prepared.derivatives.chunks_exact(d);
            for ((slopes, field), of) in
                slopes.chunks_exact_mut(d).zip(field.chunks_exact(d)).zip(all)
            {
                for i in 0..d {
                    slopes[i] *= self.unit(&of[i]) * of[j].slope;
                }
                let Derivatives { slope, bend, bend_slope } = of[j];
                slopes[j] += if self.is_score() {
                    slope * bend * field[j] + bend_slope
                } else {
                    -bend * field[j] / slope
                };
            }
            Ok(slopes)
        })
    }

    /// What a feature of the prepared field is multiplied with.
    fn unit(&self, of: &Derivatives) -> f64 {
        if self.is_score() { of.slope } else { 1.0 / of.slope }
    }

    fn in_data_units(&self, field: &[f64], derivatives: &[Derivatives]) -> Vec<f64> {
        let of_volume = |of: &Derivatives| if self.is_score() { of.bend } else { 0.0 };
        let pairs = field.iter().zip(derivatives);
        pairs.map(|(v, of)| v * self.unit(of) + of_volume(of)).collect()
    }

    /// What `of` makes of each chunk of rows in the prepared space.
    fn over(
        &self,
        rows: &Rows,
        workers: &Workers,
        of: impl Fn(&Prepared) -> Result<Vec<f64>> + Sync,
    ) -> Result<Vec<f64>> {
        self.model.check_rows(rows)?;
        let (device, preparation) = (self.model.params.device(), &self.model.preparation);
        let chunks = workers.map_chunks(rows.len(), self.chunk, |range| {
            let points = rows.points_tensor(&range, device)?;
            let (points, derivatives) = preparation.with_derivatives(&points)?;
            let context = preparation.context(rows.context_tensor(&range, device)?.as_ref())?;
            of(&Prepared { points, context, derivatives })
        })?;
        Ok(chunks.concat())
    }

    /// The field in the prepared space, `[n · d]`, NaN in rows where it is not known.
    fn prepared_field(&self, at: &At) -> Result<Vec<f64>> {
        known_rows(at, &|at| match self.kind {
            FieldKind::Score => self.prepared_score(at),
            FieldKind::NoisyScore { level } => {
                let field = single_field(&self.model.flow)?;
                to_f64(&score_at(field, level, at.points, at.context)?.detach())
            }
            FieldKind::Velocity { time } => {
                to_f64(&self.velocity_field()?.velocity(time, at.points, at.context)?.detach())
            }
        })
    }

    /// ∂/∂yⱼ of the field in the prepared space, `[n · d]`.
    fn prepared_along(&self, at: &At, j: usize) -> Result<Vec<f64>> {
        match self.kind {
            FieldKind::Score => central_difference(at.points, j, |points| {
                self.prepared_field(&At { points, ..*at })
            }),
            FieldKind::NoisyScore { level } => {
                let field = single_field(&self.model.flow)?;
                known_rows(at, &|at| {
                    let unit = unit_direction(at.points, j)?;
                    let (_, along) = score_and_jvp_at(field, level, at.points, &unit, at.context)?;
                    to_f64(&along.detach())
                })
            }
            FieldKind::Velocity { time } => {
                let field = self.velocity_field()?;
                known_rows(at, &|at| {
                    let unit = unit_direction(at.points, j)?;
                    let (_, along) = field.velocity_and_jvp(time, at.points, &unit, at.context)?;
                    to_f64(&along.detach())
                })
            }
        }
    }

    fn velocity_field(&self) -> Result<&dyn VectorField> {
        let field = self.model.flow.field();
        field.ok_or_else(|| Error::shape("ModelField", "a continuous flow", &[]))
    }

    /// ∇ log p in the prepared space. Where the density underflows its gradient would be 0, which
    /// reads as a stationary point: NaN there.
    fn prepared_score(&self, at: &At) -> Result<Vec<f64>> {
        let d = at.points.dim(1)?;
        let y = Var::from_tensor(at.points)?;
        let log_prob = self.model.flow.log_prob(&y, at.context)?;
        let store = log_prob.sum_all()?.backward()?;
        let mut score = match store.get(&y) {
            Some(gradient) => to_f64(gradient)?,
            None => vec![0.0; at.points.elem_count()],
        };
        for (row, log_prob) in score.chunks_exact_mut(d).zip(to_f64(&log_prob.detach())?) {
            if !log_prob.is_finite() {
                row.fill(f64::NAN);
            }
        }
        Ok(score)
    }
}

/// Rows in the prepared space, in double precision, and the derivatives of the way there.
struct Prepared {
    points: Tensor,
    context: Option<Tensor>,
    derivatives: Vec<Derivatives>,
}

impl Prepared {
    fn at(&self) -> At<'_> {
        At { points: &self.points, context: self.context.as_ref() }
    }
}

/// Where a field of the prepared space is asked for.
#[derive(Clone, Copy)]
struct At<'a> {
    points: &'a Tensor,
    context: Option<&'a Tensor>,
}

/// `of` these rows, d numbers each; where a solver fails, of each half of them, down to single rows,
/// which are NaN then. A row with a number that is not finite is NaN throughout.
fn known_rows(at: &At, of: &dyn Fn(&At) -> Result<Vec<f64>>) -> Result<Vec<f64>> {
    let (n, d) = at.points.dims2()?;
    match of(at) {
        Ok(mut values) => {
            for row in values.chunks_exact_mut(d) {
                if row.iter().any(|value| !value.is_finite()) {
                    row.fill(f64::NAN);
                }
            }
            Ok(values)
        }
        Err(Error::Solver { .. }) if n == 1 => Ok(vec![f64::NAN; d]),
        Err(Error::Solver { .. }) => {
            let half = |start: usize, rows: usize| -> Result<Vec<f64>> {
                let points = at.points.narrow(0, start, rows)?.contiguous()?;
                let part = |c: &Tensor| c.narrow(0, start, rows)?.contiguous();
                let context = at.context.map(part).transpose()?;
                known_rows(&At { points: &points, context: context.as_ref() }, of)
            };
            Ok([half(0, n / 2)?, half(n / 2, n - n / 2)?].concat())
        }
        Err(error) => Err(error),
    }
}

impl Model {
    /// The same model in double precision, on the reference tier.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn in_double(&self) -> Result<Self> {
        self.in_double_within(f64::INFINITY)
    }

    /// The same with the tolerances of a continuous flow no larger than this.
    ///
    /// # Errors
    /// As [`Model::in_double`].
    pub fn in_double_within(&self, tolerance: f64) -> Result<Self> {
        let mut spec = super::ModelSpec { dtype: super::Precision::F64, ..self.spec.clone() };
        for layer in &mut spec.flow.layers {
            layer.change(|ContinuousConfig { solver, .. }| {
                solver.absolute = solver.absolute.min(tolerance);
                solver.relative = solver.relative.min(tolerance);
            });
        }
        let double = Self::new(spec, self.params.device())?;
        for (to, from) in double.params.iter().zip(self.params.iter()) {
            to.var().set(&from.var().to_dtype(to.var().dtype())?)?;
        }
        debug_assert_eq!(double.params.dtype(), DType::F64);
        Ok(double.with_engine(crate::Engine::Reference))
    }
}
