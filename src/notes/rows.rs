//! Whether there are rows enough, and whether they are rows of their own.

use super::listing::rows;
use super::{Intake, Values, likeness};
use std::collections::HashSet;

/// Training rows a column below which a density of all columns is guesswork.
const FEWEST: usize = 5;
/// Share of rows that repeat an earlier one which is worth a word.
const REPEATED: f64 = 0.02;

/// Says when there are too few training rows for so many columns.
pub(super) fn few(train: usize, columns: usize) -> Option<String> {
    (train < FEWEST * columns).then(|| {
        format!(
            "warning: {} for {columns} columns: below {FEWEST} training rows a column hardly \
             anything can be learnt of how they depend on each other, and checks on the rest of so \
             few rows find no fault; model fewer columns (--columns), or give more rows",
            rows(train).replace("row", "training row")
        )
    })
}

/// Says how many rows repeat an earlier one in all columns.
///
/// Of whole numbers and labels alone rows repeat themselves by nature.
pub(super) fn repeated(intake: &Intake<'_>, values: &[Values<'_>]) -> Option<String> {
    let is_countable = |column: &Values<'_>| !column.is_real() || likeness::is_countable(column);
    if values.iter().filter(|column| column.column.is_some()).all(is_countable) {
        return None;
    }
    let (d, rows) = (intake.rows.features(), intake.rows);
    let bits = |values: &[f64]| values.iter().map(|x| (x + 0.0).to_bits()).collect::<Vec<u64>>();
    let mut seen = HashSet::with_capacity(rows.len());
    let repeated = (0..rows.len()).filter(|&i| {
        let mut row = bits(&rows.points()[i * d..(i + 1) * d]);
        if let Some((k, context)) = rows.context() {
            row.extend(bits(&context[i * k..(i + 1) * k]));
        }
        !seen.insert(row)
    });
    let (count, all) = (repeated.count(), rows.len());
    (count > 1 && count as f64 >= REPEATED * all as f64).then(|| {
        format!(
            "warning: {count} of {all} rows repeat an earlier row in every column: a density of real \
             numbers grows without bound there, and held-out rows are partly rows of training; leave \
             out rows that were entered twice, and describe whole numbers and labels in a --schema"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, said};
    use super::*;

    #[test]
    fn too_few_rows_are_told() {
        let said = few(10, 25).unwrap();
        assert!(said.contains("10 training rows for 25 columns"), "{said}");
        assert!(few(9, 2).is_some() && few(10, 2).is_none());
    }

    #[test]
    fn rows_that_come_twice_are_counted() {
        let said = said(&["a", "b"], 60, |i| vec![normal(i % 50, 0), normal(i % 50, 1)]);
        assert!(said.contains("10 of 60 rows repeat an earlier row"), "{said}");
    }

    #[test]
    fn one_chance_repetition_is_none() {
        let said = said(&["a", "b"], 60, |i| vec![normal(i % 59, 0), normal(i % 59, 1)]);
        assert!(!said.contains("repeat"), "{said}");
    }

    #[test]
    fn rows_of_whole_numbers_repeat_by_nature() {
        let said = said(&["k"], 600, |i| vec![(i % 7) as f64]);
        assert!(!said.contains("repeat an earlier row"), "{said}");
    }
}
