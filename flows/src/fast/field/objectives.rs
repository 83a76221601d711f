//! Losses of continuous flows on the fast tier.

use super::evaluate::Evaluator;
use super::likelihood::LikelihoodLoss;
use super::matching::MatchingLoss;
use super::program::FieldProgram;
use super::score::ScoreLoss;
use crate::config::{self, ContinuousTraining, DivergenceConfig, Matching};
use crate::density::Density;
use crate::error::{Error, Result};
use crate::fast::table::{Table, tiles};
use crate::fast::training::{FastSteps, Gradients, Tile, TileLoss};
use crate::flow::Flow;
use crate::objective::{self, Batch, Objective, Offender};
use crate::objectives;
use crate::ode::Solver;
use crate::params::Params;
use crate::score::NoiseLevels;
use crate::train::Steps;
use crate::workers::Workers;
use rand::RngCore;
use std::sync::Arc;

/// Rows of one chunk of an evaluation.
const EVALUATION_ROWS: usize = 512;

/// The likelihood of a continuous flow, with the penalties of [`ContinuousTraining`], by kernels.
#[derive(Debug, Clone)]
pub struct ContinuousLikelihood<'a> {
    program: &'a Arc<FieldProgram>,
    training: ContinuousTraining,
    reported: Evaluator,
    flow: &'a Flow,
    workers: &'a Workers,
}

impl<'a> ContinuousLikelihood<'a> {
    /// The loss of a flow whose kernels are `program`; the losses of rows are −log p by the solver
    /// and the divergence that are reported, whose probes are drawn from `seed`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for settings that cannot be used.
    pub fn new(
        program: &'a Arc<FieldProgram>,
        training: ContinuousTraining,
        (solver, divergence): (Solver, DivergenceConfig),
        seed: u64,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Self> {
        training.check()?;
        let reported = Evaluator::new(program, solver, divergence, seed)?;
        Ok(Self { program, training, reported, flow, workers })
    }

    fn loss(&self) -> Result<LikelihoodLoss> {
        LikelihoodLoss::new(self.program, &self.training)
    }
}

impl Objective for ContinuousLikelihood<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, objective::Gradients)> {
        let table = table(self.program, batch)?;
        let theta = self.program.theta(params)?;
        Gradients::new(self.loss()?, table, theta, self.workers.threads()).run_all(rng)
    }

    fn row_losses(
        &self,
        params: &Params,
        batch: &Batch,
        _rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        let (table, theta) = (table(self.program, batch)?, self.program.theta(params)?);
        let d = self.program.features();
        let chunks = self.workers.map_chunks(table.rows(), EVALUATION_ROWS, |rows| {
            let mut work = self.reported.work();
            let mut losses = Vec::with_capacity(rows.len());
            for tile in tiles(rows) {
                let level = self.program.level();
                table.read(level, tile.clone(), &mut work.state[..d], &mut work.context);
                self.reported.log_prob(&theta, &mut work, tile.len(), false)?;
                let log_prob = work.state[d].0.iter().zip(tile);
                losses.extend(log_prob.map(|(l, row)| -f64::from(l + table.log_det(row))));
            }
            Ok(losses)
        })?;
        Ok(chunks.concat())
    }

    fn steps(&self, train: &Batch, decayed: &[bool]) -> Result<Option<Box<dyn Steps + '_>>> {
        Ok(Some(steps(self.program, self.loss()?, train, decayed, self.workers)?))
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        objectives::MaximumLikelihood::new(self.flow, self.workers).offender(batch)
    }
}

/// Flow matching by kernels: the mean over rows of |v(t, x_t) − u|², summed over features.
///
/// Times are spread evenly over the rows of a batch from one random start, or are powers of such;
/// latent points are standard normal, or of another base.
#[derive(Debug, Clone)]
pub struct FlowMatching<'a> {
    program: &'a Arc<FieldProgram>,
    matching: Matching,
    base: Option<Arc<dyn Density>>,
    flow: &'a Flow,
    workers: &'a Workers,
}

impl<'a> FlowMatching<'a> {
    /// The loss of a flow whose kernels are `program`, on these paths between points paired so.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for the field of a diffusion.
    pub fn new(
        program: &'a Arc<FieldProgram>,
        matching: Matching,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Self> {
        if !program.trains_velocities() {
            return Err(Error::config(
                "objective",
                "the fast engine matches no velocities of a diffusion",
                "take score matching, or the reference engine",
            ));
        }
        Ok(Self { program, matching, base: None, flow, workers })
    }

    /// The same with latent points drawn from this density in place of N(0, I).
    #[must_use]
    pub fn with_base(self, base: Arc<dyn Density>) -> Self {
        Self { base: Some(base), ..self }
    }

    fn loss(&self) -> MatchingLoss {
        MatchingLoss::new(self.program, self.matching, self.base.clone())
    }
}

impl Objective for FlowMatching<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, objective::Gradients)> {
        let table = table(self.program, batch)?;
        let theta = self.program.theta(params)?;
        Gradients::new(self.loss(), table, theta, self.workers.threads()).run_all(rng)
    }

    fn row_losses(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        let theta = self.program.theta(params)?;
        let pass = self.program.pass(&theta);
        row_losses(self.program, self.loss(), batch, self.workers, rng, |loss, tile, work, to| {
            loss.residuals(&pass, tile, work);
            to.extend(work.squares.0[..tile.rows.len()].iter().map(|square| f64::from(*square)));
        })
    }

    fn steps(&self, train: &Batch, decayed: &[bool]) -> Result<Option<Box<dyn Steps + '_>>> {
        Ok(Some(steps(self.program, self.loss(), train, decayed, self.workers)?))
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        match self.flow.field() {
            Some(field) => {
                objectives::FlowMatching::new(field, self.matching, self.workers).offender(batch)
            }
            None => Ok(None),
        }
    }
}

/// Score matching by kernels: see [`objectives::ScoreMatching`].
#[derive(Debug, Clone)]
pub struct ScoreMatching<'a> {
    program: &'a Arc<FieldProgram>,
    config: config::ScoreMatching,
    levels: NoiseLevels,
    flow: &'a Flow,
    workers: &'a Workers,
}

impl<'a> ScoreMatching<'a> {
    /// The loss of a flow whose kernels are `program`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a program that is not
    /// [over](FieldProgram::over) noise levels, or without kernels of that objective.
    pub fn new(
        program: &'a Arc<FieldProgram>,
        config: config::ScoreMatching,
        flow: &'a Flow,
        workers: &'a Workers,
    ) -> Result<Self> {
        let Some(levels) = program.noise_levels().copied() else {
            let problem = "the field is not that of a diffusion";
            return Err(Error::config("objective", problem, "give its layer noise levels"));
        };
        ScoreLoss::new(program, config, &levels)?;
        Ok(Self { program, config, levels, flow, workers })
    }

    fn loss(&self) -> Result<ScoreLoss> {
        ScoreLoss::new(self.program, self.config, &self.levels)
    }
}

impl Objective for ScoreMatching<'_> {
    fn loss_and_gradients(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<(f64, objective::Gradients)> {
        let table = table(self.program, batch)?;
        let theta = self.program.theta(params)?;
        Gradients::new(self.loss()?, table, theta, self.workers.threads()).run_all(rng)
    }

    fn row_losses(
        &self,
        params: &Params,
        batch: &Batch,
        rng: &mut dyn RngCore,
    ) -> Result<Vec<f64>> {
        let theta = self.program.theta(params)?;
        let (pass, share) = (self.program.pass(&theta), 1.0 / self.config.signs().len() as f64);
        row_losses(self.program, self.loss()?, batch, self.workers, rng, |loss, tile, work, to| {
            let first = to.len();
            to.resize(first + tile.rows.len(), 0.0);
            loss.each_sign(&pass, tile, work, |work| {
                let own = to[first..].iter_mut().zip(&work.losses.0);
                own.for_each(|(sum, loss)| *sum += share * f64::from(*loss));
            });
        })
    }

    fn steps(&self, train: &Batch, decayed: &[bool]) -> Result<Option<Box<dyn Steps + '_>>> {
        Ok(Some(steps(self.program, self.loss()?, train, decayed, self.workers)?))
    }

    fn offender(&self, batch: &Batch) -> Result<Option<Offender>> {
        match self.flow.field() {
            Some(field) => {
                objectives::ScoreMatching::new(field, self.config, self.workers)?.offender(batch)
            }
            None => Ok(None),
        }
    }
}

/// A batch as plain numbers.
fn table(program: &FieldProgram, batch: &Batch) -> Result<Table> {
    Table::new(batch, (program.features(), program.context_features()))
}

/// Steps by a loss on these training rows.
fn steps<'a, L: TileLoss>(
    program: &FieldProgram,
    loss: L,
    train: &Batch,
    decayed: &[bool],
    workers: &Workers,
) -> Result<Box<dyn Steps + 'a>> {
    let table = table(program, train)?;
    let gradients = Gradients::new(loss, table, Vec::new(), workers.threads());
    Ok(Box::new(FastSteps::new(gradients, decayed)))
}

/// What `each` makes of the rows of a batch, tile by tile, once the loss has drawn what they share.
fn row_losses<L: TileLoss>(
    program: &FieldProgram,
    mut loss: L,
    batch: &Batch,
    workers: &Workers,
    rng: &mut dyn RngCore,
    each: impl Fn(&L, &Tile, &mut L::Work, &mut Vec<f64>) + Sync,
) -> Result<Vec<f64>> {
    let table = table(program, batch)?;
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    loss.draw(&table, &rows, rng)?;
    let chunks = workers.map_chunks(rows.len(), EVALUATION_ROWS, |range| {
        let (mut work, mut losses) = (loss.work(), Vec::with_capacity(range.len()));
        for tile in tiles(range) {
            let (first, batch) = (tile.start, rows.len());
            let tile = Tile { table: &table, rows: &rows[tile], first, batch, scale: 1.0 };
            each(&loss, &tile, &mut work, &mut losses);
        }
        Ok(losses)
    })?;
    Ok(chunks.concat())
}
