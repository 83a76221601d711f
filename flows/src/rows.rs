//! Rows of plain numbers, as they come from a table, in the units of the data.

mod split;

pub use split::{Split, SplitError, split};

use crate::error::{Error, Result};
use candle_core::{Device, Tensor};
use std::borrow::Cow;

/// n rows of features, optionally with context and weights, row-major.
///
/// # Example
/// ```
/// use diffeo_flows::rows::Rows;
/// let rows = Rows::new(2, vec![0.0, 1.0, 2.0, 3.0])?;
/// assert_eq!(rows.len(), 2);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    features: usize,
    points: Vec<f64>,
    context: Option<(usize, Vec<f64>)>,
    weights: Option<Vec<f64>>,
    /// Numbers of the rows in the table they were taken from; in order when absent.
    numbers: Option<Vec<usize>>,
}

/// A point a row.
///
/// # Example
/// ```
/// use diffeo_flows::rows::Rows;
/// let rows = Rows::try_from(&[[1.0, 2.0], [3.0, 4.0]])?;
/// assert_eq!((rows.len(), rows.features()), (2, 2));
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
impl<const D: usize, const N: usize> TryFrom<&[[f64; D]; N]> for Rows {
    type Error = Error;

    fn try_from(points: &[[f64; D]; N]) -> Result<Self> {
        Self::try_from(points.as_slice())
    }
}

/// A point a row.
impl<const D: usize> TryFrom<&[[f64; D]]> for Rows {
    type Error = Error;

    fn try_from(points: &[[f64; D]]) -> Result<Self> {
        Self::new(D, points.as_flattened().to_vec())
    }
}

impl Rows {
    /// Rows of `features` numbers.
    ///
    /// # Errors
    /// [`Error::Shape`] when the numbers do not fill whole rows; [`Error::Data`] when one of them
    /// is NaN.
    pub fn new(features: usize, points: Vec<f64>) -> Result<Self> {
        if features == 0 || !points.len().is_multiple_of(features) {
            return Err(Error::shape("Rows::new", format!("[n · {features}]"), &[points.len()]));
        }
        no_nan("points", &points, features)?;
        Ok(Self { features, points, context: None, weights: None, numbers: None })
    }

    /// The rows with `width` context numbers each.
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of rows differs; [`Error::Data`] for numbers that are not
    /// finite.
    pub fn with_context(mut self, width: usize, context: Vec<f64>) -> Result<Self> {
        if width == 0 || context.len() != width * self.len() {
            let expected = format!("[{} · {width}]", self.len());
            return Err(Error::shape("Rows::with_context", expected, &[context.len()]));
        }
        if let Some(i) = context.iter().position(|v| !v.is_finite()) {
            let problem = format!("a context value is {}", context[i]);
            return Err(Error::data(format!("row {}", i / width + 1), problem, "remove the row"));
        }
        self.context = Some((width, context));
        Ok(self)
    }

    /// The rows with a weight each. Kept are the weights over the largest of them: a common factor, as
    /// of importance weights, says nothing, and its square may be no number at all.
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of rows differs; [`Error::Data`] for weights that are
    /// negative or not finite, or that are all zero.
    pub fn with_weights(mut self, weights: Vec<f64>) -> Result<Self> {
        if weights.len() != self.len() {
            let expected = format!("[{}]", self.len());
            return Err(Error::shape("Rows::with_weights", expected, &[weights.len()]));
        }
        if let Some(i) = weights.iter().position(|w| !(w.is_finite() && *w >= 0.0)) {
            let problem = format!("weight {}", weights[i]);
            return Err(Error::data(
                format!("row {}", i + 1),
                problem,
                "give weights of 0 or more",
            ));
        }
        let largest = weights.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            return Err(Error::data("weights", "all are zero", "give some row a positive weight"));
        }
        self.weights = Some(weights.into_iter().map(|w| w / largest).collect());
        Ok(self)
    }

    /// The rows with the numbers that they have in their table, counted from 0.
    ///
    /// # Errors
    /// [`Error::Shape`] when the number of rows differs.
    pub fn with_numbers(mut self, numbers: Vec<usize>) -> Result<Self> {
        if numbers.len() != self.len() {
            let expected = format!("[{}]", self.len());
            return Err(Error::shape("Rows::with_numbers", expected, &[numbers.len()]));
        }
        self.numbers = Some(numbers);
        Ok(self)
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.points.len() / self.features
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The points, row-major.
    pub fn points(&self) -> &[f64] {
        &self.points
    }

    /// The points, row-major, to be replaced by others that are not NaN.
    pub(crate) fn points_mut(&mut self) -> &mut [f64] {
        &mut self.points
    }

    /// The context and its width.
    pub fn context(&self) -> Option<(usize, &[f64])> {
        self.context.as_ref().map(|(width, values)| (*width, values.as_slice()))
    }

    /// How many rows of equal weight these are worth: see
    /// [`effective_rows`](crate::metrics::effective_rows); their number where there are no weights.
    pub fn effective_len(&self) -> f64 {
        self.weights().map_or(self.len() as f64, crate::metrics::effective_rows)
    }

    /// The row that has the largest share of all weight, counted from 0, and that share; none without
    /// weights.
    pub fn heaviest(&self) -> Option<(usize, f64)> {
        let weights = self.weights()?;
        let total: f64 = weights.iter().sum();
        let (row, weight) = weights.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
        Some((row, weight / total))
    }

    /// The weights, of which the largest is 1; after [`Rows::take`] it may be less.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// The number of a row in the table it was first given in, counted from 0; `take` keeps it.
    pub fn number(&self, row: usize) -> usize {
        self.numbers.as_ref().map_or(row, |numbers| numbers[row])
    }

    /// The rows of these numbers.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        let pick = |values: &[f64], width: usize| -> Vec<f64> {
            rows.iter().flat_map(|&i| &values[i * width..(i + 1) * width]).copied().collect()
        };
        Self {
            features: self.features,
            points: pick(&self.points, self.features),
            context: self.context.as_ref().map(|(width, values)| (*width, pick(values, *width))),
            weights: self.weights.as_ref().map(|w| pick(w, 1)),
            numbers: Some(rows.iter().map(|&i| self.number(i)).collect()),
        }
    }

    /// Weights `[n, 1]` of a range of rows, as shares of the largest of all, `f64`.
    pub(crate) fn weights_tensor(
        &self,
        rows: &std::ops::Range<usize>,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        let Some(weights) = &self.weights else { return Ok(None) };
        let largest = weights.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let shares: Vec<f64> = weights[rows.clone()].iter().map(|w| w / largest).collect();
        Ok(Some(Tensor::from_vec(shares, (rows.len(), 1), device)?))
    }

    /// The rows that count: those of positive weight.
    pub(crate) fn of_weight(&self) -> Cow<'_, Self> {
        match &self.weights {
            Some(weights) if weights.contains(&0.0) => {
                let counts = |row: &usize| weights[*row] > 0.0;
                Cow::Owned(self.take(&(0..self.len()).filter(counts).collect::<Vec<_>>()))
            }
            _ => Cow::Borrowed(self),
        }
    }

    /// `count` numbers of rows, ascending: each as often as its weight asks for, rounded up or down.
    ///
    /// Systematic resampling, Kitagawa 1996, *Monte Carlo Filter and Smoother*, appendix: row i is drawn
    /// for every j with Σ_{k<i} wₖ ≤ (j + ½) Σ w / count < Σ_{k≤i} wₖ.
    pub(crate) fn resampled(&self, count: usize) -> Vec<usize> {
        let largest = self.weights.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
        let share = |i: usize| self.weights.as_ref().map_or(1.0, |w| w[i] / largest);
        let total: f64 = (0..self.len()).map(share).sum();
        let (mut row, mut sum) = (0, share(0));
        let mut drawn = Vec::with_capacity(count);
        for j in 0..count {
            let place = (j as f64 + 0.5) / count as f64 * total;
            while sum <= place && row + 1 < self.len() {
                row += 1;
                sum += share(row);
            }
            drawn.push(row);
        }
        drawn
    }

    /// At most so many rows, evenly spread over all: row ⌊i · n / m⌋ for each i below m = min(n, most).
    #[must_use]
    pub fn evenly(&self, most: usize) -> Self {
        let n = self.len().min(most);
        self.take(&(0..n).map(|i| i * self.len() / n).collect::<Vec<_>>())
    }

    /// The rows of these three lists of numbers, disjoint, ascending and together all rows, without a
    /// second copy of the first, which should be the longest.
    #[must_use]
    pub fn partition(self, [most, second, third]: [Vec<usize>; 3]) -> [Self; 3] {
        let (second, third) = (self.take(&second), self.take(&third));
        let keep = |mut values: Vec<f64>, width: usize| -> Vec<f64> {
            for (at, &row) in most.iter().enumerate() {
                values.copy_within(row * width..(row + 1) * width, at * width);
            }
            values.truncate(most.len() * width);
            values.shrink_to_fit();
            values
        };
        let first = Self {
            features: self.features,
            points: keep(self.points, self.features),
            context: self.context.map(|(width, values)| (width, keep(values, width))),
            weights: self.weights.map(|weights| keep(weights, 1)),
            numbers: Some(match self.numbers {
                Some(numbers) => most.iter().map(|&row| numbers[row]).collect(),
                None => most,
            }),
        };
        [first, second, third]
    }

    /// Points `[n, d]` of a range of rows, `f64`.
    pub(crate) fn points_tensor(
        &self,
        rows: &std::ops::Range<usize>,
        device: &Device,
    ) -> Result<Tensor> {
        let d = self.features;
        let slice = &self.points[rows.start * d..rows.end * d];
        Ok(Tensor::from_slice(slice, (rows.len(), d), device)?)
    }

    /// Context `[n, k]` of a range of rows, `f64`.
    pub(crate) fn context_tensor(
        &self,
        rows: &std::ops::Range<usize>,
        device: &Device,
    ) -> Result<Option<Tensor>> {
        let Some((k, values)) = &self.context else { return Ok(None) };
        let slice = &values[rows.start * k..rows.end * k];
        Ok(Some(Tensor::from_slice(slice, (rows.len(), *k), device)?))
    }
}

fn no_nan(what: &str, values: &[f64], width: usize) -> Result<()> {
    match values.iter().position(|v| v.is_nan()) {
        None => Ok(()),
        Some(i) => Err(Error::data(
            format!("row {} of the {what}, column {}", i / width + 1, i % width + 1),
            "the value is NaN",
            "remove the row or fill the gap",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_spread_evenly() {
        let rows = Rows::new(1, (0..7).map(f64::from).collect()).unwrap();
        let rows = rows.with_context(1, (0..7).map(|i| f64::from(10 * i)).collect()).unwrap();
        let some = rows.evenly(3);
        assert_eq!(some.points(), [0.0, 2.0, 4.0]);
        assert_eq!(some.context(), Some((1, &[0.0, 20.0, 40.0][..])));
        assert_eq!((0..3).map(|i| some.number(i)).collect::<Vec<_>>(), [0, 2, 4]);
        for most in [7, 8, usize::MAX] {
            assert_eq!(rows.evenly(most).points(), rows.points());
        }
        assert!(rows.evenly(0).is_empty());
        assert_eq!(rows.evenly(1).points(), [0.0]);
    }

    #[test]
    fn messages_count_rows_from_one() {
        let rows = || Rows::new(1, vec![1.0, 2.0]).unwrap();
        let first = |error: Error| assert!(error.to_string().starts_with("row 2"), "{error}");
        first(rows().with_context(1, vec![0.0, f64::INFINITY]).unwrap_err());
        first(rows().with_weights(vec![0.0, -1.0]).unwrap_err());
        first(Rows::new(1, vec![1.0, f64::NAN]).unwrap_err());
    }

    #[test]
    fn a_common_factor_of_the_weights_is_none() {
        let of = |factor: f64| {
            let weights = [3.0, 1.0, 2.0].map(|weight| weight * factor).to_vec();
            Rows::new(1, vec![1.0, 2.0, 3.0]).unwrap().with_weights(weights).unwrap()
        };
        for factor in [1.0, 1e-170, 1e170, 1e-300] {
            for (got, right) in
                of(factor).weights().unwrap().iter().zip([1.0, 1.0 / 3.0, 2.0 / 3.0])
            {
                assert!((got - right).abs() < 1e-15, "{factor}: {got}");
            }
            assert!((of(factor).effective_len() - 36.0 / 14.0).abs() < 1e-12);
            assert_eq!(of(factor).heaviest().map(|(row, _)| row), Some(0));
        }
    }
}
