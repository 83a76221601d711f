//! Divides rows into training, validation and test parts.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::error::DataError;

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
    /// Rows that decide when to stop.
    pub valid: Vec<usize>,
    /// Rows that are looked at once, at the end.
    pub test: Vec<usize>,
}

/// Divides `n` rows at random: ⌊n·valid⌋ and ⌊n·test⌋ rows are held out, the rest is for training.
///
/// The same seed gives the same split on every platform.
///
/// # Errors
/// When a fraction is outside [0, 1), the two sum to 1 or more, a part with a positive fraction
/// would be empty, or fewer than two rows are left for training; the message says how many rows
/// are needed.
pub fn split(n: usize, valid: f64, test: f64, seed: u64) -> Result<Split, DataError> {
    for (part, value) in [("valid", valid), ("test", test)] {
        if !(0.0..1.0).contains(&value) {
            return Err(DataError::InvalidFraction { part, value });
        }
    }
    if valid + test >= 1.0 {
        return Err(DataError::NothingToTrain { valid, test });
    }
    let (held, tested) = (share(n, valid), share(n, test));
    let train = n.saturating_sub(held + tested);
    let needed = rows_needed(valid, test);
    let too_few = |part, found| DataError::TooFewRows { rows: n, part, found, needed };
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
    use proptest::prelude::*;

    #[test]
    fn sizes_follow_the_fractions() {
        let split = split(100, 0.29, 0.1, 0).unwrap();
        assert_eq!((split.train.len(), split.valid.len(), split.test.len()), (61, 29, 10));
    }

    #[test]
    fn the_split_of_a_seed_is_pinned() {
        let pinned = split(10, 0.2, 0.3, 7).unwrap();
        assert_eq!((&pinned.valid[..], &pinned.test[..]), (&[5, 9][..], &[1, 3, 6][..]));
        assert_ne!(split(10, 0.2, 0.3, 8).unwrap(), pinned);
    }

    #[test]
    fn nothing_held_out_trains_on_all() {
        let split = split(3, 0.0, 0.0, 1).unwrap();
        assert_eq!(split, Split { train: vec![0, 1, 2], valid: vec![], test: vec![] });
    }

    #[test]
    fn too_few_rows_say_how_many_are_needed() {
        let message = |n, valid, test| split(n, valid, test, 0).unwrap_err().to_string();
        assert_eq!(
            message(5, 0.1, 0.1),
            "5 rows are too few: the validation part would have 0; at least 10 rows are needed, \
             or change --valid and --test"
        );
        assert!(message(3, 0.0, 0.25).contains("the test part would have 0; at least 4 rows"));
        assert!(message(1, 0.0, 0.0).contains("the training part would have 1; at least 2 rows"));
        assert!(message(0, 0.0, 0.0).contains("would have 0; at least 2 rows"));
        assert!(message(2, 0.45, 0.5).contains("at least 11 rows"));
    }

    #[test]
    fn the_number_said_to_be_needed_is_the_least_that_works() {
        for (valid, test) in [(0.1, 0.1), (0.45, 0.45), (0.3, 0.0), (0.01, 0.9), (0.0, 0.0)] {
            let needed = rows_needed(valid, test);
            assert!(split(needed, valid, test, 0).is_ok(), "{needed} {valid} {test}");
            assert!(split(needed - 1, valid, test, 0).is_err(), "{needed} {valid} {test}");
        }
    }

    #[test]
    fn fractions_lie_between_zero_and_one() {
        let message = |valid, test| split(100, valid, test, 0).unwrap_err().to_string();
        assert_eq!(
            message(1.0, 0.1),
            "--valid 1: not a fraction; give a number from 0 up to, but not including, 1"
        );
        assert!(message(0.1, -0.1).starts_with("--test -0.1: not a fraction"));
        assert!(message(f64::NAN, 0.1).starts_with("--valid NaN: not a fraction"));
        assert_eq!(
            message(0.5, 0.5),
            "--valid 0.5 and --test 0.5 leave no rows to train on; their sum must be below 1"
        );
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_and_cover_all_rows(
            n in 20_usize..500, valid in 0.05..0.45, test in 0.05..0.45, seed: u64,
        ) {
            let split = split(n, valid, test, seed);
            prop_assume!(split.is_ok());
            let Split { train, valid, test } = split.unwrap();
            let mut all = [train, valid, test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n).collect::<Vec<_>>());
        }
    }
}
