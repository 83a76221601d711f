//! Where layers create their parameters.

use super::{Buffer, Init, Once, Param, Params, Weight};
use crate::error::{Error, Result};
use crate::rng::{Stream, named_generator};
use candle_core::{DType, Device, Shape, Tensor};
use rand::Rng;
use rand_distr::StandardNormal;

/// A place in a [`Params`] where a layer creates its parameters.
#[derive(Debug)]
pub struct Scope<'a> {
    pub(super) params: &'a mut Params,
    pub(super) path: String,
}

impl Scope<'_> {
    /// The place below this one.
    pub fn sub(&mut self, name: impl std::fmt::Display) -> Scope<'_> {
        Scope { path: format!("{}.{name}", self.path), params: self.params }
    }

    /// This place again, for a part of a layer that shares it.
    pub fn here(&mut self) -> Scope<'_> {
        Scope { path: self.path.clone(), params: self.params }
    }

    /// The seed of the set.
    pub fn seed(&self) -> u64 {
        self.params.seed
    }

    /// The dtype of the variables.
    pub fn dtype(&self) -> DType {
        self.params.dtype
    }

    /// The device of the parameters.
    pub fn device(&self) -> &Device {
        &self.params.device
    }

    /// A generator for random structure at this place, such as a permutation.
    pub fn structure_generator(&self) -> rand_chacha::ChaCha8Rng {
        named_generator(self.params.seed, Stream::Structure, &self.path)
    }

    /// Fails unless a table of so many rows and columns fits, before it is made.
    ///
    /// # Errors
    /// [`Error::Config`] naming this place.
    pub fn require_room(&self, rows: usize, columns: usize) -> Result<()> {
        self.params.require_room(&self.path, rows.checked_mul(columns))
    }

    /// Creates a variable that training moves.
    ///
    /// # Errors
    /// [`Error::Config`] when the name is taken; [`Error::Shape`] when given values do not fit.
    pub fn trainable(&mut self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Tensor> {
        Ok(self.variable(name, shape, init)?.tensor)
    }

    /// Creates a variable that training moves, and gives write access to it, for maps that take
    /// their start from data.
    ///
    /// # Errors
    /// As [`Scope::trainable`].
    pub fn variable(&mut self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Weight> {
        let (name, shape) = (format!("{}.{name}", self.path), shape.into());
        if let Some(var) = self.params.shared(&name, &shape)? {
            self.params.entries.push(Param { name, var: var.clone(), trainable: true });
            return Ok(Weight { tensor: var.as_detached_tensor(), var });
        }
        let numbers = shape.dims().iter().try_fold(1_usize, |n, &size| n.checked_mul(size));
        self.params.require_room(&name, numbers)?;
        let values = self.initial_values(&name, &shape, init)?;
        let tensor = Tensor::from_vec(values, shape, &self.params.device)?;
        let var = self.params.insert(name, &tensor.to_dtype(self.params.dtype)?, true)?;
        Ok(Weight { tensor: var.as_tensor().clone(), var })
    }

    /// Creates a buffer that is saved with the model and that training does not move.
    ///
    /// The tensor keeps its dtype and is no variable, so no gradient is tracked through it.
    ///
    /// # Errors
    /// [`Error::Config`] when the name is taken.
    pub fn buffer(&mut self, name: &str, tensor: &Tensor) -> Result<Buffer> {
        let name = format!("{}.{name}", self.path);
        let var = self.params.insert(name, &tensor.to_device(&self.params.device)?, false)?;
        Ok(Buffer { var })
    }

    /// Creates a flag for something that happens once, not yet set.
    ///
    /// # Errors
    /// [`Error::Config`] when the name is taken.
    pub fn once(&mut self, name: &str) -> Result<Once> {
        let flag = Tensor::zeros(1, DType::U8, &self.params.device)?;
        Ok(Once(self.buffer(name, &flag)?))
    }

    fn initial_values(&self, name: &str, shape: &Shape, init: Init) -> Result<Vec<f64>> {
        let n = shape.elem_count();
        let mut rng = named_generator(self.params.seed, Stream::Initialisation, name);
        let values = match init {
            Init::Constant(value) => vec![value; n],
            Init::Normal(sd) => (0..n).map(|_| sd * rng.sample::<f64, _>(StandardNormal)).collect(),
            Init::Uniform(bound) => (0..n).map(|_| bound * rng.random_range(-1.0..=1.0)).collect(),
            Init::Values(values) => values,
        };
        if values.len() != n {
            return Err(Error::shape("Scope::trainable", format!("{shape:?}"), &[values.len()]));
        }
        Ok(values)
    }
}
