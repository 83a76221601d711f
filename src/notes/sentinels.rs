//! Numbers that stand for a missing value.

use super::listing::{NAMED, number, rows};
use super::{Intake, Values};

/// Numbers that files use for "no value".
const CODES: [f64; 22] = [
    -9.0,
    -99.0,
    -999.0,
    -9999.0,
    -99999.0,
    -999_999.0,
    -99.9,
    -999.9,
    -9.99,
    9.0,
    99.0,
    999.0,
    9999.0,
    99999.0,
    999_999.0,
    99.9,
    999.9,
    -32768.0,
    32767.0,
    65535.0,
    -2_147_483_648.0,
    2_147_483_647.0,
];
/// Beyond this it is the fill value of some format, such as netCDF's 9.96921e36.
const HUGE: f64 = 1e20;
/// Any other value counts from so many rows on, where it is so many times the range of the rest away.
const OTHERS: (usize, f64) = (3, 3.0);
/// Values of one column that are looked at from either end.
const MOST: usize = 4;

/// Says which columns hold a number that stands for a missing value, and how often.
pub(super) fn notes(intake: &Intake<'_>, values: &[Values<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for (at, column) in values.iter().enumerate().filter(|(_, column)| !column.is_category()) {
        for code in sentinels(&column.sorted) {
            let count = intake.column(at).filter(|value| value.total_cmp(&code).is_eq()).count();
            found.push(format!("{} in {} of column {}", number(code), rows(count), column.name));
        }
    }
    if found.is_empty() {
        return found;
    }
    let more = match found.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    found.truncate(NAMED);
    vec![format!(
        "warning: {}{more}, far from all other values, may stand for a missing value and is modelled as \
         a number; if so, leave the field empty and pass --missing drop",
        found.join("; ")
    )]
}

/// Values at the ends of a sorted column, far from the rest, that are codes or repeat themselves.
fn sentinels(sorted: &[f64]) -> Vec<f64> {
    let (mut rest, mut found) = (sorted, Vec::new());
    while found.len() < MOST {
        let [Some(&low), Some(&high)] = [rest.first(), rest.last()] else { break };
        let lows = rest.partition_point(|value| *value <= low);
        let highs = rest.len() - rest.partition_point(|value| *value < high);
        let without_low = &rest[lows..];
        let without_high = &rest[..rest.len() - highs];
        if is_sentinel(low, lows, without_low) {
            found.push(low);
            rest = without_low;
        } else if is_sentinel(high, highs, without_high) {
            found.push(high);
            rest = without_high;
        } else {
            break;
        }
    }
    found
}

/// Whether a value of so many rows is none of the rest, which are in ascending order.
fn is_sentinel(value: f64, count: usize, rest: &[f64]) -> bool {
    let [Some(low), Some(high)] = [rest.first(), rest.last()] else { return false };
    let (range, gap) = (high - low, (low - value).max(value - high));
    if range <= 0.0 {
        return false;
    }
    let is_code = CODES.iter().any(|code| code.total_cmp(&value).is_eq());
    let is_fill = value.abs() >= HUGE && low.abs().max(high.abs()) < 1e-6 * value.abs();
    let repeats = count >= OTHERS.0 && gap > OTHERS.1 * range && rest.len() > count;
    is_code && gap > range || is_fill && count > 1 || repeats
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, said};
    use super::*;

    #[test]
    fn numbers_for_no_value_are_counted() {
        let told = said(&["score", "y"], 200, |i| {
            let score = if i % 20 == 0 { -99.0 } else { 5.0 + normal(i, 0) };
            vec![score, normal(i, 1)]
        });
        assert!(told.contains("-99 in 10 rows of column score,"), "{told}");
        assert!(told.contains("--missing drop") && !told.contains("column y"), "{told}");
    }

    #[test]
    fn two_codes_and_fill_values_are_seen() {
        let column = |codes: &[f64]| {
            let mut values: Vec<f64> = (0..100).map(|i| normal(i, 0)).collect();
            values.extend(codes);
            values.sort_by(f64::total_cmp);
            sentinels(&values)
        };
        assert_eq!(column(&[-99.0, -999.0, -999.0]), [-999.0, -99.0]);
        assert_eq!(column(&[9.96921e36, 9.96921e36]), [9.96921e36]);
        assert_eq!(column(&[50.0; 3]), [50.0], "no code, but it repeats itself far away");
        assert_eq!(column(&[50.0]), [0.0; 0], "an outlier");
        assert_eq!(column(&[1e30]), [0.0; 0], "an outlier, though a large one");
        assert_eq!(column(&[]), [0.0; 0]);
        assert_eq!(sentinels(&[0.0, 0.0, 1.0, 1.0, 1.0, 1.0]), [0.0; 0], "two values are labels");
    }
}
