//! Finds what the command line names: toys, tables, models, devices.

use crate::args::EngineName;
use crate::failure::Usage;
use crate::output::complain;
use anyhow::Result;
use candle_core::Device;
use diffeo::data::{
    DataError, DataSource, Dropped, Format, Labels, ReadOptions, RoleRequest, Roles, Table,
};
use diffeo::flows::Workers;
use diffeo::flows::densities::Toy;
use diffeo::flows::model::{Column, ColumnKind, GivenColumn, Model, OutsideRange};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::rows::Rows;
use std::path::Path;

/// The names of a toy's columns.
pub const TOY_COLUMNS: [&str; 2] = ["x1", "x2"];

/// What DATA stands for.
#[derive(Debug)]
pub enum Data {
    /// A toy density, whose truth is known.
    Toy(Toy),
    /// A table in a file or on stdin.
    Table(DataSource),
}

impl Data {
    /// Reads a toy's name or a table's place.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self> {
        match Toy::named(text) {
            Ok(toy) => Ok(Self::Toy(toy)),
            Err(_) if looks_like_a_table(text) => Ok(Self::Table(DataSource::parse(text)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Data::parse`]; a format that is given makes it a table, whatever its name.
    ///
    /// # Errors
    /// When it is neither, or the standard input cannot be read.
    pub fn parse_as(text: &str, format: Option<Format>) -> Result<Self> {
        match format {
            Some(format) => Ok(Self::Table(DataSource::parse_as(text, format)?)),
            None => Self::parse(text),
        }
    }

    /// The table, or `rows` fresh rows of the toy from a stream of the seed.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn read(
        &self,
        columns: Option<&[String]>,
        rows: usize,
        seed: u64,
        stream: Stream,
    ) -> Result<Table> {
        let columns = columns.map(<[_]>::to_vec);
        let options = ReadOptions { columns, ..ReadOptions::default() };
        Ok(self.read_with(&options, rows, seed, stream)?.0)
    }

    /// As [`Data::read`], with a say in what happens to missing values; what was left out for them.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn read_with(
        &self,
        options: &ReadOptions,
        rows: usize,
        seed: u64,
        stream: Stream,
    ) -> Result<(Table, Dropped)> {
        match self {
            Self::Toy(toy) => Ok((toy_table(toy, rows, seed, stream)?, Dropped::default())),
            Self::Table(source) => {
                let mut reader = source.open_with(options)?;
                let table = reader.read_rest()?;
                Ok((table, reader.dropped().clone()))
            }
        }
    }
}

fn looks_like_a_table(text: &str) -> bool {
    text == "-" || text.contains('.') || text.contains('/') || Path::new(text).exists()
}

/// Rows of a toy.
///
/// # Errors
/// Never for a toy's two columns.
pub fn toy_table(toy: &Toy, rows: usize, seed: u64, stream: Stream) -> Result<Table> {
    let points = toy.sample_points(rows, &mut generator(seed, stream, 0));
    let columns = TOY_COLUMNS.map(str::to_owned).to_vec();
    Ok(Table::new(toy.info().name.to_owned(), columns, points.concat())?)
}

/// The roles of a table's columns, and its rows; rows of weight 0 are left out.
///
/// # Errors
/// When a column is missing, has two roles or is constant, or when a weight is negative.
pub fn modelled_rows(table: Table, request: &RoleRequest) -> Result<(Roles, Rows)> {
    let roles = request.resolve(&table)?;
    table.require_varying(&roles.features)?;
    if let Err(DataError::ConstantColumn { file, column, value }) =
        table.require_varying(&roles.context)
    {
        let message = format!(
            "{file}: the context '{column}' is {value} in every row, so it adds nothing: leave it out of \
             --given"
        );
        return Err(Usage(message).into());
    }
    let rows = if roles.features == table.columns() {
        let numbers = table.numbers().map(<[_]>::to_vec);
        numbered(Rows::new(roles.features.len(), table.into_values())?, numbers)?
    } else {
        rows_of(&table, &roles.features, &roles.context, roles.weight.as_deref())?
    };
    let Some(weights) = rows.weights() else { return Ok((roles, rows)) };
    let counted: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] > 0.0).collect();
    let rows = rows.take(&counted);
    Ok((roles, rows))
}

/// The points that a model is asked about; a table without names is taken by position. Whole
/// numbers and categories are spread by noise of the model's own seed.
///
/// # Errors
/// When a column of the model is missing, or holds a value that it cannot have.
pub fn rows_for(model: &Model, table: &Table) -> Result<Rows> {
    Ok(model.encode(table_rows(model, table)?, model.spec().seed)?)
}

/// The rows of a table in the order of a model's columns, as they stand.
///
/// # Errors
/// When a column of the model is missing.
pub fn table_rows(model: &Model, table: &Table) -> Result<Rows> {
    let spec = model.spec();
    let features: Vec<String> = spec.columns.iter().map(|c| c.name.clone()).collect();
    let given_columns = spec.context_columns();
    let of_context: Vec<String> = given_columns.iter().map(|c| c.name.clone()).collect();
    let has = |name: &String| table.columns().contains(name);
    let named = features.iter().all(has) && of_context.iter().all(has);
    let unnamed = table.columns().iter().enumerate().all(|(i, c)| *c == format!("x{}", i + 1));
    if !named && unnamed && table.width() == features.len() + of_context.len() {
        let (features, given) = table.columns().split_at(features.len());
        return with_labels_encoded(rows_of(table, features, given, None)?, &given_columns);
    }
    let weight = spec.data.weight.as_deref().filter(|w| table.columns().iter().any(|c| c == w));
    with_labels_encoded(rows_of(table, &features, &of_context, weight)?, &given_columns)
}

/// The rows with the contexts that the labels of their columns make.
///
/// # Errors
/// Never for rows with these columns as context.
pub fn with_labels_encoded(rows: Rows, columns: &[GivenColumn]) -> Result<Rows> {
    if columns.iter().all(|column| column.labels.is_empty()) {
        return Ok(rows);
    }
    let values = rows.context().map(|(_, values)| GivenColumn::encode(columns, values));
    let width = GivenColumn::names(columns).len();
    Ok(rows.with_context(width, values.unwrap_or_default())?)
}

/// Counts the rows whose context lies outside what training saw.
pub fn count_outside(ranges: &mut [OutsideRange], context: Option<&[f64]>) {
    let width = ranges.len().max(1);
    for (at, range) in ranges.iter_mut().enumerate() {
        range.count(context.unwrap_or_default().iter().skip(at).step_by(width).copied());
    }
}

/// Warns of contexts outside what training saw, if there were any.
pub fn warn_outside(ranges: &[OutsideRange]) {
    for range in ranges.iter().filter(|range| range.rows > 0) {
        complain(&format!("warning: {range}"));
    }
}

/// The share of all weight from which on one row is said to have nearly all of it.
const NEARLY_ALL: f64 = 0.5;

/// Warns when one row has most of the weight: nothing can be learnt from it, nor judged by it.
pub fn warn_of_weights(rows: &Rows) {
    let Some((row, share)) = rows.heaviest().filter(|(_, share)| *share > NEARLY_ALL) else {
        return;
    };
    let (number, percent) = (rows.number(row) + 1, 100.0 * share);
    let effective = rows.effective_len();
    complain(&format!(
        "warning: row {number} has {percent:.0} % of all weight: the {} rows count as {effective:.1}",
        rows.len()
    ));
}

/// Warns of the rows among these whose context lies outside what training saw.
pub fn warn_of_contexts(model: &Model, context: Option<&[f64]>) {
    let mut ranges = model.context_ranges();
    count_outside(&mut ranges, context);
    warn_outside(&ranges);
}

fn rows_of(
    table: &Table,
    features: &[String],
    given: &[String],
    weight: Option<&str>,
) -> Result<Rows> {
    let mut rows = Rows::new(features.len(), table.select(features)?.into_values())?;
    if !given.is_empty() {
        rows = rows.with_context(given.len(), table.select(given)?.into_values())?;
    }
    if let Some(weight) = weight {
        rows = rows.with_weights(table.select(&[weight])?.into_values())?;
    }
    numbered(rows, table.numbers().map(<[_]>::to_vec))
}

/// Rows that know their numbers in the table, where these are not 0, 1, 2, …
fn numbered(rows: Rows, numbers: Option<Vec<usize>>) -> Result<Rows> {
    Ok(match numbers {
        Some(numbers) => rows.with_numbers(numbers)?,
        None => rows,
    })
}

/// The labels of a model's columns of categories, and its columns of whole numbers.
pub fn labels(model: &Model) -> Labels {
    let of = |column: &Column| Some((column.name.clone(), column.labels()?.to_vec()));
    let columns = &model.spec().columns;
    let whole = columns.iter().filter(|column| column.kind == ColumnKind::Integer);
    let given = model.spec().context_columns();
    let given = given.into_iter().filter(|c| !c.labels.is_empty()).map(|c| (c.name, c.labels));
    let labels: Labels = columns.iter().filter_map(of).chain(given).collect();
    labels.with_whole_numbers(whole.map(|column| column.name.clone()))
}

/// The model in a run folder or file.
///
/// # Errors
/// When there is none.
pub fn model(path: &Path, engine: EngineName) -> Result<Model> {
    let shown = path.display();
    if !path.exists() {
        let message = format!("{shown}: no such model; give a run folder or its model.safetensors");
        return Err(Usage(message).into());
    }
    if path.is_dir() {
        require_finished(path)?;
    }
    let model = Model::load(path, &Device::Cpu)?.with_engine(engine.into());
    model.engine()?;
    Ok(model)
}

/// Fails unless a run folder holds a model and no fit that is still to be finished.
fn require_finished(folder: &Path) -> Result<()> {
    let shown = folder.display();
    let has = |name: &str| folder.join(name).exists();
    let is_choosing =
        crate::run_folder::has_candidates(folder) && !has(crate::run_folder::RunFolder::CHOICE);
    let is_going_on = has("checkpoint.safetensors") || is_choosing;
    let message = match (has("model.safetensors"), is_going_on) {
        (true, false) => return Ok(()),
        (true, true) => format!(
            "{shown}: a fit was interrupted here: finish it with --resume, or name the model before it, \
             {shown}/model.safetensors"
        ),
        (false, true) => format!(
            "{shown}: there is no model.safetensors; its fit was interrupted: finish it with --resume"
        ),
        (false, false) => {
            format!("{shown}: there is no model.safetensors; give the folder of a finished fit")
        }
    };
    Err(Usage(message).into())
}

/// The threads asked for, or one for each core.
///
/// # Errors
/// When none are asked for.
pub fn workers(threads: Option<usize>) -> Result<Workers> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Workers::new(threads.unwrap_or(cores))?)
}

/// The device of that name.
///
/// # Errors
/// When there is no such device, or this build cannot use it.
pub fn device(name: &str) -> Result<Device> {
    match name.split_once(':') {
        None if name == "cpu" => Ok(Device::Cpu),
        Some(("cuda", ordinal)) => {
            let ordinal = ordinal
                .parse()
                .map_err(|_| Usage(format!("--device {name}: give a number after cuda:")))?;
            Device::new_cuda(ordinal).map_err(|e| {
                Usage(format!("--device {name}: {e}; this build may lack CUDA: use cpu")).into()
            })
        }
        _ => Err(Usage(format!("--device {name}: give cpu or cuda:N")).into()),
    }
}
