//! Velocities that are gradients of a scalar network.

use super::FieldConfig;
use super::inputs::Inputs;
use super::scalar_net::ScalarNet;
use super::time_linear::{AtTime, TimeLinear};
use crate::error::Result;
use crate::field::{VectorField, check_tangent, check_tangents, check_times};
use crate::nets::{Activation, LastLayer};
use crate::params::{Init, Scope, to_f64};
use crate::transform::check_points;
use candle_core::Tensor;

/// The gradient of a scalar network, v(t, x | c) = ∇ₓ Φ(t, x | c): its curl is 0 by construction.
///
/// Φ = wᵀ a(h_L) for a multilayer perceptron with time, h₁ = W₁ (x, c, time) + b₁ and
/// hᵢ₊₁ = Wᵢ₊₁ a(hᵢ) + bᵢ₊₁. Its gradient is the reverse pass written out, gᵢ = a′(hᵢ) ∘ Wᵢ₊₁ᵀ gᵢ₊₁,
/// so that it can be differentiated once more; derivatives of v along u, products of the Hessian of
/// Φ with u, run along that pass in forward mode.
///
/// Parameters: `first`, `1`, `2`, …, as those of a [`TimeMlp`](super::TimeMlp), and `last` with a
/// `weight` `[w, 1]` alone: a bias would move no gradient.
///
/// Salimans and Ho 2021, *Should EBMs model the energy or the score?*; Saremi et al. 2018, *Deep
/// Energy Estimator Networks*.
///
/// # Example
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use diffeo_flows::Params;
/// use diffeo_flows::field::VectorField;
/// use diffeo_flows::fields::{FieldConfig, PotentialField};
/// use diffeo_flows::nets::LastLayer;
/// let mut params = Params::new(DType::F64, &Device::Cpu, 0);
/// let config: FieldConfig = toml::from_str("hidden = [16, 16]").unwrap();
/// let field = PotentialField::new(params.scope("f"), 1, 0, &config, LastLayer::Scaled)?;
/// let x = |by: f64| Tensor::new(&[[0.3 + by]], &Device::Cpu);
/// let phi = |by: f64| -> diffeo_flows::Result<f64> {
///     let phi = field.potential(0.5, &x(by)?, None)?.expect("it has one");
///     Ok(phi.to_vec1::<f64>()?[0])
/// };
/// let velocity = field.velocity(0.5, &x(0.0)?, None)?.to_vec2::<f64>()?[0][0];
/// assert!((velocity - (phi(1e-5)? - phi(-1e-5)?) / 2e-5).abs() < 1e-8);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug)]
pub struct PotentialField {
    inputs: Inputs,
    layers: Vec<TimeLinear>,
    /// w, `[w, 1]`.
    readout: Tensor,
    activation: Activation,
}

impl PotentialField {
    /// A field of `features` features given `context` context features; with [`LastLayer::Zero`] it
    /// starts at 0.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for widths that cannot be used, and for relu, whose
    /// potential has no curvature.
    pub fn new(
        mut scope: Scope,
        features: usize,
        context: usize,
        config: &FieldConfig,
        last: LastLayer,
    ) -> Result<Self> {
        FieldConfig { potential: true, ..config.clone() }.check()?;
        let inputs = Inputs { features, context, time: config.time };
        let layers = inputs.hidden_layers(&mut scope, config)?;
        let width = config.hidden[config.hidden.len() - 1];
        let init = match last {
            LastLayer::Zero => Init::Constant(0.0),
            LastLayer::Scaled => Init::Uniform(1.0 / (width as f64).sqrt()),
        };
        let readout = scope.sub("last").trainable("weight", (width, 1), init)?;
        Ok(Self { inputs, layers, readout, activation: config.activation })
    }

    /// Number of context features.
    pub fn context_features(&self) -> usize {
        self.inputs.context
    }

    /// The network at one time.
    fn at(&self, t: f64) -> Result<ScalarNet<'_>> {
        Ok(self.net(self.layers.iter().map(|layer| layer.at(t)).collect::<Result<_>>()?))
    }

    /// The network at a time for each row.
    fn at_each(&self, times: &Tensor, x: &Tensor) -> Result<ScalarNet<'_>> {
        let times = times.to_dtype(x.dtype())?.unsqueeze(1)?;
        let layers = self.layers.iter().map(|layer| layer.at_each(&times));
        Ok(self.net(layers.collect::<Result<_>>()?))
    }

    fn net(&self, layers: Vec<AtTime>) -> ScalarNet<'_> {
        let (features, activation) = (self.inputs.features, self.activation);
        ScalarNet { layers, readout: &self.readout, features, activation }
    }
}

impl VectorField for PotentialField {
    fn features(&self) -> usize {
        self.inputs.features
    }

    fn potential(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Option<Tensor>> {
        let inputs = self.inputs.join("PotentialField::potential", &[t], x, context)?;
        Ok(Some(self.at(t)?.value(&inputs)?))
    }

    fn velocity(&self, t: f64, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let inputs = self.inputs.join("PotentialField::velocity", &[t], x, context)?;
        self.at(t)?.gradient(&inputs)
    }

    fn velocity_at(&self, times: &Tensor, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let what = "PotentialField::velocity_at";
        check_points(what, x, self.features())?;
        check_times(what, times, x)?;
        let inputs = self.inputs.join(what, &to_f64(times)?, x, context)?;
        self.at_each(times, x)?.gradient(&inputs)
    }

    fn velocity_and_jvp(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        check_tangent("PotentialField::velocity_and_jvp", x, u)?;
        let (velocity, along) = self.velocity_and_jvps(t, x, &u.unsqueeze(0)?, context)?;
        Ok((velocity, along.squeeze(0)?))
    }

    fn velocity_and_jvps(
        &self,
        t: f64,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let what = "PotentialField::velocity_and_jvps";
        check_tangents(what, x, u)?;
        self.at(t)?.gradient_along(&self.inputs.join(what, &[t], x, context)?, u)
    }

    fn velocity_and_jvps_at(
        &self,
        times: &Tensor,
        x: &Tensor,
        u: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let what = "PotentialField::velocity_and_jvps_at";
        check_points(what, x, self.features())?;
        check_times(what, times, x)?;
        check_tangents(what, x, u)?;
        let inputs = self.inputs.join(what, &to_f64(times)?, x, context)?;
        self.at_each(times, x)?.gradient_along(&inputs, u)
    }

    fn velocity_and_divergence(
        &self,
        t: f64,
        x: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor)> {
        let what = "PotentialField::velocity_and_divergence";
        let unit = Tensor::eye(self.features(), x.dtype(), x.device())?.unsqueeze(1)?;
        let inputs = self.inputs.join(what, &[t], x, context)?;
        let (velocity, along) = self.at(t)?.gradient_along(&inputs, &unit)?;
        Ok((velocity, along.broadcast_mul(&unit)?.sum((0, 2))?))
    }
}
