//! Training steps, log_prob and sample of both tiers: `cargo bench -p diffeo-flows`.
//!
//! One thread; `examples/throughput` measures the same over more sizes, and several threads.

use candle_core::{DType, Device, Tensor};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use diffeo_flows::config::{ObjectiveConfig, recipe};
use diffeo_flows::objective::Batch;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::train::{Moving, TrainConfig, Update, steps};
use diffeo_flows::{Engine, Params, Result, Workers};
use rand::Rng;
use rand_distr::StandardNormal;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn normal_rows(rows: usize, features: usize) -> Result<Tensor> {
    let mut rng = generator(0, Stream::Sample, 0);
    let values: Vec<f32> = (0..rows * features).map(|_| rng.sample(StandardNormal)).collect();
    Ok(Tensor::from_vec(values, (rows, features), &Device::Cpu)?)
}

/// All that is measured of one recipe on one tier.
fn measure(
    group: &mut BenchmarkGroup<WallTime>,
    name: &str,
    features: usize,
    (tier, engine): (&str, Engine),
) -> Result<()> {
    let mut params = Params::new(DType::F32, &Device::Cpu, 0);
    let config = recipe(name)?.flow(features, 0)?;
    let flow = config.build(&mut params)?;
    let workers = Workers::new(1)?;
    let choice = engine.choose(&config, &params)?;
    let likelihood = ObjectiveConfig::MaximumLikelihood;
    let objective = choice.objective(&likelihood, &flow, &workers)?;
    let settings = TrainConfig::default();
    let update = Update { config: &settings, learning_rate: 1e-4, average_decay: Some(0.995) };
    for rows in [256, 4096] {
        let train = Batch::new(normal_rows(rows, features)?);
        let mut steps = steps(objective.as_ref(), &params, &train)?;
        steps.load(&Moving::new(params.read_flat()?))?;
        let index: Vec<u32> = (0..rows as u32).collect();
        let mut rng = generator(0, Stream::Objective, 0);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(format!("{tier}/train_step/{rows}"), |b| {
            b.iter(|| steps.step(&index, &update, &mut rng));
        });
    }
    let density = engine.choose(&config, &params)?.density(&config, &params)?;
    let x = normal_rows(4096, features)?;
    group.throughput(Throughput::Elements(4096));
    group.bench_function(format!("{tier}/log_prob"), |b| b.iter(|| density.log_prob(&x, None)));
    group.bench_function(format!("{tier}/sample"), |b| {
        b.iter(|| density.sample(4096, None, &mut generator(0, Stream::Sample, 1)));
    });
    Ok(())
}

fn tiers(criterion: &mut Criterion) {
    for features in [2, 43] {
        for name in ["realnvp", "maf", "nsf", "nsf-ar", "nsf-gmm"] {
            let mut group = criterion.benchmark_group(format!("{name}/{features}"));
            group.sample_size(10).warm_up_time(Duration::from_millis(300));
            group.measurement_time(Duration::from_secs(1));
            for tier in [("fast", Engine::Fast), ("reference", Engine::Reference)] {
                if let Err(error) = measure(&mut group, name, features, tier) {
                    panic!("{name}/{features}: {error}");
                }
            }
            group.finish();
        }
    }
}

criterion_group!(benches, tiers);
criterion_main!(benches);
