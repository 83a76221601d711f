//! Score matching: a loss that tiles add up to.

mod rows;

use super::backward::Gradients;
use super::columns::scale;
use super::net::Start;
use super::probes::{fill_probe, unit_tangents};
use super::program::FieldProgram;
use super::squash_rows::Rows;
use crate::calculus::Probe;
use crate::config::{ScoreMatching, ScoreObjective};
use crate::draws::Draws;
use crate::error::{Error, Result};
use crate::fast::kernel::Pass;
use crate::fast::simd::Level;
use crate::fast::table::Table;
use crate::fast::tile::{Column, ROWS};
use crate::fast::training::{Tile, TileLoss};
use crate::objectives::spread;
use crate::rng::{Stream, generator};
use crate::score::{LevelLaw, NoiseLevels};
use rand::RngCore;
use rows::{Noise, denoise, imply, mix};
use std::sync::Arc;

/// Σ wᵢ λᵢ ℓᵢ / Σ wᵢ with the losses ℓ of [`crate::objectives::ScoreMatching`] and the weights λ of
/// the rows' noise levels.
#[derive(Debug)]
pub(super) struct ScoreLoss {
    program: Arc<FieldProgram>,
    objective: ScoreObjective,
    /// Of the noise, in turn.
    signs: &'static [f64],
    law: LevelLaw,
    draws: Draws,
    offset: f64,
}

/// The columns of a tile.
#[derive(Debug)]
pub(super) struct Work {
    points: Vec<Column>,
    context: Vec<Column>,
    /// ε
    noise: Vec<Column>,
    input: Vec<Column>,
    tape: Vec<Column>,
    /// Of layers whose gates differ from row to row.
    gates: Vec<Column>,
    levels: Noise,
    /// The network's output F.
    output: Vec<Column>,
    /// The gradient of F.
    d_output: Vec<Column>,
    probes: Vec<Column>,
    first: Vec<Column>,
    d_first: Vec<Column>,
    along: Vec<Column>,
    d_along: Vec<Column>,
    scratch: Vec<Column>,
    /// wᵢ / Σ w
    shares: Column,
    /// λ ℓ of each row.
    pub(super) losses: Column,
    times: Vec<f64>,
    drawn: Vec<f64>,
}

impl ScoreLoss {
    pub(super) fn new(
        program: &Arc<FieldProgram>,
        config: ScoreMatching,
        levels: &NoiseLevels,
    ) -> Result<Self> {
        if !program.trains_scores(config.objective) {
            let problem = if program.net().is_potential() {
                "the fast engine has no third derivatives of potentials"
            } else {
                "the fast engine has no tangents of networks whose gates depend on each row's time"
            };
            let remedy = "take dsm, the reference engine, or another network";
            return Err(Error::config("score-objective", problem, remedy));
        }
        let draws = Draws::new(&mut generator(0, Stream::Objective, 0));
        let (program, law) = (Arc::clone(program), config.law(levels)?);
        let (objective, signs) = (config.objective, config.signs());
        Ok(Self { program, objective, signs, law, draws, offset: 0.0 })
    }

    /// Number of tangents.
    fn sets(&self) -> usize {
        match self.objective {
            ScoreObjective::Denoising => 0,
            ScoreObjective::Sliced | ScoreObjective::SlicedVarianceReduced => 1,
            ScoreObjective::Implicit => self.program.features(),
        }
    }

    /// Fills a tile: points, noise, levels, directions.
    fn start(&self, pass: &Pass, tile: &Tile, work: &mut Work) {
        let (net, d, level) = (self.program.net(), self.program.features(), pass.level);
        tile.table.read(level, tile.numbers(), &mut work.points, &mut work.context);
        let block = tile.first / ROWS;
        work.drawn.resize(tile.rows.len() * d, 0.0);
        self.draws.normal(block, &mut work.drawn);
        for (r, row) in work.drawn.chunks_exact(d).enumerate() {
            for (column, value) in work.noise.iter_mut().zip(row) {
                column.0[r] = *value as f32;
            }
        }
        work.times.clear();
        let mut at = [Column::ZERO, Column::ZERO];
        for r in 0..tile.rows.len() {
            let (t, weight) = self.law.at(spread(self.offset, tile.first + r, tile.batch));
            work.times.push(t);
            (at[0].0[r], at[1].0[r]) = (t as f32, weight as f32);
        }
        let [times, weights] = &at;
        work.levels.fill(level, self.law.levels(), times, weights);
        work.input[d..d + net.context()].copy_from_slice(&work.context);
        net.set_times(&work.times, &mut work.input);
        if self.objective.is_sliced() {
            let Work { probes, drawn, .. } = work;
            fill_probe(self.draws, Probe::Rademacher, (tile.rows.len(), block), probes, drawn);
        }
        if self.sets() > 0 {
            net.first_tangents(pass, &work.probes, &mut work.first);
        }
        work.shares = Column::ZERO;
        for (to, share) in work.shares.0.iter_mut().zip(tile.shares()) {
            *to = share / self.signs.len() as f32;
        }
    }

    /// Fills a tile and lets `each` see the losses of its rows for either sign of the noise.
    pub(super) fn each_sign(
        &self,
        pass: &Pass,
        tile: &Tile,
        work: &mut Work,
        mut each: impl FnMut(&mut Work),
    ) {
        self.start(pass, tile, work);
        for sign in self.signs {
            if *sign < 0.0 {
                scale(pass.level, -1.0, &mut work.noise);
            }
            self.losses(pass, work);
            each(work);
        }
    }

    /// The network's output and the loss of each row, with the gradients of the output.
    fn losses(&self, pass: &Pass, work: &mut Work) {
        let (net, d) = (self.program.net(), self.program.features());
        mix(pass.level, &work.levels, &work.points, &work.noise, &mut work.input[..d]);
        let Work { input, tape, gates, levels, output, along, first, .. } = work;
        if net.is_squashed() {
            let rows = Rows { input, times: &levels.times };
            net.forward_rows(pass, rows, (tape, gates), output);
        } else {
            let start = Start { input, tangents: first };
            net.forward(pass, start, tape, (output, along), true);
        }
        let predicted = rows::Predicted {
            point: &input[..d],
            output,
            noise: &work.noise,
            probes: &work.probes,
            along,
        };
        let Work { d_output, d_along, losses, shares, .. } = work;
        let to = (losses, &mut **d_output, &mut **d_along);
        match self.objective {
            ScoreObjective::Denoising => denoise(pass.level, levels, shares, &predicted, to),
            objective => {
                let sliced = objective == ScoreObjective::Sliced;
                imply(pass.level, sliced, (levels, shares), &predicted, to);
            }
        }
    }

    /// Adds the gradients of the parameters.
    fn backward(&self, pass: &Pass, work: &mut Work, gradient: &mut [f32]) {
        let net = self.program.net();
        let Work { input, tape, gates, levels, d_output, d_along, first, scratch, .. } = work;
        if net.is_squashed() {
            let rows = Rows { input, times: &levels.times };
            net.backward_rows(pass, rows, (tape, gates), scratch, d_output, gradient);
            return;
        }
        work.d_first.fill(Column::ZERO);
        let start = Start { input, tangents: first };
        let mut to = Gradients { points: &mut [], tangents: &mut work.d_first, theta: gradient };
        net.backward(pass, start, tape, scratch, (d_output, d_along), &mut to);
        if self.sets() > 0 {
            net.first_weights(pass, &work.probes, &work.d_first, gradient);
        }
    }
}

impl TileLoss for ScoreLoss {
    type Work = Work;
    const FEWEST_ROWS: usize = 2 * ROWS;

    fn level(&self) -> Level {
        self.program.level()
    }

    fn parameters(&self) -> usize {
        self.program.parameters()
    }

    fn length(&self) -> usize {
        self.program.length()
    }

    fn prepare(&self, _: &mut [f32]) {}

    fn finish(&self, _: &[f32], _: &mut [f32]) {}

    fn work(&self) -> Work {
        let (net, d, sets) = (self.program.net(), self.program.features(), self.sets());
        let columns = |count: usize| vec![Column::ZERO; count];
        let mut work = Work {
            points: columns(d),
            context: columns(net.context()),
            noise: columns(d),
            input: columns(net.inputs()),
            tape: columns(net.tape(sets, true)),
            gates: columns(net.gates()),
            levels: Noise::default(),
            output: columns(d),
            d_output: columns(d),
            probes: columns(sets * d),
            first: columns(sets * net.first_width()),
            d_first: columns(sets * net.first_width()),
            along: columns(sets * d),
            d_along: columns(sets * d),
            scratch: columns(net.scratch(sets)),
            shares: Column::ZERO,
            losses: Column::ZERO,
            times: Vec::with_capacity(ROWS),
            drawn: Vec::new(),
        };
        if self.objective == ScoreObjective::Implicit {
            unit_tangents(d, &mut work.probes);
        }
        work
    }

    fn draw(&mut self, _: &Table, _: &[u32], rng: &mut dyn RngCore) -> Result<()> {
        self.draws = Draws::new(rng);
        self.offset = self.draws.uniform();
        Ok(())
    }

    fn run(
        &self,
        theta: &[f32],
        tile: &Tile,
        work: &mut Work,
        gradient: &mut [f32],
    ) -> Result<f64> {
        let pass = self.program.pass(theta);
        let mut sum = 0.0;
        self.each_sign(&pass, tile, work, |work| {
            self.backward(&pass, work, gradient);
            let rows = work.losses.0.iter().zip(&work.shares.0).take(tile.rows.len());
            sum += rows.map(|(loss, share)| f64::from(*loss) * f64::from(*share)).sum::<f64>();
        });
        Ok(sum)
    }
}
