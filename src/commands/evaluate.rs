//! `diffeo evaluate`: how well a model predicts rows it has not seen.

use super::seen::Seen;
use crate::args::{Common, EvaluateArgs};
use crate::failure::Usage;
use crate::input::{
    Data, TOY_COLUMNS, model, rows_for, warn_of_contexts, warn_of_weights, workers,
};
use crate::output::complain;
use anyhow::Result;
use diffeo::baselines::{Advantage, Baseline, Baselines, Race, Rival};
use diffeo::data::{DataError, DataSource, ReadOptions, Table};
use diffeo::flows::Workers;
use diffeo::flows::metrics::{Estimate, bits_per_dim, energy_distance, kl_divergence};
use diffeo::flows::model::{Model, NoisyFisher};
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::rows::Rows;
use diffeo::flows::score::Sampler;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// The fewest rows to draw: their distance needs blocks for its error.
const FEWEST_SAMPLES: usize = 40;
/// Points that a score is judged at.
const SCORE_ROWS: usize = 10_000;

#[derive(Serialize)]
struct Evaluation {
    rows: usize,
    /// The numbers, from 1, of rows that were left out since no solver could follow them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_computed: Vec<usize>,
    /// (Σ w)² / Σ w² of the weights; left out where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_rows: Option<f64>,
    log_likelihood: Estimate,
    bits_per_dim: f64,
    seen_in_training: Seen,
    baselines: Means,
    advantage: Advantages,
    #[serde(skip)]
    race: Race,
    kl_to_truth: Option<Estimate>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    score: Vec<NoisyFisher>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<Samples>,
    seconds: f64,
    seed: u64,
}

/// How far rows that the model draws are from the data.
#[derive(Serialize)]
struct Samples {
    rows: usize,
    sampler: &'static str,
    energy_distance: Estimate,
}

/// Mean log-likelihoods of simpler densities on the same rows; null where there is none.
#[derive(Serialize)]
struct Means {
    gaussian: Option<f64>,
    gmm: Option<f64>,
    kde: Option<f64>,
}

/// How much better the model is, row by row; null where that is not known or infinite.
#[derive(Serialize)]
struct Advantages {
    gaussian: Option<Advantage>,
    gmm: Option<Advantage>,
    kde: Option<Advantage>,
}

pub fn run(common: &Common, args: &EvaluateArgs) -> Result<()> {
    let started = Instant::now();
    let (model, workers) = (model(&args.model, common.engine)?, workers(common.threads)?);
    let data = Data::parse(&args.data)?;
    if args.rows == 0 {
        return Err(Usage("--rows 0: give at least 1".to_owned()).into());
    }
    let sampler = asked_sampler(args, &model, &data)?;
    let table = table(common, args, &model, &data)?;
    let rows = rows_for(&model, &table)?;
    check_samples(args, &rows)?;
    warn_of_contexts(&model, rows.context().map(|(_, values)| values));
    warn_of_weights(&rows);
    let log_prob = model.log_prob_rows(&rows, &workers)?;
    let unknown = Model::not_computed(&log_prob);
    let not_computed: Vec<usize> = unknown.iter().map(|row| rows.number(*row) + 1).collect();
    super::say_not_computed(common, &not_computed);
    if unknown.len() == rows.len() {
        anyhow::bail!("no row's log-density could be computed; take another solver at fit");
    }
    let kept: Vec<usize> = (0..rows.len()).filter(|row| !log_prob[*row].is_nan()).collect();
    let (rows, log_prob) = match unknown.as_slice() {
        [] => (rows, log_prob),
        _ => (rows.take(&kept), kept.iter().map(|row| log_prob[*row]).collect::<Vec<_>>()),
    };
    let log_likelihood = Estimate::of(&log_prob, rows.weights());
    let baselines = baselines(common, &model, &args.model)?;
    let seen = Seen::of(&model, baselines.training(), &table, &rows);
    if let Some(told) = seen.told(table.source()) {
        complain(&format!(
            "warning: {told}; what follows says nothing about new rows, nor how the model compares with \
             others: give rows that its fit has not seen"
        ));
    }
    let race = Race::against(&model, &log_prob, &baselines, &rows, &workers)?;
    race.notes.iter().for_each(|note| common.voice().note(note));
    race.rivals.iter().filter_map(impossible).for_each(|note| common.voice().note(&note));
    let kl_to_truth = match &data {
        Data::Toy(toy) if is_of_toys(&model) => {
            let all: Vec<f64> = table.iter_rows().map(|x| toy.log_prob_at([x[0], x[1]])).collect();
            let truth: Vec<f64> = kept.iter().map(|row| all[*row]).collect();
            Some(kl_divergence(&truth, &log_prob))
        }
        _ => None,
    };
    let score = score(common, args, &model, &data, &workers)?;
    let samples = match args.samples {
        None => None,
        Some(asked) => Some(samples((asked, sampler), &model, &rows, common.seed(), &workers)?),
    };
    let evaluation = Evaluation {
        rows: rows.len(),
        not_computed,
        effective_rows: rows.weights().map(|_| rows.effective_len()),
        log_likelihood,
        bits_per_dim: bits_per_dim(log_likelihood.mean, rows.features()),
        seen_in_training: seen,
        baselines: Means {
            gaussian: mean(&race, Baseline::Gaussian),
            gmm: mean(&race, Baseline::Gmm),
            kde: mean(&race, Baseline::Kde),
        },
        advantage: Advantages {
            gaussian: advantage(&race, Baseline::Gaussian),
            gmm: advantage(&race, Baseline::Gmm),
            kde: advantage(&race, Baseline::Kde),
        },
        race,
        kl_to_truth,
        score,
        samples,
        seconds: started.elapsed().as_secs_f64(),
        seed: common.seed(),
    };
    common.voice().result(&evaluation, text)
}

/// The baselines that lie beside a model, or none and a note.
fn baselines(common: &Common, model: &Model, path: &Path) -> Result<Baselines> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let file = folder.join(Baselines::FILE);
    if file.exists() {
        return Ok(Baselines::load(model, file)?);
    }
    common.voice().note(&format!(
        "no Gaussian mixture and no kernel estimate: there is no {}, which fit writes",
        file.display()
    ));
    Ok(Baselines::default())
}

fn mean(race: &Race, baseline: Baseline) -> Option<f64> {
    race.rival(baseline).map(|rival| rival.log_likelihood.mean)
}

fn advantage(race: &Race, baseline: Baseline) -> Option<Advantage> {
    race.rival(baseline).and_then(|rival| rival.advantage)
}

/// Says which baseline calls rows impossible: its mean is −∞ then, which JSON has no number for.
fn impossible(rival: &Rival) -> Option<String> {
    let title = rival.baseline.title();
    let have = if rival.impossible == 1 { "row has" } else { "rows have" };
    (rival.impossible > 0)
        .then(|| format!("{title}: {} {have} density 0 under it", rival.impossible))
}

/// The sampler that is asked for, when all that is asked for can be had of this model and data.
fn asked_sampler(args: &EvaluateArgs, model: &Model, data: &Data) -> Result<Option<Sampler>> {
    let sampler = args.sampler.sampler()?;
    if !args.noise.is_empty() {
        model.noise_levels()?;
        if !matches!(data, Data::Toy(_)) || !is_of_toys(model) {
            let message = "--noise: the exact score is known for toys, and models of both their \
                           columns, alone";
            return Err(Usage(message.to_owned()).into());
        }
    }
    if let (Some(sampler), None) = (sampler, args.samples) {
        let name = sampler.kind.name();
        return Err(Usage(format!("--sampler {name}: give --samples too")).into());
    }
    if sampler.is_some() {
        model.noise_levels()?;
    }
    Ok(sampler)
}

/// Fails unless as many rows as are to be drawn are there, all of the same weight.
fn check_samples(args: &EvaluateArgs, rows: &Rows) -> Result<()> {
    let Some(asked) = args.samples else { return Ok(()) };
    let there = rows.len();
    if asked < FEWEST_SAMPLES || there < asked {
        let remedy = format!("give {FEWEST_SAMPLES} to {there}, the rows there are");
        return Err(Usage(format!("--samples {asked}: {remedy}")).into());
    }
    if rows.weights().is_some() {
        let message = "--samples: rows that are drawn have no weights; leave out the weight column";
        return Err(Usage(message.to_owned()).into());
    }
    Ok(())
}

/// The errors of a model's score against the toy's.
fn score(
    common: &Common,
    args: &EvaluateArgs,
    model: &Model,
    data: &Data,
    workers: &Workers,
) -> Result<Vec<NoisyFisher>> {
    let Data::Toy(toy) = data else { return Ok(Vec::new()) };
    let (points, seed) = (SCORE_ROWS.min(args.rows), common.seed());
    let at = |noise: &f64| Ok(model.fisher_to_toy(toy, *noise, points, seed, workers)?);
    args.noise.iter().map(at).collect()
}

/// Draws rows and compares them with as many of the data, chosen at random.
fn samples(
    (asked, sampler): (usize, Option<Sampler>),
    model: &Model,
    data: &Rows,
    seed: u64,
    workers: &Workers,
) -> Result<Samples> {
    let mut rng = generator(seed, Stream::Evaluation, 2);
    let data = data.take(&rand::seq::index::sample(&mut rng, data.len(), asked).into_vec());
    let context = data.context().map(|(_, values)| values);
    let (drawn, name) = match &sampler {
        None => (model.sample_rows(asked, context, seed, workers)?, "default"),
        Some(sampler) => (
            model.sample_rows_by(sampler, (0, asked), context, seed, workers)?,
            sampler.kind.name(),
        ),
    };
    let energy_distance = energy_distance(&drawn, data.points(), data.features())?;
    Ok(Samples { rows: asked, sampler: name, energy_distance })
}

/// Whether a model is over both columns of a toy, given none: its log-density can then be compared
/// with the truth.
fn is_of_toys(model: &Model) -> bool {
    let spec = model.spec();
    spec.given.is_empty() && spec.columns.iter().map(|c| c.name.as_str()).eq(TOY_COLUMNS)
}

/// The rows to judge by, with the weights of the model's weight column where the table has it.
fn table(common: &Common, args: &EvaluateArgs, model: &Model, data: &Data) -> Result<Table> {
    let Data::Table(source) = data else {
        return data.read(None, args.rows, common.seed(), Stream::Evaluation);
    };
    let columns = super::columns_of(model, source);
    let read = |columns: Option<Vec<String>>| -> std::result::Result<Table, DataError> {
        let missing = args.missing;
        let options = ReadOptions { columns, missing, ..super::reading(model, source) };
        let mut reader = source.open_with(&options)?;
        let table = reader.read_rest()?;
        super::say_dropped(common, reader.dropped(), table.rows());
        Ok(table)
    };
    if let (Some(columns), Some(weight)) = (&columns, &model.spec().data.weight) {
        let weighted: Vec<String> = columns.iter().chain([weight]).cloned().collect();
        match read(Some(weighted)) {
            Err(DataError::UnknownColumn { column, .. })
                if column == *weight && *source != DataSource::Stdin => {}
            other => return Ok(other?),
        }
    }
    Ok(read(columns)?)
}

/// Whether the model, to which so many rows are impossible, is worth its trouble beside a baseline.
fn rival_text(rival: &Rival, by_model: usize) -> String {
    let rows = |n: usize| format!("{n} row{}", if n == 1 { "" } else { "s" });
    let (title, mean) = (rival.baseline.title(), rival.log_likelihood.mean);
    let detail = rival.detail.as_ref().map_or(String::new(), |detail| format!(" ({detail})"));
    let verdict = match rival.advantage {
        None if rival.impossible > 0 && by_model > 0 => {
            let (it, model) = (rows(rival.impossible), rows(by_model));
            format!("it gives {it} density 0, the model {model}")
        }
        None if rival.impossible > 0 => {
            format!("it gives {} density 0, the model none", rows(rival.impossible))
        }
        None if by_model > 0 => {
            format!("the model is worse: it gives {} density 0, this none", rows(by_model))
        }
        None => "not to be compared".to_owned(),
        Some(advantage) => {
            let worth = match advantage.is_worth_it() {
                Some(true) => "the model is worth it",
                Some(false) => "the model is worse",
                None => "no clear difference",
            };
            let [low, high] = advantage.interval;
            let [low, high] = [low, high].map(shown);
            format!("{worth}: {} nats a row, 95 % in [{low}, {high}]", signed(advantage.mean))
        }
    };
    format!("{title:<21} {} nats{detail}; {verdict}", shown(mean))
}

/// From here on scores are written in powers of ten.
const LARGE: f64 = 1e7;

/// Four decimals.
fn shown(value: f64) -> String {
    if value.abs() < LARGE || !value.is_finite() {
        format!("{value:.4}")
    } else {
        format!("{value:.3e}")
    }
}

fn signed(value: f64) -> String {
    format!("{}{}", if value < 0.0 { "" } else { "+" }, shown(value))
}

fn text(e: &Evaluation) -> String {
    let plus_minus = |x: &Estimate| format!("{} ± {}", shown(x.mean), shown(x.standard_error));
    let mut lines = vec![
        match e.effective_rows {
            None => format!("rows                  {}", e.rows),
            Some(effective) => {
                format!("rows                  {}, by their weights {effective:.1}", e.rows)
            }
        },
        format!("mean log-likelihood   {} nats", plus_minus(&e.log_likelihood)),
        format!("bits per dimension    {}", shown(e.bits_per_dim)),
    ];
    if e.race.model_impossible > 0 {
        lines.push(format!("density 0             of {} of the rows", e.race.model_impossible));
    }
    lines.extend(e.race.rivals.iter().map(|rival| rival_text(rival, e.race.model_impossible)));
    if let Some(kl) = &e.kl_to_truth {
        lines.push(format!("KL to the truth       {} nats", plus_minus(kl)));
    }
    for NoisyFisher { noise, fisher, .. } in &e.score {
        let relative = plus_minus(&fisher.relative);
        lines.push(format!("score, noise {noise:<8} {relative} relative Fisher divergence"));
    }
    if let Some(Samples { rows, energy_distance, .. }) = &e.samples {
        let distance = plus_minus(energy_distance);
        lines.push(format!("energy distance       {distance} of {rows} rows drawn"));
    }
    lines.join("\n")
}
