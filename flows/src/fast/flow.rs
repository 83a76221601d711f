//! A flow as a density whose transforms run on kernels.

use super::program::Program;
use super::table::{Table, tiles};
use super::tile::write_rows;
use crate::density::Density;
use crate::error::Result;
use crate::flow::Flow;
use crate::objective::Batch;
use crate::params::Params;
use crate::transform::{check_context, check_points};
use candle_core::{Device, Tensor};
use rand::RngCore;
use std::sync::Arc;

/// The density of a [`Flow`] with the weights it had when this was made, outside any gradient.
///
/// Points and log-densities are `f32` on the CPU. Base samples are those of the flow's own base,
/// so that the same generator gives the same sample on both tiers, but for rounding.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::config::recipe;
/// use diffeo_flows::fast::{FastFlow, Program, simd::Level};
/// use diffeo_flows::{Density, Params};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let config = recipe("nsf")?.flow(2, 0)?;
/// let flow = config.build(&mut params)?;
/// let x = Tensor::zeros((5, 2), DType::F32, &Device::Cpu)?;
/// let slow = flow.log_prob(&x, None)?.to_vec1::<f32>()?;
/// let program = Program::new(&config, &params, Level::best()).expect("nsf has kernels");
/// let fast = FastFlow::new(program.into(), flow, &params)?.log_prob(&x, None)?.to_vec1::<f32>()?;
/// assert!(slow.iter().zip(&fast).all(|(a, b)| (a - b).abs() < 1e-5));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct FastFlow {
    program: Arc<Program>,
    flow: Flow,
    theta: Vec<f32>,
}

impl FastFlow {
    /// The flow with the weights as they stand.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn new(program: Arc<Program>, flow: Flow, params: &Params) -> Result<Self> {
        let theta = program.theta(params)?;
        Ok(Self { program, flow, theta })
    }

    fn table(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Table> {
        check_points("FastFlow", x, self.program.features())?;
        let context = check_context("FastFlow", x, context, self.program.context_features())?;
        let batch = Batch { context: context.cloned(), ..Batch::new(x.clone()) };
        Table::new(&batch, (self.program.features(), self.program.context_features()))
    }
}

impl Density for FastFlow {
    fn features(&self) -> usize {
        self.program.features()
    }

    fn log_prob(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let table = self.table(x, context)?;
        let mut work = self.program.workspace(false);
        let mut values = Vec::with_capacity(table.rows());
        for tile in tiles(0..table.rows()) {
            table.fill(self.program.level(), tile.clone(), &mut work);
            self.program.log_prob(&self.theta, &mut work);
            values.extend_from_slice(&work.log_det.0[..tile.len()]);
        }
        Ok(Tensor::from_vec(values, table.rows(), &Device::Cpu)?)
    }

    fn sample(&self, n: usize, context: Option<&Tensor>, rng: &mut dyn RngCore) -> Result<Tensor> {
        let z = self.flow.base().sample(n, context, rng)?;
        let table = self.table(&z, context)?;
        let d = self.program.features();
        let mut work = self.program.workspace(false);
        let mut values = vec![0.0; n * d];
        for tile in tiles(0..n) {
            table.fill(self.program.level(), tile.clone(), &mut work);
            self.program.inverse(&self.theta, &mut work);
            write_rows(
                self.program.level(),
                &work.points,
                &mut values[tile.start * d..tile.end * d],
            );
        }
        Ok(Tensor::from_vec(values, (n, d), &Device::Cpu)?)
    }
}
