//! Samplers of a diffusion over tiles of rows: the fast tier of [`crate::score::walk`].

use super::columns::{add_times, is_finite, set_times};
use super::flow::FieldFlow;
use super::net::Start;
use super::program::FieldProgram;
use crate::density::Density;
use crate::draws::Draws;
use crate::error::{Error, Result};
use crate::fast::table::tiles;
use crate::fast::tile::{Column, ROWS, write_rows};
use crate::score::{Move, NoiseLevels, NoisePrediction, Sampler, Walkers, not_finite, start_scale};
use candle_core::{Device, Tensor};
use rand::RngCore;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// The points of a tile on their way.
#[derive(Debug)]
struct Tile<'a> {
    program: &'a FieldProgram,
    levels: &'a NoiseLevels,
    theta: &'a [f32],
    rows: usize,
    rng: ChaCha8Rng,
    work: &'a mut Work,
}

/// The columns of a tile.
#[derive(Debug)]
struct Work {
    points: Vec<Column>,
    context: Vec<Column>,
    input: Vec<Column>,
    tape: Vec<Column>,
    output: Vec<Column>,
    /// The last prediction, and the one before.
    predicted: Vec<Column>,
    before: Vec<Column>,
    fresh: Vec<Column>,
    /// Room for the parameters at one time.
    at_time: Vec<f32>,
}

impl Work {
    fn new(program: &FieldProgram) -> Self {
        let (net, d) = (program.net(), program.features());
        let columns = |count: usize| vec![Column::ZERO; count];
        Self {
            points: columns(d),
            context: columns(net.context()),
            input: columns(net.inputs()),
            tape: columns(net.tape(0, false)),
            output: columns(d),
            predicted: columns(d),
            before: columns(d),
            fresh: columns(d),
            at_time: vec![0.0; net.at_time_room(program.length())],
        }
    }
}

impl Walkers for Tile<'_> {
    fn predict(&mut self, level: f64) -> Result<()> {
        let (program, d) = (self.program, self.program.features());
        let (net, simd) = (program.net(), program.level());
        let t = self.levels.time_within(level)?;
        let Work { points, input, tape, output, predicted, before, at_time, .. } = &mut *self.work;
        set_times(simd, self.levels.coefficients(t).alpha as f32, points, &mut input[..d]);
        net.set_time(t, input);
        let pass = net.at_time(&program.pass(self.theta), t, at_time);
        net.forward(&pass, Start { input, tangents: &[] }, tape, (output, &mut []), false);
        std::mem::swap(predicted, before);
        let c = NoisePrediction::at(self.levels, t);
        set_times(simd, c.point as f32, &input[..d], predicted);
        // F in place of the velocity.
        add_times(simd, (c.velocity * self.levels.rate(t)) as f32, output, predicted);
        Ok(())
    }

    fn advance(&mut self, by: Move) -> Result<()> {
        let simd = self.program.level();
        let Work { points, predicted, before, fresh, .. } = &mut *self.work;
        add_times(simd, by.predicted as f32, predicted, points);
        if by.before != 0.0 {
            add_times(simd, by.before as f32, before, points);
        }
        if by.fresh != 0.0 {
            for r in 0..self.rows {
                for column in fresh.iter_mut() {
                    let value: f64 = StandardNormal.sample(&mut self.rng);
                    column.0[r] = value as f32;
                }
            }
            add_times(simd, by.fresh as f32, fresh, points);
        }
        Ok(())
    }
}

impl FieldFlow {
    /// As [`crate::score::walk`], of this flow's own diffusion; `after` sees the points of a tile at
    /// a time: its first row, the step, and the points, row-major.
    ///
    /// # Errors
    /// As [`crate::score::walk`].
    pub fn walk(
        &self,
        sampler: &Sampler,
        latent: &Tensor,
        context: Option<&Tensor>,
        rng: &mut dyn RngCore,
        mut after: impl FnMut(usize, usize, &[f32]) -> Result<()>,
    ) -> Result<Tensor> {
        sampler.check()?;
        let (program, theta) = self.parts();
        let Some(levels) = program.noise_levels() else {
            let problem = "the flow is not that of a diffusion";
            return Err(Error::config("sampler", problem, "leave it out, or fit score"));
        };
        let (table, n, d) = (self.table(latent, context)?, latent.dim(0)?, self.features());
        let (draws, level) = (Draws::new(rng), program.level());
        let scale = start_scale(sampler, levels) as f32;
        let mut work = Work::new(program);
        let (mut values, mut seen) = (vec![0.0; n * d], vec![0.0; ROWS * d]);
        for (block, tile) in tiles(0..n).enumerate() {
            let rows = tile.len();
            table.read(level, tile.clone(), &mut work.fresh, &mut work.context);
            set_times(level, scale, &work.fresh, &mut work.points);
            work.input[d..d + work.context.len()].copy_from_slice(&work.context);
            let rng = draws.latent(block);
            let mut walkers = Tile { program, levels, theta, rows, rng, work: &mut work };
            sampler.run(levels, &mut walkers, |step, walkers| {
                write_rows(level, &walkers.work.points, &mut seen[..rows * d]);
                after(tile.start, step, &seen[..rows * d])
            })?;
            if !is_finite(level, &work.points) {
                return Err(not_finite());
            }
            write_rows(level, &work.points, &mut values[tile.start * d..tile.end * d]);
        }
        Ok(Tensor::from_vec(values, (n, d), &Device::Cpu)?)
    }
}
