//! What networks with time read, and their layers but the last.

use super::time_linear::TimeLinear;
use super::{FieldConfig, TimeForm};
use crate::error::Result;
use crate::params::Scope;
use crate::transform::{check_context, check_points};
use candle_core::Tensor;

/// Points, context and time, in that order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inputs {
    pub(super) features: usize,
    pub(super) context: usize,
    pub(super) time: TimeForm,
}

impl Inputs {
    fn width(&self) -> usize {
        self.features + self.context + self.time.inputs()
    }

    /// The layers `first`, `1`, `2`, … that read them.
    pub(super) fn hidden_layers(
        &self,
        scope: &mut Scope,
        config: &FieldConfig,
    ) -> Result<Vec<TimeLinear>> {
        let squash = self.time == TimeForm::ConcatSquash;
        let first = (self.width(), config.hidden[0]);
        let mut layers = vec![TimeLinear::new(scope.sub("first"), first, squash, false)?];
        for (i, pair) in config.hidden.windows(2).enumerate() {
            let widths = (pair[0], pair[1]);
            layers.push(TimeLinear::new(scope.sub(i + 1), widths, squash, false)?);
        }
        Ok(layers)
    }

    /// (x, c, time) side by side, `[n, inputs]`; one time for all rows, or one for each.
    pub(super) fn join(
        &self,
        what: &'static str,
        times: &[f64],
        x: &Tensor,
        context: Option<&Tensor>,
    ) -> Result<Tensor> {
        check_points(what, x, self.features)?;
        let context = check_context(what, x, context, self.context)?;
        let mut parts = vec![x.clone()];
        parts.extend(context.cloned());
        let width = self.time.inputs();
        if width > 0 {
            let values: Vec<f64> = times.iter().flat_map(|t| self.time.values(*t)).collect();
            let time = Tensor::from_vec(values, (times.len(), width), x.device())?;
            let shape = (x.dim(0)?, width);
            parts.push(time.to_dtype(x.dtype())?.broadcast_as(shape)?.contiguous()?);
        }
        if parts.len() == 1 {
            return Ok(x.clone());
        }
        Ok(Tensor::cat(&parts, 1)?)
    }
}
