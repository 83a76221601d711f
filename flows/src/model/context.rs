//! What a conditional density is given: columns of a table, their labels and the range they had.

use super::{Model, ModelSpec};
use crate::rows::Rows;
use serde::{Deserialize, Serialize};

/// How far past the ends of what training saw a context is taken as it is, in units of that range:
/// beyond, the networks see it held there. Their answers so far out are guesses, but finite.
pub(crate) const REACH: f64 = 2.0;
/// The same in standard deviations, for models that do not say what training saw.
pub(crate) const REACH_OF_OLD: f64 = 1e3;

/// A column of a table that a density is given.
///
/// A number is a context by itself; a column of k labels is k − 1 of them, one for each label but the
/// first: 1 in rows of that label, 0 elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenColumn {
    /// The column's name.
    pub name: String,
    /// The labels that its values are indices of; none of a column of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl GivenColumn {
    /// A column of numbers.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), labels: Vec::new() }
    }

    /// A column of indices of labels.
    pub fn category(name: impl Into<String>, labels: Vec<String>) -> Self {
        Self { name: name.into(), labels }
    }

    /// The names of the contexts that these columns make: `c`, or `colour=green`, `colour=blue`.
    pub fn names(columns: &[Self]) -> Vec<String> {
        let of = |column: &Self| -> Vec<String> {
            match column.labels.split_first() {
                None => vec![column.name.clone()],
                Some((_, rest)) => rest.iter().map(|l| format!("{}={l}", column.name)).collect(),
            }
        };
        columns.iter().flat_map(of).collect()
    }

    /// The contexts of values of these columns, both row-major.
    pub fn encode(columns: &[Self], values: &[f64]) -> Vec<f64> {
        let of = |(column, &value): (&Self, &f64)| -> Vec<f64> {
            match column.labels.len() {
                0 => vec![value],
                k => (1..k).map(|label| f64::from(u8::from(value as usize == label))).collect(),
            }
        };
        let rows = values.chunks_exact(columns.len().max(1));
        rows.flat_map(|row| columns.iter().zip(row).flat_map(of).collect::<Vec<_>>()).collect()
    }
}

/// Rows whose context lies outside what training saw.
#[derive(Debug, Clone, PartialEq)]
pub struct OutsideRange {
    /// The context.
    pub name: String,
    /// The least and the largest value among the training rows.
    pub range: [f64; 2],
    /// How many rows lie outside.
    pub rows: usize,
    /// The farthest value; in the middle of the range while there is none.
    pub farthest: f64,
}

/// How far outside a value counts, in lengths of the range: new rows lie a little outside as a rule.
const MARGIN: f64 = 0.1;

impl OutsideRange {
    /// Counts these values too, those that lie outside by more than a tenth of the range.
    pub fn count(&mut self, values: impl Iterator<Item = f64>) {
        let [low, high] = self.range;
        let away = |value: f64| (low - value).max(value - high);
        let margin = MARGIN * (high - low);
        for value in values.filter(|value| away(*value) > margin) {
            self.rows += 1;
            if away(value) > away(self.farthest) {
                self.farthest = value;
            }
        }
    }
}

impl std::fmt::Display for OutsideRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, range: [low, high], rows, farthest } = self;
        let lie = if *rows == 1 { "row lies" } else { "rows lie" };
        write!(
            f,
            "context {name}: {rows} {lie} outside {low} to {high}, which is what training saw; the \
             farthest is {farthest:e}. The density there is extrapolated"
        )?;
        let reach = REACH * (high - low);
        if *farthest < low - reach || *farthest > high + reach {
            write!(f, ", and held beyond {} and {}", low - reach, high + reach)?;
        }
        Ok(())
    }
}

/// The least and the largest value of each context of these rows.
pub(crate) fn ranges_of(rows: &Rows) -> Vec<[f64; 2]> {
    let Some((width, values)) = rows.context() else { return Vec::new() };
    let mut ranges = vec![[f64::INFINITY, f64::NEG_INFINITY]; width];
    for row in values.chunks_exact(width) {
        for (range, value) in ranges.iter_mut().zip(row) {
            *range = [range[0].min(*value), range[1].max(*value)];
        }
    }
    ranges
}

impl ModelSpec {
    /// The columns of a table that the context is made of.
    pub fn context_columns(&self) -> Vec<GivenColumn> {
        if self.given_columns.is_empty() {
            self.given.iter().map(GivenColumn::number).collect()
        } else {
            self.given_columns.clone()
        }
    }
}

impl Model {
    /// The contexts whose range is known, with no rows counted yet: see [`OutsideRange::count`].
    pub fn context_ranges(&self) -> Vec<OutsideRange> {
        let pairs = self.spec().given.iter().zip(&self.spec().given_ranges);
        let of = |(name, range): (&String, &[f64; 2])| OutsideRange {
            name: name.clone(),
            range: *range,
            rows: 0,
            farthest: f64::midpoint(range[0], range[1]),
        };
        pairs.map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_one_context_each_but_the_first() {
        let labels = ["red", "green", "blue"].map(str::to_owned).to_vec();
        let columns = [GivenColumn::number("c"), GivenColumn::category("col", labels)];
        assert_eq!(GivenColumn::names(&columns), ["c", "col=green", "col=blue"]);
        let encoded = GivenColumn::encode(&columns, &[0.5, 0.0, -1.0, 2.0, 7.0, 1.0]);
        assert_eq!(encoded, [0.5, 0.0, 0.0, -1.0, 0.0, 1.0, 7.0, 1.0, 0.0]);
    }

    #[test]
    fn rows_outside_the_range_are_counted_with_the_farthest() {
        let mut outside =
            OutsideRange { name: "c".into(), range: [0.0, 10.0], rows: 0, farthest: 5.0 };
        outside.count([0.0, 10.5, 12.0, -3.0, 1e20, 5.0].into_iter());
        assert_eq!((outside.rows, outside.farthest), (3, 1e20));
        let text = outside.to_string();
        for part in ["context c", "3 rows", "0 to 10", "1e20", "held beyond -20 and 30"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
