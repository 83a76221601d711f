//! Looks at columns that no schema describes, and says what could be written in one. It changes
//! nothing.

use std::f64::consts::{PI, TAU};

/// Values looked at, spread over the column.
const SEEN: usize = 10_000;
/// Whole numbers are worth a word where each appears this often on average.
const REPEATS: usize = 10;
/// Skewness of positive values that is worth a word: an exponential distribution has 2.
const SKEWED: f64 = 2.0;
/// Share of a period or unit interval that values must span.
const SPANNED: f64 = 0.95;
/// Columns that a hint names.
const NAMED: usize = 8;
/// Ranges of angles.
const PERIODS: [(f64, f64); 4] = [(0.0, TAU), (-PI, PI), (0.0, 360.0), (-180.0, 180.0)];

/// What a column looks like.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Likeness {
    Integer,
    Circular(f64, f64),
    Unit,
    Positive,
}

/// A sentence for each likeness that some of these columns have; `points` row-major.
pub fn hints(names: &[String], described: &[bool], points: &[f64]) -> Vec<String> {
    let width = names.len();
    let stride = (points.len() / width).div_ceil(SEEN).max(1);
    let mut found: Vec<(Likeness, Vec<&str>)> = Vec::new();
    for (at, name) in names.iter().enumerate().filter(|(at, _)| !described[*at]) {
        let values: Vec<f64> = points.iter().skip(at).step_by(width * stride).copied().collect();
        let Some(likeness) = likeness(values) else { continue };
        match found.iter_mut().find(|(other, _)| *other == likeness) {
            Some((_, names)) => names.push(name),
            None => found.push((likeness, vec![name])),
        }
    }
    found.iter().map(|(likeness, names)| sentence(*likeness, names)).collect()
}

fn likeness(mut values: Vec<f64>) -> Option<Likeness> {
    values.sort_unstable_by(f64::total_cmp);
    let (low, high) = (*values.first()?, *values.last()?);
    if values.iter().all(|value| value.fract() == 0.0) {
        let n = values.len();
        values.dedup();
        return (values.len() * REPEATS <= n).then_some(Likeness::Integer);
    }
    let spans =
        |(from, to): (f64, f64)| from <= low && high <= to && high - low > SPANNED * (to - from);
    if let Some((from, to)) = PERIODS.into_iter().find(|period| spans(*period)) {
        return Some(Likeness::Circular(from, to));
    }
    if spans((0.0, 1.0)) {
        return Some(Likeness::Unit);
    }
    (low > 0.0 && skewness(&values) > SKEWED).then_some(Likeness::Positive)
}

/// Third standardised moment.
fn skewness(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |k: i32| values.iter().map(|value| (value - mean).powi(k)).sum::<f64>() / n;
    moment(3) / moment(2).powf(1.5)
}

fn sentence(likeness: Likeness, names: &[&str]) -> String {
    let (what, kind) = match likeness {
        Likeness::Integer => ("whole numbers that repeat", "kind = \"integer\"".to_owned()),
        Likeness::Circular(low, high) => {
            let kind = format!("kind = \"circular\", low = {low:?}, high = {high:?}");
            ("angles", kind + ", or \"interval\" if its ends are not the same")
        }
        Likeness::Unit => ("shares", "kind = \"interval\", low = 0.0, high = 1.0".to_owned()),
        Likeness::Positive => ("positive and skewed", "kind = \"positive\"".to_owned()),
    };
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (columns, look) = if names.len() == 1 { ("column", "looks") } else { ("columns", "look") };
    format!(
        "{columns} {shown}{more} {look} like {what}, fitted as real numbers; if so, write \
         [columns.{}] with {kind} to a file for --schema",
        names[0]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: impl Fn(f64) -> f64) -> Option<Likeness> {
        likeness((0..2000).map(|i| value((f64::from(i) + 0.5) / 2000.0)).collect())
    }

    #[test]
    fn each_likeness_is_seen_and_nothing_is_made_up() {
        assert_eq!(of(|u| (9.0 * u).floor()), Some(Likeness::Integer));
        assert_eq!(of(|u| (1e9 * u).floor()), None, "whole, but each once");
        assert_eq!(of(|u| TAU * u), Some(Likeness::Circular(0.0, TAU)));
        assert_eq!(of(|u| 360.0 * u - 180.0), Some(Likeness::Circular(-180.0, 180.0)));
        assert_eq!(of(|u| u), Some(Likeness::Unit));
        assert_eq!(of(|u| (-u.ln()).exp()), Some(Likeness::Positive));
        assert_eq!(of(|u| -(1.0 - u).ln() - 0.1), None, "skewed, but not positive");
        assert_eq!(of(|u| 10.0 + u), None);
    }

    #[test]
    fn columns_alike_share_a_sentence_and_described_ones_have_none() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let points: Vec<f64> = (0..300).flat_map(|i| [f64::from(i % 3); 3]).collect();
        let hints = hints(&names, &[false, true, false], &points);
        assert_eq!(
            hints,
            ["columns a, c look like whole numbers that repeat, fitted as real numbers; if so, \
              write [columns.a] with kind = \"integer\" to a file for --schema"]
        );
    }
}
