//! Which rows are known to be outliers.

use crate::failure::Usage;
use anyhow::Result;
use diffeo::data::{DataSource, Table};
use std::path::Path;

/// A label for each row.
#[derive(Debug)]
pub struct Labels {
    /// The column's name.
    pub name: String,
    /// True for outliers.
    pub values: Vec<bool>,
}

/// Whether labels are named by a file rather than by a column.
pub fn is_a_file(text: &str) -> bool {
    match DataSource::parse(text) {
        Ok(DataSource::Npz { path, .. }) => path.exists(),
        Ok(_) => text == "-" || Path::new(text).exists(),
        Err(_) => false,
    }
}

impl Labels {
    /// The labels in a column of a table.
    ///
    /// # Errors
    /// When there is no such column, or a value is neither 0 nor 1.
    pub fn of_column(table: &Table, name: &str) -> Result<Self> {
        let column = table.select(&[name])?;
        let values = column.values().iter().enumerate().map(|(i, v)| match *v {
            v if v.abs() < f64::EPSILON => Ok(false),
            v if (v - 1.0).abs() < f64::EPSILON => Ok(true),
            v => {
                let place =
                    format!("{}, row {}, column '{name}'", table.source(), table.number(i) + 1);
                Err(Usage(format!(
                    "{place}: the label is {v}; give 1 for outliers, 0 for the rest"
                )))
            }
        });
        Ok(Self { name: name.to_owned(), values: values.collect::<std::result::Result<_, _>>()? })
    }

    /// The labels in a table of one column, one for each of so many rows.
    ///
    /// # Errors
    /// When it cannot be read or has another size.
    pub fn of_file(file: &str, rows: usize) -> Result<Self> {
        let table = DataSource::parse(file)?.read(None)?;
        if table.width() != 1 || table.rows() != rows {
            let found = format!("{} rows of {} columns", table.rows(), table.width());
            let message =
                format!("--labels {file}: there are {found}; give one column of {rows} rows");
            return Err(Usage(message).into());
        }
        Ok(Self { name: "label".to_owned(), ..Self::of_column(&table, &table.columns()[0])? })
    }

    /// The labels of the rows of these numbers.
    pub fn of_rows(self, numbers: impl Iterator<Item = usize>) -> Self {
        let values = numbers.map(|number| self.values[number]).collect();
        Self { values, ..self }
    }
}
