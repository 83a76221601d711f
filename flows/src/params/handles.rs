//! What layers hold of their parameters.

use super::write;
use crate::error::Result;
use candle_core::{Tensor, Var};

/// A variable of a model: a tensor to calculate with, and the means to set it.
#[derive(Debug, Clone)]
pub struct Weight {
    pub(super) var: Var,
    pub(super) tensor: Tensor,
}

impl Weight {
    /// The variable, or in a frozen view its values outside any gradient.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Writes new values of the same shape.
    ///
    /// # Errors
    /// When the shape differs.
    pub fn set(&self, tensor: &Tensor) -> Result<()> {
        Ok(self.var.set(&tensor.to_dtype(self.var.dtype())?.contiguous()?)?)
    }

    /// Writes these values, row-major.
    ///
    /// # Errors
    /// When the number of entries differs.
    pub fn write(&self, values: &[f64]) -> Result<()> {
        write(&self.var, values)
    }
}

impl std::ops::Deref for Weight {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.tensor
    }
}

/// A frozen tensor of a model, which fitting to data may set.
#[derive(Debug, Clone)]
pub struct Buffer {
    pub(super) var: Var,
}

impl Buffer {
    /// The tensor as it stands, outside any gradient.
    pub fn tensor(&self) -> Tensor {
        self.var.as_detached_tensor()
    }

    /// Writes new values of the same shape.
    ///
    /// # Errors
    /// When the shape differs.
    pub fn set(&self, tensor: &Tensor) -> Result<()> {
        Ok(self.var.set(&tensor.to_dtype(self.var.dtype())?.contiguous()?)?)
    }
}

/// A flag saved with the model that lets something happen once, such as a start from data.
#[derive(Debug, Clone)]
pub struct Once(pub(super) Buffer);

impl Once {
    /// Whether it was done.
    ///
    /// # Errors
    /// When a device cannot be read.
    pub fn is_done(&self) -> Result<bool> {
        Ok(self.0.tensor().to_vec1::<u8>()?[0] == 1)
    }

    /// Does it, unless it was done before by this model or the one it was loaded from; what fails
    /// may be tried again.
    ///
    /// # Errors
    /// What `work` fails with.
    pub fn run(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.is_done()? {
            return Ok(());
        }
        work()?;
        self.0.set(&self.0.tensor().ones_like()?)
    }
}
