//! What happens to rows with missing values.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::{DataError, Place};
use super::reader::Gap;

/// Rows that messages name before they say how many more there are.
const NAMED: usize = 5;

/// What to do with rows that lack a value: an empty field, `NA`, `N/A`, `null`, `None` or `?` in
/// text, NaN anywhere, null in Parquet. Infinite values are never missing; they are errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// An error that names the rows.
    #[default]
    Reject,
    /// They are left out and counted.
    Drop,
}

/// The rows with missing values that were left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dropped {
    places: Vec<Place>,
    first_column: usize,
    rows: u64,
}

impl Dropped {
    /// How many there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn add(&mut self, gap: &Gap) {
        if self.rows == 0 {
            self.first_column = gap.column;
        }
        if self.places.len() < NAMED {
            self.places.push(gap.place);
        }
        self.rows += 1;
    }

    /// The error of a table that may not have any.
    pub(crate) fn refused(&self, file: &str, columns: &[String]) -> DataError {
        let (first, more) =
            self.places.split_first().map_or((Place::Row(0), &[][..]), |(a, b)| (*a, b));
        DataError::Missing {
            file: file.to_owned(),
            place: first,
            column: columns.get(self.first_column).cloned().unwrap_or_default(),
            more: more.to_vec(),
            rows: self.rows,
        }
    }
}

/// `3 rows with missing values left out: line 2, line 7, line 9`.
impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        let places: Vec<String> = self.places.iter().map(Place::to_string).collect();
        let rest = if self.rows > places.len() as u64 { ", …" } else { "" };
        let places = places.join(", ");
        write!(formatter, "{} {rows} with missing values left out: {places}{rest}", self.rows)
    }
}
