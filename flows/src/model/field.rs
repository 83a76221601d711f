//! The vector fields of a fitted model, in the units of its data.

use super::Model;
use crate::config::LayerConfig;
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
/// Length of a difference, in standard deviations of the column: its cube root of rounding in `f64`.
const STEP: f64 = 1e-5;

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
    /// Lengths of differences along each feature, in data units.
    steps: Vec<f64>,
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
        let steps = model.baseline.standard_deviations()?.iter().map(|s| STEP * s).collect();
        Ok(Self { model, kind, steps, chunk: FEW_ROWS })
    }

    /// Whether it is a score, not a velocity.
    pub(super) fn is_score(&self) -> bool {
        !matches!(self.kind, FieldKind::Velocity { .. })
    }

    /// The standard deviation of each feature in the data.
    pub(super) fn deviations(&self) -> Result<Vec<f64>> {
        self.model.baseline.standard_deviations()
    }

    /// The field at each row, `[n · d]` row-major: data units a unit of time, or nats a data unit.
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have other columns than the model.
    pub fn at(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        self.model.check_rows(rows)?;
        let device = self.model.params.device();
        let chunks = workers.map_chunks(rows.len(), self.chunk, |range| {
            let points = rows.points_tensor(&range, device)?;
            let context = rows.context_tensor(&range, device)?;
            match self.kind {
                FieldKind::Score => self.score(&points, context.as_ref()),
                FieldKind::NoisyScore { level } => {
                    self.noisy_score(level, &points, context.as_ref())
                }
                FieldKind::Velocity { time } => self.velocity(time, &points, context.as_ref()),
            }
        })?;
        Ok(chunks.concat())
    }

    /// Σᵢ ∂vᵢ/∂xᵢ at each row, `[n]`, by central differences in double precision.
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
        match self.steps.len() {
            2 => Ok(()),
            d => Err(Error::config(
                "curl",
                format!("the field has {d} features"),
                "it is a number only for two: leave it out",
            )),
        }
    }

    /// ∂v/∂xᵢ at each row, `[n · d]`.
    pub(super) fn along(&self, rows: &Rows, i: usize, workers: &Workers) -> Result<Vec<f64>> {
        let step = self.steps[i];
        let shifted = |by: f64| -> Result<Vec<f64>> {
            let mut points = rows.points().to_vec();
            points.iter_mut().skip(i).step_by(rows.features()).for_each(|value| *value += by);
            let mut moved = Rows::new(rows.features(), points)?;
            if let Some((width, context)) = rows.context() {
                moved = moved.with_context(width, context.to_vec())?;
            }
            self.at(&moved, workers)
        };
        let (before, after) = (shifted(-step)?, shifted(step)?);
        Ok(after
            .iter()
            .zip(&before)
            .map(|(after, before)| (after - before) / (2.0 * step))
            .collect())
    }

    fn score(&self, points: &Tensor, context: Option<&Tensor>) -> Result<Vec<f64>> {
        let x = Var::from_tensor(points)?;
        let log_prob = self.model.log_prob_in_graph(&x, context)?;
        let store = log_prob.sum_all()?.backward()?;
        match store.get(&x) {
            Some(gradient) => to_f64(gradient),
            None => Ok(vec![0.0; points.elem_count()]),
        }
    }

    /// (∂P/∂x)ᵀ s(P(x), σ) + ∇ log|det ∂P/∂x|, P being the preparation.
    fn noisy_score(
        &self,
        level: f64,
        points: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<Vec<f64>> {
        let preparation = &self.model.preparation;
        let x = Var::from_tensor(points)?;
        let mapped = preparation.forward(&x)?;
        let context = preparation.context(context)?;
        let field = single_field(&self.model.flow)?;
        let score = score_at(field, level, &mapped.points.detach(), context.as_ref())?;
        let pulled = (mapped.points * score.detach())?.sum_all()?;
        let store = (pulled + mapped.log_det.sum_all()?)?.backward()?;
        match store.get(&x) {
            Some(gradient) => to_f64(gradient),
            None => Ok(vec![0.0; points.elem_count()]),
        }
    }

    /// ∂P⁻¹/∂y v(t, y) at y = P(x), P being the preparation, which maps each feature alone.
    fn velocity(&self, t: f64, points: &Tensor, context: Option<&Tensor>) -> Result<Vec<f64>> {
        let preparation = &self.model.preparation;
        let prepared = preparation.forward(points)?.points;
        let context = preparation.context(context)?;
        let field = self.model.flow.field();
        let field = field.ok_or_else(|| Error::shape("ModelField", "a continuous flow", &[]))?;
        let velocity = field.velocity(t, &prepared, context.as_ref())?.detach();
        let y = Var::from_tensor(&prepared)?;
        let store = preparation.inverse(&y)?.points.sum_all()?.backward()?;
        let slope = store.get(&y).map_or_else(|| y.zeros_like(), |slope| Ok(slope.detach()))?;
        to_f64(&(velocity * slope)?)
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
