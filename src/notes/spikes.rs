//! Values that come again and again in a column of real numbers: there is no density at them.

use super::listing::{NAMED, columns, number};
use super::{Intake, Values, likeness};

/// Share of the rows that one value needs to be a spike.
const SHARE: f64 = 0.05;
/// And so many rows.
const FEWEST: usize = 4;
/// Rows for each different value from which a column is called rounded.
const TIED: usize = 3;
/// Powers of ten that values may be rounded to.
const DECIMALS: std::ops::Range<i32> = 0..7;

/// Says where single values hold a share of the rows, and which columns are rounded.
pub(super) fn notes(intake: &Intake<'_>, values: &[Values<'_>]) -> Vec<String> {
    let (mut spikes, mut rounded) = (Vec::new(), Vec::new());
    // Whole numbers that repeat themselves are told as such.
    let real = |column: &Values<'_>| column.is_real() && !likeness::is_countable(column);
    for (at, column) in values.iter().enumerate().filter(|(_, column)| real(column)) {
        if let Some(value) = spike(&column.sorted) {
            let count = intake.column(at).filter(|other| other.total_cmp(&value).is_eq()).count();
            let (all, name) = (intake.rows.len(), column.name);
            spikes.push(format!("{count} of {all} values of {name} are exactly {}", number(value)));
        } else if column.distinct() * TIED <= column.sorted.len() {
            rounded.push(column);
        }
    }
    said(spikes).into_iter().chain(said_rounded(&rounded)).collect()
}

fn said(mut spikes: Vec<String>) -> Option<String> {
    let more = match spikes.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more columns alike"),
    };
    spikes.truncate(NAMED);
    (!spikes.is_empty()).then(|| {
        format!(
            "warning: {}{more}: no density there, the log-likelihood grows without bound; model the \
             other rows alone and the share of these apart, or leave the column out",
            spikes.join("; ")
        )
    })
}

fn said_rounded(rounded: &[&Values<'_>]) -> Option<String> {
    let first = rounded.first()?;
    let names: Vec<&str> = rounded.iter().map(|column| column.name).collect();
    let step = step(&first.sorted).map_or(String::new(), |step| format!(" in steps of {step}"));
    Some(format!(
        "note: {} hold{} few different values ({} has {} of {}{step}): they are rounded, and a density \
         may rise at each of them; to model them as rounded, multiply by a power of ten to whole numbers \
         and describe them with kind = \"integer\"",
        columns(&names),
        if names.len() == 1 { "s" } else { "" },
        first.name,
        first.distinct(),
        first.sorted.len(),
    ))
}

/// The most frequent value where it is a spike.
pub(super) fn spike(sorted: &[f64]) -> Option<f64> {
    let most = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).max_by_key(|same| same.len())?;
    let others = sorted.len() - most.len();
    let distinct = sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()).count();
    // The typical count of the other values: where all repeat themselves, none is a spike.
    let typical = others as f64 / (distinct.max(2) - 1) as f64;
    let count = most.len() as f64;
    let is_one =
        most.len() >= FEWEST && count >= SHARE * sorted.len() as f64 && count > 5.0 * typical;
    is_one.then(|| most[0])
}

/// The power of ten that all values are multiples of, the largest below 1.
fn step(sorted: &[f64]) -> Option<String> {
    DECIMALS.map(|digits| (digits, 10f64.powi(digits))).find_map(|(digits, scale)| {
        let fits = |x: &f64| {
            (x * scale - (x * scale).round()).abs()
                <= 1e-6_f64.min(1e-12 * (x * scale).abs().max(1.0))
        };
        sorted.iter().all(fits).then(|| format!("{:.*}", digits as usize, 1.0 / scale))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, random, said};
    use super::*;

    #[test]
    fn a_spike_is_counted_over_all_rows() {
        let told = said(&["a", "b"], 3000, |i| {
            vec![normal(i, 0), if i % 50 == 0 { normal(i, 1) } else { 0.0 }]
        });
        assert!(
            told.contains("2940 of 3000 values of b are exactly 0: no density there"),
            "{told}"
        );
        let told = said(&["x"], 30_000, |i| vec![if i % 2 == 0 { normal(i, 1) } else { 0.5 }]);
        assert!(told.contains("15000 of 30000 values of x are exactly 0.5"), "{told}");
    }

    #[test]
    fn rounded_columns_share_a_sentence() {
        let round = |x: f64| (10.0 * x).round() / 10.0;
        let told = said(&["a", "b", "c"], 400, |i| {
            vec![round(5.0 + normal(i, 0)), round(6.0 + normal(i, 1)), 5.0 + normal(i, 2)]
        });
        assert!(told.contains("columns a, b hold few different values (a has "), "{told}");
        assert!(told.contains(" of 400 in steps of 0.1)") && !told.contains("exactly"), "{told}");
    }

    #[test]
    fn values_of_their_own_are_no_spike() {
        let values: Vec<f64> = (0..500).map(|i| random(i, 0)).collect();
        assert_eq!(spike(&values), None);
        assert_eq!(step(&values), None);
        assert_eq!(step(&[0.25, 0.5]).as_deref(), Some("0.01"));
    }
}
