//! Keeps the trainable variables and the frozen buffers of a model: ordered, named, seeded.

mod handles;
mod scope;

pub use handles::{Buffer, Once, Weight};
pub use scope::Scope;

use crate::error::{Error, Result};
use candle_core::{DType, Device, Shape, Tensor, Var};

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

    /// As [`Params::frozen`], of copies: what is built from it stays as it is while this set is trained
    /// on.
    ///
    /// # Errors
    /// When a device cannot be read.
    pub fn snapshot(&self) -> Result<Self> {
        let copy = |param: &Param| -> Result<Param> {
            let var = Var::from_tensor(&param.var.as_tensor().copy()?)?;
            Ok(Param { var, ..param.clone() })
        };
        let copies = self.entries.iter().map(copy).collect::<Result<_>>()?;
        Ok(Self { shared: Some(copies), ..self.frozen() })
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
