//! The state of a differential equation: one or several tensors.

use crate::error::{Error, Result};
use crate::params::to_f64;
use candle_core::{Tensor, Var};

/// Tensors that change together, such as points `[n, d]` and their log-volumes `[n]`.
#[derive(Debug, Clone)]
pub struct State(Vec<Tensor>);

impl State {
    /// A state of these parts.
    pub fn new(parts: Vec<Tensor>) -> Self {
        Self(parts)
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Tensor] {
        &self.0
    }

    /// The parts, in order.
    pub fn into_parts(self) -> Vec<Tensor> {
        self.0
    }

    /// The only part.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are several, or none.
    pub fn tensor(&self) -> Result<&Tensor> {
        match self.0.as_slice() {
            [part] => Ok(part),
            parts => Err(Error::shape("State::tensor", "one part", &[parts.len()])),
        }
    }

    /// The state outside any gradient.
    #[must_use]
    pub fn detach(&self) -> Self {
        Self(self.0.iter().map(Tensor::detach).collect())
    }

    /// y + h Σᵢ wᵢ kᵢ.
    pub(super) fn plus(&self, h: f64, weights: &[f64], slopes: &[Self]) -> Result<Self> {
        let mut parts = self.0.clone();
        for (weight, slope) in weights.iter().zip(slopes).filter(|(weight, _)| **weight != 0.0) {
            for (part, slope) in parts.iter_mut().zip(&slope.0) {
                *part = (&*part + slope.affine(h * weight, 0.0)?)?;
            }
        }
        Ok(Self(parts))
    }

    /// Zeros of the same shapes.
    pub(super) fn zeros_like(&self) -> Result<Self> {
        Ok(Self(self.0.iter().map(Tensor::zeros_like).collect::<candle_core::Result<_>>()?))
    }

    /// Variables with these values.
    pub(super) fn variables(&self) -> Result<Vec<Var>> {
        // A copy, since a variable would share the storage of the state.
        self.0.iter().map(|part| Ok(Var::from_tensor(&part.detach().copy()?)?)).collect()
    }

    /// Σ of all products of entries, as a scalar tensor.
    pub(super) fn dot(&self, other: &Self) -> Result<Tensor> {
        let products = self.0.iter().zip(&other.0).map(|(a, b)| Ok((a * b)?.sum_all()?));
        let products: Vec<Tensor> = products.collect::<Result<_>>()?;
        Ok(Tensor::stack(&products, 0)?.sum_all()?)
    }

    /// The entries of each part.
    pub(super) fn values(&self) -> Result<Vec<Vec<f64>>> {
        self.0.iter().map(to_f64).collect()
    }

    /// Whether no entry is NaN or infinite.
    pub(super) fn is_finite(&self) -> Result<bool> {
        Ok(self.values()?.iter().flatten().all(|value| value.is_finite()))
    }

    /// Fails unless `other` has parts of the same shapes.
    pub(super) fn check_like(&self, what: &'static str, other: &Self) -> Result<()> {
        if self.0.len() != other.0.len() {
            return Err(Error::shape(what, format!("{} parts", self.0.len()), &[other.0.len()]));
        }
        for (expected, got) in self.0.iter().zip(&other.0) {
            if expected.shape() != got.shape() {
                return Err(Error::shape(what, format!("{:?}", expected.dims()), got.dims()));
            }
        }
        Ok(())
    }
}

impl From<Tensor> for State {
    fn from(tensor: Tensor) -> Self {
        Self(vec![tensor])
    }
}

/// A differential equation y′ = f(t, y); functions `Fn(f64, &State) -> Result<State>` are systems.
pub trait System {
    /// f(t, y), with parts of the shapes of y.
    ///
    /// # Errors
    /// [`Error::Shape`] when a shape does not fit.
    fn slope(&self, t: f64, state: &State) -> Result<State>;
}

impl<F: Fn(f64, &State) -> Result<State>> System for F {
    fn slope(&self, t: f64, state: &State) -> Result<State> {
        self(t, state)
    }
}
