//! The likelihood of a continuous flow in training: a loss that tiles add up to.
//!
//! The first pass forms the path alone, since neither the divergence nor the penalties bend it, and
//! keeps the points at the start of each step; the reverse pass takes each step again, last to
//! first, with tangents. Gradients are those of the discretised solution; step lengths count as
//! constants.

mod reverse;
mod work;

use super::columns::set_times;
use super::equations::Path;
use super::march::{Failing, Problem};
use super::probes::{fill_probe, unit_tangents};
use super::program::FieldProgram;
use crate::calculus::Probe;
use crate::config::ContinuousTraining;
use crate::draws::{BLOCK, Draws};
use crate::error::{Error, Result};
use crate::fast::kernel::{Pass, Reverse};
use crate::fast::simd::Level;
use crate::fast::table::Table;
use crate::fast::tile::{Column, ROWS};
use crate::fast::training::{Tile, TileLoss};
use crate::ode::Solver;
use crate::rng::{Stream, generator};
use rand::RngCore;
use std::slice;
use std::sync::Arc;
pub(super) use work::Work;

// What is drawn for a block of rows is drawn for a tile.
const _: () = assert!(BLOCK == ROWS);

/// Σ wᵢ (−log p(xᵢ) + penalties) / Σ wᵢ.
#[derive(Debug)]
pub(super) struct LikelihoodLoss {
    program: Arc<FieldProgram>,
    solver: Solver,
    /// How probes are drawn; none for the exact divergence.
    probe: Option<Probe>,
    /// Weights of the penalties.
    kinetic: f64,
    jacobian: f64,
    draws: Draws,
}

impl LikelihoodLoss {
    pub(super) fn new(program: &Arc<FieldProgram>, training: &ContinuousTraining) -> Result<Self> {
        training.check()?;
        if !program.trains_likelihoods() {
            return Err(Error::config(
                "objective",
                "the fast engine cannot train the likelihood of a potential or a diffusion",
                "take another objective, or the reference engine",
            ));
        }
        Ok(Self {
            program: Arc::clone(program),
            solver: training.solver.solver()?,
            probe: training.divergence.probe(program.features()),
            kinetic: training.kinetic,
            jacobian: training.jacobian,
            draws: Draws::new(&mut generator(0, Stream::Objective, 0)),
        })
    }

    /// Number of tangents.
    fn sets(&self) -> usize {
        if self.probe.is_some() { 1 } else { self.program.features() }
    }

    /// Fills a tile, and all that depends on neither time nor points.
    fn start(&self, pass: &Pass, tile: &Tile, work: &mut Work) {
        let (net, d) = (self.program.net(), self.program.features());
        tile.table.read(pass.level, tile.numbers(), &mut work.state, &mut work.context);
        let given = d..d + net.context();
        work.input[given.clone()].copy_from_slice(&work.context);
        for input in work.stages.inputs.chunks_exact_mut(net.inputs()) {
            input[given.clone()].copy_from_slice(&work.context);
        }
        work.shares = Column::ZERO;
        for (to, share) in work.shares.0.iter_mut().zip(tile.shares()) {
            *to = share;
        }
        match self.probe {
            None => unit_tangents(d, &mut work.probes),
            Some(probe) => {
                let place = (tile.rows.len(), tile.first / ROWS);
                let Work { probes, drawn, .. } = work;
                fill_probe(self.draws, probe, place, probes, drawn);
            }
        }
        net.first_tangents(pass, &work.probes, &mut work.first);
        work.d_first.fill(Column::ZERO);
        (work.log_det, work.penalty) = (Column::ZERO, Column::ZERO);
        work.starts.clear();
    }

    /// The path of the tile, with the points at the start of each step.
    fn path(&self, pass: &Pass, rows: usize, work: &mut Work) -> Result<()> {
        let Work { state, room, starts, input, tape, theta, .. } = work;
        let program = &self.program;
        let mut path = Path { program, pass: *pass, input, tape, theta };
        let problem = Problem {
            level: pass.level,
            solver: &self.solver,
            span: (0.0, 1.0),
            normed: state.len(),
            rows,
            failing: Failing::All,
        };
        problem.solve(&mut path, state, room, |from| starts.extend_from_slice(from))
    }

    /// The base's log-density and the gradients that the points at the end get from it.
    fn base(&self, pass: &Pass, work: &mut Work, gradient: &mut [f32]) {
        let (base, level) = (self.program.base(), pass.level);
        base.log_prob(pass, &work.state, &mut work.log_det, &mut work.base);
        let mut d_log_det = Column::ZERO;
        let (from, to) = (slice::from_ref(&work.shares), slice::from_mut(&mut d_log_det));
        set_times(level, -1.0, from, to);
        let reverse = Reverse {
            tape: &mut work.base,
            scratch: &mut [],
            d_log_det: &d_log_det,
            d_points: &mut work.d_points,
            gradient,
        };
        base.backward(pass, &work.state, reverse);
    }
}

impl TileLoss for LikelihoodLoss {
    type Work = Work;
    // A solution costs far more than a gradient of its own.
    const FEWEST_ROWS: usize = ROWS;

    fn level(&self) -> Level {
        self.program.level()
    }

    fn parameters(&self) -> usize {
        self.program.parameters()
    }

    fn length(&self) -> usize {
        self.program.length()
    }

    fn prepare(&self, theta: &mut [f32]) {
        self.program.base().prepare(theta);
    }

    fn finish(&self, theta: &[f32], gradient: &mut [f32]) {
        self.program.base().finish(theta, gradient);
    }

    fn work(&self) -> Work {
        Work::new(self)
    }

    fn draw(&mut self, _: &Table, _: &[u32], rng: &mut dyn RngCore) -> Result<()> {
        self.draws = Draws::new(rng);
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
        self.start(&pass, tile, work);
        match self.path(&pass, tile.rows.len(), work) {
            // A field that no solver follows has no finite loss, which is for the trainer to judge.
            Err(Error::Solver { .. }) => return Ok(f64::NAN),
            other => other?,
        }
        self.base(&pass, work, gradient);
        self.reverse(&pass, work, gradient);
        let rows = tile.numbers().zip(&work.shares.0).enumerate();
        let losses = rows.map(|(r, (row, share))| {
            let log_prob = work.log_det.0[r] + tile.table.log_det(row);
            f64::from(*share) * f64::from(work.penalty.0[r] - log_prob)
        });
        Ok(losses.sum())
    }
}
