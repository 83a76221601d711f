//! Whether rows that are to judge a model were seen when it was trained.

use diffeo_flows::model::Column;
use diffeo_flows::rows::Rows;
use std::collections::HashMap;

/// Bits of a fingerprint: so many are exact in an `f64`, as which they are stored.
const BITS: u32 = 52;
/// Rows seen beyond what is expected by chance, in standard deviations, from which they are told.
const BEYOND: f64 = 3.0;

/// Fingerprints of the rows that a model was trained on, with their contexts.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingRows {
    /// How often each comes.
    rows: HashMap<u64, u32>,
    count: usize,
}

impl TrainingRows {
    /// Those of points of a model with these columns; whole numbers count without the noise that spreads
    /// them.
    pub fn of(columns: &[Column], rows: &Rows) -> Self {
        Self::from_fingerprints((0..rows.len()).map(|i| fingerprint(columns, rows, i)))
    }

    fn from_fingerprints(fingerprints: impl Iterator<Item = u64>) -> Self {
        let (mut rows, mut count) = (HashMap::new(), 0);
        for fingerprint in fingerprints {
            *rows.entry(fingerprint).or_insert(0) += 1;
            count += 1;
        }
        Self { rows, count }
    }

    /// As numbers to be stored; see [`TrainingRows::from_numbers`].
    pub fn to_numbers(&self) -> Vec<f64> {
        let times = |(print, n): (&u64, &u32)| std::iter::repeat_n(*print as f64, *n as usize);
        let mut numbers: Vec<f64> = self.rows.iter().flat_map(times).collect();
        numbers.sort_by(f64::total_cmp);
        numbers
    }

    /// From stored numbers.
    pub fn from_numbers(numbers: &[f64]) -> Self {
        Self::from_fingerprints(numbers.iter().map(|number| *number as u64))
    }

    /// How many of these rows are training rows, value for value.
    pub fn among(&self, columns: &[Column], rows: &Rows) -> usize {
        let seen = |i: &usize| self.rows.contains_key(&fingerprint(columns, rows, *i));
        (0..rows.len()).filter(seen).count()
    }

    /// Whether `seen` of so many rows are more than would be training rows by chance, as rows of few
    /// values are: a new row is one as often as a training row comes twice.
    ///
    /// With n training rows of which k come more than once the chance is (k + 1) / (n + 2).
    pub fn is_beyond_chance(&self, seen: usize, of: usize) -> bool {
        let twice: u32 = self.rows.values().filter(|n| **n > 1).sum();
        let chance = (f64::from(twice) + 1.0) / (self.count as f64 + 2.0);
        let expected = chance * of as f64;
        let deviation = (expected * (1.0 - chance)).sqrt();
        seen as f64 > expected + BEYOND * deviation
    }
}

/// Of what a table has for the features and the context of a row.
fn fingerprint(columns: &[Column], rows: &Rows, i: usize) -> u64 {
    let d = rows.features();
    let own = rows.points()[i * d..(i + 1) * d].iter().zip(columns).map(|(x, c)| c.decode(*x));
    let given = rows.context().map_or(&[][..], |(k, c)| &c[i * k..(i + 1) * k]);
    let mut hasher = blake3::Hasher::new();
    // Of two zeros there is one.
    for value in own.chain(given.iter().copied()) {
        hasher.update(&(value + 0.0).to_le_bytes());
    }
    let bytes = *hasher.finalize().as_bytes();
    let first = bytes.iter().take(8).fold(0u64, |so_far, byte| so_far << 8 | u64::from(*byte));
    first >> (u64::BITS - BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use diffeo_flows::transforms::Support;

    fn column() -> Vec<Column> {
        vec![Column::new("x", Support::Real)]
    }

    fn rows(values: impl Iterator<Item = f64>) -> Rows {
        Rows::new(1, values.collect()).unwrap()
    }

    #[test]
    fn training_rows_are_known_again_and_survive_storage() {
        let train = rows((0..100).map(|i| (f64::from(i)).sin()));
        let known = TrainingRows::of(&column(), &train);
        assert_eq!(TrainingRows::from_numbers(&known.to_numbers()), known);
        let mixed = rows((90..110).map(|i| (f64::from(i)).sin()));
        assert_eq!(known.among(&column(), &mixed), 10);
        assert!(known.is_beyond_chance(10, 20) && !known.is_beyond_chance(0, 20));
        // 0 and −0 are one value.
        let zero = TrainingRows::of(&column(), &rows([0.0].into_iter()));
        assert_eq!(zero.among(&column(), &rows([-0.0].into_iter())), 1);
    }

    #[test]
    fn rows_of_few_values_are_training_rows_by_chance() {
        let train = rows((0..100).map(|i| f64::from(i % 5)));
        let known = TrainingRows::of(&column(), &train);
        assert!(!known.is_beyond_chance(50, 50));
        // Two of a hundred come twice: two of a hundred new rows are no sign.
        let train = rows((0..100).map(|i| f64::from(i.max(1))));
        let known = TrainingRows::of(&column(), &train);
        assert!(!known.is_beyond_chance(2, 100) && known.is_beyond_chance(20, 100));
    }

    #[test]
    fn whole_numbers_count_without_their_noise() {
        let columns = vec![Column::integer("k", None, None).unwrap()];
        let known = TrainingRows::of(&columns, &rows([3.2, 4.9].into_iter()));
        assert_eq!(known.among(&columns, &rows([3.7, 5.1].into_iter())), 1);
    }
}
