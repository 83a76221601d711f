//! Time of a training step and rows a second of `log_prob` and `sample`, for every recipe:
//! `cargo run --release --example throughput [-- THREADS]`.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use candle_core::{DType, Device, Tensor};
use diffeo::flows::config::recipe;
use diffeo::flows::objective::{Batch, Objective};
use diffeo::flows::objectives::MaximumLikelihood;
use diffeo::flows::rng::{Stream, generator};
use diffeo::flows::{Density, Params, Result, Workers};
use rand::Rng;
use rand_distr::StandardNormal;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seconds that each figure is measured for.
const MEASURE: f64 = 1.0;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let threads = std::env::args().nth(1).map_or(Ok(1), |text| text.parse())?;
    println!("{threads} thread(s), f32\n");
    println!("| flow | D | batch | parameters | step, ms | log_prob, rows/s | sample, rows/s |");
    println!("|---|---|---|---|---|---|---|");
    for name in ["nice", "realnvp", "glow", "maf", "iaf", "nsf", "nsf-ar", "nsf-gmm"] {
        for features in [2, 43] {
            for rows in [256, 4096] {
                println!("{}", line(name, features, rows, threads)?);
            }
        }
    }
    Ok(())
}

fn line(name: &str, d: usize, rows: usize, threads: usize) -> Result<String> {
    let mut params = Params::new(DType::F32, &Device::Cpu, 0);
    let flow = recipe(name)?.flow(d, 0)?.build(&mut params)?;
    let workers = Workers::new(threads)?;
    let objective = MaximumLikelihood::new(&flow, &workers);
    let mut rng = generator(0, Stream::Sample, 0);
    let values: Vec<f32> = (0..rows * d).map(|_| rng.sample(StandardNormal)).collect();
    let batch = Batch::new(Tensor::from_vec(values, (rows, d), &Device::Cpu)?);
    let step = median_seconds(|| {
        let mut rng = generator(0, Stream::Objective, 0);
        objective.loss_and_gradients(&params, &batch, &mut rng).map(|_| ())
    })?;
    let score = median_seconds(|| {
        let mut rng = generator(0, Stream::Objective, 0);
        objective.row_losses(&params, &batch, &mut rng).map(|_| ())
    })?;
    let draw = median_seconds(|| {
        let mut rng = generator(0, Stream::Sample, 1);
        flow.sample(rows, None, &mut rng).map(|_| ())
    })?;
    let per_second = |seconds: f64| rows as f64 / seconds;
    Ok(format!(
        "| {name} | {d} | {rows} | {} | {:.2} | {:.0} | {:.0} |",
        params.count(),
        1e3 * step,
        per_second(score),
        per_second(draw)
    ))
}

/// Median time of a call, over about a second and at least three calls, after one to warm up.
fn median_seconds(mut call: impl FnMut() -> Result<()>) -> Result<f64> {
    call()?;
    let started = Instant::now();
    let mut times = Vec::new();
    while started.elapsed().as_secs_f64() < MEASURE || times.len() < 3 {
        let before = Instant::now();
        call()?;
        times.push(before.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}
