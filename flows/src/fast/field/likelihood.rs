//! The likelihood of a continuous flow in training: a loss that tiles add up to.
//!
//! The first pass forms the path alone, since neither the divergence nor the penalties bend it, and
//! keeps the points at the start of each step; the reverse pass takes each step again, last to
//! first, with tangents. Gradients are those of the discretised solution; step lengths count as
//! constants.

use super::march::{Equation, Problem, Room, stages_of_state};
use super::net::{FieldNet, Start};
use super::probes::fill_probes;
use super::program::FieldProgram;
use crate::calculus::Probe;
use crate::config::{ContinuousTraining, TrainingDivergence};
use crate::draws::{BLOCK, Draws};
use crate::error::{Error, Result, SolverError};
use crate::fast::kernel::{Pass, Reverse};
use crate::fast::simd::Level;
use crate::fast::table::Table;
use crate::fast::tile::{Column, ROWS};
use crate::fast::training::{Tile, TileLoss};
use crate::ode::Solver;
use crate::rng::{Stream, generator};
use rand::RngCore;
use std::sync::Arc;

// What is drawn for a block of rows is drawn for a tile.
const _: () = assert!(BLOCK == ROWS);

/// Σ wᵢ (−log p(xᵢ) + penalties) / Σ wᵢ.
#[derive(Debug)]
pub(super) struct LikelihoodLoss {
    pub(super) program: Arc<FieldProgram>,
    pub(super) solver: Solver,
    /// How probes are drawn; none for the exact divergence.
    probe: Option<Probe>,
    /// Weights of the penalties.
    pub(super) kinetic: f64,
    pub(super) jacobian: f64,
    draws: Draws,
}

/// The columns of a tile on its way there and back.
#[derive(Debug)]
pub(super) struct Work {
    /// x(1), and before that the points on the way.
    pub(super) state: Vec<Column>,
    pub(super) context: Vec<Column>,
    pub(super) room: Room,
    /// The points at the start of each step.
    pub(super) starts: Vec<Column>,
    /// What the first pass needs: inputs, and a tape without tangents.
    input: Vec<Column>,
    tape: Vec<Column>,
    theta: Vec<f32>,
    /// What the stages of a step leave: inputs, tapes, velocities and derivatives of each.
    pub(super) stages: Stages,
    /// The directions of the tangents, and their first layer.
    pub(super) probes: Vec<Column>,
    pub(super) first: Vec<Column>,
    /// Its gradient, over all stages.
    pub(super) d_first: Vec<Column>,
    /// wᵢ / Σ w, 0 in lanes without a row.
    pub(super) shares: Column,
    pub(super) log_det: Column,
    pub(super) penalty: Column,
    /// The gradient of the loss with respect to the points.
    pub(super) d_points: Vec<Column>,
    base: Vec<Column>,
    drawn: Vec<f64>,
}

/// Columns of the stages of one step, one set after the other.
#[derive(Debug)]
pub(super) struct Stages {
    pub(super) inputs: Vec<Column>,
    pub(super) tapes: Vec<Column>,
    pub(super) velocities: Vec<Column>,
    pub(super) derivatives: Vec<Column>,
    /// Gradients of the points of the stages.
    pub(super) d_points: Vec<Column>,
    /// Of the velocity and the derivatives of one stage.
    pub(super) d_velocity: Vec<Column>,
    pub(super) d_derivatives: Vec<Column>,
    pub(super) scratch: Vec<Column>,
    /// The parameters at the times of the stages, where they depend on it, and the gradients of
    /// those of one stage.
    pub(super) theta: Vec<f32>,
    pub(super) d_theta: Vec<f32>,
}

/// x′ = v(t, x).
#[derive(Debug)]
pub(super) struct Path<'a> {
    pub(super) net: &'a FieldNet,
    pub(super) pass: Pass<'a>,
    /// With the context in place.
    pub(super) input: &'a mut [Column],
    pub(super) tape: &'a mut [Column],
    /// Room for the parameters at one time.
    pub(super) theta: &'a mut [f32],
}

impl Equation for Path<'_> {
    fn slope(&mut self, t: f64, state: &[Column], slope: &mut [Column]) {
        self.input[..state.len()].copy_from_slice(state);
        self.net.set_time(t, self.input);
        let pass = self.net.at_time(&self.pass, t, self.theta);
        let start = Start { input: self.input, tangents: &[] };
        self.net.forward(&pass, start, self.tape, (slope, &mut []), false);
    }
}

impl LikelihoodLoss {
    pub(super) fn new(program: &Arc<FieldProgram>, training: &ContinuousTraining) -> Result<Self> {
        training.check()?;
        Ok(Self {
            program: Arc::clone(program),
            solver: training.solver.solver()?,
            probe: match training.divergence {
                TrainingDivergence::Exact => None,
                TrainingDivergence::Hutchinson { probe } => Some(probe),
            },
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
                let (place, sizes) = (tile.first / ROWS, (tile.rows.len(), d));
                let Work { probes, drawn, .. } = work;
                fill_probes(self.draws, probe, place, sizes, probes, drawn);
            }
        }
        net.first_tangents(pass, &work.probes, &mut work.first);
        work.d_first.fill(Column::ZERO);
        (work.log_det, work.penalty) = (Column::ZERO, Column::ZERO);
        work.starts.clear();
    }

    /// The path of the tile, with the points at the start of each step.
    fn path(&self, pass: &Pass, work: &mut Work) -> Result<()> {
        let Work { state, room, starts, input, tape, theta, .. } = work;
        let net = self.program.net();
        let mut path = Path { net, pass: *pass, input, tape, theta };
        let problem = Problem {
            level: pass.level,
            solver: &self.solver,
            span: (0.0, 1.0),
            normed: state.len(),
        };
        problem.solve(&mut path, state, room, |from| starts.extend_from_slice(from))
    }

    /// The base's log-density and the gradients that the points at the end get from it.
    fn base(&self, pass: &Pass, work: &mut Work, gradient: &mut [f32]) {
        let (base, level) = (self.program.base(), pass.level);
        base.log_prob(pass, &work.state, &mut work.log_det, &mut work.base);
        let mut d_log_det = Column::ZERO;
        super::columns::set_times(
            level,
            -1.0,
            std::slice::from_ref(&work.shares),
            std::slice::from_mut(&mut d_log_det),
        );
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

/// The directions e₁, …, e_d in all rows, one set after the other.
pub(super) fn unit_tangents(features: usize, probes: &mut [Column]) {
    probes.fill(Column::ZERO);
    for column in probes.iter_mut().step_by(features + 1) {
        *column = Column::splat(1.0);
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
        let (net, sets, d) = (self.program.net(), self.sets(), self.program.features());
        let stages = stages_of_state(self.solver.tableau);
        let columns = |count: usize| vec![Column::ZERO; count];
        let at_time = net.at_time_room(self.program.length());
        Work {
            state: columns(d),
            context: columns(net.context()),
            room: Room::default(),
            starts: Vec::new(),
            input: columns(net.inputs()),
            tape: columns(net.tape(0, false)),
            theta: vec![0.0; at_time],
            stages: Stages {
                inputs: columns(stages * net.inputs()),
                tapes: columns(stages * net.tape(sets, true)),
                velocities: columns(stages * d),
                derivatives: columns(stages * sets * d),
                d_points: columns(stages * d),
                d_velocity: columns(d),
                d_derivatives: columns(sets * d),
                scratch: columns(net.scratch(sets)),
                theta: vec![0.0; stages * at_time],
                d_theta: vec![0.0; at_time],
            },
            probes: columns(sets * d),
            first: columns(sets * net.first_width()),
            d_first: columns(sets * net.first_width()),
            shares: Column::ZERO,
            log_det: Column::ZERO,
            penalty: Column::ZERO,
            d_points: columns(d),
            base: columns(self.program.base().tape()),
            drawn: Vec::new(),
        }
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
        match self.path(&pass, work) {
            // A loss that is not finite is for the trainer to judge.
            Err(Error::Solver { problem: SolverError::NonFinite, .. }) => return Ok(f64::NAN),
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
