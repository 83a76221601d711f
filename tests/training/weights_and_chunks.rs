//! Weights of rows; chunks and threads change nothing.

use candle_core::{DType, Device, Tensor};
use diffeo_flows::config::{Sizes, recipe};
use diffeo_flows::fit::Fit;
use diffeo_flows::metrics::Estimate;
use diffeo_flows::model::{Model, Precision};
use diffeo_flows::objective::{Batch, Gradients, Objective};
use diffeo_flows::objectives::MaximumLikelihood;
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use diffeo_flows::{Density, Flow, Params, Workers};
use rand::Rng;
use rand_distr::StandardNormal;

/// A flow in double precision with random weights.
fn flow() -> (Params, Flow) {
    std::env::set_var("RAYON_NUM_THREADS", "1");
    let sizes = Sizes { layers: Some(2), hidden: Some(vec![16]), ..Sizes::default() };
    let config = recipe("nsf").unwrap().with_sizes(&sizes).unwrap().flow(3, 1).unwrap();
    let mut params = Params::new(DType::F64, &Device::Cpu, 5);
    let flow = config.build(&mut params).unwrap();
    let mut weights = params.read_flat().unwrap();
    let mut rng = generator(5, Stream::Objective, 0);
    for weight in &mut weights {
        *weight += 0.2 * rng.sample::<f64, _>(StandardNormal);
    }
    params.write_flat(&weights).unwrap();
    (params, flow)
}

fn normals(n: usize, width: usize, stream: u64) -> Tensor {
    let mut rng = generator(6, Stream::Sample, stream);
    let values: Vec<f64> = (0..n * width).map(|_| rng.sample(StandardNormal)).collect();
    Tensor::from_vec(values, (n, width), &Device::Cpu).unwrap()
}

/// Rows with a context and a log-volume each.
fn batch(n: usize) -> Batch {
    Batch {
        points: normals(n, 3, 0),
        context: Some(normals(n, 1, 1)),
        weights: None,
        log_det: Some(normals(n, 1, 2).flatten_all().unwrap()),
    }
}

fn weighted(n: usize, weight: impl Fn(usize) -> f64) -> Batch {
    let weights: Vec<f64> = (0..n).map(weight).collect();
    Batch { weights: Some(Tensor::new(weights, &Device::Cpu).unwrap()), ..batch(n) }
}

fn losses(params: &Params, flow: &Flow, batch: &Batch, threads: usize) -> (f64, f64, Gradients) {
    let workers = Workers::new(threads).unwrap();
    let objective = MaximumLikelihood::new(flow, &workers);
    let mut rng = generator(0, Stream::Objective, 0);
    let (loss, gradients) = objective.loss_and_gradients(params, batch, &mut rng).unwrap();
    let rows = objective.row_losses(params, batch, &mut rng).unwrap();
    let weights = batch.weights.as_ref().map(|w| to_f64(w).unwrap());
    (Estimate::of(&rows, weights.as_deref()).mean, loss, gradients)
}

fn agree(a: &(f64, f64, Gradients), b: &(f64, f64, Gradients)) {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs().max(1.0);
    assert!(near(a.0, b.0) && near(a.1, b.1) && near(a.0, a.1), "{} {} {}", a.0, b.0, a.1);
    assert!(a.2.iter().zip(&b.2).all(|(a, b)| near(*a, *b)) && a.2.len() == b.2.len());
    assert!(a.2.iter().filter(|g| **g != 0.0).count() > a.2.len() / 2, "gradients are there");
}

#[test]
fn a_row_of_weight_two_is_the_row_twice_and_of_weight_nought_no_row() {
    let (params, flow) = flow();
    let n = 600;
    let repeated: Vec<u32> = (0..n as u32).flat_map(|i| vec![i; i as usize % 3]).collect();
    let by_weight = losses(&params, &flow, &weighted(n, |i| (i % 3) as f64), 2);
    let by_rows = losses(&params, &flow, &batch(n).take(&repeated).unwrap(), 2);
    agree(&by_weight, &by_rows);
    agree(&losses(&params, &flow, &weighted(n, |_| 0.3), 1), &losses(&params, &flow, &batch(n), 1));
}

#[test]
fn chunks_give_the_loss_and_gradients_of_the_whole() {
    let (params, flow) = flow();
    for n in [1, 256, 257, 5000] {
        let batch = weighted(n, |i| 1.0 + (i % 4) as f64);
        let whole = Workers::new(1).unwrap().map_chunks(n, n, |_| {
            let log_prob = flow.log_prob(&batch.points, batch.context.as_ref())?;
            let weights = batch.weights.as_ref().unwrap();
            let log_prob = (log_prob + batch.log_det.as_ref().unwrap())?;
            let total = weights.sum_all()?;
            let loss = ((log_prob * weights)?.sum_all()? / total)?.neg()?;
            let store = loss.backward()?;
            let gradient = |v: &Tensor| to_f64(store.get(v).unwrap());
            let gradients: diffeo_flows::Result<Vec<_>> =
                params.trainable().map(|p| gradient(p.var().as_tensor())).collect();
            Ok((to_f64(&loss)?[0], gradients?.concat()))
        });
        let (loss, gradients) = whole.unwrap().remove(0);
        agree(&losses(&params, &flow, &batch, 2), &(loss, loss, gradients));
    }
}

#[test]
fn loss_and_gradients_do_not_depend_on_the_threads() {
    let (params, flow) = flow();
    let batch = batch(4500);
    let bits = |threads| {
        let (a, b, gradients) = losses(&params, &flow, &batch, threads);
        [vec![a, b], gradients].concat().into_iter().map(f64::to_bits).collect::<Vec<_>>()
    };
    let one = bits(1);
    assert!(one == bits(2) && one == bits(7));
}

/// An untrained model of two columns in single precision.
fn model() -> Model {
    let mut fit = Fit::new("nsf-ar").unwrap();
    fit.recipe = fit
        .recipe
        .with_sizes(&Sizes { layers: Some(2), hidden: Some(vec![16]), ..Sizes::default() })
        .unwrap();
    fit.dtype = Precision::F32;
    let model = fit.model(&rows(500)).unwrap();
    model.initialise(&rows(500)).unwrap();
    let weights = model.params().read_flat().unwrap();
    let moved: Vec<f64> =
        weights.iter().enumerate().map(|(i, w)| w + (i as f64).sin() * 0.3).collect();
    model.params().write_flat(&moved).unwrap();
    model
}

fn rows(n: usize) -> Rows {
    Rows::new(2, to_f64(&normals(n, 2, 3)).unwrap()).unwrap()
}

#[test]
fn rows_of_a_model_do_not_depend_on_threads_or_chunks() {
    let (model, rows) = (model(), rows(9001));
    let workers = [1, 2, 7].map(|threads| Workers::new(threads).unwrap());
    let [one, two, seven] = workers.each_ref().map(|w| model.log_prob_rows(&rows, w).unwrap());
    assert!(one == two && one == seven && one.iter().all(|v| v.is_finite()));
    let alone = model.log_prob_rows(&rows.take(&(4096..8192).collect::<Vec<_>>()), &workers[1]);
    assert_eq!(alone.unwrap(), one[4096..8192]);
    let [one, two, seven] =
        workers.each_ref().map(|w| model.sample_rows(9001, None, 3, w).unwrap());
    assert!(one == two && one == seven);
    let rest =
        model.evaluator().unwrap().sample_from(4096, 9001 - 4096, None, 3, &workers[1]).unwrap();
    assert_eq!(rest, one[2 * 4096..]);
    assert_ne!(model.sample_rows(9001, None, 4, &workers[0]).unwrap(), one);
    assert!(
        model.evaluator().unwrap().sample_from(5, 10, None, 3, &workers[0]).is_err(),
        "no chunk begins there"
    );
}

#[test]
fn many_rows_pass_in_chunks() {
    let (model, rows) = (model(), rows(200_000));
    let workers = Workers::new(2).unwrap();
    let values = model.log_prob_rows(&rows, &workers).unwrap();
    assert!(values.len() == 200_000 && values.iter().all(|v| v.is_finite()));
    let last = model.log_prob_rows(&rows.take(&(196_608..200_000).collect::<Vec<_>>()), &workers);
    assert_eq!(last.unwrap(), values[196_608..]);
}
