//! Finds columns by name and suggests the nearest one when a name is wrong.

use std::collections::{HashMap, HashSet};

use super::error::DataError;

/// Names shown in a message before it says how many more there are.
const SHOWN: usize = 20;

/// Fails on the first name that appears twice.
pub(crate) fn require_unique(file: &str, names: &[String]) -> Result<(), DataError> {
    let mut seen = HashSet::with_capacity(names.len());
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => {
            Err(DataError::DuplicateColumn { file: file.to_owned(), column: name.clone() })
        }
        None => Ok(()),
    }
}

/// The positions of `wanted` in `names`, in the order of `wanted`; all of them for `None`.
pub(crate) fn positions<S: AsRef<str>>(
    file: &str,
    names: &[String],
    wanted: Option<&[S]>,
) -> Result<Vec<usize>, DataError> {
    let Some(wanted) = wanted else {
        return Ok((0..names.len()).collect());
    };
    let index: HashMap<&str, usize> =
        names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let mut seen = HashSet::with_capacity(wanted.len());
    let mut found = Vec::with_capacity(wanted.len());
    for name in wanted.iter().map(AsRef::as_ref) {
        let position = *index.get(name).ok_or_else(|| unknown_column(file, name, names))?;
        if !seen.insert(position) {
            return Err(DataError::DuplicateColumn {
                file: file.to_owned(),
                column: name.to_owned(),
            });
        }
        found.push(position);
    }
    Ok(found)
}

fn unknown_column(file: &str, column: &str, names: &[String]) -> DataError {
    DataError::UnknownColumn {
        file: file.to_owned(),
        column: column.to_owned(),
        available: listed(names),
        suggestion: nearest(column, names),
    }
}

/// The names of the columns of a table without any, which are `found`, x1 to xw: their own where
/// `expected` are among them and no other columns are there, or where `expected` are a choice from a
/// wider table; `expected` by position otherwise. The column `besides` may be there, too.
pub(crate) fn names_by_position(
    file: &str,
    found: &[String],
    expected: &[String],
    besides: Option<&str>,
) -> Result<Vec<String>, DataError> {
    let known = expected.iter().all(|name| found.contains(name));
    let used = expected.len() + found.iter().filter(|name| besides == Some(name.as_str())).count();
    let are_first = found.iter().take(expected.len()).all(|name| expected.contains(name));
    if expected.is_empty() || known && (used == found.len() || !are_first) {
        return Ok(found.to_vec());
    }
    if found.len() == expected.len() {
        return Ok(expected.to_vec());
    }
    Err(DataError::OtherWidth {
        file: file.to_owned(),
        found: found.len(),
        expected: expected.len(),
        names: listed(expected),
    })
}

/// The names in a row, the tail of a long list as a count.
pub(crate) fn listed(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The name with the fewest edits from `word`, if they are few for its length.
pub(crate) fn nearest(word: &str, names: &[String]) -> Option<String> {
    let lower = word.trim().to_lowercase();
    let allowed = lower.chars().count().div_ceil(3);
    names
        .iter()
        .map(|name| (strsim::levenshtein(&lower, &name.to_lowercase()), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= allowed)
        .map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_typo_gets_a_suggestion_and_a_stranger_none() {
        let names = names(&["waiting", "eruptions"]);
        assert_eq!(nearest("Waitin", &names), Some("waiting".to_owned()));
        assert_eq!(nearest("duration", &names), None);
    }

    #[test]
    fn one_letter_names_suggest_the_other_case_only_within_one_edit() {
        assert_eq!(nearest("X", &names(&["y", "x"])), Some("x".to_owned()));
    }

    #[test]
    fn positions_follow_the_order_asked_for() {
        let names = names(&["a", "b", "c"]);
        assert_eq!(positions("f", &names, Some(&["c", "a"])).unwrap(), [2, 0]);
        assert_eq!(positions::<&str>("f", &names, None).unwrap(), [0, 1, 2]);
    }

    #[test]
    fn columns_without_names_are_taken_whole_or_not_at_all() {
        let of = |width: usize, expected: &[&str], besides| {
            let found: Vec<String> = (1..=width).map(|i| format!("x{i}")).collect();
            names_by_position("f.npy", &found, &names(expected), besides).ok()
        };
        assert_eq!(of(2, &["a", "b"], None), Some(names(&["a", "b"])));
        assert_eq!(of(2, &["x2", "x1"], None), Some(names(&["x1", "x2"])), "by name");
        assert_eq!(of(3, &["x1", "x2"], None), None);
        assert_eq!(of(3, &["x1", "x2"], Some("x3")), Some(names(&["x1", "x2", "x3"])));
        assert_eq!(of(3, &["x1", "x3"], None), Some(names(&["x1", "x2", "x3"])), "a choice");
        assert_eq!(of(3, &["a", "b"], None), None);
        assert_eq!(of(1, &["x1", "x2"], None), None);
        assert_eq!(of(2, &[], None), Some(names(&["x1", "x2"])));
    }

    #[test]
    fn unknown_and_repeated_names_are_told() {
        let names = names(&["alpha", "beta"]);
        let unknown = positions("f.csv", &names, Some(&["alhpa"])).unwrap_err().to_string();
        assert_eq!(
            unknown,
            "f.csv: no column 'alhpa' (did you mean 'alpha'?); the columns are alpha, beta"
        );
        let far = positions("f.csv", &names, Some(&["weight"])).unwrap_err().to_string();
        assert_eq!(far, "f.csv: no column 'weight'; the columns are alpha, beta");
        let twice = positions("f.csv", &names, Some(&["beta", "beta"])).unwrap_err().to_string();
        assert_eq!(twice, "f.csv: column 'beta' appears twice; rename or drop one of them");
    }

    #[test]
    fn long_lists_are_cut() {
        let many: Vec<String> = (0..23).map(|i| format!("c{i}")).collect();
        assert!(listed(&many).ends_with("c19 and 3 more"));
    }
}
