//! Says where the samples of a density without parameters go.

use crate::error::Result;
use candle_core::{DType, Device, Shape, Tensor};
use rand::{Rng, RngCore};
use rand_distr::StandardNormal;

/// A dtype and a device; `f64` on the CPU unless told otherwise.
#[derive(Debug, Clone)]
pub(super) struct Placement {
    pub(super) dtype: DType,
    pub(super) device: Device,
}

impl Default for Placement {
    fn default() -> Self {
        Self { dtype: DType::F64, device: Device::Cpu }
    }
}

impl Placement {
    pub(super) fn new(dtype: DType, device: &Device) -> Self {
        Self { dtype, device: device.clone() }
    }

    /// Where `tensor` is.
    pub(super) fn of(tensor: &Tensor) -> Self {
        Self::new(tensor.dtype(), tensor.device())
    }

    /// A tensor of these entries, row-major, rounded once.
    pub(super) fn tensor(&self, values: Vec<f64>, shape: impl Into<Shape>) -> Result<Tensor> {
        let tensor = Tensor::from_vec(values, shape.into(), &Device::Cpu)?;
        Ok(tensor.to_dtype(self.dtype)?.to_device(&self.device)?)
    }

    /// Independent standard normal entries.
    pub(super) fn normals(&self, n: usize, d: usize, rng: &mut dyn RngCore) -> Result<Tensor> {
        let values = (0..n * d).map(|_| rng.sample(StandardNormal)).collect();
        self.tensor(values, (n, d))
    }
}
