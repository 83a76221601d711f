//! What is checked.

use super::claims::{Claims, ModelClaims};
use diffeo_flows::model::{FieldKind, Model, ModelSpec, Precision};
use diffeo_flows::rng::{Stream, generator, named_generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::transforms::Support;
use diffeo_flows::{Error, Result, Workers};
use rand::Rng;
use std::sync::OnceLock;

/// How many rows are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Draws of the model: so many that those of a latent point a twentieth too short are seen.
    pub(super) draws: usize,
    /// Those of them whose score is computed: enough to see a score a tenth too long.
    pub(super) scored: usize,
    /// Rows of the evidence.
    pub(super) rows: usize,
    /// Rows that are mapped in double precision.
    pub(super) mapped: usize,
    /// Entries of Jacobians by differences, in rows times features.
    pub(super) differences: usize,
}

/// Of flows that are evaluated at once.
const EXPLICIT: Sizes =
    Sizes { draws: 6000, scored: 2000, rows: 4000, mapped: 500, differences: 600 };
/// Of continuous flows, which are solved for each row.
const SOLVED: Sizes = Sizes { draws: 2000, scored: 500, rows: 1000, mapped: 40, differences: 40 };
/// The generator of the seed of samples, among those of evaluations: the seed itself has drawn the
/// rows of a toy, which the weights remember.
const SEEDS: u64 = 0xCE;

/// Rows that a certificate may look at; none where they are not known.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Rows that the model was trained on.
    pub train: Option<&'a Rows>,
    /// Rows that it has not seen.
    pub held_out: Option<&'a Rows>,
    /// The mean log-density that is recorded for those, nats.
    pub recorded: Option<f64>,
}

/// Rows and their log-densities, nats.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) rows: Rows,
    pub(super) log_prob: Vec<f64>,
}

/// A model, what it claims, samples of it and its score there.
#[derive(Debug)]
pub struct Subject<'a> {
    pub(super) model: &'a Model,
    pub(super) claims: Box<dyn Claims + 'a>,
    pub(super) evidence: Evidence<'a>,
    /// As it was given.
    pub(super) asked: u64,
    /// That of draws, probes and bootstraps: of the given one and of the model.
    pub(super) seed: u64,
    pub(super) workers: &'a Workers,
    pub(super) sizes: Sizes,
    /// Draws of the model, given the contexts of the data where it is conditional.
    pub(super) draws: Rows,
    /// The first of them.
    pub(super) samples: Rows,
    /// Where fields are looked at: the held-out rows, or the samples.
    pub(super) places: Rows,
    /// ∇ log p at the samples, row-major.
    pub(super) score: Vec<f64>,
    /// The standard deviation of each feature of the samples.
    pub(super) deviations: Vec<f64>,
    held_out: OnceLock<Judged>,
    train: OnceLock<Judged>,
    /// Draws as the data would hold them.
    pub(super) compared: OnceLock<Rows>,
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
        (asked, workers): (u64, &'a Workers),
    ) -> Result<Self> {
        let known = evidence.held_out.or(evidence.train);
        if known.is_none() && !model.spec().given.is_empty() {
            let problem = "the model is conditional";
            return Err(Error::data("check", problem, "give data whose contexts to check it at"));
        }
        let sizes = if model.flow().field().is_some() { SOLVED } else { EXPLICIT };
        let known = known.map(|rows| rows.evenly(sizes.scored));
        let seed = of_its_own(asked, model)?;
        let seed_of_draws = generator(seed, Stream::Evaluation, SEEDS).random();
        let draws =
            drawn(claims.as_ref(), model.spec(), known.as_ref(), (sizes.draws, seed_of_draws))?;
        let samples = draws.take(&(0..sizes.scored.min(draws.len())).collect::<Vec<_>>());
        let score = claims.score(&samples)?;
        let deviations = deviations(&draws);
        let places = known.unwrap_or_else(|| samples.clone());
        let (held_out, train, compared) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Ok(Self {
            model,
            claims,
            evidence,
            asked,
            seed,
            workers,
            sizes,
            draws,
            samples,
            places,
            score,
            deviations,
            held_out,
            train,
            compared,
        })
    }

    /// The score that the network of a score model gives, at the smallest noise level.
    pub(super) fn network(&self) -> Option<FieldKind> {
        let levels = self.model.noise_levels().ok()?;
        Some(FieldKind::NoisyScore { level: levels.smallest })
    }

    /// Whether rows are mapped by a solver.
    pub(super) fn is_solved(&self) -> bool {
        self.model.flow().field().is_some()
    }

    /// Whether the model computes in double precision.
    pub(super) fn is_double(&self) -> bool {
        self.model.spec().dtype == Precision::F64
    }

    /// At most so many of the places.
    pub(super) fn some_places(&self, most: usize) -> Rows {
        self.places.evenly(most)
    }

    /// At most so many of the samples.
    pub(super) fn some_samples(&self, most: usize) -> Rows {
        self.samples.evenly(most)
    }

    /// Some places, then as many samples.
    pub(super) fn places_and_samples(&self, most: usize) -> Result<Rows> {
        joined(&self.some_places(most.div_ceil(2)), &self.some_samples(most / 2))
    }

    /// Held-out rows, of which at most so many as sizes say, evenly spread.
    pub(super) fn held_out(&self) -> Result<Option<&Judged>> {
        self.judged(self.evidence.held_out, &self.held_out)
    }

    /// Training rows in the same way.
    pub(super) fn train(&self) -> Result<Option<&Judged>> {
        self.judged(self.evidence.train, &self.train)
    }

    fn judged<'s>(
        &self,
        rows: Option<&Rows>,
        cell: &'s OnceLock<Judged>,
    ) -> Result<Option<&'s Judged>> {
        let Some(rows) = rows else { return Ok(None) };
        if cell.get().is_none() {
            let rows = rows.evenly(self.sizes.rows);
            let log_prob = self.claims.log_prob(&rows)?;
            // Nobody else fills it meanwhile: checks are made one after the other.
            let _ = cell.set(Judged { rows, log_prob });
        }
        Ok(cell.get())
    }

    /// Why Stein's identity need not hold, if so.
    pub(super) fn has_edges(&self) -> Option<String> {
        let edge = self.model.spec().columns.iter().find(|c| c.support != Support::Real)?;
        Some(format!("column {} has an edge, where the density need not vanish", edge.name))
    }
}

/// A seed that other models do not share: with one seed for all, whoever is refused by chance would be
/// for every model alike, or nobody would ever be.
fn of_its_own(asked: u64, model: &Model) -> Result<u64> {
    let hash = model.result_hash()?;
    Ok(named_generator(asked, Stream::Evaluation, &hash).random())
}

/// Draws for the contexts of the known rows, one after the other and over again.
fn drawn(
    claims: &dyn Claims,
    spec: &ModelSpec,
    known: Option<&Rows>,
    (n, seed): (usize, u64),
) -> Result<Rows> {
    let context: Option<(usize, Vec<f64>)> = known
        .and_then(Rows::context)
        .map(|(width, values)| (width, values.iter().copied().cycle().take(n * width).collect()));
    let values = context.as_ref().map(|(_, values)| values.as_slice());
    let rows = Rows::new(spec.columns.len(), claims.sample(n, values, seed)?)?;
    match context {
        Some((width, values)) => rows.with_context(width, values),
        None => Ok(rows),
    }
}

/// The standard deviation of each feature.
fn deviations(rows: &Rows) -> Vec<f64> {
    let (d, n) = (rows.features(), rows.len() as f64);
    let deviation = |k: usize| {
        // From the first value, so that the sum of a column far from 0 keeps its digits.
        let first = rows.points().get(k).copied().unwrap_or_default();
        let column = || rows.points().iter().skip(k).step_by(d).map(|x| x - first);
        let mean = column().sum::<f64>() / n;
        (column().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()
    };
    (0..d).map(deviation).collect()
}

/// The rows of both, without weights.
pub(super) fn joined(first: &Rows, second: &Rows) -> Result<Rows> {
    let points = [first.points(), second.points()].concat();
    let rows = Rows::new(first.features(), points)?;
    match (first.context(), second.context()) {
        (Some((width, a)), Some((_, b))) => rows.with_context(width, [a, b].concat()),
        _ => Ok(rows),
    }
}
