//! A continuous flow as a density that runs on kernels.

use super::evaluate::{Evaluator, Work};
use super::program::FieldProgram;
use crate::config::DivergenceConfig;
use crate::density::Density;
use crate::error::Result;
use crate::fast::table::{Table, tiles};
use crate::fast::tile::write_rows;
use crate::flow::Flow;
use crate::objective::Batch;
use crate::ode::Solver;
use crate::params::Params;
use crate::transform::{check_context, check_points};
use candle_core::{Device, Tensor};
use rand::RngCore;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The density of a continuous [`Flow`] with the weights it had when this was made, outside any
/// gradient.
///
/// Points and log-densities are `f32` on the CPU; base samples are those of the flow's own base.
/// Adaptive steps are those of a tile of 64 rows: as short as the row needs that needs the shortest,
/// so that a row's value depends on the other rows only within the tolerance of the solver. Probes,
/// where the divergence is estimated, follow from a seed and the entries of the row. A row that the
/// solver cannot follow has log-density NaN, and changes nothing for the others; a sample fails with
/// it.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::config::{BaseConfig, DivergenceConfig};
/// use diffeo_flows::densities::StandardNormal;
/// use diffeo_flows::fast::{FieldFlow, FieldProgram, simd::Level};
/// use diffeo_flows::fields::{FieldConfig, TimeMlp};
/// use diffeo_flows::nets::LastLayer;
/// use diffeo_flows::ode::{ContinuousFlow, RK4, Solver};
/// use diffeo_flows::transform::Layer;
/// use diffeo_flows::{Chain, Density, Flow, Params};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let config: FieldConfig = toml::from_str("hidden = [16, 16]").unwrap();
/// let (path, solver) = ("flow.0.continuous", Solver::fixed(&RK4, 10));
/// let field = TimeMlp::new(params.scope(path), 2, 0, &config, LastLayer::Scaled)?;
/// let transform = Box::new(ContinuousFlow::new(field, solver)?);
/// let chain = Chain::new(2, vec![Layer { name: "0.continuous".into(), transform }])?;
/// let base = Box::new(StandardNormal::new(2).on(DType::F32, &Device::Cpu));
/// let flow = Flow::new(chain, base, 0, (DType::F32, &Device::Cpu))?;
///
/// let x = Tensor::zeros((5, 2), DType::F32, &Device::Cpu)?;
/// let slow = flow.log_prob(&x, None)?.to_vec1::<f32>()?;
/// let base = BaseConfig::default();
/// let program = FieldProgram::new(path, (2, 0), &config, &base, &params, Level::best());
/// let program = program.expect("there are kernels").into();
/// let fast = FieldFlow::new(&program, flow, &params, (solver, DivergenceConfig::Exact), 0)?;
/// let fast = fast.log_prob(&x, None)?.to_vec1::<f32>()?;
/// assert!(slow.iter().zip(&fast).all(|(a, b)| (a - b).abs() < 1e-5));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct FieldFlow {
    evaluator: Evaluator,
    flow: Flow,
    theta: Vec<f32>,
    evaluations: AtomicUsize,
}

impl FieldFlow {
    /// The flow with the weights as they stand, solved so; probes are drawn from `seed`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for a solver or a divergence that cannot be used;
    /// otherwise when the weights cannot be read.
    pub fn new(
        program: &Arc<FieldProgram>,
        flow: Flow,
        params: &Params,
        (solver, divergence): (Solver, DivergenceConfig),
        seed: u64,
    ) -> Result<Self> {
        let evaluator = Evaluator::new(program, solver, divergence, seed)?;
        let theta = program.theta(params)?;
        Ok(Self { evaluator, flow, theta, evaluations: AtomicUsize::new(0) })
    }

    /// Evaluations of the field so far, over all tiles of 64 rows and all calls.
    pub fn evaluations(&self) -> usize {
        self.evaluations.load(Ordering::Relaxed)
    }

    /// The log-density of each row by each of k probes, `[n, k]`: their mean is an estimate of the
    /// log-density and their spread says how good it is. Where the divergence is exact, k = 1.
    ///
    /// # Errors
    /// As [`Density::log_prob`].
    pub fn log_prob_each(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        if self.evaluator.is_exact() {
            return Ok(self.log_prob(x, context)?.unsqueeze(1)?);
        }
        let k = self.evaluator.estimates();
        let mut values = Vec::new();
        self.log_probs(x, context, true, |work, rows| {
            let d = self.features();
            for r in 0..rows {
                values.extend(work.state[d + 1..d + 1 + k].iter().map(|column| column.0[r]));
            }
        })?;
        Ok(Tensor::from_vec(values, (x.dim(0)?, k), &Device::Cpu)?)
    }

    /// The kernels and their parameters.
    pub(super) fn parts(&self) -> (&FieldProgram, &[f32]) {
        (&self.evaluator.program, &self.theta)
    }

    pub(super) fn table(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Table> {
        let program = &self.evaluator.program;
        check_points("FieldFlow", x, program.features())?;
        let context = check_context("FieldFlow", x, context, program.context_features())?;
        let batch = Batch { context: context.cloned(), ..Batch::new(x.clone()) };
        Table::new(&batch, (program.features(), program.context_features()))
    }

    /// Shows every tile of log-densities, and the number of its rows, to `take`.
    fn log_probs(
        &self,
        x: &Tensor,
        context: Option<&Tensor>,
        each: bool,
        mut take: impl FnMut(&Work, usize),
    ) -> Result<()> {
        let (table, d) = (self.table(x, context)?, self.features());
        let mut work = self.evaluator.work();
        for tile in tiles(0..table.rows()) {
            let (rows, level) = (tile.len(), self.evaluator.program.level());
            table.read(level, tile, &mut work.state[..d], &mut work.context);
            self.evaluator.log_prob(&self.theta, &mut work, rows, each)?;
            take(&work, rows);
        }
        self.evaluations.fetch_add(work.room.evaluations, Ordering::Relaxed);
        Ok(())
    }
}

impl Density for FieldFlow {
    fn features(&self) -> usize {
        self.evaluator.program.features()
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let (mut values, d) = (Vec::new(), self.features());
        self.log_probs(x, context, false, |work, rows| {
            values.extend_from_slice(&work.state[d].0[..rows]);
        })?;
        Ok(Tensor::from_vec(values, x.dim(0)?, &Device::Cpu)?)
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let z = self.flow.base().sample(n, context, rng)?;
        let (table, d) = (self.table(&z, context)?, self.features());
        let level = self.evaluator.program.level();
        let mut work = self.evaluator.work();
        let mut values = vec![0.0; n * d];
        for tile in tiles(0..n) {
            table.read(level, tile.clone(), &mut work.state[..d], &mut work.context);
            self.evaluator.sample(&self.theta, tile.len(), &mut work)?;
            write_rows(level, &work.state[..d], &mut values[tile.start * d..tile.end * d]);
        }
        self.evaluations.fetch_add(work.room.evaluations, Ordering::Relaxed);
        Ok(Tensor::from_vec(values, (n, d), &Device::Cpu)?)
    }
}
