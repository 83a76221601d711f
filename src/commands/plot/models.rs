//! Pictures of models.

use super::data::TOY_ROWS;
use super::{Drawing, flags};
use crate::args::{Common, PlotArgs, PlotKind};
use crate::commands::seen::{Seen, training_rows};
use crate::failure::Usage;
use crate::input::{Data, model, rows_for, warn_of_contexts, workers};
use crate::output::complain;
use anyhow::Result;
use diffeo::flows::model::Model;
use diffeo::flows::rng::Stream;
use diffeo::flows::rows::Rows;
use diffeo::flows::score::{Sampler, SamplerKind};
use diffeo::pictures::{Named, Studio, title_of};
use diffeo::plots::{FieldStyle, Theme};
use serde_json::json;
use std::path::Path;

pub fn draw(common: &Common, args: &PlotArgs, path: &Path, theme: Theme) -> Result<Drawing> {
    flags::refuse_idle(args)?;
    let (model, workers) = (model(path, common.engine)?, workers(common.threads)?);
    let rows = rows(common, args, &model)?;
    let name = args.title.clone().unwrap_or_else(|| title_of(&model.spec().data.source));
    let studio =
        Studio { model: &model, data: rows.as_ref(), name: &name, workers: &workers, theme };
    let style = if args.streamlines { FieldStyle::Streamlines } else { FieldStyle::Arrows };
    let is_film = flags::is_film(args);
    let only = || args.which.only(args.kind);
    Ok(match args.kind {
        PlotKind::Density if args.log => studio.log_density()?.into(),
        PlotKind::Density => studio.density()?.into(),
        PlotKind::Samples => studio.samples()?.into(),
        PlotKind::Training => studio.training()?.into(),
        PlotKind::LogDet => studio.log_det()?.into(),
        PlotKind::Singular => studio.singular()?.into(),
        PlotKind::Residual => studio.residual()?.into(),
        PlotKind::Calibration => studio.calibration()?.into(),
        PlotKind::Scores => scores(common, args, &studio)?,
        PlotKind::Layers => studio.layers()?.into(),
        PlotKind::Flow if is_film => Drawing::there_and_back(studio.flow_film()?),
        PlotKind::Flow => studio.flow()?.into(),
        PlotKind::Trajectories if is_film => studio.trajectories_film()?.into(),
        PlotKind::Trajectories => studio.trajectories()?.into(),
        PlotKind::Reverse => {
            let default = Sampler::new(SamplerKind::EulerMaruyama);
            let sampler = args.sampler.sampler()?.unwrap_or(default);
            if is_film {
                studio.reverse_film(&sampler)?.into()
            } else {
                studio.reverse(&sampler)?.into()
            }
        }
        PlotKind::Field if args.which.noise.len() > 1 => {
            studio.levels(&args.which.noise, style)?.into()
        }
        PlotKind::Field => studio.field(only()?.of(&model), style)?.into(),
        PlotKind::Divergence => studio.divergence(only()?.of(&model))?.into(),
        PlotKind::Curl => curl(&studio, args)?,
        PlotKind::Energy => studio.energy(only()?.noise)?.into(),
        PlotKind::Compare => compare(common, args, &studio, style)?,
    })
}

/// Rows to draw beside a model: those that are asked for, or those of its toy.
fn rows(common: &Common, args: &PlotArgs, model: &Model) -> Result<Option<Rows>> {
    let Some(text) = args.data.clone().or_else(|| toy_of(&model.spec().data.source)) else {
        if args.kind.judges() {
            let message = format!("{}: name rows to judge by: --data DATA", args.kind.name());
            return Err(Usage(message).into());
        }
        if model.spec().given.is_empty() {
            return Ok(None);
        }
        let message = "a conditional density is drawn at the contexts of data: give --data";
        return Err(Usage(message.to_owned()).into());
    };
    let data = Data::parse(&text)?;
    let options = crate::commands::options(model, &data, args.missing);
    // The rows of a toy that a model is judged by are not those it was fitted to.
    let stream = if args.kind.judges() { Stream::Evaluation } else { Stream::Sample };
    let (table, dropped) = data.read_with(&options, TOY_ROWS, common.seed(), stream)?;
    crate::commands::say_dropped(common, &dropped, table.rows());
    let rows = rows_for(model, &table)?;
    warn_of_contexts(model, rows.context().map(|(_, values)| values));
    if args.kind.judges() && rows.weights().is_none() {
        let training = training_rows(model, Path::new(&args.subject));
        let seen = Seen::of(model, training.as_ref(), &table, &rows);
        if let Some(told) = seen.told(table.source()) {
            complain(&format!("warning: {told}; the picture says nothing about new rows"));
        }
    }
    Ok(Some(rows))
}

/// The source of a model's data if it is a toy, which can be drawn again.
fn toy_of(source: &str) -> Option<String> {
    matches!(Data::parse(source), Ok(Data::Toy(_))).then(|| source.to_owned())
}

fn curl(studio: &Studio<'_>, args: &PlotArgs) -> Result<Drawing> {
    let (scene, share) = studio.curl(args.which.only(args.kind)?.of(studio.model))?;
    let mut drawing = Drawing::from(scene);
    drawing.facts.insert("antisymmetric_share".to_owned(), json!(share));
    drawing.note = Some(format!(
        "antisymmetric share of the Jacobian over the data: {:.3e} ± {:.1e}",
        share.mean, share.standard_error
    ));
    Ok(drawing)
}

fn compare(
    common: &Common,
    args: &PlotArgs,
    studio: &Studio<'_>,
    style: FieldStyle,
) -> Result<Drawing> {
    let [path] = args.with.as_slice() else {
        let message = "compare: name one other model --with MODEL";
        return Err(Usage(message.to_owned()).into());
    };
    let other = beside(common, path, studio)?;
    let names = [shown(Path::new(&args.subject)), shown(path)];
    let named = Named { model: &other, name: &names[1] };
    let (scene, alike) = studio.compare(&names[0], named, style)?;
    let mut drawing = Drawing::from(scene);
    drawing.facts.insert("relative".to_owned(), json!(alike.relative));
    drawing.facts.insert("cosine".to_owned(), json!(alike.cosine));
    drawing.note = Some(format!(
        "relative difference {:.4} ± {:.4}, cosine {:.4} ± {:.4} over the data",
        alike.relative.mean,
        alike.relative.standard_error,
        alike.cosine.mean,
        alike.cosine.standard_error
    ));
    Ok(drawing)
}

fn scores(common: &Common, args: &PlotArgs, studio: &Studio<'_>) -> Result<Drawing> {
    let others: Vec<Model> =
        args.with.iter().map(|path| beside(common, path, studio)).collect::<Result<_>>()?;
    let names: Vec<String> = args.with.iter().map(|path| shown(path)).collect();
    let named = others.iter().zip(&names).map(|(model, name)| Named { model, name });
    Ok(studio.scores(&shown(Path::new(&args.subject)), &named.collect::<Vec<_>>())?.into())
}

/// Another model of the same columns.
fn beside(common: &Common, path: &Path, studio: &Studio<'_>) -> Result<Model> {
    let other = model(path, common.engine)?;
    let columns = |model: &Model| -> Vec<String> {
        model
            .spec()
            .columns
            .iter()
            .map(|c| c.name.clone())
            .chain(model.spec().context_columns().into_iter().map(|c| c.name))
            .collect()
    };
    let (own, others) = (columns(studio.model), columns(&other));
    if own != others {
        return Err(Usage(format!(
            "--with {}: it is over the columns {}, not {}; compare models of the same columns",
            path.display(),
            others.join(", "),
            own.join(", ")
        ))
        .into());
    }
    Ok(other)
}

/// The name of a run, without the file's own where that says nothing.
fn shown(path: &Path) -> String {
    let is_default = path.file_name().is_some_and(|name| name == "model.safetensors");
    let folder = path.parent().filter(|parent| is_default && parent.file_name().is_some());
    let name = folder.unwrap_or(path).file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
