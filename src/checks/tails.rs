//! How much of the data lies where splines do nothing.

use super::{Check, Outcome, Subject};
use candle_core::{Device, Tensor};
use diffeo_flows::Result;
use diffeo_flows::config::LayerConfig;
use diffeo_flows::params::to_f64;

pub(super) const NAME: &str = "spline-tails";
/// Of all values: a normal column has 0.006 % of them beyond 4 deviations, one with heavy tails 1 %.
const MOST: f64 = 0.05;

/// The share of held-out values outside the box of the first splines, where their map is the identity
/// and nothing is learnt of the data's shape.
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let skipped = |why: &str| Ok(Outcome::Skipped { name: NAME, why: why.to_owned() });
    let Some(bound) = subject.model.spec().flow.layers.first().and_then(bound_of) else {
        return skipped("its first layer has no splines");
    };
    let Some(judged) = subject.held_out()? else { return skipped("there are no held-out rows") };
    let (n, d) = (judged.rows.len(), judged.rows.features());
    let points = Tensor::from_slice(judged.rows.points(), (n, d), &Device::Cpu)?;
    let prepared = to_f64(&subject.model.preparation().forward(&points)?.points)?;
    let outside = prepared.iter().filter(|y| y.abs() > bound).count();
    let detail = format!(
        "share of the values of {n} held-out rows further out than {bound} deviations, where the \
         first splines end"
    );
    let share = outside as f64 / prepared.len() as f64;
    Ok(Outcome::Checked(Check::at_most(NAME, share, MOST, &detail)))
}

/// The box of a layer's splines.
fn bound_of(layer: &LayerConfig) -> Option<f64> {
    layer.univariate()?.identity_beyond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use diffeo_flows::nets::{Activation, NetConfig};
    use diffeo_flows::transforms::{ActNormConfig, InverseAutoregressiveConfig};
    use diffeo_flows::univariates::RationalQuadraticSpline;

    #[test]
    fn an_inverse_autoregressive_flow_has_splines_too() {
        let univariate = RationalQuadraticSpline::new(8, 4.0).unwrap().into();
        let net = NetConfig { hidden: vec![8], activation: Activation::default(), residual: false };
        let layer = InverseAutoregressiveConfig { univariate, net }.into();
        assert_eq!(bound_of(&layer), Some(4.0));
        assert_eq!(bound_of(&ActNormConfig {}.into()), None);
    }
}
