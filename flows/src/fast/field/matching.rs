//! Flow matching: a loss that tiles add up to.

use super::backward::Gradients;
use super::columns::{mix, set_weighted};
use super::net::Start;
use super::program::FieldProgram;
use super::squash_rows::Rows;
use crate::config::Matching;
use crate::density::Density;
use crate::draws::Draws;
use crate::error::Result;
use crate::fast::kernel::Pass;
use crate::fast::simd::{Level, vectorised};
use crate::fast::table::Table;
use crate::fast::tile::{Column, ROWS, read_rows};
use crate::fast::training::{Tile, TileLoss};
use crate::objectives::{latent, latent_of};
use crate::pairing::Pairing;
use crate::rng::{Stream, generator};
use rand::RngCore;
use std::sync::Arc;

/// Σ wᵢ |v(tᵢ, x_t) − α′ xᵢ − σ′ zᵢ|² / Σ wᵢ with tᵢ = frac(u + i/n)ᵏ for one uniform u.
#[derive(Debug)]
pub(super) struct MatchingLoss {
    program: Arc<FieldProgram>,
    matching: Matching,
    /// What latent points are drawn from, where that is not N(0, I).
    base: Option<Arc<dyn Density>>,
    draws: Draws,
    offset: f64,
    /// Row-major, where a pairing has decided.
    latent: Vec<f32>,
}

/// The columns of a tile.
#[derive(Debug)]
pub(super) struct Work {
    points: Vec<Column>,
    latent: Vec<Column>,
    context: Vec<Column>,
    input: Vec<Column>,
    tape: Vec<Column>,
    /// Of layers whose gates differ from row to row.
    gates: Vec<Column>,
    row_times: Column,
    velocity: Vec<Column>,
    /// The target, then the gradient of the velocity.
    target: Vec<Column>,
    scratch: Vec<Column>,
    shares: Column,
    /// |v − u|² of each row.
    pub(super) squares: Column,
    times: Vec<f64>,
    drawn: Vec<f64>,
}

impl MatchingLoss {
    pub(super) fn new(
        program: &Arc<FieldProgram>,
        matching: Matching,
        base: Option<Arc<dyn Density>>,
    ) -> Self {
        let draws = Draws::new(&mut generator(0, Stream::Objective, 0));
        let program = Arc::clone(program);
        Self { program, matching, base, draws, offset: 0.0, latent: Vec::new() }
    }

    /// Whether the latent points of a batch are drawn before its tiles.
    fn is_tabled(&self) -> bool {
        self.matching.pairing != Pairing::Independent || self.base.is_some()
    }

    /// The latent points of a tile.
    fn latent(&self, level: Level, tile: &Tile, work: &mut Work) {
        let d = self.program.features();
        if self.is_tabled() {
            let rows = &self.latent[tile.first * d..(tile.first + tile.rows.len()) * d];
            read_rows(level, rows.chunks_exact(d), &mut work.latent);
            return;
        }
        work.drawn.resize(tile.rows.len() * d, 0.0);
        self.draws.normal(tile.first / ROWS, &mut work.drawn);
        for (r, row) in work.drawn.chunks_exact(d).enumerate() {
            for (column, value) in work.latent.iter_mut().zip(row) {
                column.0[r] = *value as f32;
            }
        }
    }

    /// v at the points between, and |v − u|² of each row; `target` becomes v − u.
    pub(super) fn residuals(&self, pass: &Pass, tile: &Tile, work: &mut Work) {
        let (net, d, level) = (self.program.net(), self.program.features(), pass.level);
        tile.table.read(level, tile.numbers(), &mut work.points, &mut work.context);
        self.latent(level, tile, work);
        let mut path = [Column::ZERO; 4];
        work.times.clear();
        for r in 0..tile.rows.len() {
            let t = self.matching.time(self.offset, tile.first + r, tile.batch);
            let c = self.matching.path.coefficients(t);
            let values = [c.alpha, c.sigma, c.alpha_dot, c.sigma_dot];
            for (column, value) in path.iter_mut().zip(values) {
                column.0[r] = value as f32;
            }
            work.times.push(t);
        }
        let [alpha, sigma, d_alpha, d_sigma] = &path;
        mix(level, (alpha, sigma), &work.points, &work.latent, &mut work.input[..d]);
        mix(level, (d_alpha, d_sigma), &work.points, &work.latent, &mut work.target);
        work.input[d..d + net.context()].copy_from_slice(&work.context);
        net.set_times(&work.times, &mut work.input);
        if net.is_squashed() {
            for (to, t) in work.row_times.0.iter_mut().zip(&work.times) {
                *to = *t as f32;
            }
            let rows = Rows { input: &work.input, times: &work.row_times };
            let tapes = (&mut *work.tape, &mut *work.gates);
            net.forward_rows(pass, rows, tapes, &mut work.velocity);
        } else {
            let start = Start { input: &work.input, tangents: &[] };
            net.forward(pass, start, &mut work.tape, (&mut work.velocity, &mut []), true);
        }
        subtract(level, &work.velocity, &mut work.target, &mut work.squares);
    }

    /// Adds the gradients of the parameters from those of the velocity.
    fn backward(&self, pass: &Pass, work: &mut Work, gradient: &mut [f32]) {
        let Work { input, tape, gates, row_times, velocity, scratch, .. } = work;
        let net = self.program.net();
        if net.is_squashed() {
            let rows = Rows { input, times: row_times };
            net.backward_rows(pass, rows, (tape, gates), scratch, velocity, gradient);
            return;
        }
        let start = Start { input, tangents: &[] };
        let mut to = Gradients { points: &mut [], tangents: &mut [], theta: gradient };
        net.backward(pass, start, tape, scratch, (velocity, &[]), &mut to);
    }
}

vectorised! {
    /// target = v − target, and the sum of its squares.
    fn subtract<S>(s, velocity: &[Column], target: &mut [Column], squares: &mut Column) {
        for v in 0..S::VECTORS {
            let mut sum = s.splat(0.0);
            for (velocity, target) in velocity.iter().zip(&mut *target) {
                let difference = s.sub(s.load(velocity, v), s.load(target, v));
                sum = s.mul_add(difference, difference, sum);
                s.store(difference, target, v);
            }
            s.store(sum, squares, v);
        }
    }
}

impl TileLoss for MatchingLoss {
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
        let (net, d) = (self.program.net(), self.program.features());
        let columns = |count: usize| vec![Column::ZERO; count];
        Work {
            points: columns(d),
            latent: columns(d),
            context: columns(net.context()),
            input: columns(net.inputs()),
            tape: columns(net.tape(0, true)),
            gates: columns(net.gates()),
            row_times: Column::ZERO,
            velocity: columns(d),
            target: columns(d),
            scratch: columns(net.scratch(0)),
            shares: Column::ZERO,
            squares: Column::ZERO,
            times: Vec::with_capacity(ROWS),
            drawn: Vec::new(),
        }
    }

    fn draw(&mut self, table: &Table, rows: &[u32], rng: &mut dyn RngCore) -> Result<()> {
        self.draws = Draws::new(rng);
        self.offset = self.draws.uniform();
        if !self.is_tabled() {
            return Ok(());
        }
        let d = self.program.features();
        let z = match &self.base {
            None => latent(self.draws, rows.len(), d),
            Some(base) => latent_of(base.as_ref(), self.draws, rows.len())?,
        };
        let point = |row: &u32| table.point(*row as usize).iter().map(|x| f64::from(*x));
        let x: Vec<f64> = rows.iter().flat_map(point).collect();
        let pairs = self.matching.pairing.pair(&x, &z, d, rng)?;
        let partner = |row: u32| z[row as usize * d..][..d].iter().map(|z| *z as f32);
        self.latent.clear();
        self.latent.extend(pairs.into_iter().flat_map(partner));
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
        self.residuals(&pass, tile, work);
        work.shares = Column::ZERO;
        for (to, share) in work.shares.0.iter_mut().zip(tile.shares()) {
            *to = share;
        }
        set_weighted(pass.level, 2.0, &work.shares, &work.target, &mut work.velocity);
        self.backward(&pass, work, gradient);
        let Work { squares, shares, .. } = work;
        let rows = squares.0.iter().zip(&shares.0).take(tile.rows.len());
        Ok(rows.map(|(square, share)| f64::from(*square) * f64::from(*share)).sum())
    }
}
