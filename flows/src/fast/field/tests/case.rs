//! A field in both precisions, and the losses of its training by the reference.

use super::{PATH, config, field, tensor};
use crate::config::{BaseConfig, ContinuousTraining, TrainingDivergence};
use crate::densities::StandardNormal;
use crate::density::Density;
use crate::draws::Draws;
use crate::fast::against_reference::{assert_gradient, random, randomise};
use crate::fast::field::likelihood::LikelihoodLoss;
use crate::fast::field::program::FieldProgram;
use crate::fast::simd::Level;
use crate::fast::table::{Table, tiles};
use crate::fast::training::{Gradients, Tile, TileLoss};
use crate::field::VectorField;
use crate::fields::{FieldConfig, TimeForm};
use crate::flow::Flow;
use crate::nets::{Activation, LastLayer};
use crate::objective::Batch;
use crate::ode::{ContinuousFlow, Solver, State, Step, replay};
use crate::params::{Params, to_f64};
use crate::rng::{Stream, generator};
use crate::transform::{Chain, Layer};
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor};
use std::sync::Arc;

/// A field in both precisions, and rows to train it on.
pub(super) struct Case {
    pub(super) params: Params,
    pub(super) field: Box<dyn VectorField>,
    /// In single precision.
    pub(super) single: Params,
    pub(super) config: FieldConfig,
    base: Box<dyn Density>,
    base_config: BaseConfig,
    pub(super) sizes: (usize, usize),
    pub(super) batch: Batch,
}

/// What a tile took, and what the reference makes of it.
struct Sum {
    loss: f64,
    gradient: Vec<f64>,
}

/// Random rows with weights and log-volumes.
fn batch(rows: usize, (d, k): (usize, usize)) -> Batch {
    let column = |seed: u64| random(rows, seed, 0.5);
    let positive = |w: &f64| f64::from((0.3 + w.abs()) as f32);
    let weights: Vec<f64> = column(8).iter().map(positive).collect();
    let flat = |values: &[f64]| tensor(values, 1).squeeze(1).unwrap();
    Batch {
        points: tensor(&random(rows * d, 5, 1.0), d),
        context: (k > 0).then(|| tensor(&random(rows * k, 6, 1.0), k)),
        weights: Some(flat(&weights)),
        log_det: Some(flat(&column(9))),
    }
}

fn build_base(config: &BaseConfig, params: &mut Params, d: usize) -> Box<dyn Density> {
    config.build(params.scope("base"), d).unwrap()
}

impl Case {
    pub(super) fn new(
        rows: usize,
        sizes: (usize, usize),
        activation: Activation,
        time: TimeForm,
    ) -> Self {
        Self::with_base(rows, sizes, (activation, time), BaseConfig::default())
    }

    pub(super) fn with_base(
        rows: usize,
        sizes: (usize, usize),
        (activation, time): (Activation, TimeForm),
        base_config: BaseConfig,
    ) -> Self {
        Self::with(rows, sizes, config(activation, time), base_config)
    }

    /// Of the gradient of a scalar.
    pub(super) fn potential(
        rows: usize,
        sizes: (usize, usize),
        activation: Activation,
        time: TimeForm,
    ) -> Self {
        let config = FieldConfig { potential: true, ..config(activation, time) };
        Self::with(rows, sizes, config, BaseConfig::default())
    }

    fn with(
        rows: usize,
        sizes: (usize, usize),
        config: FieldConfig,
        base_config: BaseConfig,
    ) -> Self {
        let (mut params, field) = field(sizes, &config);
        let mut single = Params::new(DType::F32, &Device::Cpu, 0);
        config.build(single.scope(PATH), sizes, LastLayer::Scaled).unwrap();
        let base = build_base(&base_config, &mut params, sizes.0);
        build_base(&base_config, &mut single, sizes.0);
        randomise(&params, 3, 0.5);
        single.write_flat(&params.read_flat().unwrap()).unwrap();
        let batch = batch(rows, sizes);
        Self { params, field, single, config, base, base_config, sizes, batch }
    }

    pub(super) fn program(&self, level: Level) -> Arc<FieldProgram> {
        let (config, base) = (&self.config, &self.base_config);
        FieldProgram::new(PATH, self.sizes, config, base, &self.single, level).unwrap().into()
    }

    /// Another copy of the field, in double precision.
    pub(super) fn field(&self) -> Box<dyn VectorField> {
        let mut frozen = self.params.frozen();
        self.config.build(frozen.scope(PATH), self.sizes, LastLayer::Scaled).unwrap()
    }

    /// The flow in single precision.
    pub(super) fn flow(&self) -> Flow {
        let (mut frozen, (d, k)) = (self.single.frozen(), self.sizes);
        let field = self.config.build(frozen.scope(PATH), (d, k), LastLayer::Scaled);
        let transform = Box::new(ContinuousFlow::new(field.unwrap(), Solver::default()).unwrap());
        let chain = Chain::new(d, vec![Layer { name: "0.continuous".into(), transform }]).unwrap();
        let base = StandardNormal::new(d).on(DType::F32, &Device::Cpu);
        Flow::new(chain, Box::new(base), k, (DType::F32, &Device::Cpu)).unwrap()
    }

    /// The loss over all tiles, each on the steps that its kernel took.
    fn reference(&self, training: &ContinuousTraining, steps: &[Vec<Step>], draws: Draws) -> Sum {
        let total: f64 = to_f64(self.batch.weights.as_ref().unwrap()).unwrap().iter().sum();
        let mut sum = Sum { loss: 0.0, gradient: vec![0.0; self.params.count()] };
        for (i, rows) in tiles(0..self.batch.rows().unwrap()).enumerate() {
            let batch = self.batch.narrow(rows.start, rows.len()).unwrap();
            let probes = self.probes(training, rows.len(), i, draws);
            let losses = self.row_losses(training, &batch, &steps[i], &probes);
            let weights = batch.weights.unwrap();
            let loss = ((losses * weights).unwrap().sum_all().unwrap() / total).unwrap();
            sum.loss += to_f64(&loss).unwrap()[0];
            let store = loss.backward().unwrap();
            let gradient =
                self.params.trainable().flat_map(|p| to_f64(store.get(p.var()).unwrap()).unwrap());
            sum.gradient.iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
        }
        sum
    }

    /// The directions of the tangents, `[n, d]` each.
    fn probes(
        &self,
        training: &ContinuousTraining,
        rows: usize,
        block: usize,
        draws: Draws,
    ) -> Vec<Tensor> {
        let d = self.sizes.0;
        match training.divergence {
            TrainingDivergence::Hutchinson { probe } => {
                let mut values = vec![0.0; rows * d];
                draws.probes(probe, block, d, &mut values);
                vec![tensor(&values, d)]
            }
            TrainingDivergence::Auto | TrainingDivergence::Exact => {
                let unit = |i: usize| (0..rows * d).map(move |k| f64::from(u8::from(k % d == i)));
                (0..d).map(|i| tensor(&unit(i).collect::<Vec<_>>(), d)).collect()
            }
        }
    }

    fn row_losses(
        &self,
        training: &ContinuousTraining,
        batch: &Batch,
        steps: &[Step],
        probes: &[Tensor],
    ) -> Tensor {
        let zero = Tensor::zeros(batch.rows().unwrap(), DType::F64, &Device::Cpu).unwrap();
        let start = State::new(vec![batch.points.clone(), zero.clone(), zero.clone()]);
        let squares = |x: &Tensor| x.sqr().unwrap().sum(1).unwrap();
        let system = |t: f64, state: &State| {
            let (x, context) = (&state.parts()[0], batch.context.as_ref());
            let velocity = self.field.velocity(t, x, context)?;
            let (mut divergence, mut norm) = (zero.clone(), zero.clone());
            for probe in probes {
                let (_, along) = self.field.velocity_and_jvp(t, x, probe, context)?;
                divergence = (divergence + (&along * probe)?.sum(1)?)?;
                norm = (norm + squares(&along))?;
            }
            let kinetic = squares(&velocity);
            let penalty = ((kinetic * training.kinetic)? + (norm * training.jacobian)?)?;
            Ok(State::new(vec![velocity, divergence, penalty]))
        };
        let tableau = training.solver.method.tableau();
        let end = replay(&system, &start, tableau, steps).unwrap().state.into_parts();
        let base = self.base.log_prob(&end[0], None).unwrap();
        let log_prob = ((base + &end[1]).unwrap() + batch.log_det.as_ref().unwrap()).unwrap();
        (&end[2] - log_prob).unwrap()
    }

    pub(super) fn check(&self, what: &str, training: &ContinuousTraining) {
        let draws = || generator(4, Stream::Objective, 7);
        for level in Level::available() {
            let program = self.program(level);
            let sizes = (program.features(), program.context_features());
            let table = Table::new(&self.batch, sizes).unwrap();
            let theta = program.theta(&self.single).unwrap();
            let steps = steps(&program, training, &table, &theta);
            let reference = || self.reference(training, &steps, Draws::new(&mut draws()));
            let expected = Workers::new(1).unwrap().run(reference);
            let loss = LikelihoodLoss::new(&program, training).unwrap();
            let mut gradients = Gradients::new(loss, table, theta, 1);
            let (loss, gradient) = gradients.run_all(&mut draws()).unwrap();
            let what = format!("{what}, {}", level.name());
            let error = (loss - expected.loss).abs() / expected.loss.abs().max(1.0);
            assert!(error < 1e-5, "{what}: {loss} for {}", expected.loss);
            let gradient: Vec<f32> = gradient.iter().map(|g| *g as f32).collect();
            assert_gradient(&what, &self.params, &gradient, &expected.gradient, 1e-4);
        }
    }
}

/// The steps that each tile takes.
fn steps(
    program: &Arc<FieldProgram>,
    training: &ContinuousTraining,
    table: &Table,
    theta: &[f32],
) -> Vec<Vec<Step>> {
    let loss = LikelihoodLoss::new(program, training).unwrap();
    let mut work = loss.work();
    let rows: Vec<u32> = (0..table.rows() as u32).collect();
    let tile = |range: std::ops::Range<usize>| {
        let rows = &rows[range.clone()];
        let tile = Tile { table, rows, first: range.start, batch: table.rows(), scale: 1.0 };
        loss.run(theta, &tile, &mut work, &mut vec![0.0; theta.len()]).unwrap();
        work.room.steps.clone()
    };
    tiles(0..table.rows()).map(tile).collect()
}
