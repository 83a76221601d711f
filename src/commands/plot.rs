//! `diffeo plot`: one picture of a model or of data.

use crate::args::{Common, PlotArgs, PlotKind};
use crate::failure::Usage;
use crate::input::{Data, model, rows_for, workers};
use anyhow::Result;
use diffeo::data::Table;
use diffeo::flows::rng::Stream;
use diffeo::pictures::{self, Studio};
use diffeo::plots::{Corner, DensityCurve, FieldStyle, Figure, Points, Samples, Scene, Theme};
use serde_json::json;
use std::path::Path;

/// Rows drawn of a toy.
const TOY_ROWS: usize = 10_000;

pub fn run(common: &Common, args: &PlotArgs) -> Result<()> {
    super::refuse_existing(&args.output, args.force)?;
    let theme = if args.dark { Theme::dark() } else { Theme::light() };
    let path = Path::new(&args.subject);
    let is_model = path.is_dir() || path.extension().is_some_and(|e| e == "safetensors");
    let scene =
        if is_model { of_model(common, args, path, theme)? } else { of_data(common, args, theme)? };
    scene.save(&args.output)?;
    common.voice().note(&format!("wrote {}", args.output.display()));
    if common.json {
        common.voice().result(&json!({"picture": args.output}), ToString::to_string)?;
    }
    Ok(())
}

fn of_model(common: &Common, args: &PlotArgs, path: &Path, theme: Theme) -> Result<Scene> {
    refuse_idle_flags(args)?;
    let (model, workers) = (model(path, common.engine)?, workers(common.threads)?);
    let source = args.data.clone().or_else(|| toy_of(&model.spec().data.source));
    let rows = match source {
        Some(text) => {
            let data = Data::parse(&text)?;
            let columns = match &data {
                Data::Table(source) => super::columns_of(&model, source),
                Data::Toy(_) => None,
            };
            let table = data.read(columns.as_deref(), TOY_ROWS, common.seed(), Stream::Sample)?;
            Some(rows_for(&model, &table)?)
        }
        None => None,
    };
    if rows.is_none() && !model.spec().given.is_empty() {
        let message = "a conditional density is drawn at the contexts of data: give --data";
        return Err(Usage(message.to_owned()).into());
    }
    let name = args.title.clone().unwrap_or_else(|| model.spec().data.source.clone());
    let studio =
        Studio { model: &model, data: rows.as_ref(), name: &name, workers: &workers, theme };
    let style = if args.streamlines { FieldStyle::Streamlines } else { FieldStyle::Arrows };
    Ok(match args.kind {
        PlotKind::Density => studio.density()?,
        PlotKind::Samples => studio.samples()?,
        PlotKind::Training => studio.training()?,
        PlotKind::Flow => studio.flow()?,
        PlotKind::Trajectories => studio.trajectories()?,
        PlotKind::Field => studio.field(args.which.of(&model), style)?,
        PlotKind::Divergence => studio.divergence(args.which.of(&model))?,
    })
}

/// Fails for flags that this kind of picture has no use for.
fn refuse_idle_flags(args: &PlotArgs) -> Result<()> {
    let is_field = matches!(args.kind, PlotKind::Field | PlotKind::Divergence);
    let idle = [
        ("--streamlines", args.streamlines && args.kind != PlotKind::Field),
        ("--score", args.which.score && !is_field),
        ("--time", args.which.time.is_some() && !is_field),
    ];
    match idle.iter().find(|(_, idle)| *idle) {
        Some((flag, _)) => {
            Err(Usage(format!("{flag}: this kind of picture has no use for it")).into())
        }
        None => Ok(()),
    }
}

/// The source of a model's data if it is a toy, which can be drawn again.
fn toy_of(source: &str) -> Option<String> {
    matches!(Data::parse(source), Ok(Data::Toy(_))).then(|| source.to_owned())
}

fn of_data(common: &Common, args: &PlotArgs, theme: Theme) -> Result<Scene> {
    let data = Data::parse(&args.subject)?;
    match (&data, args.kind) {
        (Data::Toy(toy), PlotKind::Density) => Ok(pictures::toy(toy, theme)?),
        (_, PlotKind::Density | PlotKind::Samples) => {
            rows_alone(&data.read(None, TOY_ROWS, common.seed(), Stream::Sample)?, theme)
        }
        _ => Err(Usage(format!("{}: this kind of picture needs a model", args.subject)).into()),
    }
}

/// The rows of a table.
fn rows_alone(table: &Table, theme: Theme) -> Result<Scene> {
    let (names, title) = (table.columns(), table.source());
    Ok(match table.width() {
        1 => DensityCurve::new("", &[])
            .data(table.values())?
            .title(title)
            .label(&names[0])
            .theme(theme)
            .scene()?,
        2 => Samples::new("data", Points::new(table.values(), 2)?)
            .title(title)
            .labels(&names[0], &names[1])
            .theme(theme)
            .scene()?,
        width => Corner::new(names, Points::new(table.values(), width)?)?
            .title(title)
            .theme(theme)
            .scene()?,
    })
}
