//! Takes rows from the units of the data to the space a flow works in, and back.

use crate::error::Result;
use crate::model::{REACH, REACH_OF_OLD};
use crate::params::{Params, to_f64};
use crate::rows::Rows;
use crate::transform::{Chain, Layer, Mapped, Transform};
use crate::transforms::{Derivatives, Standardise, Support, SupportMap};
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
    /// Between which values each context column is taken as it is, in data units.
    context_ends: Vec<[f64; 2]>,
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
        let (points, context_ends) = (Chain::new(features, layers)?, Vec::new());
        Ok(Self { points, supports, standardise, context, context_ends, dtype })
    }

    /// The same for contexts of which training saw these ranges: beyond a few of them the context is
    /// held.
    #[must_use]
    pub(crate) fn holding_context_to(mut self, ranges: &[[f64; 2]]) -> Self {
        let ends = |[low, high]: &[f64; 2]| {
            let reach = REACH * (high - low);
            [low - reach, high + reach]
        };
        self.context_ends = ranges.iter().map(ends).collect();
        self
    }

    /// Fits mean and scale to rows and their context, a piece at a time.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for a constant column.
    pub fn fit(&self, rows: &Rows, device: &Device) -> Result<()> {
        let mapped = |range| {
            let points = rows.points_tensor(&range, device)?;
            match &self.supports {
                None => Ok(points),
                Some(supports) => Ok(supports.forward(&points, None)?.points),
            }
        };
        self.standardise.initialise_from(|| pieces(rows.len()).map(mapped))?;
        let Some(standardise) = &self.context else { return Ok(()) };
        let given = |range| rows.context_tensor(&range, device).transpose();
        standardise.initialise_from(|| pieces(rows.len()).filter_map(given))
    }

    /// Points `[n, d]` in data units → points in the flow's dtype, log-volume `[n]` in `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of columns.
    pub fn forward(&self, points: &Tensor) -> Result<Mapped> {
        let mapped = self.points.forward(&points.to_dtype(DType::F64)?, None)?;
        Ok(Mapped { points: mapped.points.to_dtype(self.dtype)?, log_det: mapped.log_det })
    }

    /// Points, row-major, in data units → points in double precision, whatever the flow's, and the
    /// derivatives of each with respect to its own value; NaN outside a support.
    pub(crate) fn with_derivatives(&self, points: &Tensor) -> Result<(Tensor, Vec<Derivatives>)> {
        let points = points.to_dtype(DType::F64)?;
        let scales = self.standardise.scales()?;
        let d = scales.len();
        let supports = self.supports.as_ref().map(SupportMap::supports);
        let of = |(k, &x): (usize, &f64)| {
            let support = supports.map_or(Support::Real, |supports| supports[k % d]);
            let own = support.derivatives(x);
            Derivatives { slope: own.slope / scales[k % d], ..own }
        };
        let derivatives = to_f64(&points)?.iter().enumerate().map(of).collect();
        Ok((self.points.forward(&points, None)?.points, derivatives))
    }

    /// Points of the flow → points `[n, d]` in data units, `f64`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of columns.
    pub fn inverse(&self, points: &Tensor) -> Result<Mapped> {
        self.points.inverse(&points.to_dtype(DType::F64)?, None)
    }

    /// Context `[n, k]` in data units → context of the flow: no further than two ranges past what
    /// training saw, where that is known, and no more than a thousand standard deviations elsewhere, so
    /// that no context overflows.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of columns.
    pub fn context(&self, context: Option<&Tensor>) -> Result<Option<Tensor>> {
        let (Some(standardise), Some(context)) = (&self.context, context) else { return Ok(None) };
        let mut context = context.to_dtype(DType::F64)?;
        if !self.context_ends.is_empty() {
            let ends = |end: usize| -> Result<Tensor> {
                let ends: Vec<f64> = self.context_ends.iter().map(|ends| ends[end]).collect();
                let ends = Tensor::from_vec(ends, (1, self.context_ends.len()), context.device())?;
                Ok(ends.broadcast_as(context.shape())?)
            };
            context = context.maximum(&ends(0)?)?.minimum(&ends(1)?)?;
        }
        let mut mapped = standardise.forward(&context, None)?.points;
        if self.context_ends.is_empty() {
            mapped = mapped.clamp(-REACH_OF_OLD, REACH_OF_OLD)?;
        }
        Ok(Some(mapped.to_dtype(self.dtype)?))
    }
}
