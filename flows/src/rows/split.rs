//! Divides rows into training, validation and test parts.

use crate::error::Error;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The stream of the generator that is used here, so that other uses of the same seed do not see
/// the same numbers.
const STREAM: u64 = u64::from_be_bytes(*b"  split ");
/// Fewer training rows have no spread to standardise by.
const MIN_TRAIN: usize = 2;

/// Row indices of three disjoint parts, each ascending; together they are all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to fit on, at least two.
    pub train: Vec<usize>,
    /// Rows that choose the weights.
    pub valid: Vec<usize>,
    /// Rows that are looked at once, at the end.
    pub test: Vec<usize>,
}

/// Why rows cannot be divided.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SplitError {
    /// A share is no fraction.
    #[error(
        "the share of {part} rows is {value}; give a number from 0 up to, but not including, 1"
    )]
    InvalidFraction {
        /// `valid` or `test`.
        part: &'static str,
        /// The share asked for.
        value: f64,
    },
    /// The shares leave nothing.
    #[error("shares of {valid} and {test} leave no rows to train on; their sum must be below 1")]
    NothingToTrain {
        /// The share that chooses the weights.
        valid: f64,
        /// The share that judges.
        test: f64,
    },
    /// A part would be too small.
    #[error(
        "{rows} rows are too few: the {part} part would have {found}; at least {needed} rows are \
         needed, or other shares"
    )]
    TooFewRows {
        /// All rows.
        rows: usize,
        /// The part.
        part: &'static str,
        /// Its rows.
        found: usize,
        /// Rows with which no part is too small.
        needed: usize,
    },
}

impl From<SplitError> for Error {
    fn from(error: SplitError) -> Self {
        let text = error.to_string();
        let (problem, remedy) = text.split_once("; ").unwrap_or((&text, "hold out other shares"));
        Self::data("held-out rows", problem, remedy)
    }
}

/// Divides `n` rows at random: ⌊n·valid⌋ and ⌊n·test⌋ rows are held out, the rest is for training.
///
/// The same seed gives the same split on every platform.
///
/// # Example
/// ```
/// let split = diffeo_flows::rows::split(100, 0.1, 0.2, 7)?;
/// assert_eq!([split.train.len(), split.valid.len(), split.test.len()], [70, 10, 20]);
/// # Ok::<(), diffeo_flows::Error>(())
/// ```
///
/// # Errors
/// When a fraction is outside [0, 1), the two sum to 1 or more, a part with a positive fraction
/// would be empty, or fewer than two rows are left for training; the message says how many rows
/// are needed.
pub fn split(n: usize, valid: f64, test: f64, seed: u64) -> Result<Split, SplitError> {
    for (part, value) in [("valid", valid), ("test", test)] {
        if !(0.0..1.0).contains(&value) {
            return Err(SplitError::InvalidFraction { part, value });
        }
    }
    if valid + test >= 1.0 {
        return Err(SplitError::NothingToTrain { valid, test });
    }
    let (held, tested) = (share(n, valid), share(n, test));
    let train = n.saturating_sub(held + tested);
    let needed = rows_needed(valid, test);
    let too_few = |part, found| SplitError::TooFewRows { rows: n, part, found, needed };
    if valid > 0.0 && held == 0 {
        return Err(too_few("validation", held));
    }
    if test > 0.0 && tested == 0 {
        return Err(too_few("test", tested));
    }
    if train < MIN_TRAIN {
        return Err(too_few("training", train));
    }

    let rows = shuffled(n, seed);
    let part = |from: usize, to: usize| {
        let mut part = rows[from..to].to_vec();
        part.sort_unstable();
        part
    };
    let (a, b) = (held, held + tested);
    Ok(Split { valid: part(0, a), test: part(a, b), train: part(b, n) })
}

/// ⌊n·fraction⌋, forgiving the rounding of products such as 100 · 0.29.
fn share(n: usize, fraction: f64) -> usize {
    #[expect(clippy::cast_sign_loss, reason = "the fraction lies in [0, 1)")]
    let rows = (n as f64 * fraction + 1e-9).floor() as usize;
    rows
}

/// The fewest rows with which no part is too small.
fn rows_needed(valid: f64, test: f64) -> usize {
    let enough = |n: usize| {
        let (held, tested) = (share(n, valid), share(n, test));
        (valid <= 0.0 || held > 0)
            && (test <= 0.0 || tested > 0)
            && n.saturating_sub(held + tested) >= MIN_TRAIN
    };
    // Each part alone gives a bound; rounding makes the answer at most a few rows larger.
    let alone = [valid, test].into_iter().filter(|&fraction| fraction > 0.0);
    #[expect(clippy::cast_sign_loss, reason = "a reciprocal of a positive number")]
    let bound = alone.map(|fraction| (1.0 / fraction).floor() as usize).max().unwrap_or(0);
    (bound.max(MIN_TRAIN)..).take(SEARCHED).find(|&n| enough(n)).unwrap_or(bound)
}

/// Row numbers tried above the bound; the training part grows with n, so few suffice unless the
/// fractions nearly sum to 1.
const SEARCHED: usize = 1 << 16;

/// The numbers below `n` in random order (Fisher and Yates).
///
/// Written out because the shuffle of a random number library may change with its version.
fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(STREAM);
    let mut rows: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        // The high half of a 128-bit product is uniform below last + 1 up to 2⁻⁶⁴·n.
        let chosen = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
        rows.swap(last, chosen as usize);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_of_a_seed_is_pinned() {
        let pinned = split(10, 0.2, 0.3, 7).unwrap();
        assert_eq!((&pinned.valid[..], &pinned.test[..]), (&[5, 9][..], &[1, 3, 6][..]));
    }

    #[test]
    fn what_is_wrong_and_what_helps_is_said() {
        let message =
            |n, valid, test| Error::from(split(n, valid, test, 0).unwrap_err()).to_string();
        let few = message(5, 0.1, 0.1);
        assert!(few.contains("5 rows are too few") && few.contains("at least 10 rows"), "{few}");
        let share = message(100, 1.0, 0.1);
        assert!(share.contains("valid rows is 1") && share.contains("not including"), "{share}");
        assert!(message(100, 0.5, 0.5).contains("no rows to train on"));
    }
}
