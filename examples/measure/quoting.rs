//! `docs/results.json`, the one source of every figure in README and docs, and how they quote it.
//!
//! A document quotes a result between marks that no reader sees, and what stands between them is made
//! from the file: a table, what a terminal showed or a sentence of where it was measured as
//! `<!-- results: KEY -->` … `<!-- end -->`, with a column of another table beside it as
//! `<!-- results: KEY + OTHER -->`, and a figure in a sentence as `<!-- = KEY -->` … `<!-- / -->`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The documents that quote.
pub(crate) const DOCUMENTS: [&str; 8] = [
    "README.md",
    "docs/certificate.md",
    "docs/command-line.md",
    "docs/flows.md",
    "docs/gallery.md",
    "docs/performance.md",
    "docs/results.md",
    "docs/scores.md",
];

/// Where the results are.
pub(crate) const FILE: &str = "docs/results.json";

const BLOCK: Marks = Marks { open: "<!-- results: ", close: "<!-- end -->" };
const FIGURE: Marks = Marks { open: "<!-- = ", close: "<!-- / -->" };

/// How a quotation begins, up to its key, and ends.
struct Marks {
    open: &'static str,
    close: &'static str,
}

/// All results by key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    /// What the file is, for whoever opens it.
    pub(crate) about: String,
    pub(crate) results: BTreeMap<String, Entry>,
}

/// What was measured, how, when and where.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// What it is, in a few words.
    pub(crate) what: String,
    /// What repeats it.
    pub(crate) command: String,
    /// The rows it was measured on, and the seeds.
    pub(crate) rows: String,
    /// The unit of every figure.
    pub(crate) unit: String,
    pub(crate) measured: Measured,
    /// What a reader must know to compare it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) remark: Option<String>,
    /// The figures behind those shown, one object a run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) runs: Vec<serde_json::Value>,
    pub(crate) shown: Shown,
}

/// When, of which commit, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    /// `script` for what `examples/measure` measured, `earlier` for what was measured before it, or by
    /// other programs than this one.
    pub(crate) by: String,
    pub(crate) date: String,
    pub(crate) commit: String,
    pub(crate) processor: String,
}

/// What a document shows of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shown {
    /// One figure.
    Value(String),
    /// A table, one row a list of cells.
    Table { columns: Vec<String>, rows: Vec<Vec<String>> },
    /// Lines of a terminal, after the command that was typed.
    Terminal(String),
}

impl Results {
    /// Reads the file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("{FILE}: {e}"))
    }

    fn entry(&self, key: &str) -> Result<&Entry, String> {
        self.results.get(key).ok_or_else(|| format!("{FILE} has no result '{key}'"))
    }

    /// The document with every quotation made anew.
    pub(crate) fn quoted_in(&self, document: &str) -> Result<String, String> {
        let blocks = rewritten(document, &BLOCK, |keys| self.block(keys))?;
        rewritten(&blocks, &FIGURE, |key| self.figure(key))
    }

    fn block(&self, keys: &str) -> Result<String, String> {
        let mut entries = keys.split(" + ").map(|key| self.entry(key));
        let first = entries.next().ok_or("a quotation without a key")??;
        let others = entries.collect::<Result<Vec<_>, _>>()?;
        let mut text = match &first.shown {
            Shown::Value(value) => format!("{value} {}", first.unit),
            Shown::Terminal(lines) => format!("```text\n{}\n```", lines.trim_end()),
            Shown::Table { columns, rows } => {
                let (mut columns, mut rows) = (columns.clone(), rows.clone());
                for other in &others {
                    join((&mut columns, &mut rows), other, keys)?;
                }
                markdown(&columns, &rows)
            }
        };
        for entry in std::iter::once(first).chain(others) {
            let _ = write!(text, "\n\n{}", entry.provenance());
        }
        Ok(format!("\n{text}\n"))
    }

    fn figure(&self, key: &str) -> Result<String, String> {
        let entry = self.entry(key)?;
        match &entry.shown {
            Shown::Value(value) => Ok(format!("{value} {}", entry.unit).trim_end().to_owned()),
            _ => Err(format!("'{key}' is not one figure: quote it as a block")),
        }
    }
}

impl Entry {
    /// Where the figures come from, in small print.
    fn provenance(&self) -> String {
        let Measured { by, date, commit, processor } = &self.measured;
        let when = if by == "earlier" { "earlier, on" } else { "on" };
        let (what, rows) = (&self.what, &self.rows);
        let remark = self.remark.as_ref().map_or_else(String::new, |text| format!(" {text}"));
        format!(
            "<sub>{what}: {rows}; measured {when} {date} at commit {commit} on {processor}.{remark}</sub>"
        )
    }
}

/// Puts the columns of another table beside one, by the names in the first column.
fn join(
    (columns, rows): (&mut Vec<String>, &mut [Vec<String>]),
    other: &Entry,
    keys: &str,
) -> Result<(), String> {
    let Shown::Table { columns: more, rows: found } = &other.shown else {
        return Err(format!("'{keys}' are not all tables"));
    };
    columns.extend(more.iter().skip(1).cloned());
    for row in rows.iter_mut() {
        let same = found.iter().find(|f| f.first() == row.first());
        let same = same.ok_or_else(|| format!("'{keys}': no row {:?} in all", row.first()))?;
        row.extend(same.iter().skip(1).cloned());
    }
    Ok(())
}

fn markdown(columns: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let rule = format!("|{}", "---|".repeat(columns.len()));
    let all = [line(columns), rule].into_iter().chain(rows.iter().map(|row| line(row)));
    all.collect::<Vec<_>>().join("\n")
}

/// The document with what stands between marks replaced, by key.
fn rewritten(
    document: &str,
    marks: &Marks,
    made: impl Fn(&str) -> Result<String, String>,
) -> Result<String, String> {
    let (mut text, mut rest) = (String::new(), document);
    while let Some((before, after)) = rest.split_once(marks.open) {
        let (key, after) =
            after.split_once(" -->").ok_or_else(|| format!("a mark does not end: {after:.40}"))?;
        let (_, after) = after
            .split_once(marks.close)
            .ok_or_else(|| format!("no {} after the mark of '{key}'", marks.close))?;
        let _ = write!(text, "{before}{}{key} -->{}{}", marks.open, made(key)?, marks.close);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// The keys that a document quotes.
pub(crate) fn keys_in(document: &str) -> Vec<String> {
    let keys = [&BLOCK, &FIGURE].into_iter().flat_map(|marks| {
        document.split(marks.open).skip(1).filter_map(|after| after.split_once(" -->"))
    });
    keys.flat_map(|(keys, _)| keys.split(" + ")).map(str::to_owned).collect()
}
