//! Reads and splits the rows of a fit, and decides what to fit to them.

use crate::args::Common;
use crate::column_hints::hints;
use crate::fit_settings::FitSettings;
use crate::input::{Data, device, modelled_rows, warn_of_weights, with_labels_encoded};
use crate::schema_file::Schema;
use anyhow::Result;
use diffeo::data::{ReadOptions, RoleRequest, split};
use diffeo::flows::Engine;
use diffeo::flows::config::recipe;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::model::{Column, DataSummary, GivenColumn, RowCounts, encode};
use diffeo::flows::rng::Stream;
use diffeo::flows::rows::Rows;

/// The rows of a fit, split.
pub struct Split {
    pub train: Rows,
    pub valid: Option<Rows>,
    pub test: Option<Rows>,
}

impl Split {
    pub fn parts(&self) -> Parts<'_> {
        Parts { train: &self.train, valid: self.valid.as_ref(), test: self.test.as_ref() }
    }
}

/// The rows of a fit, what its columns are, and where they are from.
pub struct Loaded {
    columns: Vec<Column>,
    given: Vec<String>,
    given_columns: Vec<GivenColumn>,
    data: DataSummary,
    pub split: Split,
}

/// Reads and splits the data.
pub fn load(settings: &FitSettings, common: &Common) -> Result<Loaded> {
    let request = RoleRequest {
        columns: settings.columns.clone(),
        given: settings.given.clone(),
        weight: settings.weight.clone(),
    };
    let data = Data::parse(&settings.data)?;
    let schema = Schema::read(settings.schema.as_deref())?;
    let (columns, labels) = (request.columns_to_read(), settings.labels(&schema));
    let options = ReadOptions { columns, labels, missing: settings.missing, ..Default::default() };
    let (table, dropped) =
        data.read_with(&options, settings.rows, settings.seed, Stream::Sample)?;
    crate::commands::say_dropped(common, &dropped);
    split(table.rows(), settings.valid, settings.test, settings.seed)?;
    let (source, hash) = (table.source().to_owned(), table.hash());
    let (roles, rows) = modelled_rows(table, &request)?;
    let parts = split(rows.len(), settings.valid, settings.test, settings.seed)?;
    let counts =
        RowCounts { train: parts.train.len(), valid: parts.valid.len(), test: parts.test.len() };
    let mut columns = settings.columns(&schema, &roles.features, &roles.context)?;
    if matches!(data, Data::Table(_)) {
        let described: Vec<bool> =
            roles.features.iter().map(|name| settings.describes(&schema, name)).collect();
        for hint in hints(&roles.features, &described, rows.points()) {
            common.voice().note(&hint);
        }
    }
    let d = columns.len();
    for (at, column) in columns.iter_mut().enumerate() {
        column.cut(parts.train.iter().map(|row| rows.points()[row * d + at]));
    }
    let given_columns: Vec<GivenColumn> = roles
        .context
        .iter()
        .map(|name| match options.labels.of(name) {
            Some(labels) => GivenColumn::category(name, labels.to_vec()),
            None => GivenColumn::number(name),
        })
        .collect();
    let rows = with_labels_encoded(encode(&columns, rows, settings.seed)?, &given_columns)?;
    warn_of_weights(&rows);
    let data = DataSummary { source, hash, weight: roles.weight, rows: counts };
    let [train, valid, test] = rows.partition([parts.train, parts.valid, parts.test]);
    let held_out = |rows: Rows| (!rows.is_empty()).then_some(rows);
    let split = Split { train, valid: held_out(valid), test: held_out(test) };
    let given = GivenColumn::names(&given_columns);
    // Columns of numbers are described by their names.
    let has_labels = given_columns.iter().any(|column| !column.labels.is_empty());
    let given_columns = if has_labels { given_columns } else { Vec::new() };
    Ok(Loaded { columns, given, given_columns, data, split })
}

/// Decides what to fit.
pub fn describe(settings: &mut FitSettings, loaded: &Loaded, engine: Engine) -> Result<Fit> {
    let recipe = recipe(&settings.flow)?
        .with_sizes(&settings.sizes())?
        .with_continuous(&settings.continuous)?
        .with_score(&settings.score)?;
    settings.settle(&recipe, loaded.data.rows.train);
    Ok(Fit {
        name: settings.flow.clone(),
        config: settings.train(&recipe),
        engine,
        recipe,
        seed: settings.seed,
        dtype: settings.dtype,
        device: device(&settings.device)?,
        columns: loaded.columns.clone(),
        given: loaded.given.clone(),
        given_columns: loaded.given_columns.clone(),
        data: loaded.data.clone(),
    })
}
