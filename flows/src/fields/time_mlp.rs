//! Multilayer perceptrons with time.

use super::activate::with_slope;
use super::time_linear::TimeLinear;
use super::{FieldConfig, TimeForm};
use crate::error::{Error, Result};
use crate::field::{VectorField, check_tangent, check_times};
use crate::nets::LastLayer;
use crate::params::Scope;
use crate::params::to_f64;
use crate::transform::{check_context, check_points};
use candle_core::Tensor;

/// A multilayer perceptron of points, context and time, as a vector field.
///
/// Inputs are (x, c, time) in that order; [`TimeForm`] says what time is. Derivatives with respect
/// to x run along in forward mode: h′ = a′(h) ∘ (W h′).
///
/// Parameters: `first`, `1`, `2`, …, `last`, each with `weight` and `bias`, and in the
/// concat-squash form `gate_weight`, `gate_bias` and `drift`.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::Params;
/// use diffeo_flows::field::VectorField;
/// use diffeo_flows::fields::{FieldConfig, TimeForm, TimeMlp};
/// use diffeo_flows::nets::{Activation, LastLayer};
/// let mut params = Params::new(DType::F32, &Device::Cpu, 0);
/// let config = FieldConfig {
///     hidden: vec![16, 16],
///     activation: Activation::Silu,
///     time: TimeForm::ConcatSquash,
/// };
/// let field = TimeMlp::new(params.scope("field"), 2, 0, &config, LastLayer::Scaled)?;
/// let x = Tensor::zeros((5, 2), DType::F32, &Device::Cpu)?;
/// let (velocity, divergence) = field.velocity_and_divergence(0.5, &x, None)?;
/// assert_eq!((velocity.dims(), divergence.dims()), (&[5, 2][..], &[5][..]));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct TimeMlp {
    features: usize,
    context: usize,
    layers: Vec<TimeLinear>,
    config: FieldConfig,
}

impl TimeMlp {
    /// A field of `features` features given `context` context features.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for widths that cannot be used.
    pub fn new(
        mut scope: Scope,
        features: usize,
        context: usize,
        config: &FieldConfig,
        last: LastLayer,
    ) -> Result<Self> {
        config.check()?;
        let squash = config.time == TimeForm::ConcatSquash;
        let inputs = features + context + config.time.inputs();
        let first = (inputs, config.hidden[0]);
        let mut layers = vec![TimeLinear::new(scope.sub("first"), first, squash, false)?];
        for (i, pair) in config.hidden.windows(2).enumerate() {
            let widths = (pair[0], pair[1]);
            layers.push(TimeLinear::new(scope.sub(i + 1), widths, squash, false)?);
        }
        let widths = (config.hidden[config.hidden.len() - 1], features);
        let zero = last == LastLayer::Zero;
        layers.push(TimeLinear::new(scope.sub("last"), widths, squash, zero)?);
        Ok(Self { features, context, layers, config: config.clone() })
    }

    /// Number of context features.
    pub fn context_features(&self) -> usize {
        self.context
    }

    /// (x, c, time) side by side, `[n, inputs]`; one time for all rows, or one for each.
    fn inputs(&self, times: &[f64], x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("TimeMlp", x, self.features)?;
        let context = check_context("TimeMlp", x, context, self.context)?;
        let mut parts = vec![x.clone()];
        parts.extend(context.cloned());
        let width = self.config.time.inputs();
        if width > 0 {
            let values: Vec<f64> = times.iter().flat_map(|t| self.config.time.values(*t)).collect();
            let time = Tensor::from_vec(values, (times.len(), width), x.device())?;
            let shape = (x.dim(0)?, width);
            parts.push(time.to_dtype(x.dtype())?.broadcast_as(shape)?.contiguous()?);
        }
        if parts.len() == 1 {
            return Ok(x.clone());
        }
        Ok(Tensor::cat(&parts, 1)?)
    }

    /// v `[n, d]` and its derivatives along k tangents: u `[k, n, d]`, or `[k, 1, d]` where all
    /// rows share them, → `[k, n, d]`.
    fn with_tangents(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let first = self.layers[0].at(t)?;
        let mut hidden = first.value(&self.inputs(&[t], x, context)?)?;
        let mut tangent = first.tangent(u)?;
        for layer in &self.layers[1..] {
            let layer = layer.at(t)?;
            let (value, slope) = with_slope(self.config.activation, &hidden)?;
            hidden = layer.value(&value)?;
            tangent = layer.tangent(&tangent.broadcast_mul(&slope.unsqueeze(0)?)?)?;
        }
        Ok((hidden, tangent))
    }
}

impl VectorField for TimeMlp {
    fn features(&self) -> usize {
        self.features
    }

    fn velocity(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let mut hidden = self.layers[0].at(t)?.value(&self.inputs(&[t], x, context)?)?;
        for layer in &self.layers[1..] {
            hidden = layer.at(t)?.value(&self.config.activation.apply(&hidden)?)?;
        }
        Ok(hidden)
    }

    fn velocity_at(&self, times: &Tensor, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("TimeMlp", x, self.features)?;
        check_times("TimeMlp::velocity_at", times, x)?;
        let inputs = self.inputs(&to_f64(times)?, x, context)?;
        let times = times.to_dtype(x.dtype())?.unsqueeze(1)?;
        let mut hidden = self.layers[0].value_at(&times, &inputs)?;
        for layer in &self.layers[1..] {
            hidden = layer.value_at(&times, &self.config.activation.apply(&hidden)?)?;
        }
        Ok(hidden)
    }

    fn velocity_and_jvp(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_tangent("TimeMlp::velocity_and_jvp", x, u)?;
        let (velocity, tangent) = self.with_tangents(t, x, &u.unsqueeze(0)?, context)?;
        Ok((velocity, tangent.squeeze(0)?))
    }

    fn velocity_and_jvps(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        match u.dims() {
            [k, others @ ..] if *k > 0 && others == x.dims() => {
                self.with_tangents(t, x, u, context)
            }
            got => {
                let expected = format!("tangents [k ≥ 1, {:?}]", x.dims());
                Err(Error::shape("TimeMlp::velocity_and_jvps", expected, got))
            }
        }
    }

    fn velocity_and_jvps_at(
        &self,
        times: &Tensor,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_times("TimeMlp::velocity_and_jvps_at", times, x)?;
        let inputs = self.inputs(&to_f64(times)?, x, context)?;
        let times = times.to_dtype(x.dtype())?.unsqueeze(1)?;
        let mut hidden = self.layers[0].value_at(&times, &inputs)?;
        let mut tangent = self.layers[0].tangent_at(&times, u)?;
        for layer in &self.layers[1..] {
            let (value, slope) = with_slope(self.config.activation, &hidden)?;
            hidden = layer.value_at(&times, &value)?;
            tangent = layer.tangent_at(&times, &tangent.broadcast_mul(&slope.unsqueeze(0)?)?)?;
        }
        Ok((hidden, tangent))
    }

    fn velocity_and_divergence(
        &self,
        t: f64,
        x: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let unit = Tensor::eye(self.features, x.dtype(), x.device())?.unsqueeze(1)?;
        let (velocity, tangents) = self.with_tangents(t, x, &unit, context)?;
        Ok((velocity, tangents.broadcast_mul(&unit)?.sum((0, 2))?))
    }
}
