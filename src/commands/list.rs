//! `diffeo list`: what there is to fit and to fit it with.

use crate::args::Common;
use anyhow::Result;
use diffeo::flows::config::{ScoreObjective, recipes};
use diffeo::flows::densities::Toy;
use diffeo::flows::score::{Sampler, SamplerKind};
use serde::Serialize;

#[derive(Serialize)]
struct Listing {
    toys: Vec<Entry>,
    flows: Vec<Entry>,
    score_objectives: Vec<Entry>,
    samplers: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    summary: String,
}

pub fn run(common: &Common) -> Result<()> {
    let toys = Toy::all().iter().map(|t| entry(t.name, t.summary));
    let flows = recipes()?.iter().map(|(name, recipe)| Entry {
        name: name.clone(),
        summary: format!("{} ({})", recipe.summary, recipe.reference),
    });
    let objectives = ScoreObjective::ALL.iter().map(|o| entry(o.name(), o.summary()));
    let samplers = SamplerKind::ALL.iter().map(|kind| {
        let evaluations = Sampler::new(*kind).evaluations();
        entry(kind.name(), &format!("{}; {evaluations} evaluations a sample", about(*kind)))
    });
    let listing = Listing {
        toys: toys.collect(),
        flows: flows.collect(),
        score_objectives: objectives.collect(),
        samplers: samplers.collect(),
    };
    common.voice().result(&listing, |listing| {
        let parts = [
            ("toy densities", &listing.toys),
            ("flows", &listing.flows),
            ("objectives of scores", &listing.score_objectives),
            ("samplers of score models", &listing.samplers),
        ];
        let part = |(title, entries): &(&str, &Vec<Entry>)| format!("{title}\n{}", lines(entries));
        parts.iter().map(part).collect::<Vec<_>>().join("\n\n")
    })
}

fn entry(name: &str, summary: &str) -> Entry {
    Entry { name: name.to_owned(), summary: summary.to_owned() }
}

fn about(kind: SamplerKind) -> &'static str {
    match kind {
        SamplerKind::ProbabilityFlow => "the deterministic flow, by equal steps",
        SamplerKind::Ddim => "the deterministic flow, first order",
        SamplerKind::Multistep => "the deterministic flow, second order at one evaluation a step",
        SamplerKind::EulerMaruyama => "the reverse stochastic equation, first order",
        SamplerKind::Heun => "the same with the mean drift of both ends of a step",
        SamplerKind::PredictorCorrector => "Euler–Maruyama with Langevin steps between",
        SamplerKind::AnnealedLangevin => "Langevin steps at ever smaller noise levels",
        SamplerKind::Langevin => "Langevin steps at the smallest noise level alone",
    }
}

fn lines(entries: &[Entry]) -> String {
    let width = entries.iter().map(|e| e.name.len()).max().unwrap_or(0);
    let line = |e: &Entry| format!("  {:width$}  {}", e.name, e.summary);
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}
