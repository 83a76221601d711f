//! What columns that nobody has described look like.

use super::listing::{columns, number, schema};
use super::{Values, spikes};
use diffeo::flows::model::ColumnKind;
use diffeo::flows::transforms::Support;
use std::f64::consts::{PI, TAU};

/// Whole numbers are worth a word where each appears this often on average,
const REPEATS: usize = 10;
/// or where there are so few of them, each this often.
const FEW: (usize, usize) = (12, 3);
/// Skewness of positive values that is worth a word: an exponential distribution has 2.
const SKEWED: f64 = 2.0;
/// Share of a period or unit interval that values must span.
const SPANNED: f64 = 0.95;
/// A density that is smooth on the scale of the column leaks below 0 where the lowest value is within
/// this part of the standard deviation of it.
const CLOSE: f64 = 0.25;
/// Share of whole numbers at 0 from which a density leaks below.
const ZEROS: f64 = 0.02;
/// Ranges of angles.
const PERIODS: [(f64, f64); 4] = [(0.0, TAU), (-PI, PI), (0.0, 360.0), (-180.0, 180.0)];

/// What a column looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Likeness {
    /// Whole numbers, with their ends where these are sharp.
    Integer(Option<f64>, Option<f64>),
    Circular(f64, f64),
    Unit,
    /// Above 0.
    Positive,
    /// Not below 0, which it reaches, and up to this.
    NotNegative(f64),
}

/// Whether it looks like whole numbers that repeat themselves.
pub(super) fn is_countable(column: &Values<'_>) -> bool {
    matches!(likeness(&column.sorted), Some(Likeness::Integer(..)))
}

/// Whether single values hold so many rows that a density of positive numbers is no better.
fn is_lumpy(column: &Values<'_>, seen: Likeness) -> bool {
    let is_whole = matches!(seen, Likeness::Integer(..));
    !is_whole && (spikes::spike(&column.sorted).is_some() || column.distinct() <= FEW.0)
}

/// A sentence for each likeness that some columns have, and lines for a schema.
pub(super) fn notes(values: &[Values<'_>]) -> Vec<String> {
    let mut found: Vec<(Likeness, Vec<&str>)> = Vec::new();
    let (mut entries, mut sentences) = (Vec::new(), Vec::new());
    for column in values {
        let seen = likeness(&column.sorted);
        match seen {
            Some(seen) if column.is_real() && !column.described && !is_lumpy(column, seen) => {
                entries.push((column.name, seen.entry()));
                match found.iter_mut().find(|(other, _)| other.is_like(seen)) {
                    Some((_, names)) => names.push(column.name),
                    None => found.push((seen, vec![column.name])),
                }
            }
            _ => {
                if let Some(share) = zeros_of_open(column) {
                    entries.push((column.name, Likeness::Integer(Some(0.0), None).entry()));
                    sentences.push(format!(
                        "note: column {} never goes below 0 and is 0 in {:.0} % of rows, but its draws \
                         may go below; write low = 0 beside kind = \"integer\"",
                        column.name,
                        100.0 * share
                    ));
                }
            }
        }
    }
    let found = found.iter().map(|(likeness, names)| likeness.sentence(names));
    found.chain(sentences).chain(schema(&entries)).collect()
}

/// The share of zeros of a column described as whole numbers of any sign that never goes below 0.
fn zeros_of_open(column: &Values<'_>) -> Option<f64> {
    let described = column.column?;
    let is_open = described.kind == ColumnKind::Integer && described.support == Support::Real;
    let low = *column.sorted.first()?;
    let share = share_of(&column.sorted, 0.0);
    (is_open && low >= 0.0 && share >= ZEROS).then_some(share)
}

fn share_of(sorted: &[f64], value: f64) -> f64 {
    let count = sorted.iter().filter(|other| (**other - value).abs() <= 0.0).count();
    count as f64 / sorted.len() as f64
}

/// Of values in ascending order.
fn likeness(sorted: &[f64]) -> Option<Likeness> {
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    if sorted.iter().all(|value| value.fract() == 0.0) {
        return whole(sorted);
    }
    let spans =
        |(from, to): (f64, f64)| from <= low && high <= to && high - low > SPANNED * (to - from);
    if let Some((from, to)) = PERIODS.into_iter().find(|period| spans(*period)) {
        return Some(Likeness::Circular(from, to));
    }
    if spans((0.0, 1.0)) {
        return Some(Likeness::Unit);
    }
    let (deviation, skewness) = moments(sorted);
    if low > 0.0 && (skewness > SKEWED || low < CLOSE * deviation) {
        return Some(Likeness::Positive);
    }
    (low >= 0.0 && low < CLOSE * deviation).then(|| Likeness::NotNegative(above(high)))
}

/// Of whole numbers: whether they repeat themselves.
fn whole(sorted: &[f64]) -> Option<Likeness> {
    let (n, low, high) = (sorted.len(), *sorted.first()?, *sorted.last()?);
    let distinct = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).count();
    if distinct * REPEATS > n && !(distinct <= FEW.0 && distinct * FEW.1 <= n) {
        return None;
    }
    let is_counted = low >= 0.0 && share_of(sorted, 0.0) >= ZEROS;
    // Of two values both ends are sharp.
    let ends =
        if distinct == 2 { (Some(low), Some(high)) } else { (is_counted.then_some(0.0), None) };
    Some(Likeness::Integer(ends.0, ends.1))
}

/// A round number above all values.
fn above(high: f64) -> f64 {
    let unit = 10f64.powf(high.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0]
        .map(|k| k * unit)
        .into_iter()
        .find(|x| *x > 1.05 * high)
        .unwrap_or(2.0 * high)
}

/// Standard deviation, and third standardised moment.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |k: i32| values.iter().map(|value| (value - mean).powi(k)).sum::<f64>() / n;
    (moment(2).sqrt(), moment(3) / moment(2).powf(1.5))
}

impl Likeness {
    /// Whether one sentence serves both.
    fn is_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(..), Self::Integer(..))
            | (Self::NotNegative(_), Self::NotNegative(_)) => true,
            _ => self == other,
        }
    }

    /// Lines of a schema.
    fn entry(self) -> String {
        match self {
            Self::Integer(low, high) => {
                let end = |name: &str, end: Option<f64>| {
                    end.map_or(String::new(), |end| format!("\n{name} = {end}"))
                };
                format!("kind = \"integer\"{}{}", end("low", low), end("high", high))
            }
            Self::Circular(low, high) => format!(
                "kind = \"circular\" # or \"interval\" if its ends are not the same\nlow = {low:?}\nhigh = {high:?}"
            ),
            Self::Unit => "kind = \"interval\"\nlow = 0.0\nhigh = 1.0".to_owned(),
            Self::Positive => "kind = \"positive\"".to_owned(),
            Self::NotNegative(high) => format!(
                "kind = \"interval\"\nlow = 0.0\nhigh = {high:?} # the largest value there can be"
            ),
        }
    }

    fn sentence(self, names: &[&str]) -> String {
        let what = match self {
            Self::Integer(..) => "whole numbers that repeat".to_owned(),
            Self::Circular(low, high) => format!("angles from {} to {}", number(low), number(high)),
            Self::Unit => "shares".to_owned(),
            Self::Positive => "positive numbers, but draws may go below 0".to_owned(),
            Self::NotNegative(_) => "numbers from 0 on, but draws may go below 0".to_owned(),
        };
        let look = if names.len() == 1 { "looks" } else { "look" };
        format!("note: {} {look} like {what}; fitted as real numbers", columns(names))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, said};
    use super::*;
    use diffeo::flows::model::Column;

    fn of(value: impl Fn(f64) -> f64) -> Option<Likeness> {
        let mut values: Vec<f64> =
            (0..2000).map(|i| value((f64::from(i) + 0.5) / 2000.0)).collect();
        values.sort_by(f64::total_cmp);
        likeness(&values)
    }

    #[test]
    fn each_likeness_is_seen_and_nothing_is_made_up() {
        assert_eq!(of(|u| (9.0 * u).floor() - 3.0), Some(Likeness::Integer(None, None)));
        assert_eq!(of(|u| (9.0 * u).floor()), Some(Likeness::Integer(Some(0.0), None)));
        assert_eq!(of(|u| (2.0 * u).floor()), Some(Likeness::Integer(Some(0.0), Some(1.0))));
        assert_eq!(of(|u| (1e9 * u).floor()), None, "whole, but each once");
        assert_eq!(of(|u| TAU * u), Some(Likeness::Circular(0.0, TAU)));
        assert_eq!(of(|u| 360.0 * u - 180.0), Some(Likeness::Circular(-180.0, 180.0)));
        assert_eq!(of(|u| u), Some(Likeness::Unit));
        assert_eq!(of(|u| (-u.ln()).exp()), Some(Likeness::Positive));
        assert_eq!(
            of(|u| 5.0 * u),
            Some(Likeness::Positive),
            "draws of a smooth density go below 0"
        );
        assert_eq!(of(|u| (5.0 * u - 1.0).max(0.0)), Some(Likeness::NotNegative(5.0)));
        assert_eq!(of(|u| -(1.0 - u).ln() - 0.1), None, "skewed, but not positive");
        assert_eq!(of(|u| 10.0 + u), None);
    }

    #[test]
    fn columns_alike_share_a_sentence_and_lines_follow() {
        let told =
            said(&["a", "b", "c d"], 300, |i| vec![(i % 3) as f64, normal(i, 0), (i % 2) as f64]);
        assert_eq!(
            told,
            "note: columns a, c d look like whole numbers that repeat; fitted as real numbers\n\
             note: if that is what they are, put these lines into a file and pass it with --schema:\n\
             [columns.a]\nkind = \"integer\"\nlow = 0\n\
             [columns.\"c d\"]\nkind = \"integer\"\nlow = 0\nhigh = 1"
        );
    }

    #[test]
    fn described_counts_are_told_of_their_edge() {
        let sorted: Vec<f64> = (0..100).map(|i| f64::from(i / 10)).collect();
        let of = |column: &Column, sorted: &[f64]| {
            let sorted = sorted.to_vec();
            notes(&[Values { name: "k", column: Some(column), described: true, sorted }]).join("\n")
        };
        let open = Column::integer("k", None, None).unwrap();
        let told = of(&open, &sorted);
        assert!(told.contains("column k never goes below 0 and is 0 in 10 % of rows"), "{told}");
        assert!(told.ends_with("[columns.k]\nkind = \"integer\"\nlow = 0"), "{told}");
        let below: Vec<f64> = sorted.iter().map(|x| x - 1.0).collect();
        assert_eq!(of(&open, &below), "");
        assert_eq!(of(&Column::integer("k", Some(0.0), None).unwrap(), &sorted), "");
        assert_eq!(of(&Column::new("k", Support::Positive), &sorted), "");
    }
}
