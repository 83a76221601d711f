//! Columns that say how often a row counts, by their name.

use super::Values;
use super::listing::listed;

/// Names of columns of counts and weights.
const NAMES: [&str; 12] = [
    "freq",
    "freqs",
    "frequency",
    "count",
    "counts",
    "n",
    "weight",
    "weights",
    "wt",
    "wgt",
    "number",
    "num",
];
/// Different values of a column of categories, at most.
const FEW: usize = 30;

/// Says which column may be a weight: counts by name and value, beside columns of categories alone.
pub(super) fn notes(values: &[Values<'_>]) -> Option<String> {
    let counts = values.iter().find(|column| is_count(column))?;
    let others: Vec<&Values<'_>> =
        values.iter().filter(|column| column.name != counts.name).collect();
    if others.is_empty() || !others.iter().all(|column| is_of_categories(column)) {
        return None;
    }
    let (name, beside) = (counts.name, listed(&others.iter().map(|c| c.name).collect::<Vec<_>>()));
    Some(format!(
        "note: column {name} holds positive whole numbers beside categories ({beside}) and is modelled \
         as one more of them; if it says how often each row occurs, pass --weight {name}"
    ))
}

fn is_count(column: &Values<'_>) -> bool {
    let name = column.name.to_lowercase();
    column.is_real()
        && NAMES.contains(&name.as_str())
        && column.is_whole()
        && column.sorted.first().is_some_and(|low| *low >= 0.0)
}

fn is_of_categories(column: &Values<'_>) -> bool {
    column.is_category() || column.is_whole() && column.distinct() <= FEW
}

#[cfg(test)]
mod tests {
    use super::super::tests::{normal, random, said};

    #[test]
    fn counts_beside_categories_may_be_weights() {
        let row = |i: usize| vec![(i % 2) as f64, (i % 7) as f64, (400.0 * random(i, 0)).ceil()];
        let told = said(&["sex", "dept", "Freq"], 28, row);
        assert!(told.contains("pass --weight Freq"), "{told}");
        let other = said(&["sex", "dept", "height"], 28, row);
        assert!(!other.contains("--weight"), "{other}");
        let real = said(&["sex", "weight"], 28, |i| vec![(i % 2) as f64, 70.0 + normal(i, 0)]);
        assert!(!real.contains("--weight"), "weights of bodies are no counts: {real}");
    }
}
