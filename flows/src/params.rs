//! Keeps the trainable variables and the frozen buffers of a model: ordered, named, seeded.

use crate::error::{Error, Result};
use crate::rng::{Stream, named_generator};
use candle_core::{DType, Device, Shape, Tensor, Var};
use rand::Rng;
use rand_distr::StandardNormal;

/// How a variable starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Init {
    /// All entries the same.
    Constant(f64),
    /// Independent normal entries with this standard deviation, in the parameter's own stream.
    Normal(f64),
    /// Independent uniform entries in ±bound, in the parameter's own stream.
    Uniform(f64),
    /// These entries, row-major.
    Values(Vec<f64>),
}

/// One named variable or buffer.
#[derive(Debug, Clone)]
pub struct Param {
    name: String,
    var: Var,
    trainable: bool,
}

impl Param {
    /// The path of the parameter, its parts joined by dots.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The storage behind the tensors handed out.
    pub fn var(&self) -> &Var {
        &self.var
    }

    /// Whether an optimiser may move it.
    pub fn is_trainable(&self) -> bool {
        self.trainable
    }
}

/// An ordered set of named parameters, all of one dtype and on one device.
///
/// Transforms and densities take their tensors from a [`Scope`] when they are built; the tensors
/// share storage with the set, so writing through it changes the model.
///
/// # Example
/// ```
/// use candle_core::{DType, Device};
/// use diffeo_flows::params::{Init, Params};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let weight = params.scope("layer").trainable("weight", (2, 3), Init::Normal(0.1))?;
/// assert_eq!(params.count(), 6);
/// params.write_flat(&[1.0; 6])?;
/// assert_eq!(weight.sum_all()?.to_scalar::<f32>()?, 6.0);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct Params {
    entries: Vec<Param>,
    dtype: DType,
    device: Device,
    seed: u64,
    /// The parameters that a frozen view shares.
    shared: Option<Vec<Param>>,
    /// Numbers that may still be created.
    room: usize,
}

/// Numbers that a set may hold unless told otherwise: 16 GiB in single precision.
const MOST: usize = 1 << 32;

impl Params {
    /// An empty set for variables of `dtype` on `device`, drawn from `seed`.
    pub fn new(dtype: DType, device: &Device, seed: u64) -> Self {
        let (entries, device) = (Vec::new(), device.clone());
        Self { entries, dtype, device, seed, shared: None, room: MOST }
    }

    /// An empty set that hands out the parameters of this one, by name, outside any gradient.
    ///
    /// What is built from it computes the same, always with the current values, and keeps no graph
    /// of its operations: memory stays small however long a chain is.
    #[must_use]
    pub fn frozen(&self) -> Self {
        Self {
            entries: Vec::new(),
            dtype: self.dtype,
            device: self.device.clone(),
            seed: self.seed,
            shared: Some(self.entries.clone()),
            room: MOST,
        }
    }

    /// The same set with room for so many numbers in all, so that a description from a file cannot ask
    /// for more memory than the file has numbers.
    #[must_use]
    pub fn with_room_for(self, numbers: usize) -> Self {
        Self { room: numbers, ..self }
    }

    /// The dtype of all variables.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The device of all parameters.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The seed that initial values are drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A place to create parameters below `name`.
    pub fn scope(&mut self, name: &str) -> Scope<'_> {
        Scope { params: self, path: name.to_owned() }
    }

    /// All parameters, in the order of their creation.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.entries.iter()
    }

    /// The variables an optimiser may move, in order.
    pub fn trainable(&self) -> impl Iterator<Item = &Param> {
        self.entries.iter().filter(|p| p.trainable)
    }

    /// The parameter of that name.
    pub fn get(&self, name: &str) -> Option<&Param> {
        self.entries.iter().find(|p| p.name == name)
    }

    /// Number of trainable scalars.
    pub fn count(&self) -> usize {
        self.trainable().map(|p| p.var.elem_count()).sum()
    }

    /// All trainable entries one after the other.
    ///
    /// # Errors
    /// When a device cannot be read.
    pub fn read_flat(&self) -> Result<Vec<f64>> {
        let mut flat = Vec::with_capacity(self.count());
        for param in self.trainable() {
            flat.extend(to_f64(param.var.as_tensor())?);
        }
        Ok(flat)
    }

    /// Writes all trainable entries from one flat vector, in the order of [`Params::read_flat`].
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of entries differs.
    pub fn write_flat(&self, flat: &[f64]) -> Result<()> {
        if flat.len() != self.count() {
            return Err(Error::shape(
                "Params::write_flat",
                format!("[{}]", self.count()),
                &[flat.len()],
            ));
        }
        let mut rest = flat;
        for param in self.trainable() {
            let (values, tail) = rest.split_at(param.var.elem_count());
            write(&param.var, values)?;
            rest = tail;
        }
        Ok(())
    }

    fn insert(&mut self, name: String, tensor: &Tensor, trainable: bool) -> Result<Var> {
        if self.get(&name).is_some() {
            return Err(Error::config(name, "two parameters have this name", "rename one layer"));
        }
        let var = if let Some(var) = self.shared(&name, tensor.shape())? {
            var
        } else {
            self.require_room(&name, Some(tensor.elem_count()))?;
            self.room -= tensor.elem_count();
            Var::from_tensor(tensor)?
        };
        self.entries.push(Param { name, var: var.clone(), trainable });
        Ok(var)
    }

    /// Fails when so many numbers do not fit; none are more than can be counted.
    fn require_room(&self, name: &str, numbers: Option<usize>) -> Result<()> {
        match numbers {
            Some(numbers) if numbers <= self.room => Ok(()),
            _ => {
                let problem = format!("there is room for {} more numbers only", self.room);
                Err(Error::config(name, problem, "take smaller widths, fewer layers or bins"))
            }
        }
    }

    /// The variable of that name that a frozen view shares; none in an ordinary set.
    fn shared(&self, name: &str, shape: &Shape) -> Result<Option<Var>> {
        let Some(shared) = &self.shared else { return Ok(None) };
        match shared.iter().find(|p| p.name == name && p.var.shape() == shape) {
            Some(param) => Ok(Some(param.var.clone())),
            None => Err(Error::config(
                name,
                "the frozen parameters have none of this name and shape",
                "build the same model from them",
            )),
        }
    }
}

/// A place in a [`Params`] where a layer creates its parameters.
#[derive(Debug)]
pub struct Scope<'a> {
    params: &'a mut Params,
    path: String,
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

/// A variable of a model: a tensor to calculate with, and the means to set it.
#[derive(Debug, Clone)]
pub struct Weight {
    var: Var,
    tensor: Tensor,
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
    var: Var,
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
pub struct Once(Buffer);

impl Once {
    /// Does it, unless it was done before by this model or the one it was loaded from; what fails
    /// may be tried again.
    ///
    /// # Errors
    /// What `work` fails with.
    pub fn run(&self, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let done = self.0.tensor();
        if done.to_vec1::<u8>()?[0] == 1 {
            return Ok(());
        }
        work()?;
        self.0.set(&done.ones_like()?)
    }
}

/// The entries of a tensor, row-major, as `f64`.
///
/// # Errors
/// When the device cannot be read.
pub fn to_f64(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.to_device(&Device::Cpu)?.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
}

/// Writes `values`, row-major, into a variable of any dtype.
///
/// # Errors
/// When the number of entries differs.
pub fn write(var: &Var, values: &[f64]) -> Result<()> {
    let tensor = Tensor::from_slice(values, var.shape(), &Device::Cpu)?;
    Ok(var.set(&tensor.to_dtype(var.dtype())?.to_device(var.device())?)?)
}
