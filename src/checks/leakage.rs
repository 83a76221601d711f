//! Whether held-out rows were seen in training.

use super::{Check, Outcome, Subject};
use diffeo_flows::Result;
use diffeo_flows::rows::Rows;
use statrs::distribution::{ContinuousCDF, Normal};
use std::collections::HashMap;

pub(super) const NAME: &str = "leakage";
/// Of the share of held-out rows. Rows that were split by chance differ by none in the mean; rounded
/// values that come in threes and fours spread that more than single rows: 0.05 of 489 rows of white
/// wine.
const MOST: f64 = 0.1;

/// The share of held-out rows that are training rows, too, above that of training rows that come
/// twice: tables of rounded values repeat themselves without any leak.
#[expect(clippy::unnecessary_wraps, reason = "the form of all checks")]
pub(super) fn check(subject: &Subject<'_>) -> Result<Outcome> {
    let (Some(train), Some(held_out)) = (subject.evidence.train, subject.evidence.held_out) else {
        let why = "there are no training rows beside held-out ones".to_owned();
        return Ok(Outcome::Skipped { name: NAME, why });
    };
    let mut known: HashMap<Vec<u64>, usize> = HashMap::with_capacity(train.len());
    for i in 0..train.len() {
        *known.entry(bits(train, i)).or_default() += 1;
    }
    let leaked = (0..held_out.len()).filter(|&i| known.contains_key(&bits(held_out, i))).count();
    let repeated: usize = known.values().filter(|count| **count > 1).sum();
    let share = leaked as f64 / held_out.len() as f64;
    let usual = repeated as f64 / train.len() as f64;
    // With one more of each, so that the error is not 0 where none is repeated.
    let spread = (repeated + 1) as f64 / (train.len() + 2) as f64;
    let error = (spread * (1.0 - spread) / held_out.len() as f64).sqrt();
    let detail = format!(
        "share of held-out rows that are training rows, {:.2} %, above that of training rows that \
         come twice, {:.2} %",
        100.0 * share,
        100.0 * usual
    );
    let p_value = Normal::standard().sf((share - usual) / error);
    Ok(Outcome::Checked(Check::effect(NAME, (share - usual, p_value), MOST, &detail)))
}

/// Features and context of a row, bit by bit.
fn bits(rows: &Rows, i: usize) -> Vec<u64> {
    let d = rows.features();
    let own = rows.points()[i * d..(i + 1) * d].iter();
    let given = rows.context().map_or(&[][..], |(k, c)| &c[i * k..(i + 1) * k]);
    own.chain(given).map(|x| x.to_bits()).collect()
}
