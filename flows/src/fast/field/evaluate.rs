//! Log-densities and samples of a continuous flow, tile by tile.

use super::equations::{Path, Volume};
use super::march::{Failing, Problem, Room, STAGES};
use super::probes::{fill_probes, unit_tangents};
use super::program::FieldProgram;
use crate::calculus::Probe;
use crate::config::DivergenceConfig;
use crate::error::{Error, Result};
use crate::fast::tile::Column;
use crate::ode::Solver;
use std::sync::Arc;

/// A program with a solver, and a divergence for log-densities.
#[derive(Debug, Clone)]
pub(super) struct Evaluator {
    pub(super) program: Arc<FieldProgram>,
    solver: Solver,
    /// How many probes there are and how they are drawn; none for the exact divergence.
    probes: Option<(Probe, usize)>,
    /// What the probes are drawn from.
    seed: u64,
}

/// The columns of a tile.
#[derive(Debug)]
pub(super) struct Work {
    /// Points, the log-volume, and the log-volumes by each probe.
    pub(super) state: Vec<Column>,
    pub(super) context: Vec<Column>,
    input: Vec<Column>,
    tape: Vec<Column>,
    pub(super) room: Room,
    probes: Vec<Column>,
    first: Vec<Column>,
    theta: Vec<f32>,
    derivatives: Vec<Column>,
    base: Vec<Column>,
    drawn: Vec<f64>,
}

impl Evaluator {
    pub(super) fn new(
        program: &Arc<FieldProgram>,
        solver: Solver,
        divergence: DivergenceConfig,
        seed: u64,
    ) -> Result<Self> {
        solver.check()?;
        divergence.check()?;
        if solver.tableau.stages() > STAGES {
            let problem = format!("{} stages", solver.tableau.stages());
            return Err(Error::config("solver", problem, format!("give at most {STAGES}")));
        }
        let d = program.features();
        let probes = match divergence.resolved(d) {
            DivergenceConfig::Exact | DivergenceConfig::Auto => None,
            // More of them than dimensions add nothing.
            DivergenceConfig::Hutchinson { probe: Probe::Orthogonal, probes } => {
                Some((Probe::Orthogonal, probes.min(d)))
            }
            DivergenceConfig::Hutchinson { probe, probes } => Some((probe, probes)),
            DivergenceConfig::HutchPlusPlus { .. } => {
                return Err(Error::config(
                    "divergence",
                    "the fast engine has no hutch++",
                    "take hutchinson, or the reference engine",
                ));
            }
        };
        Ok(Self { program: Arc::clone(program), solver, probes, seed })
    }

    /// Whether log-densities are not estimated.
    pub(super) fn is_exact(&self) -> bool {
        self.probes.is_none()
    }

    /// Estimates of each log-density: 1 for the exact divergence.
    pub(super) fn estimates(&self) -> usize {
        self.probes.map_or(1, |(_, count)| count)
    }

    /// Room for one thread.
    pub(super) fn work(&self) -> Work {
        let (net, d) = (self.program.net(), self.program.features());
        let sets = self.probes.map_or(d, |(_, count)| count);
        let columns = |count: usize| vec![Column::ZERO; count];
        let mut work = Work {
            state: columns(d + 1 + sets),
            context: columns(net.context()),
            input: columns(net.inputs()),
            tape: columns(net.tape(sets, false)),
            room: Room::default(),
            probes: columns(sets * d),
            first: columns(sets * net.first_width()),
            theta: vec![0.0; net.at_time_room(self.program.length())],
            derivatives: columns(sets * d),
            base: columns(self.program.base().tape()),
            drawn: Vec::new(),
        };
        if self.probes.is_none() {
            unit_tangents(d, &mut work.probes);
        }
        work
    }

    /// The log-densities of the first `rows` rows of a tile whose points and context are in place, in
    /// column d of the state; with `each`, their estimates by each probe in those after it. NaN in
    /// rows that the solver cannot follow, and in those alone.
    pub(super) fn log_prob(
        &self,
        theta: &[f32],
        work: &mut Work,
        rows: usize,
        each: bool,
    ) -> Result<()> {
        let (net, d) = (self.program.net(), self.program.features());
        let (pass, base) = (self.program.pass(theta), self.program.base());
        if let Some((probe, _)) = self.probes {
            let Work { probes, drawn, state, .. } = work;
            fill_probes(self.seed, probe, (&state[..d], rows), probes, drawn);
        }
        net.first_tangents(&pass, &work.probes, &mut work.first);
        let count = d + 1 + if each { self.estimates() } else { 0 };
        let Work { state, context, input, tape, room, probes, first, derivatives, .. } = work;
        let at_time = &mut work.theta;
        input[d..d + net.context()].copy_from_slice(context);
        state[d..].fill(Column::ZERO);
        let (share, program) = (1.0 / self.estimates() as f32, &*self.program);
        let mut volume = Volume {
            program,
            pass,
            input,
            tape,
            probes,
            first,
            theta: at_time,
            derivatives,
            share,
        };
        let (level, solver, span) = (pass.level, &self.solver, (0.0, 1.0));
        let problem = Problem { level, solver, span, normed: d + 1, rows, failing: Failing::Row };
        problem.solve(&mut volume, &mut state[..count], room, |_| {})?;
        let (points, volumes) = state.split_at_mut(d);
        for log_prob in &mut volumes[..count - d] {
            // NaN in rows that were given up stays: the base has −∞ for points that are not numbers.
            let failed = volume_of_failed(log_prob, rows);
            base.log_prob(&pass, points, log_prob, &mut work.base);
            for row in failed {
                log_prob.0[row] = f32::NAN;
            }
        }
        Ok(())
    }

    /// Brings the first `rows` latent points of a tile to the data.
    pub(super) fn sample(&self, theta: &[f32], rows: usize, work: &mut Work) -> Result<()> {
        let (net, d, pass) =
            (self.program.net(), self.program.features(), self.program.pass(theta));
        let Work { state, context, input, tape, theta, room, .. } = work;
        input[d..d + net.context()].copy_from_slice(context);
        let mut path = Path { program: &self.program, pass, input, tape, theta };
        let (level, solver, span) = (pass.level, &self.solver, (1.0, 0.0));
        // A sample without the rows that are hard to draw would be one of another density.
        let problem = Problem { level, solver, span, normed: d, rows, failing: Failing::All };
        problem.solve(&mut path, &mut state[..d], room, |_| {})
    }
}

/// The rows whose log-volume is not a number.
fn volume_of_failed(log_volume: &Column, rows: usize) -> Vec<usize> {
    (0..rows).filter(|row| log_volume.0[*row].is_nan()).collect()
}
