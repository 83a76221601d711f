//! What is said of a table before a fit: what its columns look like, and what in them misleads a
//! density. Nothing is changed by it.
//!
//! ```text
//! rows, columns ─▶ Intake ─▶ dependence, spikes, sentinels, likeness, weights, few rows ─▶ sentences
//! ```
//!
//! Each file holds one concern: pure functions from values and names to what is found, and to words.

mod dependence;
mod likeness;
mod listing;
mod rows;
mod sentinels;
mod spikes;
mod weights;

use diffeo::flows::model::{Column, ColumnKind};
use diffeo::flows::rows::Rows;

/// Values of a column that are looked at, spread over it.
const LOOKED_AT: usize = 10_000;

/// The rows of a fit as its table holds them, before any is spread or scaled.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// What the modelled columns are taken for.
    pub columns: &'a [Column],
    /// Which of them the user has described.
    pub described: &'a [bool],
    /// The columns that they are given.
    pub given: &'a [String],
    /// All rows: modelled columns, and the given ones as context.
    pub rows: &'a Rows,
    /// How many of them are trained on.
    pub train: usize,
}

/// A column and its values.
#[derive(Debug)]
struct Values<'a> {
    name: &'a str,
    /// What a modelled column is taken for; none for a given one.
    column: Option<&'a Column>,
    described: bool,
    /// At most [`LOOKED_AT`] of them, in ascending order.
    sorted: Vec<f64>,
}

impl Values<'_> {
    /// Whether a density is fitted to the numbers as they are.
    fn is_real(&self) -> bool {
        self.column.is_some_and(|column| column.kind == ColumnKind::Real)
    }

    /// Whether the numbers only stand for labels.
    fn is_category(&self) -> bool {
        self.column.is_some_and(|column| column.labels().is_some())
    }

    fn is_whole(&self) -> bool {
        self.sorted.iter().all(|value| value.fract() == 0.0)
    }

    /// The number of different values.
    fn distinct(&self) -> usize {
        self.sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).count()
    }
}

impl<'a> Intake<'a> {
    /// All values of the column at a place, the given ones after those modelled.
    fn column(&self, at: usize) -> impl Iterator<Item = f64> + 'a {
        let d = self.rows.features();
        let (width, values, at) = match self.rows.context() {
            Some((width, context)) if at >= d => (width, context, at - d),
            _ => (d, self.rows.points(), at),
        };
        values.iter().skip(at).step_by(width).copied()
    }

    fn values(&self) -> Vec<Values<'a>> {
        let stride = self.rows.len().div_ceil(LOOKED_AT).max(1);
        let sorted = |at: usize| {
            let mut sorted: Vec<f64> = self.column(at).step_by(stride).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted
        };
        let modelled = self.columns.iter().zip(self.described).enumerate();
        let modelled = modelled.map(|(at, (column, described))| Values {
            name: &column.name,
            column: Some(column),
            described: *described,
            sorted: sorted(at),
        });
        let given = self.given.iter().enumerate().map(|(at, name)| Values {
            name,
            column: None,
            described: false,
            sorted: sorted(self.columns.len() + at),
        });
        modelled.chain(given).collect()
    }
}

/// What there is to say, the gravest first; the last holds lines for a schema.
pub fn before_training(intake: &Intake<'_>) -> Vec<String> {
    let values = intake.values();
    let mut notes = Vec::new();
    notes.extend(rows::few(intake.train, values.len()));
    notes.extend(dependence::notes(intake, &values));
    notes.extend(sentinels::notes(intake, &values));
    notes.extend(spikes::notes(intake, &values));
    notes.extend(rows::repeated(intake, &values));
    notes.extend(weights::notes(&values));
    notes.extend(likeness::notes(&values));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use diffeo::flows::transforms::Support;

    /// What is said of columns of which nothing is known but their values.
    pub(super) fn said(names: &[&str], rows: usize, value: impl Fn(usize) -> Vec<f64>) -> String {
        let columns: Vec<Column> =
            names.iter().map(|name| Column::new(*name, Support::Real)).collect();
        let points: Vec<f64> = (0..rows).flat_map(&value).collect();
        let rows = Rows::new(names.len(), points).unwrap();
        let described = vec![false; names.len()];
        let intake = Intake {
            columns: &columns,
            described: &described,
            given: &[],
            rows: &rows,
            train: rows.len(),
        };
        before_training(&intake).join("\n")
    }

    /// A number in (0, 1) for a row, as good as random.
    pub(super) fn random(row: usize, column: usize) -> f64 {
        let mut x = (row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ (column as u64 + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
        for _ in 0..3 {
            x = (x ^ (x >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        }
        ((x >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// As good as normal.
    pub(super) fn normal(row: usize, column: usize) -> f64 {
        (0..12).map(|i| random(row, 100 * column + i)).sum::<f64>() - 6.0
    }

    #[test]
    fn nothing_is_said_of_plain_columns() {
        assert_eq!(said(&["a", "b"], 500, |i| vec![normal(i, 0), 10.0 + normal(i, 1)]), "");
    }
}
