//! What is checked.

use super::claims::{Claims, ModelClaims};
use diffeo_flows::model::{FieldKind, Model, ModelSpec};
use diffeo_flows::rows::Rows;
use diffeo_flows::transforms::Support;
use diffeo_flows::{Error, Result, Workers};

/// Samples of the model that its score is checked on: enough to see a score a tenth too long.
const SAMPLES: usize = 2000;
/// The same of a continuous flow, each of which is solved there and back.
const SOLVED: usize = 500;

/// Rows that a certificate may look at; none where they are not known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Rows that the model was trained on.
    pub train: Option<&'a Rows>,
    /// Rows that it has not seen.
    pub held_out: Option<&'a Rows>,
}

/// A model, what it claims, samples of it and its score there.
#[derive(Debug)]
pub struct Subject<'a> {
    pub(super) model: &'a Model,
    pub(super) claims: Box<dyn Claims + 'a>,
    pub(super) evidence: Evidence<'a>,
    pub(super) seed: u64,
    pub(super) workers: &'a Workers,
    /// Draws of the model, given the contexts of the data where it is conditional.
    pub(super) samples: Rows,
    /// Where fields are looked at: the held-out rows, or the samples.
    pub(super) places: Rows,
    /// ∇ log p at the samples, row-major.
    pub(super) score: Vec<f64>,
    /// The standard deviation of each feature of the samples.
    pub(super) deviations: Vec<f64>,
}

impl<'a> Subject<'a> {
    /// Draws samples of the model and computes the score at them.
    ///
    /// # Errors
    /// [`Error::Data`] for a conditional model without rows; when the model cannot be evaluated.
    pub fn new(
        model: &'a Model,
        evidence: Evidence<'a>,
        seed: u64,
        workers: &'a Workers,
    ) -> Result<Self> {
        Self::claiming(Box::new(ModelClaims { model, workers }), model, evidence, (seed, workers))
    }

    /// The same for other claims than the model's own.
    ///
    /// # Errors
    /// As [`Subject::new`].
    pub fn claiming(
        claims: Box<dyn Claims + 'a>,
        model: &'a Model,
        evidence: Evidence<'a>,
        (seed, workers): (u64, &'a Workers),
    ) -> Result<Self> {
        let known = evidence.held_out.or(evidence.train);
        if known.is_none() && !model.spec().given.is_empty() {
            let problem = "the model is conditional";
            return Err(Error::data("check", problem, "give data whose contexts to check it at"));
        }
        let most = if model.flow().field().is_some() { SOLVED } else { SAMPLES };
        let known = known.map(|rows| evenly(rows, most));
        let samples = samples(claims.as_ref(), model.spec(), known.as_ref(), (most, seed))?;
        let score = claims.score(&samples)?;
        let (d, n) = (samples.features(), samples.len() as f64);
        let deviation = |k: usize| {
            let column = || samples.points().iter().skip(k).step_by(d);
            let mean = column().sum::<f64>() / n;
            (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()
        };
        let deviations = (0..d).map(deviation).collect();
        let places = known.unwrap_or_else(|| samples.clone());
        Ok(Self { model, claims, evidence, seed, workers, samples, places, score, deviations })
    }

    /// The score that the network of a score model gives, at the smallest noise level.
    pub(super) fn network(&self) -> Option<FieldKind> {
        let levels = self.model.noise_levels().ok()?;
        Some(FieldKind::NoisyScore { level: levels.smallest })
    }

    /// At most so many of the places.
    pub(super) fn some_places(&self, most: usize) -> Rows {
        evenly(&self.places, most)
    }

    /// Why Stein's identity need not hold, if so.
    pub(super) fn has_edges(&self) -> Option<String> {
        let edge = self.model.spec().columns.iter().find(|c| c.support != Support::Real)?;
        Some(format!("column {} has an edge, where the density need not vanish", edge.name))
    }
}

fn samples(
    claims: &dyn Claims,
    spec: &ModelSpec,
    known: Option<&Rows>,
    (most, seed): (usize, u64),
) -> Result<Rows> {
    let context = known.and_then(Rows::context);
    let n = if context.is_some() { known.map_or(0, Rows::len) } else { most };
    let values = context.map(|(_, values)| values);
    let drawn = Rows::new(spec.columns.len(), claims.sample(n, values, seed)?)?;
    match context {
        Some((width, values)) => drawn.with_context(width, values.to_vec()),
        None => Ok(drawn),
    }
}

/// At most so many rows, evenly spread.
fn evenly(rows: &Rows, most: usize) -> Rows {
    let n = rows.len().min(most);
    rows.take(&(0..n).map(|i| i * rows.len() / n).collect::<Vec<_>>())
}
