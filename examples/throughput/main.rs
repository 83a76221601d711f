//! Speed of training steps, `log_prob` and `sample`, as a table or as one JSON object a line:
//! `cargo run --release --example throughput -- --help`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

mod continuous;
mod machine;
mod subject;

use clap::{Parser, ValueEnum};
use diffeo::flows::Engine;
use diffeo::flows::fast::{peak::peak_flops, simd::Level};
use machine::{Machine, Timing};
use serde::Serialize;
use std::time::Instant;
use subject::Built;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Time training steps, log_prob and sample
#[derive(Debug, Parser)]
struct Args {
    /// One JSON object a line in place of a table
    #[arg(long)]
    json: bool,
    /// The recipes; `cnf`, `cnf-dopri5` and `cfm` are continuous flows
    #[arg(long, value_delimiter = ',', default_value = "realnvp,maf,nsf,nsf-ar")]
    models: Vec<String>,
    /// Numbers of features
    #[arg(long, value_delimiter = ',', default_value = "2,6,43")]
    dims: Vec<usize>,
    /// Rows of a training step
    #[arg(long, value_delimiter = ',', default_value = "256,1024,4096")]
    batches: Vec<usize>,
    /// Numbers of threads
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// The tiers
    #[arg(long, value_delimiter = ',', default_value = "fast")]
    engines: Vec<EngineName>,
    /// What is timed
    #[arg(long, value_delimiter = ',', default_value = "train_step,log_prob,sample")]
    metrics: Vec<Metric>,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum EngineName {
    Fast,
    Reference,
}

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[clap(rename_all = "snake_case")]
#[serde(rename_all = "snake_case")]
enum Metric {
    TrainStep,
    LogProb,
    Sample,
}

/// One measurement, with the fields of the benchmarks of other libraries and some more.
#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(rename = "library")]
    tier: &'static str,
    version: &'static str,
    model: &'a str,
    config: Config,
    metric: Metric,
    /// Seconds a step, or rows a second.
    value: f64,
    unit: &'static str,
    threads: usize,
    #[serde(flatten)]
    timing: Timing,
    note: &'a str,
    /// Of the products with weights that no mask removes.
    gflops: f64,
    /// Of all threads together, as measured just before.
    peak_gflops: f64,
    peak_share: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
struct Config {
    #[serde(rename = "D")]
    features: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'static str>,
    n_params: usize,
}

/// Rows of a call of `log_prob` and `sample`.
const CHUNK: usize = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    if !args.json {
        println!(
            "| engine | flow | D | threads | metric | batch | ms or k rows/s | GFLOP/s | of peak |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
    }
    for model in &args.models {
        for &features in &args.dims {
            for &engine in &args.engines {
                for &threads in &args.threads {
                    measure(&args, model, features, engine, threads)?;
                }
            }
        }
    }
    Ok(())
}

fn measure(
    args: &Args,
    model: &str,
    features: usize,
    engine: EngineName,
    threads: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let tier = match engine {
        EngineName::Fast => Engine::Fast,
        EngineName::Reference => Engine::Reference,
    };
    let subject = Built::new(model, features, tier, threads)?;
    let peak = threads as f64
        * peak_flops(Level::best(), |work| {
            let before = Instant::now();
            work();
            before.elapsed()
        });
    let machine = Machine { seconds: args.seconds };
    let wants = |metric| args.metrics.contains(&metric);
    let report = |metric, rows, timing| {
        let row = Row::new(&subject, (metric, rows), (threads, peak), timing)?;
        show(args.json, &row);
        Ok::<(), diffeo::flows::Error>(())
    };
    if wants(Metric::TrainStep) {
        for &batch in &args.batches {
            report(Metric::TrainStep, batch, subject.train_step(batch, &machine)?)?;
        }
    }
    if wants(Metric::LogProb) {
        report(Metric::LogProb, CHUNK, subject.log_prob(CHUNK, &machine)?)?;
    }
    if wants(Metric::Sample) {
        report(Metric::Sample, CHUNK, subject.sample(CHUNK, &machine)?)?;
    }
    Ok(())
}

impl<'a> Row<'a> {
    fn new(
        subject: &'a Built,
        (metric, rows): (Metric, usize),
        (threads, peak): (usize, f64),
        timing: Timing,
    ) -> diffeo::flows::Result<Self> {
        let seconds = timing.wall_med;
        let trains = metric == Metric::TrainStep;
        let products = subject.products(metric)?;
        let flops = 2.0 * products * subject.weights() as f64 * rows as f64 / seconds;
        Ok(Self {
            tier: subject.tier(),
            version: env!("CARGO_PKG_VERSION"),
            model: subject.model(),
            config: Config {
                features: subject.features(),
                batch: trains.then_some(rows),
                chunk: (!trains).then_some(rows),
                variant: trains.then_some("eager"),
                n_params: subject.parameters(),
            },
            metric,
            value: if trains { seconds } else { rows as f64 / seconds },
            unit: if trains { "s/step" } else { "rows/s" },
            threads,
            timing,
            note: subject.engine(),
            gflops: flops / 1e9,
            peak_gflops: peak / 1e9,
            peak_share: flops / peak,
        })
    }
}

fn show(json: bool, row: &Row) {
    if json {
        println!("{}", serde_json::to_string(row).unwrap_or_default());
        return;
    }
    let value = if row.config.batch.is_some() { 1e3 * row.value } else { 1e-3 * row.value };
    println!(
        "| {} | {} | {} | {} | {} | {} | {value:.3} | {:.0} | {:.2} |",
        row.tier,
        row.model,
        row.config.features,
        row.threads,
        serde_json::to_string(&row.metric).unwrap_or_default().trim_matches('"'),
        row.config.batch.map_or(String::new(), |batch| batch.to_string()),
        row.gflops,
        row.peak_share
    );
}
