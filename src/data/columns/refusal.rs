//! One message for all that keeps the columns of a table from being used.

use std::fmt::{self, Write as _};

/// Problems that are listed before the rest is counted.
const LISTED: usize = 40;

/// Why a table cannot be fitted as asked, and what can be asked instead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    pub(crate) file: String,
    /// A sentence for each column that cannot be used.
    pub(crate) problems: Vec<String>,
    pub(crate) gaps: Option<Gaps>,
    /// Columns to leave out.
    pub(crate) without: Vec<String>,
    /// Whether rows with missing values have to be left out.
    pub(crate) drop: bool,
    /// Columns to ask for, where only these are left.
    pub(crate) columns: Vec<String>,
    /// Whether the flags make a request that can be carried out.
    pub(crate) can_go_on: bool,
}

/// Missing values where there may be none, or where they leave too few rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// A phrase for each column with some.
    pub(crate) columns: Vec<String>,
    /// Rows without any.
    pub(crate) left: Option<u64>,
    pub(crate) rows: u64,
}

impl Refusal {
    /// The flags of `diffeo fit` with which it works; none where nothing is left to model.
    pub fn flags(&self) -> Option<Vec<String>> {
        let mut flags = Vec::new();
        for (flag, names) in [("--columns", &self.columns), ("--without", &self.without)] {
            if !names.is_empty() {
                flags.extend([flag.to_owned(), joined(names)]);
            }
        }
        if self.drop {
            flags.extend(["--missing".to_owned(), "drop".to_owned()]);
        }
        (self.can_go_on && !flags.is_empty()).then_some(flags)
    }

    /// What is wrong, without what to do about it.
    pub fn problems(&self) -> String {
        let gaps = self.gaps.iter().flat_map(|gaps| &gaps.columns);
        let all: Vec<&String> = self.problems.iter().chain(gaps).collect();
        let file = &self.file;
        let mut text = match all[..] {
            [] => format!("{file}: no column is left to model"),
            [only] => format!("{file}, {only}"),
            _ => format!("{file}: {} columns cannot be used as they are", all.len()),
        };
        if all.len() > 1 {
            for problem in all.iter().take(LISTED) {
                text.push_str("\n  ");
                text.push_str(problem);
            }
        }
        if all.len() > LISTED {
            let _ = write!(text, "\n  and {} more", all.len() - LISTED);
        }
        if let Some(Gaps { left: Some(left), rows, .. }) = self.gaps {
            let _ = write!(
                text,
                "\n--missing drop would leave {left} of {rows} rows in these columns; or impute the \
                 missing values"
            );
        }
        text
    }

    /// What to do besides leaving columns out.
    pub fn hint(&self) -> &'static str {
        if self.problems.is_empty() {
            ""
        } else {
            " (or say what columns hold in a file for --schema)"
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.problems())?;
        match self.flags() {
            Some(flags) => write!(formatter, "\nadd {}{}", flags.join(" "), self.hint()),
            None => write!(formatter, "\nno other column is left to model{}", self.hint()),
        }
    }
}

/// The names as one value of a flag: parted by commas, quoted where they hold some.
pub(crate) fn joined(names: &[String]) -> String {
    let quoted = |name: &String| {
        let is_plain = !name.contains([',', '"', '\n', '\r']) && name.trim() == name;
        if is_plain { name.clone() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
    };
    names.iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// What to do about a text among numbers.
pub(crate) fn remedy_for(text: &str) -> &'static str {
    if text.contains([';', '\t']) {
        "separate all fields in the same way, with commas or tabs"
    } else if text.contains(',') && text.bytes().any(|byte| byte.is_ascii_digit()) {
        "write a point as decimal mark and no thousands separators"
    } else {
        "correct it, or leave the column out"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_commas_are_quoted() {
        let names = ["a", "income, 1000s", "5\" nails", " b"].map(str::to_owned);
        assert_eq!(joined(&names), "a,\"income, 1000s\",\"5\"\" nails\",\" b\"");
    }
}
