//! The numbers of a tensor that is put together piece by piece, without a second copy.

use crate::error::Result;
use candle_core::{DType, Device, Shape, Tensor};

/// Numbers in single or double precision.
#[derive(Debug)]
pub(super) enum Numbers {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Numbers {
    /// Room for so many numbers, in double precision unless `dtype` is single.
    pub(super) fn new(dtype: DType, count: usize) -> Self {
        match dtype {
            DType::F32 => Self::Single(Vec::with_capacity(count)),
            _ => Self::Double(Vec::with_capacity(count)),
        }
    }

    /// Appends the entries of a tensor, row-major, in their order.
    ///
    /// # Errors
    /// When a device cannot be read.
    pub(super) fn append(&mut self, tensor: &Tensor) -> Result<()> {
        let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?;
        match self {
            Self::Single(all) => all.extend(flat.to_dtype(DType::F32)?.to_vec1::<f32>()?),
            Self::Double(all) => all.extend(flat.to_dtype(DType::F64)?.to_vec1::<f64>()?),
        }
        Ok(())
    }

    /// The tensor of all numbers.
    ///
    /// # Errors
    /// When they do not fill the shape, or a device cannot be written.
    pub(super) fn tensor(self, shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
        let shape = shape.into();
        Ok(match self {
            Self::Single(all) => Tensor::from_vec(all, shape, device)?,
            Self::Double(all) => Tensor::from_vec(all, shape, device)?,
        })
    }
}
