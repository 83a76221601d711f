//! `diffeo info`: what a model is and where it came from.

use crate::args::{Common, InfoArgs};
use crate::input::model;
use anyhow::Result;
use diffeo::flows::config::LayerConfig;
use diffeo::flows::model::{FORMAT, Model, ModelSpec};
use serde::Serialize;

#[derive(Serialize)]
struct Info<'a> {
    format: u32,
    parameters: usize,
    layers: Vec<&'static str>,
    #[serde(flatten)]
    spec: &'a ModelSpec,
}

pub fn run(common: &Common, args: &InfoArgs) -> Result<()> {
    let model: Model = model(&args.model)?;
    let spec = model.spec();
    let info = Info {
        format: FORMAT,
        parameters: model.params().count(),
        layers: spec.flow.layers.iter().map(LayerConfig::name).collect(),
        spec,
    };
    common.voice().result(&info, text)
}

fn text(info: &Info) -> String {
    let spec = info.spec;
    let columns: Vec<&str> = spec.columns.iter().map(|c| c.name.as_str()).collect();
    let rows = spec.data.rows;
    let mut lines = vec![
        format!("flow         {} ({} parameters, {:?})", spec.recipe, info.parameters, spec.dtype),
        format!("layers       {}", info.layers.join(" → ")),
        format!("columns      {}", columns.join(", ")),
    ];
    if !spec.given.is_empty() {
        lines.push(format!("given        {}", spec.given.join(", ")));
    }
    lines.push(format!("data         {} ({})", spec.data.source, spec.data.hash));
    lines.push(format!(
        "rows         {} train, {} valid, {} test",
        rows.train, rows.valid, rows.test
    ));
    lines.push(format!("seed         {}", spec.seed));
    if let Some(t) = &spec.training {
        lines.push(format!("steps        {} (weights of step {})", t.steps, t.best_step));
        let show = |v: Option<f64>| v.map_or("none".to_owned(), |v| format!("{v:.4}"));
        lines.push(format!(
            "likelihood   {:.4} train, {} valid, {} test nats",
            t.train_log_likelihood,
            show(t.valid_log_likelihood),
            show(t.test_log_likelihood)
        ));
    }
    lines.push(format!("format       {}", info.format));
    lines.join("\n")
}
