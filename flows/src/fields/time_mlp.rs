//! Multilayer perceptrons with time.

use super::activate::with_slope;
use super::inputs::Inputs;
use super::time_linear::{AtTime, TimeLinear};
use super::{FieldConfig, TimeForm};
use crate::error::Result;
use crate::field::{VectorField, check_tangent, check_tangents, check_times};
use crate::nets::{Activation, LastLayer};
use crate::params::{Scope, to_f64};
use crate::transform::check_points;
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
///     potential: false,
/// };
/// let field = TimeMlp::new(params.scope("field"), 2, 0, &config, LastLayer::Scaled)?;
/// let x = Tensor::zeros((5, 2), DType::F32, &Device::Cpu)?;
/// let (velocity, divergence) = field.velocity_and_divergence(0.5, &x, None)?;
/// assert_eq!((velocity.dims(), divergence.dims()), (&[5, 2][..], &[5][..]));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct TimeMlp {
    inputs: Inputs,
    layers: Vec<TimeLinear>,
    activation: Activation,
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
        let inputs = Inputs { features, context, time: config.time };
        let mut layers = inputs.hidden_layers(&mut scope, config)?;
        let widths = (config.hidden[config.hidden.len() - 1], features);
        let (squash, zero) = (config.time == TimeForm::ConcatSquash, last == LastLayer::Zero);
        layers.push(TimeLinear::new(scope.sub("last"), widths, squash, zero)?);
        Ok(Self { inputs, layers, activation: config.activation })
    }

    /// Number of context features.
    pub fn context_features(&self) -> usize {
        self.inputs.context
    }

    /// The layers at one time.
    fn at(&self, t: f64) -> Result<Vec<AtTime>> {
        self.layers.iter().map(|layer| layer.at(t)).collect()
    }

    /// The layers at a time for each row.
    fn at_each(&self, times: &Tensor, x: &Tensor) -> Result<Vec<AtTime>> {
        let times = times.to_dtype(x.dtype())?.unsqueeze(1)?;
        self.layers.iter().map(|layer| layer.at_each(&times)).collect()
    }

    /// v `[n, d]` from inputs `[n, i]`.
    fn value(&self, layers: &[AtTime], inputs: &Tensor) -> Result<Tensor> {
        let mut hidden = layers[0].value(inputs)?;
        for layer in &layers[1..] {
            hidden = layer.value(&self.activation.apply(&hidden)?)?;
        }
        Ok(hidden)
    }

    /// v `[n, d]` and its derivatives along k tangents: u `[k, n, d]`, or `[k, 1, d]` where all
    /// rows share them, → `[k, n, d]`.
    fn with_tangents(
        &self,
        layers: &[AtTime],
        inputs: &Tensor,
        u: &Tensor,
    ) -> Result<(Tensor, Tensor)> {
        let mut hidden = layers[0].value(inputs)?;
        let mut tangent = layers[0].tangent(u)?;
        for layer in &layers[1..] {
            let (value, slope) = with_slope(self.activation, &hidden)?;
            hidden = layer.value(&value)?;
            tangent = layer.tangent(&tangent.broadcast_mul(&slope.unsqueeze(0)?)?)?;
        }
        Ok((hidden, tangent))
    }
}

impl VectorField for TimeMlp {
    fn features(&self) -> usize {
        self.inputs.features
    }

    fn velocity(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let inputs = self.inputs.join("TimeMlp::velocity", &[t], x, context)?;
        self.value(&self.at(t)?, &inputs)
    }

    fn velocity_at(&self, times: &Tensor, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        check_points("TimeMlp::velocity_at", x, self.features())?;
        check_times("TimeMlp::velocity_at", times, x)?;
        let inputs = self.inputs.join("TimeMlp::velocity_at", &to_f64(times)?, x, context)?;
        self.value(&self.at_each(times, x)?, &inputs)
    }

    fn velocity_and_jvp(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_tangent("TimeMlp::velocity_and_jvp", x, u)?;
        let inputs = self.inputs.join("TimeMlp::velocity_and_jvp", &[t], x, context)?;
        let (velocity, tangent) = self.with_tangents(&self.at(t)?, &inputs, &u.unsqueeze(0)?)?;
        Ok((velocity, tangent.squeeze(0)?))
    }

    fn velocity_and_jvps(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_tangents("TimeMlp::velocity_and_jvps", x, u)?;
        let inputs = self.inputs.join("TimeMlp::velocity_and_jvps", &[t], x, context)?;
        self.with_tangents(&self.at(t)?, &inputs, u)
    }

    fn velocity_and_jvps_at(
        &self,
        times: &Tensor,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let what = "TimeMlp::velocity_and_jvps_at";
        check_points(what, x, self.features())?;
        check_times(what, times, x)?;
        check_tangents(what, x, u)?;
        let inputs = self.inputs.join(what, &to_f64(times)?, x, context)?;
        self.with_tangents(&self.at_each(times, x)?, &inputs, u)
    }

    fn velocity_and_divergence(
        &self,
        t: f64,
        x: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let unit = Tensor::eye(self.features(), x.dtype(), x.device())?.unsqueeze(1)?;
        let inputs = self.inputs.join("TimeMlp::velocity_and_divergence", &[t], x, context)?;
        let (velocity, tangents) = self.with_tangents(&self.at(t)?, &inputs, &unit)?;
        Ok((velocity, tangents.broadcast_mul(&unit)?.sum((0, 2))?))
    }
}
