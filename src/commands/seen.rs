//! Says when rows that are to judge a model are those that it was fitted to.

use diffeo::baselines::Baselines;
use diffeo::data::Table;
use diffeo::flows::model::Model;
use diffeo::flows::rows::Rows;
use diffeo::seen::TrainingRows;
use serde::Serialize;
use std::path::Path;

/// What a model has seen of a table.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Seen {
    /// Whether it is the table that the model was fitted to.
    pub same_table: bool,
    /// How many rows are training rows, value for value; null where those are not known.
    pub rows: Option<usize>,
    /// Of so many.
    pub of: usize,
    #[serde(skip)]
    is_beyond_chance: bool,
}

impl Seen {
    /// Compares the table, and the points of its rows, with those of the fit.
    pub fn of(model: &Model, training: Option<&TrainingRows>, table: &Table, rows: &Rows) -> Self {
        let count = training.map(|training| training.among(&model.spec().columns, rows));
        let is_beyond_chance =
            training.zip(count).is_some_and(|(t, count)| t.is_beyond_chance(count, rows.len()));
        let same_table = is_of_fit(model, table);
        Self { same_table, rows: count, of: rows.len(), is_beyond_chance }
    }

    /// Whether the rows cannot stand for new ones.
    pub fn is_telling(&self) -> bool {
        self.same_table || self.is_beyond_chance
    }

    /// `gauss.csv is the table that the model was fitted to, 4800 of its 6000 rows trained it`.
    pub fn told(&self, data: &str) -> Option<String> {
        let of = self.of;
        match (self.same_table, self.rows) {
            (true, Some(rows)) => Some(format!(
                "{data} is the table that the model was fitted to: {rows} of its {of} rows trained it"
            )),
            (true, None) => Some(format!("{data} is the table that the model was fitted to")),
            (false, Some(rows)) if self.is_beyond_chance => Some(format!(
                "{rows} of {of} rows of {data} are training rows of the model, value for value"
            )),
            _ => None,
        }
    }
}

/// The training rows that are known of a model in a run folder, or of a file in one.
pub fn training_rows(model: &Model, path: &Path) -> Option<TrainingRows> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let baselines = Baselines::load(model, folder.join(Baselines::FILE)).ok()?;
    baselines.training().cloned()
}

/// Whether a table has the hash of the one that a model was fitted to, with or without the weights.
fn is_of_fit(model: &Model, table: &Table) -> bool {
    let (spec, hash) = (model.spec(), &model.spec().data.hash);
    let own = || spec.columns.iter().map(|c| &c.name).chain(&spec.given);
    let of = |names: Vec<&String>| table.select(&names).is_ok_and(|table| table.hash() == *hash);
    table.hash() == *hash || of(own().collect()) || of(own().chain(&spec.data.weight).collect())
}
