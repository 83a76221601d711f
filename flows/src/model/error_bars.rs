//! Log-densities with standard errors: the error of solver and probes.

use super::Model;
use super::evaluator::FAR_AWAY;
use crate::calculus::Probe;
use crate::config::{ContinuousConfig, DivergenceConfig, SolverConfig};
use crate::error::{Error, Result};
use crate::field::VectorField;
use crate::ode::ContinuousFlow;
use crate::params::to_f64;
use crate::rows::Rows;
use crate::transform::Transform;
use crate::workers::Workers;
use candle_core::Tensor;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 256;
/// The share of the tolerance that a second solution is held to: its distance from the first bounds
/// the error that is left.
const TIGHTER: f64 = 0.1;
/// The smallest factor of the tolerance: rounding takes over beyond.
const TIGHTEST: f64 = 1e-7;
/// The fewest probes that say something of their own spread, and the most that are drawn.
const FEWEST_PROBES: usize = 16;
const MOST_PROBES: usize = 16_384;
/// The most steps of equal length.
const MOST_STEPS: usize = 10_000;

/// The share of a target that the solver may take: the rest is for the probes.
const SOLVER_SHARE: f64 = 0.5;

/// Numbers with standard errors.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WithErrors {
    /// The numbers.
    pub values: Vec<f64>,
    /// √(solver² + probes²): 0 where nothing is estimated.
    pub standard_errors: Vec<f64>,
}

impl Model {
    /// Log-density of each row, nats, with its standard error, in double precision.
    ///
    /// The error of a continuous flow has two parts: the distance between two solutions, one at the
    /// model's tolerance and the reported one at a tenth of it, in log p of the latent point plus
    /// that in log-volume; and the standard error of the mean
    /// over probes, where the divergence is estimated (by probes of signs in place of Hutch++, whose
    /// spread is not known). With a target, tolerances shrink and probes are added row by row until
    /// each standard error is at most that. Other flows have no such error.
    ///
    /// # Errors
    /// [`Error::Config`] for a target that is not positive, or that cannot be met;
    /// [`Error::Shape`] when the rows have other columns than the model.
    pub fn log_prob_with_errors(
        &self,
        rows: &Rows,
        target: Option<f64>,
        workers: &Workers,
    ) -> Result<WithErrors> {
        if let Some(target) = target.filter(|target| target.is_nan() || *target <= 0.0) {
            let problem = format!("{target}");
            return Err(Error::config("standard error", problem, "give a positive number"));
        }
        let double = self.in_double()?.frozen()?;
        let Some(ContinuousConfig { solver, divergence, .. }) = self.spec.flow.continuous() else {
            let values = double.log_prob_rows(rows, workers)?;
            return Ok(WithErrors { standard_errors: vec![0.0; values.len()], values });
        };
        double.check_rows(rows)?;
        let divergence = divergence.resolved(rows.features());
        let bars = ErrorBars { model: &double, solver: *solver, divergence, target };
        let chunks = workers.map_chunks(rows.len(), CHUNK_ROWS, |range| {
            bars.of(&rows.take(&range.collect::<Vec<_>>()))
        })?;
        let mut all = WithErrors::default();
        for chunk in chunks {
            all.values.extend(chunk.values);
            all.standard_errors.extend(chunk.standard_errors);
        }
        Ok(all)
    }
}

/// A model and what its log-densities are to be.
struct ErrorBars<'a> {
    /// In double precision.
    model: &'a Model,
    solver: SolverConfig,
    divergence: DivergenceConfig,
    target: Option<f64>,
}

/// Rows in the flow's own units.
struct Prepared {
    points: Tensor,
    context: Option<Tensor>,
}

/// Log-densities, and the largest share of their errors that is the solver's.
struct Found {
    result: WithErrors,
    solver: f64,
}

/// Sums over the probes of a row.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    /// Welford 1962.
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let before = value - self.mean;
        self.mean += before / self.count;
        self.squares += before * (value - self.mean);
    }

    /// The standard error of the mean.
    fn error(&self) -> f64 {
        (self.squares / (self.count - 1.0).max(1.0) / self.count).sqrt()
    }
}

impl ErrorBars<'_> {
    fn of(&self, rows: &Rows) -> Result<WithErrors> {
        let (all, device) = (0..rows.len(), self.model.params.device());
        let mapped = self.model.preparation.forward(&rows.points_tensor(&all, device)?)?;
        let far = to_f64(&mapped.points.abs()?.max(1)?.gt(FAR_AWAY)?)?;
        let spent = to_f64(&mapped.log_det)?;
        let is_possible = |row: &usize| far[*row] == 0.0 && spent[*row].is_finite();
        let near: Vec<usize> = all.filter(is_possible).collect();
        let mut result = WithErrors {
            values: vec![f64::NEG_INFINITY; rows.len()],
            standard_errors: vec![0.0; rows.len()],
        };
        if near.is_empty() {
            return Ok(result);
        }
        let kept = rows.take(&near);
        let (all, preparation) = (0..kept.len(), &self.model.preparation);
        let prepared = Prepared {
            points: preparation.forward(&kept.points_tensor(&all, device)?)?.points,
            context: preparation.context(kept.context_tensor(&all, device)?.as_ref())?,
        };
        let found = self.of_prepared(&prepared)?;
        for (i, row) in near.into_iter().enumerate() {
            result.values[row] = found.values[i] + spent[row];
            result.standard_errors[row] = found.standard_errors[i];
        }
        Ok(result)
    }

    fn of_prepared(&self, rows: &Prepared) -> Result<WithErrors> {
        let mut factor = TIGHTER;
        loop {
            let Found { result, solver } = match self.divergence {
                DivergenceConfig::Exact => self.exact(rows, factor)?,
                _ => self.probed(rows, factor)?,
            };
            let Some(target) = self.target else { return Ok(result) };
            let worst = largest(&result.standard_errors);
            if worst <= target {
                return Ok(result);
            }
            factor *= TIGHTER;
            let steps = self.solver.with_tolerances_times(factor).steps;
            let too_many = steps.is_some_and(|steps| steps > MOST_STEPS);
            if factor < TIGHTEST || too_many || solver <= SOLVER_SHARE * target {
                return Err(Error::config(
                    "standard error",
                    format!("{target} cannot be met: {worst:.1e} is left"),
                    "ask for a larger one",
                ));
            }
        }
    }

    fn flow(&self, factor: f64) -> Result<ContinuousFlow<&dyn VectorField>> {
        let field = self.model.flow.field();
        let field = field.ok_or_else(|| Error::shape("ErrorBars", "a continuous flow", &[]))?;
        let solver = self.solver.with_tolerances_times(factor).solver()?;
        ContinuousFlow::new(field, solver)?.with_divergence(self.divergence, self.model.spec.seed)
    }

    /// log p of the latent points.
    fn base(&self, z: &Tensor, rows: &Prepared) -> Result<Vec<f64>> {
        to_f64(&self.model.flow.base().log_prob(z, rows.context.as_ref())?)
    }

    fn exact(&self, rows: &Prepared, factor: f64) -> Result<Found> {
        let at = |factor: f64| -> Result<(Vec<f64>, Vec<f64>)> {
            let mapped = self.flow(factor)?.forward(&rows.points, rows.context.as_ref())?;
            Ok((self.base(&mapped.points, rows)?, to_f64(&mapped.log_det)?))
        };
        let (loose_base, loose) = at(factor / TIGHTER)?;
        let (base, log_det) = at(factor)?;
        let values = base.iter().zip(&log_det).map(|(base, log_det)| base + log_det).collect();
        let standard_errors = apart(&base, &loose_base, log_det.iter().zip(&loose));
        let solver = largest(&standard_errors);
        Ok(Found { result: WithErrors { values, standard_errors }, solver })
    }

    /// Adds probes, always for all rows that need more, until the target is met or out of reach.
    fn probed(&self, rows: &Prepared, factor: f64) -> Result<Found> {
        let n = rows.points.dim(0)?;
        let mut count = match self.divergence {
            DivergenceConfig::Hutchinson { probe: Probe::Orthogonal, probes }
                if probes >= rows.points.dim(1)? =>
            {
                return ErrorBars { divergence: DivergenceConfig::Exact, ..*self }
                    .exact(rows, factor);
            }
            DivergenceConfig::Hutchinson { probes, .. }
            | DivergenceConfig::HutchPlusPlus { probes } => probes.max(FEWEST_PROBES),
            _ => FEWEST_PROBES,
        };
        let (base, first) = self.each(rows, factor, 0, count)?;
        let (loose_base, loose) = self.each(rows, factor / TIGHTER, 0, count)?;
        let means = first.iter().map(|spread| &spread.mean);
        let solver = apart(&base, &loose_base, means.zip(loose.iter().map(|spread| &spread.mean)));
        let mut spreads = first;
        let error = |i: usize, spread: &Spread| solver[i].hypot(spread.error());
        while let Some(target) = self.target {
            let open: Vec<u32> =
                (0..n).filter(|i| error(*i, &spreads[*i]) > target).map(|i| i as u32).collect();
            let left = (count as f64 / MOST_PROBES as f64).sqrt();
            let hopeless = largest(&solver) > SOLVER_SHARE * target
                || spreads.iter().any(|spread| spread.error() * left > 2.0 * target);
            if open.is_empty() || hopeless || count >= MOST_PROBES {
                break;
            }
            let index = Tensor::new(&*open, rows.points.device())?;
            let take = |t: &Tensor| t.index_select(&index, 0);
            let context = rows.context.as_ref().map(take).transpose()?;
            let some = Prepared { points: take(&rows.points)?, context };
            let (_, more) = self.each(&some, factor, count, count)?;
            for (row, more) in open.iter().zip(more) {
                spreads[*row as usize] = merged(spreads[*row as usize], more);
            }
            count *= 2;
        }
        let values = base.iter().zip(&spreads).map(|(base, spread)| base + spread.mean).collect();
        let errors = spreads.iter().enumerate().map(|(i, spread)| error(i, spread)).collect();
        let result = WithErrors { values, standard_errors: errors };
        Ok(Found { result, solver: largest(&solver) })
    }

    /// log p of the latent points, and the log-volumes by each of `count` probes from `first`.
    fn each(
        &self,
        rows: &Prepared,
        factor: f64,
        first: usize,
        count: usize,
    ) -> Result<(Vec<f64>, Vec<Spread>)> {
        let mut spreads = vec![Spread::default(); rows.points.dim(0)?];
        let mut base = Vec::new();
        for start in (first..first + count).step_by(FEWEST_PROBES) {
            let count = FEWEST_PROBES.min(first + count - start);
            let context = rows.context.as_ref();
            let (z, each) = self.flow(factor)?.log_det_each(&rows.points, context, count, start)?;
            for log_det in each {
                let values = to_f64(&log_det)?;
                spreads.iter_mut().zip(values).for_each(|(spread, value)| spread.add(value));
            }
            if base.is_empty() {
                base = self.base(&z, rows)?;
            }
        }
        Ok((base, spreads))
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |a, b| a.max(*b))
}

/// How far two solutions are apart in log p of their latent points and in log-volume, without one
/// making up for the other: where both happen to cancel, the error that is left does not.
fn apart<'a>(
    base: &[f64],
    loose: &[f64],
    log_det: impl Iterator<Item = (&'a f64, &'a f64)>,
) -> Vec<f64> {
    let bases = base.iter().zip(loose);
    bases.zip(log_det).map(|((a, b), (c, d))| (a - b).abs() + (c - d).abs()).collect()
}

/// The spread of both together: Chan, Golub and LeVeque 1979.
fn merged(a: Spread, b: Spread) -> Spread {
    let count = a.count + b.count;
    let apart = b.mean - a.mean;
    Spread {
        count,
        mean: a.mean + apart * b.count / count,
        squares: a.squares + b.squares + apart * apart * a.count * b.count / count,
    }
}
