//! Texts that stand for the numbers 0, 1, 2, … of a column of categories.

use std::collections::{BTreeMap, BTreeSet};

use super::error::DataError;
use super::writer::RowSink;

/// The labels of the columns that have some: the first stands for 0; and which columns hold whole
/// numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    texts: BTreeMap<String, Vec<String>>,
    whole: BTreeSet<String>,
}

impl Labels {
    /// The labels of the column of this name, if it has any.
    pub fn of(&self, column: &str) -> Option<&[String]> {
        self.texts.get(column).map(Vec::as_slice)
    }

    /// Whether no column has labels.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The same, and columns of whole numbers, which text shows without a fraction.
    #[must_use]
    pub fn with_whole_numbers(mut self, columns: impl IntoIterator<Item = String>) -> Self {
        self.whole.extend(columns);
        self
    }

    /// Whether a column holds whole numbers.
    pub fn are_whole(&self, column: &str) -> bool {
        self.whole.contains(column)
    }
}

impl FromIterator<(String, Vec<String>)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(labels: I) -> Self {
        Self { texts: labels.into_iter().collect(), whole: BTreeSet::new() }
    }
}

/// The position of a text among labels: the same text, or the same number written otherwise.
pub(crate) fn index_of(labels: &[String], text: &[u8]) -> Option<usize> {
    let same = |label: &String| label.trim().as_bytes() == text;
    labels.iter().position(same).or_else(|| {
        let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        let same = |label: &String| {
            label.trim().parse::<f64>().is_ok_and(|number| number.total_cmp(&value).is_eq())
        };
        labels.iter().position(same)
    })
}

/// The position of a number among labels that are numbers; among others, the number itself.
pub(crate) fn index_of_number(labels: &[String], value: f64) -> Option<usize> {
    numbers(labels).iter().position(|number| number.total_cmp(&value).is_eq())
}

/// What stands at an index that is given as a number.
pub(crate) fn at_index<T>(items: &[T], index: f64) -> Option<&T> {
    #[expect(clippy::cast_sign_loss, reason = "indices of labels are at least 0")]
    let index = (!index.is_nan()).then_some(index as usize)?;
    items.get(index)
}

/// The numbers that labels are, or their indices unless all are numbers.
fn numbers(labels: &[String]) -> Vec<f64> {
    let parsed: Result<_, _> = labels.iter().map(|label| label.trim().parse()).collect();
    parsed.unwrap_or_else(|_| (0..labels.len()).map(|index| index as f64).collect())
}

/// Writes the numbers of labels in place of their indices.
#[derive(Debug)]
pub(crate) struct LabelNumbers {
    sink: Box<dyn RowSink>,
    width: usize,
    columns: Vec<(usize, Vec<f64>)>,
}

impl LabelNumbers {
    /// The sink itself where no column has labels.
    pub(crate) fn over(
        sink: Box<dyn RowSink>,
        columns: &[String],
        labels: &Labels,
    ) -> Box<dyn RowSink> {
        let of = |(at, name): (usize, &String)| Some((at, numbers(labels.of(name)?)));
        let (width, columns) = (columns.len(), columns.iter().enumerate().filter_map(of).collect());
        if labels.is_empty() { sink } else { Box::new(Self { sink, width, columns }) }
    }
}

impl RowSink for LabelNumbers {
    fn write_rows(&mut self, rows: &[f64]) -> Result<(), DataError> {
        let mut rows = rows.to_vec();
        for (column, numbers) in &self.columns {
            for cell in rows.iter_mut().skip(*column).step_by(self.width) {
                *cell = at_index(numbers, *cell).copied().unwrap_or(*cell);
            }
        }
        self.sink.write_rows(&rows)
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        self.sink.finish()
    }
}
