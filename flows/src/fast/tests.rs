use super::simd::Level;
use super::{MaximumLikelihood, Program};
use crate::config::recipe;
use crate::objective::{Batch, Objective};
use crate::objectives;
use crate::params::Params;
use crate::rng::{Stream, generator};
use crate::train::{AdamW, Moving, TrainConfig, Update};
use crate::workers::Workers;
use candle_core::{DType, Device, Tensor};
use rand::Rng;
use rand_distr::StandardNormal;
use std::time::Instant;

fn batch(rows: usize, d: usize) -> Batch {
    let mut rng = generator(0, Stream::Sample, 0);
    let values: Vec<f32> = (0..rows * d).map(|_| rng.sample(StandardNormal)).collect();
    Batch::new(Tensor::from_vec(values, (rows, d), &Device::Cpu).unwrap())
}

#[test]
fn agrees() {
    for name in ["nice", "realnvp", "maf", "iaf", "glow", "nsf", "nsf-ar", "nsf-gmm"] {
        for d in [2, 5, 43] {
            let mut params = Params::new(DType::F32, &Device::Cpu, 0);
            let config = recipe(name).unwrap().flow(d, 0).unwrap();
            let flow = config.build(&mut params).unwrap();
            let mut rng = generator(1, Stream::Sample, 0);
            let theta: Vec<f64> = params
                .read_flat()
                .unwrap()
                .iter()
                .map(|t| t + 0.05 * rng.sample::<f64, _>(StandardNormal))
                .collect();
            params.write_flat(&theta).unwrap();
            let workers = Workers::new(1).unwrap();
            let batch = batch(133, d);
            let slow = objectives::MaximumLikelihood::new(&flow, &workers);
            let (l0, g0) = slow.loss_and_gradients(&params, &batch, &mut rng).unwrap();
            for level in Level::available() {
                let program = std::sync::Arc::new(Program::new(&config, &params, level).unwrap());
                let fast = MaximumLikelihood::new(&program, &flow, &workers);
                let (l1, g1) = fast.loss_and_gradients(&params, &batch, &mut rng).unwrap();
                let worst = g0.iter().zip(&g1).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                let largest = g0.iter().map(|a| a.abs()).fold(0.0, f64::max);
                println!("{name} {d} {} {l0} {l1} {worst:e} of {largest}", level.name());
                assert!((l0 - l1).abs() < 1e-5 * l0.abs().max(1.0));
                assert!(worst < 1e-4 * largest);
            }
        }
    }
}

#[test]
#[ignore]
fn speed() {
    for name in ["realnvp", "maf", "nsf", "nsf-ar"] {
        for d in [2, 43] {
            let mut params = Params::new(DType::F32, &Device::Cpu, 0);
            let config = recipe(name).unwrap().flow(d, 0).unwrap();
            let flow = config.build(&mut params).unwrap();
            let level = Level::best();
            let program = std::sync::Arc::new(Program::new(&config, &params, level).unwrap());
            let peak = super::peak::peak_flops(level, |f| {
                let t = Instant::now();
                f();
                t.elapsed()
            });
            let weights = params.read_flat().unwrap();
            for rows in [256, 4096] {
                for threads in [1, 2] {
                    let workers = Workers::new(threads).unwrap();
                    let fast = MaximumLikelihood::new(&program, &flow, &workers);
                    let batch = batch(rows, d);
                    let mut steps =
                        fast.steps(&batch, &vec![true; params.count()]).unwrap().unwrap();
                    let moving = Moving {
                        weights: weights.clone(),
                        average: weights.clone(),
                        optimizer: AdamW::new(weights.len()),
                    };
                    steps.load(&moving).unwrap();
                    let config = TrainConfig::default();
                    let update =
                        Update { config: &config, learning_rate: 1e-4, average_decay: Some(0.99) };
                    let index: Vec<u32> = (0..rows as u32).collect();
                    let mut rng = generator(1, Stream::Sample, 0);
                    let mut times = Vec::new();
                    let start = Instant::now();
                    while start.elapsed().as_secs_f64() < 0.5 {
                        let t = Instant::now();
                        steps.step(&index, &update, &mut rng).unwrap().unwrap();
                        times.push(t.elapsed().as_secs_f64());
                    }
                    times.sort_by(f64::total_cmp);
                    let t = times[times.len() / 2];
                    let flops = 6.0 * params.count() as f64 * rows as f64;
                    println!(
                        "{name} D={d} {rows} x{threads}: {:.3} ms, {:.1} GF, {:.2} of {:.0}",
                        t * 1e3,
                        flops / t / 1e9,
                        flops / t / peak,
                        peak / 1e9
                    );
                }
            }
        }
    }
}
