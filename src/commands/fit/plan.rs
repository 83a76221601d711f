//! Reads and splits the rows of a fit, and decides what to fit to them.

use crate::args::Common;
use crate::failure::Usage;
use crate::fit_settings::FitSettings;
use crate::input::{Data, device, modelled_rows, warn_of_weights, with_labels_encoded};
use crate::notes::{Intake, before_training};
use crate::schema_file::Schema;
use anyhow::Result;
use diffeo::data::columns::Wishes;
use diffeo::data::{DataError, Labels, ReadOptions, RoleRequest, split};
use diffeo::flows::config::recipe;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::model::{Column, DataSummary, GivenColumn, RowCounts, encode};
use diffeo::flows::rng::Stream;
use diffeo::flows::rows::Rows;
use diffeo::flows::{Cancel, Engine};

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
    let schema = Schema::read(settings.schema.as_deref())?;
    let (data, choice) = taken(settings, &schema)?;
    let Taken { request, options, found, notes } = choice;
    let (table, dropped) =
        data.read_with(&options, settings.rows, settings.seed, Stream::Sample)?;
    crate::commands::say_dropped(common, &dropped, table.rows());
    split(table.rows(), settings.valid, settings.test, settings.seed)?;
    let (source, hash) = (table.source().to_owned(), table.hash());
    let labels = &options.labels;
    let (roles, rows) =
        modelled_rows(table, &request).map_err(|error| with_label(error, labels))?;
    let parts = split(rows.len(), settings.valid, settings.test, settings.seed)?;
    let counts =
        RowCounts { train: parts.train.len(), valid: parts.valid.len(), test: parts.test.len() };
    let mut columns = settings.columns(&schema, &roles.features, &roles.context)?;
    for (name, labels) in found {
        if let Some(column) = columns.iter_mut().find(|column| column.name == name) {
            *column = Column::category(name, labels)?;
        }
    }
    let hints = if matches!(data, Data::Table(_)) {
        let is_described = |column: &Column| {
            column.labels().is_some() || settings.describes(&schema, &column.name)
        };
        let described: Vec<bool> = columns.iter().map(is_described).collect();
        let (given, train) = (roles.context.as_slice(), parts.train.len());
        let intake = Intake { columns: &columns, described: &described, given, rows: &rows, train };
        before_training(&intake)
    } else {
        Vec::new()
    };
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
    for note in notes.iter().chain(&hints) {
        common.voice().note(note);
    }
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

/// What is read of the data.
struct Taken {
    request: RoleRequest,
    options: ReadOptions,
    /// The labels of categories that nobody described.
    found: Vec<(String, Vec<String>)>,
    /// What the table was taken for: said once nothing is left to refuse.
    notes: Vec<String>,
}

/// The data and what is taken of them.
fn taken(settings: &FitSettings, schema: &Schema) -> Result<(Data, Taken)> {
    let request = RoleRequest {
        columns: settings.columns.clone(),
        given: settings.given.clone(),
        weight: settings.weight.clone(),
    };
    let (columns, labels) = (request.columns_to_read(), settings.labels(schema));
    let (missing, header) = (settings.missing, settings.header());
    let options = ReadOptions { columns, labels, missing, header, ..Default::default() };
    let source = match Data::parse_as(&settings.data, settings.format)? {
        Data::Table(source) => source.rereadable()?,
        toy @ Data::Toy(_) => {
            return Ok((toy, Taken { request, options, found: Vec::new(), notes: Vec::new() }));
        }
    };
    let survey = source.survey(&options)?;
    let wishes = Wishes {
        request: &request,
        without: &settings.without,
        labels: &options.labels,
        described: &settings.described(schema),
        missing,
    };
    let choice = survey.choose(&wishes).map_err(with_command)?;
    let name = source.name();
    let layout = survey.notes().into_iter().map(|note| format!("{name}: {note}"));
    let notes = layout.chain([choice.listing(&survey)]).chain(choice.left_out(&survey)).collect();
    let (columns, labels) = (Some(choice.columns), choice.labels);
    let options = ReadOptions { columns, labels, ..options };
    let found = choice.found.into_iter().collect();
    Ok((Data::Table(source), Taken { request: choice.request, options, found, notes }))
}

/// The refusal, and the command that was given with the flags that it asks for.
fn with_command(error: DataError) -> anyhow::Error {
    let DataError::Unusable(refusal) = &error else { return error.into() };
    let Some(flags) = refusal.flags() else { return error.into() };
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // The last of these counts, not both.
    for flag in ["--missing", "--columns"].into_iter().filter(|f| flags.iter().any(|g| g == f)) {
        while let Some(at) = words.iter().position(|word| word == flag) {
            words.drain(at..(at + 2).min(words.len()));
        }
        words.retain(|word| !word.starts_with(&format!("{flag}=")));
    }
    let words = ["diffeo".to_owned()].into_iter().chain(words).chain(flags);
    let words: Vec<String> = words.collect();
    let command =
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    let problems = refusal.problems();
    Usage(format!("{problems}\nthis works{}:\n  {command}", refusal.hint())).into()
}

/// A constant category is called by its label.
fn with_label(error: anyhow::Error, labels: &Labels) -> anyhow::Error {
    match error.downcast::<DataError>() {
        Ok(DataError::ConstantColumn { file, column, value }) => {
            let label = labels.of(&column).zip(value.parse::<usize>().ok());
            let label = label.and_then(|(labels, at)| labels.get(at).cloned());
            DataError::ConstantColumn { file, column, value: label.unwrap_or(value) }.into()
        }
        Ok(other) => other.into(),
        Err(error) => error,
    }
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
        held_out: (settings.valid, settings.test),
        cancel: Cancel::new(),
    })
}
