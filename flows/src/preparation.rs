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

/// Where values on an end of a support lie, in standard deviations of their prepared column.
const ENDS: f64 = 4.0;

/// For each column the values half-way between its ends and the nearest value of the rows inside.
fn nearest(supports: &[Support], rows: &Rows) -> Vec<[f64; 2]> {
    let column = |i: usize| rows.points().iter().skip(i).step_by(supports.len());
    let each = supports.iter().enumerate().map(|(i, support)| {
        support.ends().map(|end| {
            let inside = column(i).filter(|x| !support.ends().contains(&Some(**x)));
            let gap = end.map(|end| {
                inside.fold(f64::INFINITY, |gap: f64, x| gap.min((x - end).abs())).min(f64::MAX)
            });
            match (end, gap) {
                (Some(end), Some(gap)) if gap < f64::MAX => {
                    let sign = if Some(end) == support.ends()[0] { 0.5 } else { -0.5 };
                    end + sign * gap
                }
                _ => support.inner_point(),
            }
        })
    });
    each.collect()
}

/// The points with values on the ends of a support replaced by those given for its column.
fn off_the_ends(supports: &[Support], points: &Tensor, instead: &[[f64; 2]]) -> Result<Tensor> {
    let mut columns = Vec::with_capacity(supports.len());
    for (i, support) in supports.iter().enumerate() {
        let mut column = points.narrow(1, i, 1)?;
        for (end, value) in support.ends().into_iter().zip(instead[i]) {
            let Some(end) = end else { continue };
            let there = column.zeros_like()?.affine(1.0, value)?;
            column = column.eq(end)?.where_cond(&there, &column)?;
        }
        columns.push(column);
    }
    Ok(Tensor::cat(&columns, 1)?)
}

/// The ranges of the pieces of so many rows.
pub(crate) fn pieces(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(PIECE).map(move |start| start..rows.min(start + PIECE))
}

/// The frozen first maps of a model: supports to the whole line, then zero mean and unit scale.
///
/// Both run in `f64`, whatever the dtype of the flow, so that columns with a large offset keep
/// their digits; their log-volume makes the densities those of the data's units. The context is
/// standardised too.
///
/// Of a value exactly on a finite end of its column's support, whose image is infinite, the point
/// inside whose prepared value is ∓4 is read in its place: four standard deviations of the mapped
/// column towards that end. Mean and scale are found with such values half-way between the end and
/// the nearest training value inside.
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

    /// Fits mean and scale to rows and their context, weighted where they are, a piece at a time.
    ///
    /// # Errors
    /// [`Error::Data`](crate::Error::Data) for a constant column.
    pub fn fit(&self, rows: &Rows, device: &Device) -> Result<()> {
        let nearest = self.supports.as_ref().map_or_else(Vec::new, |s| nearest(s.supports(), rows));
        let mapped = |range: Range<usize>| -> Result<Tensor> {
            let points = rows.points_tensor(&range, device)?;
            match &self.supports {
                None => Ok(points),
                Some(supports) => {
                    let inside = off_the_ends(supports.supports(), &points, &nearest)?;
                    Ok(supports.forward(&inside, None)?.points)
                }
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
        let mapped = self.points.forward(&self.inside(points)?, None)?;
        Ok(Mapped { points: mapped.points.to_dtype(self.dtype)?, log_det: mapped.log_det })
    }

    /// What is read in place of values on the lower and upper ends of each column.
    fn for_ends(&self) -> Result<Vec<[f64; 2]>> {
        let d = self.points.features();
        let at = |z: f64| -> Result<Vec<f64>> {
            let row = Tensor::full(z, (1, d), &self.standardise.device())?;
            to_f64(&self.points.inverse(&row, None)?.points)
        };
        Ok(at(-ENDS)?.into_iter().zip(at(ENDS)?).map(|(low, high)| [low, high]).collect())
    }

    /// Points, row-major, in data units → points in double precision, whatever the flow's, and the
    /// derivatives of each with respect to its own value; NaN outside a support.
    pub(crate) fn with_derivatives(&self, points: &Tensor) -> Result<(Tensor, Vec<Derivatives>)> {
        let points = self.inside(points)?;
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

    /// The points in double precision, those on the end of a support moved inside.
    fn inside(&self, points: &Tensor) -> Result<Tensor> {
        let points = points.to_dtype(DType::F64)?;
        match &self.supports {
            Some(supports) => off_the_ends(supports.supports(), &points, &self.for_ends()?),
            None => Ok(points),
        }
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
