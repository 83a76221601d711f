//! `diffeo list`: what there is to fit and to fit it with.

use crate::args::Common;
use anyhow::Result;
use diffeo::flows::config::recipes;
use diffeo::flows::densities::Toy;
use serde::Serialize;

#[derive(Serialize)]
struct Listing {
    toys: Vec<Entry>,
    flows: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    summary: String,
}

pub fn run(common: &Common) -> Result<()> {
    let toys = Toy::all().iter().map(|t| Entry { name: t.name.into(), summary: t.summary.into() });
    let flows = recipes()?.iter().map(|(name, recipe)| Entry {
        name: name.clone(),
        summary: format!("{} ({})", recipe.summary, recipe.reference),
    });
    let listing = Listing { toys: toys.collect(), flows: flows.collect() };
    common.voice().result(&listing, |listing| {
        format!("toy densities\n{}\n\nflows\n{}", lines(&listing.toys), lines(&listing.flows))
    })
}

fn lines(entries: &[Entry]) -> String {
    let width = entries.iter().map(|e| e.name.len()).max().unwrap_or(0);
    let line = |e: &Entry| format!("  {:width$}  {}", e.name, e.summary);
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}
