//! A flow's kernels as one operation among candle's.

use super::program::{Program, Workspace};
use super::table::tiles;
use super::tile::{Column, read_rows, write_rows};
use crate::error::{Error, Result};
use crate::params::Params;
use crate::transform::{Mapped, check_context, check_points};
use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Shape, Tensor};
use std::ops::Range;
use std::sync::Arc;

const WHAT: &str = "FastTransform::forward";

/// The layers of a flow, data → latent, as one differentiable operation of points and parameters.
///
/// It takes its place in a graph of candle operations: what comes before may compute the points or
/// the parameters, what comes after any loss. The base is no part of it; the parameters of one get
/// the gradient 0.
///
/// Gradients are of first order: they are numbers without a graph of their own, so that a gradient
/// of a gradient is not to be had. The context gets no gradient. Everything is `f32` on the CPU.
/// One thread runs, and the same numbers give the same bits.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor, Var};
/// use diffeo_flows::Params;
/// use diffeo_flows::config::recipe;
/// use diffeo_flows::fast::{FastTransform, Program, flat_theta, simd::Level};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let config = recipe("nsf")?.flow(2, 0)?;
/// let _flow = config.build(&mut params)?;
/// let program = Program::new(&config, &params, Level::best()).expect("nsf has kernels");
/// let transform = FastTransform::new(program);
/// let w = Var::zeros((5, 2), DType::F32, &Device::Cpu)?;
/// let mapped = transform.forward(&w.tanh()?, &flat_theta(&params)?, None)?;
/// let loss = (mapped.points.sqr()?.sum_all()? - mapped.log_det.sum_all()?)?;
/// let gradients = loss.backward()?;
/// assert_eq!(gradients.get(&w).map(Tensor::dims), Some(&[5, 2][..]));
/// assert!(params.trainable().all(|param| gradients.get(param.var()).is_some()));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FastTransform {
    program: Arc<Program>,
}

impl FastTransform {
    /// The layers of these kernels.
    pub fn new(program: impl Into<Arc<Program>>) -> Self {
        Self { program: program.into() }
    }

    /// The kernels.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Maps x `[n, d]` given a context `[n, k]`, with the parameters theta in the order of
    /// [`Params::read_flat`]; see [`flat_theta`].
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit; [`Error::Config`] for tensors of another dtype or
    /// device.
    pub fn forward(&self, x: &Tensor, theta: &Tensor, context: Option<&Tensor>) -> Result<Mapped> {
        let program = &self.program;
        check_points(WHAT, x, program.features())?;
        let context = check_context(WHAT, x, context, program.context_features())?;
        if theta.dims() != [program.parameters()] {
            let expected = format!("theta [{}]", program.parameters());
            return Err(Error::shape(WHAT, expected, theta.dims()));
        }
        check_placement("x", x)?;
        check_placement("theta", theta)?;
        let context = match context {
            None => Vec::new(),
            Some(context) => {
                check_placement("context", context)?;
                context.flatten_all()?.to_vec1()?
            }
        };
        let operation = Operation { program: Arc::clone(program), context };
        let packed = x.contiguous()?.apply_op2(&theta.contiguous()?, operation)?;
        let d = program.features();
        Ok(Mapped {
            points: packed.narrow(1, 0, d)?.contiguous()?,
            log_det: packed.narrow(1, d, 1)?.squeeze(1)?.contiguous()?,
        })
    }
}

/// All trainable entries one after the other, in the order of [`Params::read_flat`], as a tensor
/// that passes gradients on to the variables.
///
/// # Errors
/// When a tensor operation fails.
pub fn flat_theta(params: &Params) -> Result<Tensor> {
    let flat = |param: &crate::params::Param| param.var().flatten_all();
    let parts = params.trainable().map(flat).collect::<candle_core::Result<Vec<_>>>()?;
    if parts.is_empty() {
        return Ok(Tensor::zeros(0, params.dtype(), params.device())?);
    }
    Ok(Tensor::cat(&parts, 0)?)
}

fn check_placement(name: &str, tensor: &Tensor) -> Result<()> {
    if tensor.dtype() == DType::F32 && matches!(tensor.device(), Device::Cpu) {
        return Ok(());
    }
    let problem = format!("{:?} on {:?}", tensor.dtype(), tensor.device().location());
    Err(Error::config(name, problem, "give f32 on the CPU, or take the reference transform"))
}

/// (x, theta) ↦ `[n, d + 1]`: the images and the log-determinant of each row.
struct Operation {
    program: Arc<Program>,
    /// Row-major, `[n, k]`.
    context: Vec<f32>,
}

impl Operation {
    fn fill(&self, x: &[f32], rows: &Range<usize>, work: &mut Workspace) {
        let (d, k) = (self.program.features(), self.program.context_features());
        let level = self.program.level();
        read_rows(level, x[rows.start * d..rows.end * d].chunks_exact(d), &mut work.points);
        if k > 0 {
            let context = &self.context[rows.start * k..rows.end * k];
            read_rows(level, context.chunks_exact(k), &mut work.context);
        }
    }

    /// The parameters, and what is prepared from them.
    fn prepared(&self, theta: &[f32]) -> Vec<f32> {
        let mut prepared = Vec::with_capacity(self.program.length());
        prepared.extend_from_slice(theta);
        prepared.resize(self.program.length(), 0.0);
        self.program.prepare(&mut prepared);
        prepared
    }

    fn forward(&self, x: &[f32], theta: &[f32]) -> Vec<f32> {
        let d = self.program.features();
        let theta = self.prepared(theta);
        let mut work = self.program.workspace(false);
        let mut packed = vec![0.0; x.len() / d * (d + 1)];
        let mut columns = vec![Column::ZERO; d + 1];
        for rows in tiles(0..x.len() / d) {
            self.fill(x, &rows, &mut work);
            self.program.forward(&theta, &mut work);
            columns[..d].copy_from_slice(&work.points);
            columns[d] = work.log_det;
            write_rows(
                self.program.level(),
                &columns,
                &mut packed[rows.start * (d + 1)..rows.end * (d + 1)],
            );
        }
        packed
    }

    /// The gradients of x and theta from that of the result.
    fn backward(&self, x: &[f32], theta: &[f32], packed: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let d = self.program.features();
        let theta = self.prepared(theta);
        let mut work = self.program.workspace(true);
        let mut d_x = vec![0.0; x.len()];
        let mut d_theta = vec![0.0; theta.len()];
        for rows in tiles(0..x.len() / d) {
            self.fill(x, &rows, &mut work);
            self.program.forward_kept(&theta, &mut work);
            // Lanes beyond the last row add nothing.
            work.d_points.fill(Column::ZERO);
            work.d_log_det = Column::ZERO;
            let gradients = packed[rows.start * (d + 1)..rows.end * (d + 1)].chunks_exact(d + 1);
            for (r, row) in gradients.enumerate() {
                work.d_points.iter_mut().zip(row).for_each(|(column, g)| column.0[r] = *g);
                work.d_log_det.0[r] = row[d];
            }
            self.program.backward(&theta, &mut work, &mut d_theta);
            write_rows(
                self.program.level(),
                &work.d_points,
                &mut d_x[rows.start * d..rows.end * d],
            );
        }
        self.program.finish(&theta, &mut d_theta);
        d_theta.truncate(self.program.parameters());
        (d_x, d_theta)
    }
}

/// The numbers of a storage that lie one after the other.
fn entries<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<f32>()?[start..end]),
        None => candle_core::bail!("{WHAT}: the tensor is not contiguous"),
    }
}

impl CustomOp2 for Operation {
    fn name(&self) -> &'static str {
        "flow"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        theta: &CpuStorage,
        theta_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let packed = self.forward(entries(x, x_layout)?, entries(theta, theta_layout)?);
        let columns = self.program.features() + 1;
        let shape = Shape::from((packed.len() / columns, columns));
        Ok((CpuStorage::F32(packed), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        theta: &Tensor,
        _packed: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let numbers = |tensor: &Tensor| tensor.contiguous()?.flatten_all()?.to_vec1::<f32>();
        let (d_x, d_theta) = self.backward(&numbers(x)?, &numbers(theta)?, &numbers(gradient)?);
        let d_x = Tensor::from_vec(d_x, x.shape(), x.device())?;
        let d_theta = Tensor::from_vec(d_theta, theta.shape(), theta.device())?;
        Ok((Some(d_x), Some(d_theta)))
    }
}

#[cfg(test)]
mod tests;
