//! Masked networks whose output for feature i sees only the features before i.

use super::mlp::{Block, Conditioner, run_blocks, run_blocks_and_jvp};
use super::{LastLayer, Linear, NetConfig};
use crate::calculus::{DifferentiableMap, Dual};
use crate::error::Result;
use crate::params::Scope;
use crate::transform::check_points;
use candle_core::{Device, Tensor};

/// A masked autoregressive network (MADE), with residual blocks and context.
///
/// Output i, of `per_feature` numbers, depends on x₁ … xᵢ₋₁ and on the whole context. Hidden unit j
/// has a degree m(j): it sees inputs up to m(j) and is seen by outputs after m(j). With a context
/// some units have degree 0, so that the first feature sees the context too.
///
/// Germain, Gregor, Murray and Larochelle 2015, *MADE*, eq. 8–13.
#[derive(Debug)]
pub struct Made {
    first: Linear,
    from_context: Option<Linear>,
    blocks: Vec<Block>,
    last: Linear,
    config: NetConfig,
}

impl Made {
    /// A network from `features` inputs to `features × per_feature` outputs, feature by feature.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for widths that cannot be used.
    pub fn new(
        mut scope: Scope,
        features: usize,
        context: usize,
        per_feature: usize,
        config: &NetConfig,
        last: LastLayer,
    ) -> Result<Self> {
        config.check()?;
        let outputs = features.saturating_mul(per_feature);
        let widths = [&[features], config.hidden.as_slice(), &[outputs]].concat();
        widths.windows(2).try_for_each(|pair| scope.require_room(pair[0], pair[1]))?;
        let input: Vec<usize> = (1..=features).collect();
        let output: Vec<usize> =
            input.iter().flat_map(|i| std::iter::repeat_n(i - 1, per_feature)).collect();
        let hidden: Vec<Vec<usize>> =
            config.hidden.iter().map(|&width| degrees(width, features, context > 0)).collect();
        let (dtype, device) = (scope.dtype(), scope.device().clone());
        let mask = |from: &[usize], to: &[usize]| -> Result<Tensor> {
            Ok(mask(from, to, &device)?.to_dtype(dtype)?)
        };
        let first_mask = mask(&input, &hidden[0])?;
        let first = Linear::new(scope.sub("first"), features, hidden[0].len(), Some(&first_mask))?;
        let from_context = match context {
            0 => None,
            k => Some(Linear::new(scope.sub("context"), k, hidden[0].len(), None)?),
        };
        let mut blocks = Vec::new();
        for (i, pair) in hidden.windows(2).enumerate() {
            let (from, to, mask) = (pair[0].len(), pair[1].len(), mask(&pair[0], &pair[1])?);
            blocks.push(Block::new(scope.sub(i + 1), from, to, config.residual, Some(&mask))?);
        }
        let top = &hidden[hidden.len() - 1];
        let last_mask = mask(top, &output)?;
        let last = last.build(scope.sub("last"), top.len(), output.len(), Some(&last_mask))?;
        Ok(Self { first, from_context, blocks, last, config: config.clone() })
    }

    /// The outputs at x and the context, with the tangent of x carried along; the context has none.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) when a shape does not fit.
    pub fn forward_and_jvp(&self, x: &Dual, context: Option<&Tensor>) -> Result<Dual> {
        check_points("Made", &x.value, self.first.inputs())?;
        let hidden = self.first.forward_and_jvp(x)?;
        let hidden = match (&self.from_context, context) {
            (Some(linear), Some(context)) => hidden.shift(&linear.forward(context)?)?,
            _ => hidden,
        };
        self.last.forward_and_jvp(&run_blocks_and_jvp(&self.blocks, hidden, &self.config)?)
    }
}

/// The network without its context.
impl DifferentiableMap for Made {
    fn inputs(&self) -> usize {
        self.first.inputs()
    }

    fn outputs(&self) -> usize {
        self.last.outputs()
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        check_points("Made", x, self.first.inputs())?;
        Conditioner::forward(self, x, None)
    }

    fn forward_and_jvp(&self, x: &Tensor, u: &Tensor) -> Result<(Tensor, Tensor)> {
        let image = Self::forward_and_jvp(self, &Dual::new(x.clone(), u.clone())?, None)?;
        Ok((image.value, image.tangent))
    }
}

impl Conditioner for Made {
    fn forward(&self, x: &Tensor, context: Option<&Tensor>) -> Result<Tensor> {
        let hidden = self.first.forward(x)?;
        let hidden = match (&self.from_context, context) {
            (Some(linear), Some(context)) => (hidden + linear.forward(context)?)?,
            _ => hidden,
        };
        self.last.forward(&run_blocks(&self.blocks, hidden, &self.config)?)
    }

    fn set_output_bias(&self, values: &[f64]) -> Result<()> {
        self.last.set_bias(values)
    }
}

/// Degrees of `width` hidden units in ascending order: every useful degree in turn, or spread evenly
/// when the units are fewer than the degrees.
pub(crate) fn degrees(width: usize, features: usize, with_context: bool) -> Vec<usize> {
    let lowest = usize::from(!with_context && features > 1);
    let count = features - lowest;
    let mut degrees: Vec<usize> = (0..width)
        .map(|j| lowest + if width >= count { j % count } else { j * count / width })
        .collect();
    degrees.sort_unstable();
    degrees
}

/// The mask `[from, to]` of ones where the degree of `to` is at least that of `from`.
fn mask(from: &[usize], to: &[usize], device: &Device) -> Result<Tensor> {
    let entries: Vec<f32> =
        from.iter().flat_map(|f| to.iter().map(move |t| f32::from(u8::from(t >= f)))).collect();
    Ok(Tensor::from_vec(entries, (from.len(), to.len()), device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_cover_what_is_useful() {
        assert_eq!(degrees(4, 3, false), [1, 1, 2, 2]);
        assert_eq!(degrees(4, 3, true), [0, 0, 1, 2]);
        assert_eq!(degrees(2, 1, false), [0, 0]);
        assert_eq!(degrees(3, 43, false), [1, 15, 29]);
    }

    #[test]
    fn a_unit_feeds_only_units_of_its_degree_or_more() {
        let mask = mask(&[1, 2], &[1, 2, 0], &Device::Cpu).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(mask, [[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]]);
    }
}
