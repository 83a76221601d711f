//! The vector fields of a fitted model, in the units of its data.

use super::Model;
use crate::config::LayerConfig;
use crate::density::Density;
use crate::error::{Error, Result};
use crate::objectives::single_field;
use crate::params::to_f64;
use crate::rows::Rows;
use crate::score::score_at;
use crate::workers::Workers;
use candle_core::{DType, Tensor, Var};

/// Rows of one chunk.
const CHUNK_ROWS: usize = 256;
/// The same for few rows, so that the graph of a whole solution fits into memory that is at hand.
const FEW_ROWS: usize = 32;
/// Tolerance of the solver behind a score that is differentiated: far below the step of a difference.
const SCORE_TOLERANCE: f64 = 1e-9;
/// Length of a difference in the prepared space, where columns have unit variance: the cube root of
/// rounding in `f64`.
pub(super) const STEP: f64 = 1e-5;

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
    /// where it cannot be computed: outside the support of a column, and so far out that double
    /// precision or the solver of a continuous flow fails. 0 means that the field is 0.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have other columns than the model.
    pub fn at(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        let chunks = self.map_prepared(rows, workers, |at| to_f64(&self.at_prepared(at)?))?;
        Ok(chunks.concat())
    }

    /// Σᵢ ∂vᵢ/∂xᵢ at each row, `[n]`, by central differences in the prepared space, in double precision:
    /// standard deviations from the mean keep the digits that an offset of the data takes.
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

    /// ∂v/∂xᵢ at each row, `[n · d]`: (∂v/∂yᵢ) / (∂xᵢ/∂yᵢ) of the prepared point y.
    pub(super) fn along(&self, rows: &Rows, i: usize, workers: &Workers) -> Result<Vec<f64>> {
        let chunks = self.map_prepared(rows, workers, |at| {
            let (before, after) = (at.shifted(i, -STEP)?, at.shifted(i, STEP)?);
            let change = (self.at_prepared(&after)? - self.at_prepared(&before)?)?;
            let slope = self.model.slopes(&at.points)?.narrow(1, i, 1)?;
            to_f64(&change.broadcast_div(&(slope * (2.0 * STEP))?)?)
        })?;
        Ok(chunks.concat())
    }

    /// What `of` makes of the rows in the prepared space, chunk by chunk; where the solver of a
    /// continuous flow fails, row by row, and NaN for those rows that it fails for.
    fn map_prepared(
        &self,
        rows: &Rows,
        workers: &Workers,
        of: impl Fn(&Prepared) -> Result<Vec<f64>> + Sync,
    ) -> Result<Vec<Vec<f64>>> {
        self.model.check_rows(rows)?;
        let one = |range: &std::ops::Range<usize>| of(&self.prepared(rows, range)?);
        workers.map_chunks(rows.len(), self.chunk, |range| match one(&range) {
            Err(Error::Solver { .. }) => {
                let row = |row: usize| match one(&(row..row + 1)) {
                    Err(Error::Solver { .. }) => Ok(vec![f64::NAN; rows.features()]),
                    other => other,
                };
                Ok(range.map(row).collect::<Result<Vec<_>>>()?.concat())
            }
            other => other,
        })
    }

    fn prepared(&self, rows: &Rows, range: &std::ops::Range<usize>) -> Result<Prepared> {
        let (preparation, device) = (&self.model.preparation, self.model.params.device());
        let mapped = preparation.forward(&rows.points_tensor(range, device)?)?;
        let context = preparation.context(rows.context_tensor(range, device)?.as_ref())?;
        // 0 for rows inside the support, NaN for others.
        let inside = (&mapped.log_det - &mapped.log_det)?.unsqueeze(1)?;
        Ok(Prepared { points: mapped.points.broadcast_add(&inside)?, context })
    }

    fn at_prepared(&self, at: &Prepared) -> Result<Tensor> {
        match self.kind {
            FieldKind::Score => {
                self.pulled_back(at, |y| self.model.flow.log_prob(y, at.context.as_ref()))
            }
            FieldKind::NoisyScore { level } => {
                let field = single_field(&self.model.flow)?;
                let score = score_at(field, level, &at.points, at.context.as_ref())?.detach();
                self.pulled_back(at, |y| Ok((y * &score)?.sum(1)?))
            }
            FieldKind::Velocity { time } => {
                let field = self.model.flow.field();
                let field =
                    field.ok_or_else(|| Error::shape("ModelField", "a continuous flow", &[]))?;
                let velocity = field.velocity(time, &at.points, at.context.as_ref())?.detach();
                Ok((velocity * self.model.slopes(&at.points)?)?)
            }
        }
    }

    /// The score of the data from a log-density ℓ of the prepared space: log p(x) = ℓ(y) − log|det ∂x/∂y|,
    /// and each xᵢ is a function of yᵢ alone, so that ∂/∂xᵢ = (∂xᵢ/∂yᵢ)⁻¹ ∂/∂yᵢ.
    fn pulled_back(
        &self,
        at: &Prepared,
        log_prob: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let y = Var::from_tensor(&at.points)?;
        let log_prob = (log_prob(&y)? - self.model.preparation.inverse(&y)?.log_det)?;
        let store = log_prob.sum_all()?.backward()?;
        let gradient = store.get(&y).map_or_else(|| y.zeros_like(), |g| Ok(g.detach()))?;
        // A density that underflows to 0 has no gradient, and not the gradient 0.
        let defined = log_prob.detach().abs()?.lt(f64::INFINITY)?.unsqueeze(1)?;
        let nowhere = gradient.zeros_like()?.affine(1.0, f64::NAN)?;
        let gradient = defined.broadcast_as(gradient.shape())?.where_cond(&gradient, &nowhere)?;
        Ok((gradient / self.model.slopes(&at.points)?)?)
    }
}

/// Rows of a chunk in the prepared space, in double precision.
#[derive(Debug)]
struct Prepared {
    points: Tensor,
    context: Option<Tensor>,
}

impl Prepared {
    /// The same with yᵢ + `by`.
    fn shifted(&self, i: usize, by: f64) -> Result<Self> {
        let d = self.points.dim(1)?;
        let shift: Vec<f64> = (0..d).map(|j| if i == j { by } else { 0.0 }).collect();
        let shift = Tensor::from_vec(shift, (1, d), self.points.device())?;
        Ok(Self { points: self.points.broadcast_add(&shift)?, context: self.context.clone() })
    }
}

impl Model {
    /// ∂xᵢ/∂yᵢ of prepared points y `[n, d]`: the slopes of the way back to data units, which maps
    /// each feature alone.
    pub(super) fn slopes(&self, points: &Tensor) -> Result<Tensor> {
        let y = Var::from_tensor(&points.detach())?;
        let store = self.preparation.inverse(&y)?.points.sum_all()?.backward()?;
        store.get(&y).map_or_else(|| Ok(y.zeros_like()?), |slope| Ok(slope.detach()))
    }

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
            if let LayerConfig::Continuous { solver, .. } = layer {
                solver.absolute = solver.absolute.min(tolerance);
                solver.relative = solver.relative.min(tolerance);
            }
        }
        let double = Self::new(spec, self.params.device())?;
        for (to, from) in double.params.iter().zip(self.params.iter()) {
            to.var().set(&from.var().to_dtype(to.var().dtype())?)?;
        }
        debug_assert_eq!(double.params.dtype(), DType::F64);
        Ok(double.with_engine(crate::Engine::Reference))
    }
}
