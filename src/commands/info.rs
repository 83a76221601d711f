//! `diffeo info`: what a model is and where it came from.

use crate::args::{Common, InfoArgs};
use crate::commands::check::Verdict;
use crate::input::model;
use anyhow::Result;
use diffeo::flows::config::{ObjectiveConfig, ScoreMatching};
use diffeo::flows::engine::Choice;
use diffeo::flows::fast::simd::Level;
use diffeo::flows::model::{
    Column, ColumnKind, Evaluations, FORMAT, GivenColumn, Model, ModelSpec,
};
use diffeo::flows::score::NoiseLevels;
use diffeo::flows::transforms::Support;
use serde::Serialize;

#[derive(Serialize)]
struct Info<'a> {
    format: u32,
    parameters: usize,
    /// Of the structure and all weights: the same result has the same hash.
    result_hash: String,
    layers: Vec<&'static str>,
    engine: EngineInfo,
    /// Of a score model.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<ScoreInfo>,
    /// Null without a run folder, or where nothing was checked.
    certificate: Option<Verdict>,
    #[serde(flatten)]
    spec: &'a ModelSpec,
}

/// What computes the flow.
#[derive(Serialize)]
struct EngineInfo {
    /// `fast` or `reference`; all parts run on the same.
    tier: &'static str,
    /// The vector instructions of the fast engine.
    instructions: Option<&'static str>,
    /// Why the fast engine does not run the model; none where the reference engine was asked for.
    reason: Option<String>,
}

impl EngineInfo {
    fn of(model: &Model) -> Result<Self> {
        let choice = model.engine()?;
        let instructions = choice.level().map(Level::name);
        Ok(match choice {
            Choice::Fast(_) | Choice::FastField(_) => {
                Self { tier: "fast", instructions, reason: None }
            }
            Choice::Reference(why) => Self {
                tier: "reference",
                instructions: None,
                reason: why.map(|why| why.to_string()),
            },
        })
    }

    fn text(&self) -> String {
        match (self.instructions, &self.reason) {
            (Some(level), _) => format!("fast: kernels for every layer and the base, {level}"),
            (None, Some(reason)) => format!("reference; no kernels because of {reason}"),
            (None, None) => "reference, as asked".to_owned(),
        }
    }
}

/// How a score was matched, and at which noise.
#[derive(Serialize)]
struct ScoreInfo {
    /// Noise levels, in standard deviations of the columns.
    levels: NoiseLevels,
    /// Whether the network is the gradient of an energy.
    conservative: bool,
    #[serde(flatten)]
    matching: ScoreMatching,
}

impl ScoreInfo {
    fn of(model: &Model) -> Option<Self> {
        let (levels, conservative) = (model.noise_levels().ok()?, model.has_energy());
        let ObjectiveConfig::ScoreMatching(matching) = model.spec().objective else { return None };
        Some(Self { levels, conservative, matching })
    }

    fn lines(&self) -> [String; 3] {
        let NoiseLevels { smallest, largest } = self.levels;
        let ScoreMatching { objective, schedule, weighting, sampling, .. } = self.matching;
        let named = |value: serde_json::Result<serde_json::Value>| {
            value.ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
        };
        let [schedule, weighting, sampling] = [
            serde_json::to_value(schedule),
            serde_json::to_value(weighting),
            serde_json::to_value(sampling),
        ]
        .map(named);
        let network = if self.conservative { "the gradient of an energy" } else { "free" };
        [
            format!("noise        {smallest} to {largest} standard deviations, {schedule}"),
            format!("objective    {}, {}", objective.name(), objective.summary()),
            format!("network      {network}; {weighting} weighting, {sampling} sampling of levels"),
        ]
    }
}

pub fn run(common: &Common, args: &InfoArgs) -> Result<()> {
    let model: Model = model(&args.model, common.engine)?;
    let spec = model.spec();
    let info = Info {
        format: FORMAT,
        parameters: model.params().count(),
        result_hash: model.result_hash()?,
        layers: spec.flow.layers.iter().map(|layer| layer.name()).collect(),
        engine: EngineInfo::of(&model)?,
        score: ScoreInfo::of(&model),
        certificate: if args.model.is_dir() { Verdict::of_folder(&args.model)? } else { None },
        spec,
    };
    common.voice().result(&info, text)
}

/// A column and what it holds, where that is not any number.
fn described(column: &Column) -> String {
    let range = match column.support {
        Support::Real => String::new(),
        Support::Positive => "positive".to_owned(),
        Support::PositiveSoftplus => "positive-softplus".to_owned(),
        Support::Interval { low, high } => format!("{low} to {high}"),
    };
    let kind = match (&column.kind, column.support) {
        (ColumnKind::Real, _) => range,
        (ColumnKind::Integer, Support::Interval { low, high }) => {
            format!("integer, {low} to {}", high - 1.0)
        }
        (ColumnKind::Integer, Support::Real) => "integer".to_owned(),
        (ColumnKind::Integer, _) => "integer, from 0".to_owned(),
        (ColumnKind::Category { labels }, _) => format!("category: {}", labels.join(", ")),
        (ColumnKind::Circular { low, high }, _) => format!("circular, {low} to {high}"),
    };
    if kind.is_empty() { column.name.clone() } else { format!("{} ({kind})", column.name) }
}

/// The context: names, and the labels of categories.
fn given_text(spec: &ModelSpec) -> String {
    let of = |column: GivenColumn| match column.labels.as_slice() {
        [] => column.name,
        labels => format!("{} (category: {})", column.name, labels.join(", ")),
    };
    spec.context_columns().into_iter().map(of).collect::<Vec<_>>().join(", ")
}

fn text(info: &Info) -> String {
    let spec = info.spec;
    let columns: Vec<String> = spec.columns.iter().map(described).collect();
    let rows = spec.data.rows;
    let mut lines = vec![
        format!("flow         {} ({} parameters, {:?})", spec.recipe, info.parameters, spec.dtype),
        format!("layers       {}", info.layers.join(" → ")),
        format!("engine       {}", info.engine.text()),
        format!("columns      {}", columns.join(", ")),
    ];
    if let Some(score) = &info.score {
        lines.extend(score.lines());
    }
    if !spec.given.is_empty() {
        lines.push(format!("given        {}", given_text(spec)));
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
        if let Some(Evaluations { log_prob, sample }) = t.evaluations {
            lines.push(format!("evaluations  {log_prob} for log-densities, {sample} for samples"));
        }
    }
    if let Some(verdict) = &info.certificate {
        lines.push(format!("certificate  {}", verdict.text()));
    }
    lines.push(format!("result       {}", info.result_hash));
    lines.push(format!("format       {}", info.format));
    lines.join("\n")
}
