//! Reads and splits the rows of a fit, and decides what to fit to them.

use crate::fit_settings::FitSettings;
use crate::input::{Data, device, modelled_rows};
use anyhow::Result;
use diffeo::data::{RoleRequest, Roles, Table, split};
use diffeo::flows::Engine;
use diffeo::flows::config::recipe;
use diffeo::flows::fit::{Fit, Parts};
use diffeo::flows::model::{Column, DataSummary, RowCounts};
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

/// The table of a fit, what its columns are, and its rows.
pub struct Loaded {
    table: Table,
    roles: Roles,
    counts: RowCounts,
    pub split: Split,
}

/// Reads and splits the data.
pub fn load(settings: &FitSettings) -> Result<Loaded> {
    let request = RoleRequest {
        columns: settings.columns.clone(),
        given: settings.given.clone(),
        weight: settings.weight.clone(),
    };
    let data = Data::parse(&settings.data)?;
    let columns = request.columns_to_read();
    let table = data.read(columns.as_deref(), settings.rows, settings.seed, Stream::Sample)?;
    split(table.rows(), settings.valid, settings.test, settings.seed)?;
    let (roles, rows) = modelled_rows(&table, &request)?;
    let parts = split(rows.len(), settings.valid, settings.test, settings.seed)?;
    let counts =
        RowCounts { train: parts.train.len(), valid: parts.valid.len(), test: parts.test.len() };
    let take = |part: &[usize]| (!part.is_empty()).then(|| rows.take(part));
    let split = Split {
        train: rows.take(&parts.train),
        valid: take(&parts.valid),
        test: take(&parts.test),
    };
    Ok(Loaded { table, roles, counts, split })
}

/// Decides what to fit.
pub fn describe(settings: &mut FitSettings, loaded: &Loaded, engine: Engine) -> Result<Fit> {
    let Loaded { table, roles, counts, .. } = loaded;
    let supports = settings.supports(&roles.features)?;
    let columns = roles.features.iter().zip(supports);
    let recipe = recipe(&settings.flow)?
        .with_sizes(&settings.sizes())?
        .with_continuous(&settings.continuous)?
        .with_score(&settings.score)?;
    settings.settle(&recipe, counts.train);
    Ok(Fit {
        name: settings.flow.clone(),
        config: settings.train(&recipe),
        engine,
        recipe,
        seed: settings.seed,
        dtype: settings.dtype,
        device: device(&settings.device)?,
        columns: columns.map(|(name, support)| Column { name: name.clone(), support }).collect(),
        given: roles.context.clone(),
        data: DataSummary {
            source: table.source().to_owned(),
            hash: table.hash(),
            weight: roles.weight.clone(),
            rows: *counts,
        },
    })
}
