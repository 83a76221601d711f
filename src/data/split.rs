//! Divides rows into training, validation and test parts, as the library does, and says what is wrong in
//! the words of the command line.

use super::error::DataError;
pub use diffeo_flows::rows::Split;
use diffeo_flows::rows::{SplitError, split as divide};

/// As [`diffeo_flows::rows::split`].
///
/// # Errors
/// As there.
pub fn split(n: usize, valid: f64, test: f64, seed: u64) -> Result<Split, DataError> {
    divide(n, valid, test, seed).map_err(|error| match error {
        SplitError::InvalidFraction { part, value } => DataError::InvalidFraction { part, value },
        SplitError::NothingToTrain { valid, test } => DataError::NothingToTrain { valid, test },
        SplitError::TooFewRows { rows, part, found, needed } => {
            DataError::TooFewRows { rows, part, found, needed }
        }
    })
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
            let Err(DataError::TooFewRows { needed, .. }) = split(0, valid, test, 0) else {
                panic!("no rows are too few");
            };
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
