//! Texts that stand for the numbers 0, 1, 2, … of a column of categories.

use std::collections::BTreeMap;

/// The labels of the columns that have some: the first stands for 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels(BTreeMap<String, Vec<String>>);

impl Labels {
    /// The labels of the column of this name, if it has any.
    pub fn of(&self, column: &str) -> Option<&[String]> {
        self.0.get(column).map(Vec::as_slice)
    }

    /// Whether no column has labels.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Vec<String>)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(labels: I) -> Self {
        Self(labels.into_iter().collect())
    }
}

/// The position of a text among labels: the same text, or the same number written otherwise.
pub(crate) fn index_of(labels: &[String], text: &[u8]) -> Option<usize> {
    let same = |label: &String| label.trim().as_bytes() == text;
    labels.iter().position(same).or_else(|| {
        let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
        index_of_number(labels, value)
    })
}

/// The position of a number among labels that are numbers.
pub(crate) fn index_of_number(labels: &[String], value: f64) -> Option<usize> {
    let same = |label: &String| {
        label.trim().parse::<f64>().is_ok_and(|number| number.total_cmp(&value).is_eq())
    };
    labels.iter().position(same)
}
