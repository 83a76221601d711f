//! Counts what each column of a table holds while it is read, in bounded memory.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::dates::is_date;
use crate::data::error::{DataError, Place};
use crate::data::reader::{Gap, RowReader};
use crate::data::readers::csv::number::Mark;

/// Distinct labels of a column that are kept.
const LABELS: usize = 200;
/// Distinct values of all columns that are told apart.
const VALUES: usize = 1 << 22;
/// Sets of columns with missing values that are told apart.
const PATTERNS: usize = 50_000;
/// Beyond 2⁵³ every number is whole.
const WHOLE: f64 = 9_007_199_254_740_992.0;
/// Rows of numbers read at a time.
const BLOCK: usize = 4096;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Missing,
    Infinite(f64),
    /// A number, and how it was written where that is not plain.
    Number(f64, Option<Mark>),
    Text,
}

/// What a table holds, column by column.
#[derive(Debug)]
pub struct Survey {
    pub(crate) file: String,
    pub(crate) rows: u64,
    pub(crate) columns: Vec<Profile>,
    notes: Vec<String>,
    /// How many rows lack values in exactly these columns, a bit for each; complete unless too many.
    gaps: HashMap<Vec<u64>, u64>,
    gaps_are_known: bool,
    gap: Vec<u64>,
    distinct_cap: usize,
    is_foreign: bool,
}

/// What a column holds.
#[derive(Debug, Default)]
pub struct Profile {
    pub(crate) name: String,
    pub(crate) unnamed: bool,
    /// The type of values that are not read.
    pub(crate) unreadable: Option<String>,
    pub(crate) numbers: u64,
    pub(crate) texts: u64,
    pub(crate) dates: u64,
    pub(crate) missing: u64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) is_whole: bool,
    pub(crate) is_increasing: bool,
    /// Where 0, 1, 2, … or 1, 2, 3, … starts that the rows so far make up.
    pub(crate) runs_from: Option<u64>,
    pub(crate) first_text: Option<(String, Place)>,
    pub(crate) first_gap: Option<Place>,
    pub(crate) infinite: Option<(f64, Place)>,
    /// Ways in which numbers were written, with an example of each, and how often.
    pub(crate) marks: BTreeMap<Mark, (String, u64)>,
    /// The texts, unless there are too many.
    pub(crate) labels: Option<BTreeSet<String>>,
    distinct: HashSet<u64>,
    /// How many values there were when there were too many distinct ones.
    full_after: Option<u64>,
}

impl Profile {
    fn new(name: String, unnamed: bool) -> Self {
        Self {
            name,
            unnamed,
            low: f64::INFINITY,
            high: f64::NEG_INFINITY,
            is_whole: true,
            is_increasing: true,
            labels: Some(BTreeSet::new()),
            ..Self::default()
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many values are missing.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// How many distinct values there are, and whether these are all.
    pub fn distinct(&self) -> (usize, bool) {
        (self.distinct.len(), self.full_after.is_none())
    }

    /// How many values there are.
    pub(crate) fn values(&self) -> u64 {
        self.numbers + self.texts
    }

    /// The share of values that are distinct, as far as they were told apart.
    pub(crate) fn distinct_share(&self) -> f64 {
        let values = self.full_after.unwrap_or_else(|| self.values());
        self.distinct.len() as f64 / values.max(1) as f64
    }

    fn number(&mut self, value: f64, row: u64) {
        self.is_whole &= value.fract() == 0.0 && value.abs() <= WHOLE;
        self.is_increasing &= value > self.high;
        self.low = self.low.min(value);
        self.high = self.high.max(value);
        self.runs_from = match (row, self.runs_from) {
            (0, _) => [0_u64, 1].into_iter().find(|&from| value.total_cmp(&(from as f64)).is_eq()),
            (_, Some(from)) if value.total_cmp(&((row + from) as f64)).is_eq() => Some(from),
            _ => None,
        };
        self.numbers += 1;
    }

    fn seen(&mut self, hash: u64, cap: usize) {
        if self.full_after.is_none() {
            self.distinct.insert(hash);
            if self.distinct.len() >= cap {
                self.full_after = Some(self.values());
            }
        }
    }

    fn label(&mut self, text: &str) {
        if let Some(labels) = &mut self.labels {
            if !labels.contains(text) {
                labels.insert(text.to_owned());
            }
            if labels.len() > LABELS {
                self.labels = None;
            }
        }
    }

    fn add(&mut self, cell: Cell, text: &str, place: Place, row: u64, cap: usize) {
        match cell {
            Cell::Missing => {
                self.missing += 1;
                self.runs_from = None;
                self.first_gap.get_or_insert(place);
            }
            Cell::Infinite(value) => {
                self.runs_from = None;
                self.infinite.get_or_insert((value, place));
            }
            Cell::Number(value, mark) => {
                self.number(value, row);
                // 0 and −0 are one value.
                self.seen((value + 0.0).to_bits(), cap);
                if let Some(mark) = mark {
                    self.marks.entry(mark).or_insert_with(|| (text.to_owned(), 0)).1 += 1;
                }
                if !text.is_empty() {
                    self.label(text);
                }
            }
            Cell::Text => {
                self.texts += 1;
                self.runs_from = None;
                self.dates += u64::from(is_date(text));
                let mut hasher = DefaultHasher::new();
                text.hash(&mut hasher);
                self.seen(hasher.finish(), cap);
                self.label(text);
                if self.first_text.is_none() {
                    self.first_text = Some((text.to_owned(), place));
                }
            }
        }
    }
}

impl Survey {
    pub(crate) fn new(
        file: String,
        columns: &[String],
        unnamed: &[bool],
        notes: Vec<String>,
    ) -> Self {
        let profile = |(name, unnamed): (&String, &bool)| Profile::new(name.clone(), *unnamed);
        Self {
            file,
            rows: 0,
            columns: columns.iter().zip(unnamed).map(profile).collect(),
            notes,
            gaps: HashMap::new(),
            gaps_are_known: true,
            gap: Vec::new(),
            distinct_cap: (VALUES / columns.len().max(1)).max(1000),
            is_foreign: false,
        }
    }

    /// Surveys a table of numbers.
    pub(crate) fn of_numbers(
        file: String,
        columns: &[String],
        mut rows: Box<dyn RowReader>,
    ) -> Result<Self, DataError> {
        let mut survey = Self::new(file, columns, &vec![false; columns.len()], Vec::new());
        let (mut values, mut gaps): (Vec<f64>, Vec<Gap>) = (Vec::new(), Vec::new());
        while rows.read_rows(BLOCK, &mut values, &mut gaps)? > 0 {
            for row in values.chunks_exact(columns.len()) {
                let place = Place::Row(survey.rows + 1);
                for (at, &value) in row.iter().enumerate() {
                    let is_gap = value.is_nan();
                    let cell = if is_gap { Cell::Missing } else { Cell::Number(value, None) };
                    survey.add(at, cell, "", place);
                }
                survey.end_row();
            }
            values.clear();
            gaps.clear();
        }
        Ok(survey)
    }

    /// A table of columns of types that are not read.
    pub(crate) fn of_types(file: String, types: &[(String, String)]) -> Self {
        let mut survey = Self::new(file, &[], &[], Vec::new());
        survey.rows = 1;
        survey.with_types(types)
    }

    /// The same, and columns of types that are not read.
    pub(crate) fn with_types(mut self, types: &[(String, String)]) -> Self {
        self.columns.extend(types.iter().map(|(name, found)| Profile {
            unreadable: Some(found.clone()),
            ..Profile::new(name.clone(), false)
        }));
        self
    }

    pub(crate) fn add(&mut self, column: usize, cell: Cell, text: &str, place: Place) {
        if cell == Cell::Missing {
            self.gap.resize(self.columns.len().div_ceil(64), 0);
            self.gap[column / 64] |= 1 << (column % 64);
        }
        self.columns[column].add(cell, text, place, self.rows, self.distinct_cap);
    }

    /// A text was no UTF-8.
    pub(crate) fn note_encoding(&mut self) {
        self.is_foreign = true;
    }

    pub(crate) fn end_row(&mut self) {
        self.rows += 1;
        if self.gap.is_empty() {
            return;
        }
        let gap = std::mem::take(&mut self.gap);
        if self.gaps.len() < PATTERNS || self.gaps.contains_key(&gap) {
            *self.gaps.entry(gap).or_insert(0) += 1;
        } else {
            self.gaps_are_known = false;
        }
    }

    /// The rows without a missing value in these columns; none where there were too many patterns of
    /// missing values to tell.
    pub(crate) fn complete(&self, columns: &[usize]) -> Option<u64> {
        let lacks = |gap: &[u64]| columns.iter().any(|at| gap[at / 64] >> (at % 64) & 1 == 1);
        let lost: u64 = self.gaps.iter().filter(|(gap, _)| lacks(gap)).map(|(_, rows)| *rows).sum();
        self.gaps_are_known.then(|| self.rows - lost)
    }

    /// What each column holds.
    pub fn columns(&self) -> &[Profile] {
        &self.columns
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What is to be said of how the table was understood.
    pub fn notes(&self) -> Vec<String> {
        let foreign = "text is read as Windows-1252 where it is not UTF-8".to_owned();
        self.notes.iter().cloned().chain(self.is_foreign.then_some(foreign)).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.name.clone()).collect()
    }
}
