//! Takes rows from the units of the data to the space a flow works in, and back.

use crate::error::Result;
use crate::params::Params;
use crate::rows::Rows;
use crate::transform::{Chain, Layer, Mapped, Transform};
use crate::transforms::{Standardise, Support, SupportMap};
use candle_core::{DType, Device, Tensor};
use std::ops::Range;

/// Rows of a piece.
const PIECE: usize = 65_536;

/// The ranges of the pieces of so many rows.
pub(crate) fn pieces(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(PIECE).map(move |start| start..rows.min(start + PIECE))
}

/// The frozen first maps of a model: supports to the whole line, then zero mean and unit scale.
///
/// Both run in `f64`, whatever the dtype of the flow, so that columns with a large offset keep
/// their digits; their log-volume makes the densities those of the data's units. The context is
/// standardised too.
#[derive(Debug)]
pub struct Preparation {
    points: Chain,
    /// The maps of `points`, which share its storage.
    supports: Option<SupportMap>,
    standardise: Standardise,
    context: Option<Standardise>,
    dtype: DType,
}

impl Preparation {
    /// The maps for columns with these supports and `context` context columns.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) for an interval that is empty.
    pub fn new(params: &mut Params, supports: &[Support], context: usize) -> Result<Self> {
        let dtype = params.dtype();
        let features = supports.len();
        let mut layers = Vec::new();
        let bounded = supports.iter().any(|s| *s != Support::Real);
        let supports = bounded.then(|| SupportMap::new(supports.to_vec())).transpose()?;
        if let Some(map) = supports.clone() {
            layers.push(Layer { name: "support".to_owned(), transform: Box::new(map) });
        }
        let standardise = Standardise::new(params.scope("standardise"), features)?;
        let transform = Box::new(standardise.clone());
        layers.push(Layer { name: "standardise".to_owned(), transform });
        let context = match context {
            0 => None,
            k => Some(Standardise::new(params.scope("standardise_context"), k)?),
        };
        Ok(Self { points: Chain::new(features, layers)?, supports, standardise, context, dtype })
    }

    /// Fits mean and scale to rows and their context, weighted where they are, a piece at a time.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for a constant column.
    pub fn fit(&self, rows: &Rows, device: &Device) -> Result<()> {
        let mapped = |range: Range<usize>| -> Result<Tensor> {
            let points = rows.points_tensor(&range, device)?;
            match &self.supports {
                None => Ok(points),
                Some(supports) => Ok(supports.forward(&points, None)?.points),
            }
        };
        let weighted = |range: Range<usize>, points: Tensor| {
            Ok((points, rows.weights_tensor(&range, device)?))
        };
        self.standardise.initialise_from(|| {
            pieces(rows.len()).map(|range| weighted(range.clone(), mapped(range)?))
        })?;
        let Some(standardise) = &self.context else { return Ok(()) };
        standardise.initialise_from(|| {
            pieces(rows.len()).filter_map(|range| {
                let given = rows.context_tensor(&range, device).transpose()?;
                Some(given.and_then(|given| weighted(range, given)))
            })
        })
    }

    /// Points `[n, d]` in data units → points in the flow's dtype, log-volume `[n]` in `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of columns.
    pub fn forward(&self, points: &Tensor) -> Result<Mapped> {
        let mapped = self.points.forward(&points.to_dtype(DType::F64)?, None)?;
        Ok(Mapped { points: mapped.points.to_dtype(self.dtype)?, log_det: mapped.log_det })
    }

    /// Points of the flow → points `[n, d]` in data units, `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of columns.
    pub fn inverse(&self, points: &Tensor) -> Result<Mapped> {
        self.points.inverse(&points.to_dtype(DType::F64)?, None)
    }

    /// Context `[n, k]` in data units → context of the flow.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of columns.
    pub fn context(&self, context: Option<&Tensor>) -> Result<Option<Tensor>> {
        let (Some(standardise), Some(context)) = (&self.context, context) else { return Ok(None) };
        let mapped = standardise.forward(&context.to_dtype(DType::F64)?, None)?;
        Ok(Some(mapped.points.to_dtype(self.dtype)?))
    }
}
