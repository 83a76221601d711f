//! A fitted density in the units of its data: preparation, flow, weights and where they came from.

mod arrays;
mod calibration;
mod column;
mod container;
mod context;
mod differences;
mod energy;
mod error_bars;
mod evaluations;
mod evaluator;
mod field;
mod file;
mod fingerprint;
mod fisher;
mod jacobians;
mod latent_jacobians;
mod latents;
mod noise;
mod number;
mod numbers;
mod prepared;
mod sampling;
mod spec;
mod table;
mod trajectories;
mod walks;

pub use arrays::Arrays;
pub use calibration::{Calibration, HeldOut};
pub use column::{Column, ColumnKind};
pub use container::FORMAT;
pub use context::{GivenColumn, OutsideRange};
pub(crate) use context::{REACH, REACH_OF_OLD, ranges_of};
pub use error_bars::WithErrors;
pub use evaluations::Evaluations;
pub use evaluator::Evaluator;
use evaluator::in_sample_chunks;
pub use field::{FieldKind, ModelField};
pub use fingerprint::Fingerprint;
pub use fisher::NoisyFisher;
pub use latents::Images;
use numbers::Numbers;
pub use prepared::PreparedRows;
pub use spec::{DataSummary, ModelSpec, Precision, RowCounts, TrainingSummary};
pub use table::encode;
pub use walks::Frame;

use crate::cancel::Cancel;
use crate::densities::GaussianBaseline;
use crate::engine::{Choice, Engine};
use crate::error::{Error, Result};
use crate::flow::Flow;
use crate::objective::Batch;
use crate::params::{Params, to_f64};
use crate::preparation::{Preparation, pieces};
use crate::rng::{Stream, generator};
use crate::rows::Rows;
use crate::transforms::Support;
use crate::workers::Workers;
use candle_core::{Device, Tensor};

/// Rows of one chunk of `log_prob` and `sample`: memory is bounded by it, whatever the table.
const CHUNK_ROWS: usize = 4096;
/// The largest number of rows that layers and base take their start from.
pub const INITIAL_ROWS: usize = 20_000;

/// A density over the columns of a table, possibly given other columns.
///
/// Log-densities are in nats and in the units of the data. As a [`Density`](crate::Density) it takes and gives
/// tensors of any dtype (`f64` results) outside any gradient; `log_prob_rows` and `sample_rows` take
/// plain numbers and use several threads. Both run in chunks on the tier of
/// [`Model::with_engine`]. What is to be differentiated is [`Model::flow`].
///
/// # Example
/// ```no_run
/// use diffeo_flows::{Workers, model::Model, rows::Rows};
/// let model = Model::load("runs/two-moons", &candle_core::Device::Cpu)?;
/// let rows = Rows::new(2, vec![2.0, 0.0, -1.5, 0.7])?;
/// let log_prob = model.log_prob_rows(&rows, &Workers::new(1)?)?;
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Model {
    spec: ModelSpec,
    params: Params,
    preparation: Preparation,
    flow: Flow,
    baseline: GaussianBaseline,
    calibration: Option<Calibration>,
    engine: Engine,
}

impl Model {
    /// An untrained model.
    ///
    /// # Errors
    /// [`Error::Config`] when the description cannot be built, or asks of a solver what the precision of
    /// the weights cannot deliver.
    pub fn new(spec: ModelSpec, device: &Device) -> Result<Self> {
        spec.check_columns()?;
        spec.check_tolerances()?;
        let params = Params::new(spec.dtype.into(), device, spec.seed);
        Self::build(spec, params)
    }

    /// The same with no more than so many numbers in weights and buffers.
    fn within(spec: ModelSpec, device: &Device, numbers: usize) -> Result<Self> {
        spec.check_columns()?;
        let params = Params::new(spec.dtype.into(), device, spec.seed).with_room_for(numbers);
        Self::build(spec, params)
    }

    fn build(spec: ModelSpec, mut params: Params) -> Result<Self> {
        let supports: Vec<Support> = spec.columns.iter().map(|c| c.support).collect();
        let preparation = Preparation::new(&mut params, &supports, spec.given.len())?
            .holding_context_to(&spec.given_ranges);
        let flow = spec.flow.build(&mut params)?;
        let (features, context) = (spec.columns.len(), spec.given.len());
        let baseline = GaussianBaseline::new(params.scope("baseline"), features, context)?;
        let (calibration, engine) = (None, Engine::default());
        Ok(Self { spec, params, preparation, flow, baseline, calibration, engine })
    }

    /// The same model, of the same storage, that keeps no graph of its operations.
    fn frozen(&self) -> Result<Self> {
        Self::build(self.spec.clone(), self.params.frozen())
    }

    /// Makes log-densities and samples, of rows and of tensors, run on this tier.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// The tier that runs the flow.
    ///
    /// # Errors
    /// [`Error::Config`] when the fast tier was asked for and cannot run it.
    pub fn engine(&self) -> Result<Choice> {
        self.engine.choose(&self.spec.flow, &self.params)
    }

    /// What the model is and where it came from.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Records where the weights came from.
    pub fn set_training(&mut self, summary: TrainingSummary) {
        self.spec.training = Some(summary);
    }

    /// Log-densities of rows held out of the fit; none where no rows were, where they have weights,
    /// and in models of earlier versions.
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }

    /// Keeps log-densities of held-out rows with the model.
    pub fn set_calibration(&mut self, calibration: Calibration) {
        self.calibration = Some(calibration);
    }

    /// The flow in the prepared space.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// The maps between data units and the prepared space.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// The weights and buffers.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The full Gaussian fitted to the same rows.
    pub fn baseline(&self) -> &GaussianBaseline {
        &self.baseline
    }

    /// At most [`INITIAL_ROWS`] of these rows, drawn at random, as the flow sees them, row-major.
    ///
    /// # Errors
    /// [`Error::Data`] for a constant column or a row outside a support.
    pub fn standardised(&self, train: &Rows) -> Result<Vec<f64>> {
        let counted = train.of_weight();
        let train = counted.as_ref();
        self.check_rows(train)?;
        self.require_varying(train)?;
        let device = self.params.device();
        self.preparation.fit(train, device)?;
        let seen = self.seen_at_start(train);
        let points = seen.points_tensor(&(0..seen.len()), device)?;
        to_f64(&self.preparation.forward(&points)?.points)
    }

    /// Takes from the training rows all that is not trained: means and scales, the Gaussian
    /// baseline, and the start of layers and base, from at most [`INITIAL_ROWS`] of them.
    ///
    /// # Errors
    /// [`Error::Data`] for a constant column or a row outside a support.
    pub fn initialise(&self, train: &Rows) -> Result<()> {
        self.initialise_unless(&Cancel::new(), train)
    }

    /// The same, given up when it is asked to stop.
    pub(crate) fn initialise_unless(&self, cancel: &Cancel, train: &Rows) -> Result<()> {
        let counted = train.of_weight();
        let train = counted.as_ref();
        self.check_rows(train)?;
        self.require_varying(train)?;
        self.preparation.fit(train, self.params.device())?;
        cancel.check()?;
        self.baseline.fit(train)?;
        cancel.check()?;
        let batch = self.batch(&self.seen_at_start(train))?;
        let mut rng = generator(self.spec.seed, Stream::Mixture, 0);
        self.flow.initialise(&batch.points, batch.context.as_ref(), &mut rng, cancel)
    }

    /// The rows that layers and base start from: all, or a random choice of them; of rows with
    /// weights each as often as its weight asks for.
    fn seen_at_start(&self, train: &Rows) -> Rows {
        if train.weights().is_some() {
            return train.take(&train.resampled(train.len().min(INITIAL_ROWS)));
        }
        let mut numbers: Vec<usize> = (0..train.len()).collect();
        if numbers.len() > INITIAL_ROWS {
            let mut rng = generator(self.spec.seed, Stream::Mixture, 2);
            numbers = rand::seq::index::sample(&mut rng, train.len(), INITIAL_ROWS).into_vec();
            numbers.sort_unstable();
        }
        train.take(&numbers)
    }

    /// Rows in data units as a batch in the prepared space.
    ///
    /// # Errors
    /// [`Error::Data`] naming the first row outside the support of a column.
    pub fn batch(&self, rows: &Rows) -> Result<Batch> {
        self.check_rows(rows)?;
        let (dtype, device) = (self.params.dtype(), self.params.device());
        let mut points = Numbers::new(dtype, rows.len() * rows.features());
        let mut log_det = Numbers::new(dtype, rows.len());
        let mut context = Numbers::new(dtype, rows.context().map_or(0, |(_, all)| all.len()));
        for range in pieces(rows.len()) {
            let mapped = self.preparation.forward(&rows.points_tensor(&range, device)?)?;
            let outside = to_f64(&mapped.log_det)?.iter().position(|v| !v.is_finite());
            if let Some(row) = outside {
                return Err(self.outside_support(rows, range.start + row));
            }
            points.append(&mapped.points)?;
            log_det.append(&mapped.log_det)?;
            let given = rows.context_tensor(&range, device)?;
            if let Some(given) = self.preparation.context(given.as_ref())? {
                context.append(&given)?;
            }
        }
        let weights = match rows.weights() {
            Some(weights) => {
                // Of mean 1, so that no unit of weights overflows in single precision.
                let mean = weights.iter().sum::<f64>() / weights.len() as f64;
                let scaled: Vec<f64> = weights.iter().map(|w| w / mean).collect();
                Some(Tensor::from_vec(scaled, rows.len(), device)?.to_dtype(dtype)?)
            }
            None => None,
        };
        let n = rows.len();
        let context = rows.context().map(|(k, _)| context.tensor((n, k), device)).transpose()?;
        Ok(Batch {
            points: points.tensor((n, rows.features()), device)?,
            context,
            weights,
            log_det: Some(log_det.tensor(n, device)?),
        })
    }

    /// Log-density of each row, nats, in data units; see [`Evaluator::log_prob`].
    ///
    /// # Errors
    /// [`Error::Shape`] when the rows have other columns than the model.
    pub fn log_prob_rows(&self, rows: &Rows, workers: &Workers) -> Result<Vec<f64>> {
        self.evaluator()?.log_prob(rows, workers)
    }

    /// The places of the rows whose log-density could not be computed, counted from 0.
    pub fn not_computed(log_prob: &[f64]) -> Vec<usize> {
        let unknown = log_prob.iter().enumerate().filter(|(_, value)| value.is_nan());
        unknown.map(|(row, _)| row).collect()
    }

    /// Fails unless every row lies in the supports of the columns.
    ///
    /// # Errors
    /// [`Error::Data`] naming the first row, by its number in the table, and the column.
    pub fn check_supports(&self, rows: &Rows) -> Result<()> {
        self.check_rows(rows)?;
        let inside = |values: &[f64]| {
            self.spec.columns.iter().zip(values).all(|(c, v)| c.support.contains(*v))
        };
        match rows.points().chunks_exact(rows.features()).position(|values| !inside(values)) {
            Some(row) => Err(self.outside_support(rows, row)),
            None => Ok(()),
        }
    }

    fn check_rows(&self, rows: &Rows) -> Result<()> {
        let (d, k) = (self.spec.columns.len(), self.spec.given.len());
        let width = rows.context().map_or(0, |(width, _)| width);
        if rows.features() != d || width != k {
            let expected = format!("rows of {d} features and {k} context values");
            return Err(Error::shape("Model", expected, &[rows.features(), width]));
        }
        Ok(())
    }

    /// Fails when a column has the same value in all training rows.
    fn require_varying(&self, train: &Rows) -> Result<()> {
        let features = self.spec.columns.iter().map(|c| c.name.as_str());
        let mut columns: Vec<(&str, &[f64], usize, usize)> =
            features.enumerate().map(|(i, n)| (n, train.points(), train.features(), i)).collect();
        if let Some((width, values)) = train.context() {
            let given = self.spec.given.iter().map(String::as_str).enumerate();
            columns.extend(given.map(|(i, name)| (name, values, width, i)));
        }
        for (at, (name, values, width, i)) in columns.into_iter().enumerate() {
            if self.spec.columns.get(at).is_none_or(|column| column.support == Support::Real) {
                require_scale(name, values.iter().skip(i).step_by(width))?;
            }
            let mut column = values.iter().skip(i).step_by(width);
            let first = column.next().copied().unwrap_or_default();
            if column.all(|v| v.to_bits() == first.to_bits()) {
                let problem = format!("all {} training rows have the value {first}", train.len());
                return Err(if self.spec.given.iter().any(|given| given == name) {
                    let remedy = "a context that is always the same adds nothing: leave it out of the \
                                  context (--given)";
                    Error::data(format!("context {name}"), problem, remedy)
                } else {
                    let remedy = "leave the column out, or hold out fewer rows";
                    Error::data(format!("column {name}"), problem, remedy)
                });
            }
        }
        Ok(())
    }

    fn outside_support(&self, rows: &Rows, row: usize) -> Error {
        let d = rows.features();
        let values = &rows.points()[row * d..(row + 1) * d];
        let columns = self.spec.columns.iter().zip(values);
        let culprit = columns.into_iter().find(|(c, v)| !c.support.contains(**v));
        let (name, value) =
            culprit.map_or(("?", f64::NAN), |(c, v)| (c.name.as_str(), c.decode(*v)));
        Error::data(
            format!("row {}, column {name}", rows.number(row) + 1),
            format!("{value} lies outside the column's support"),
            "remove the row or widen the support",
        )
    }
}

/// Fails for values so close together, or so far apart, that the square of their spread is no number;
/// equal values are another matter.
fn require_scale<'v>(name: &str, values: impl Iterator<Item = &'v f64>) -> Result<()> {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = values.fold(ends, |(low, high), v| (low.min(*v), high.max(*v)));
    let spread = high - low;
    if spread > 0.0 && !(spread * spread).is_normal() {
        return Err(Error::data(
            format!("column {name}"),
            format!("its values, {low:e} to {high:e}, are of a size whose square is no number"),
            "rescale the column, for instance to a standard deviation near 1",
        ));
    }
    Ok(())
}
