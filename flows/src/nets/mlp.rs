//! Multilayer perceptrons with context.

use super::{LastLayer, Linear, NetConfig};
use crate::calculus::{DifferentiableMap, Dual};
use crate::error::Result;
use crate::params::Scope;
use crate::transform::check_points;
use candle_core::Tensor;
use std::fmt::Debug;

/// A network that maps features and an optional context to the parameters of a transform.
pub trait Conditioner: Debug + Send + Sync {
    /// x `[n, inputs]`, context `[n, k]` → `[n, outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when a shape does not fit.
    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor>;

    /// Makes the bias of the last layer `values`, `[outputs]`: the output wherever the last weights
    /// are zero.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when the number of values differs.
    fn set_output_bias(&self, values: &[f64]) -> Result<()>;
}

/// A multilayer perceptron; the context is appended to its inputs.
///
/// Plain: linear, activation, …, linear. Residual: each hidden layer after the first is
/// h + L₂(a(L₁(a(h)))).
#[derive(Debug)]
pub struct Mlp {
    first: Linear,
    blocks: Vec<Block>,
    last: Linear,
    config: NetConfig,
}

#[derive(Debug)]
pub(super) enum Block {
    Plain(Linear),
    Residual(Linear, Linear),
}

impl Mlp {
    /// A network from `inputs` (features and context together) to `outputs`.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for widths that cannot be used.
    pub fn new(
        mut scope: Scope,
        inputs: usize,
        outputs: usize,
        config: &NetConfig,
        last: LastLayer,
    ) -> Result<Self> {
        config.check()?;
        let widths = &config.hidden;
        let first = Linear::new(scope.sub("first"), inputs, widths[0], None)?;
        let mut blocks = Vec::new();
        for (i, pair) in widths.windows(2).enumerate() {
            blocks.push(Block::new(scope.sub(i + 1), pair[0], pair[1], config.residual, None)?);
        }
        let last = last.build(scope.sub("last"), widths[widths.len() - 1], outputs, None)?;
        Ok(Self { first, blocks, last, config: config.clone() })
    }

    /// The outputs at x and the context, with the tangent of x carried along; the context has none.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when a shape does not fit.
    pub fn forward_and_jvp(&self, x: &Dual, context: Option<&Tensor>) -> Result<Dual> {
        let input = match context {
            Some(context) if x.value.dim(1)? == 0 => Dual::constant(context)?,
            Some(context) => Dual::cat(&[x.clone(), Dual::constant(context)?])?,
            None => x.clone(),
        };
        check_points("Mlp", &input.value, self.first.inputs())?;
        let hidden = self.first.forward_and_jvp(&input)?;
        self.last.forward_and_jvp(&run_blocks_and_jvp(&self.blocks, hidden, &self.config)?)
    }
}

/// A network without context, or with the context among its inputs.
impl DifferentiableMap for Mlp {
    fn inputs(&self) -> usize {
        self.first.inputs()
    }

    fn outputs(&self) -> usize {
        self.last.outputs()
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        check_points("Mlp", x, self.first.inputs())?;
        Conditioner::forward(self, x, None)
    }

    fn forward_and_jvp(&self, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
        let image = Self::forward_and_jvp(self, &Dual::new(x.clone(), u.clone())?, None)?;
        Ok((image.value, image.tangent))
    }
}

impl Conditioner for Mlp {
    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let hidden = match context {
            Some(context) if x.dim(1)? == 0 => self.first.forward(context)?,
            Some(context) => self.first.forward(&Tensor::cat(&[x, context], 1)?)?,
            None => self.first.forward(x)?,
        };
        let hidden = run_blocks(&self.blocks, hidden, &self.config)?;
        self.last.forward(&hidden)
    }

    fn set_output_bias(&self, values: &[f64]) -> Result<()> {
        self.last.set_bias(values)
    }
}

impl Block {
    pub(super) fn new(
        mut scope: Scope,
        inputs: usize,
        outputs: usize,
        residual: bool,
        mask: Option<&Tensor>,
    ) -> Result<Self> {
        let first = Linear::new(scope.sub("0"), inputs, outputs, mask)?;
        if !residual {
            return Ok(Self::Plain(first));
        }
        Ok(Self::Residual(first, Linear::new(scope.sub("1"), outputs, outputs, mask)?))
    }
}

/// The hidden layers after the first, and the activation before the last layer.
pub(super) fn run_blocks(blocks: &[Block], hidden: Tensor, config: &NetConfig) -> Result<Tensor> {
    let activation = config.activation;
    let hidden = blocks.iter().try_fold(hidden, |hidden, block| -> Result<Tensor> {
        let active = activation.apply(&hidden)?;
        match block {
            Block::Plain(linear) => linear.forward(&active),
            Block::Residual(first, second) => {
                let inner = second.forward(&activation.apply(&first.forward(&active)?)?)?;
                Ok((hidden + inner)?)
            }
        }
    })?;
    activation.apply(&hidden)
}

/// As `run_blocks`, with tangents.
pub(super) fn run_blocks_and_jvp(
    blocks: &[Block],
    hidden: Dual,
    config: &NetConfig,
) -> Result<Dual> {
    let activation = config.activation;
    let hidden = blocks.iter().try_fold(hidden, |hidden, block| -> Result<Dual> {
        let active = activation.forward_and_jvp(&hidden)?;
        match block {
            Block::Plain(linear) => linear.forward_and_jvp(&active),
            Block::Residual(first, second) => {
                let inner = activation.forward_and_jvp(&first.forward_and_jvp(&active)?)?;
                hidden.add(&second.forward_and_jvp(&inner)?)
            }
        }
    })?;
    activation.forward_and_jvp(&hidden)
}
