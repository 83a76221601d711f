//! What is measured, in groups that can be run alone.

mod continuous;
mod tables;
mod terminal;
mod toys;
mod wall;

use super::Failure;
use super::program::Program;
use super::quoting::{Entry, Measured, Shown};
use serde_json::Value;
use std::path::Path;

/// What a group measures with.
#[derive(Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) program: &'a Program,
    pub(crate) measured: Measured,
    /// Where more tables are.
    pub(crate) tables: Option<&'a Path>,
}

/// Figures that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Terminal,
    Wall,
    Tables,
    Toys,
    Continuous,
}

impl Group {
    pub(crate) const ALL: [Self; 5] =
        [Self::Terminal, Self::Wall, Self::Tables, Self::Toys, Self::Continuous];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::Wall => "wall",
            Self::Tables => "tables",
            Self::Toys => "toys",
            Self::Continuous => "continuous",
        }
    }

    /// What it measures, and how long that takes on two cores.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Terminal => "what the commands of the README print; half a minute",
            Self::Wall => "seconds from the start of a command to its end; ten minutes",
            Self::Tables => "real tables, five splits of each; two minutes, and more with --tables",
            Self::Toys => "KL divergence of the default flow on five toys, five seeds; ten minutes",
            Self::Continuous => "the same of the continuous flows, one seed; forty minutes",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|group| group.name() == name);
        found.ok_or_else(|| format!("no group '{name}'; there are {known}").into())
    }

    /// Its results by key.
    pub(crate) fn measure(self, setting: &Setting<'_>) -> Result<Vec<(String, Entry)>, Failure> {
        match self {
            Self::Terminal => terminal::measure(setting),
            Self::Wall => wall::measure(setting),
            Self::Tables => tables::measure(setting),
            Self::Toys => toys::measure(setting),
            Self::Continuous => continuous::measure(setting),
        }
    }
}

impl Setting<'_> {
    /// A result measured now.
    fn entry(
        &self,
        [what, command, rows, unit]: [&str; 4],
        shown: Shown,
        runs: Vec<Value>,
    ) -> Entry {
        Entry {
            what: what.to_owned(),
            command: command.to_owned(),
            rows: rows.to_owned(),
            unit: unit.to_owned(),
            measured: self.measured.clone(),
            remark: None,
            runs,
            shown,
        }
    }
}

/// A number of what the program printed as JSON, by its path.
fn number(value: &Value, path: &str) -> Result<f64, Failure> {
    value
        .pointer(path)
        .and_then(Value::as_f64)
        .ok_or_else(|| format!("no {path} in {value}").into())
}

/// The text of a table.
fn table(columns: &[&str], rows: Vec<Vec<String>>) -> Shown {
    Shown::Table { columns: columns.iter().map(ToString::to_string).collect(), rows }
}

/// Four decimals without the zero before the point, as in tables of KL divergences.
fn nats(value: f64) -> String {
    let text = format!("{value:.4}");
    text.strip_prefix("0.").map_or(text.clone(), |decimals| format!(".{decimals}"))
}

/// The lowest and the highest of several numbers.
fn range(values: &[f64]) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{} to {}", nats(low), nats(high))
}

/// The toys of the tables.
const TOYS: [&str; 5] = ["two-moons", "eight-gaussians", "pinwheel", "checkerboard", "two-spirals"];
