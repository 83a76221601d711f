//! Pictures of data alone.

use super::flags;
use crate::args::{Common, PlotArgs, PlotKind};
use crate::failure::Usage;
use crate::input::Data;
use anyhow::Result;
use diffeo::data::{ReadOptions, Table};
use diffeo::flows::rng::Stream;
use diffeo::pictures;
use diffeo::plots::{Corner, DensityCurve, Figure, Points, Samples, Scene, Theme};

/// Rows drawn of a toy.
pub const TOY_ROWS: usize = 10_000;

pub fn draw(common: &Common, args: &PlotArgs, theme: Theme) -> Result<Scene> {
    let data = Data::parse(&args.subject)?;
    if !matches!(args.kind, PlotKind::Density | PlotKind::Samples) {
        let message = format!("{}: this kind of picture needs a model", args.subject);
        return Err(Usage(message).into());
    }
    flags::refuse_idle(args)?;
    match (&data, args.kind) {
        (Data::Toy(toy), PlotKind::Density) if args.log => {
            Ok(pictures::toy_log_density(toy, theme)?)
        }
        (Data::Toy(toy), PlotKind::Density) => Ok(pictures::toy(toy, theme)?),
        _ if args.log => {
            let message = format!("--log: {} is a table, which has no density", args.subject);
            Err(Usage(message).into())
        }
        _ => {
            let options = ReadOptions { missing: args.missing, ..ReadOptions::default() };
            let (table, dropped) =
                data.read_with(&options, TOY_ROWS, common.seed(), Stream::Sample)?;
            crate::commands::say_dropped(common, &dropped, table.rows());
            rows_alone(&table, theme)
        }
    }
}

/// The rows of a table.
fn rows_alone(table: &Table, theme: Theme) -> Result<Scene> {
    let (names, title) = (table.columns(), &pictures::title_of(table.source()));
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
