//! The file given by `fit --schema`: what each column of a table holds.

use crate::failure::Usage;
use anyhow::{Context, Result};
use diffeo::data::Labels;
use diffeo::flows::model::Column;
use diffeo::flows::transforms::Support;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What to do about an entry that cannot be read.
const REMEDY: &str = "give kind = \"real\", \"positive\" or \"positive-softplus\"; \"interval\" or \
                      \"circular\" with low and high; \"integer\", if wanted with low and high; or \
                      \"category\" with labels";

/// The columns that a file describes.
#[derive(Debug, Default)]
pub struct Schema {
    path: PathBuf,
    columns: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    columns: BTreeMap<String, toml::Spanned<toml::Value>>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Entry {
    Real {},
    Positive {},
    PositiveSoftplus {},
    Interval { low: f64, high: f64 },
    Circular { low: f64, high: f64 },
    Integer { low: Option<f64>, high: Option<f64> },
    Category { labels: Vec<Label> },
}

/// A label, which may be written as a number.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Label {
    Text(String),
    Number(i64),
}

impl Schema {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// When it cannot be read, or says something else than what columns hold.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::default()) };
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the schema {shown}"))?;
        let refused = |span: Option<Range<usize>>, at: &str, message: &str| {
            let place = place(&text, span);
            Usage(format!("{shown}{place}{at}: {message}; {REMEDY}"))
        };
        let file: File = toml::from_str(&text).map_err(|e| refused(e.span(), "", e.message()))?;
        let entry = |(name, value): (String, toml::Spanned<toml::Value>)| -> Result<_> {
            let span = value.span();
            let entry = Entry::deserialize(value.into_inner())
                .map_err(|e| refused(Some(span), &format!(", columns.{name}"), e.message()))?;
            entry.column(&name).with_context(|| shown.to_string())?;
            Ok((name, entry))
        };
        let columns = file.columns.into_iter().map(entry).collect::<Result<_>>()?;
        Ok(Self { path: path.to_owned(), columns })
    }

    /// The columns that it describes.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.columns.keys()
    }

    /// Whether the file says something of this column.
    pub fn describes(&self, name: &str) -> bool {
        self.columns.contains_key(name)
    }

    /// The labels of the columns of categories, but for those of which something else is said.
    pub fn labels(&self, but: impl Fn(&str) -> bool) -> Labels {
        let of = |(name, entry): (&String, &Entry)| match entry {
            Entry::Category { labels } => Some((name.clone(), texts(labels))),
            _ => None,
        };
        self.columns.iter().filter(|(name, _)| !but(name)).filter_map(of).collect()
    }

    /// The modelled columns of these names, on the whole line where the file says nothing; it may
    /// describe those left out, too.
    ///
    /// # Errors
    /// When the file describes another column, or one in a way that makes no sense.
    pub fn columns(
        &self,
        names: &[String],
        given: &[String],
        without: &[String],
    ) -> Result<Vec<Column>> {
        let shown = self.path.display();
        for (name, entry) in self.columns.iter().filter(|(name, _)| given.contains(name)) {
            // Whole numbers and reals are contexts as they stand.
            if !matches!(entry, Entry::Category { .. } | Entry::Integer { .. } | Entry::Real {}) {
                return Err(Usage(format!(
                    "{shown}, columns.{name}: it is a context (--given), which has no support; give kind = \
                     \"category\" with labels, \"integer\" or \"real\""
                ))
                .into());
            }
        }
        let known = [names, given, without].concat();
        if let Some(stranger) = self.columns.keys().find(|name| !known.contains(name)) {
            let names = names.join(", ");
            return Err(Usage(format!(
                "{shown}, columns.{stranger}: no modelled column is called `{stranger}`; they are \
                 {names}"
            ))
            .into());
        }
        let column = |name: &String| match self.columns.get(name) {
            None => Ok(Column::new(name, Support::Real)),
            Some(entry) => entry.column(name).with_context(|| shown.to_string()),
        };
        names.iter().map(column).collect()
    }
}

/// Where in a text a part of it starts: `, line 3, column 7`, or nothing when it is not known.
pub fn place(text: &str, span: Option<Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else { return String::new() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(", line {line}, column {column}")
}

impl Entry {
    fn column(&self, name: &str) -> diffeo::flows::Result<Column> {
        match self {
            Self::Real {} => Ok(Column::new(name, Support::Real)),
            Self::Positive {} => Ok(Column::new(name, Support::Positive)),
            Self::PositiveSoftplus {} => Ok(Column::new(name, Support::PositiveSoftplus)),
            &Self::Interval { low, high } => Ok(Column::new(name, Support::Interval { low, high })),
            &Self::Circular { low, high } => Column::circular(name, low, high),
            &Self::Integer { low, high } => Column::integer(name, low, high),
            Self::Category { labels } => Column::category(name, texts(labels)),
        }
    }
}

fn texts(labels: &[Label]) -> Vec<String> {
    let text = |label: &Label| match label {
        Label::Text(text) => text.clone(),
        Label::Number(number) => number.to_string(),
    };
    labels.iter().map(text).collect()
}
