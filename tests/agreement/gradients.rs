use super::compare::{Compared, Verdict, assert_agrees, assert_nearly_all_agree};
use super::pair::{Pair, ROW_COUNTS, ROWS, Reference, double, levels, normals, pairs};
use candle_core::{DType, Tensor, Var};
use diffeo_flows::fast::simd::Level;
use diffeo_flows::fast::{self, FastTransform, flat_theta};
use diffeo_flows::objective::{Batch, Objective};
use diffeo_flows::objectives;
use diffeo_flows::params::to_f64;
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::{Mapped, Params, Transform, Workers};
use std::ops::Range;
use std::sync::Arc;

/// Rows of the test of gradients with respect to points: a full tile and one row.
const POINTS: usize = 65;

/// Rows with a context, a weight and a log-volume each.
pub(super) fn batch(pair: &Pair, rows: usize) -> Batch {
    Batch {
        points: normals(rows, pair.case.config.features, 2),
        context: pair.context(rows),
        weights: Some(normals(rows, 1, 3).abs().unwrap().flatten_all().unwrap()),
        log_det: Some(normals(rows, 1, 4).flatten_all().unwrap()),
    }
}

pub(super) fn in_double(batch: &Batch) -> Batch {
    Batch {
        points: double(&batch.points),
        context: batch.context.as_ref().map(double),
        weights: batch.weights.as_ref().map(double),
        log_det: batch.log_det.as_ref().map(double),
    }
}

/// Weights of rows, 0 for some.
fn without_rows(weights: &Tensor, rows: &[usize]) -> Tensor {
    let n = weights.dim(0).unwrap();
    let kept = (0..n).map(|row| if rows.contains(&row) { 0f32 } else { 1.0 }).collect();
    let mut dims = vec![1; weights.rank()];
    dims[0] = n;
    weights.broadcast_mul(&Tensor::from_vec(kept, dims, weights.device()).unwrap()).unwrap()
}

/// The loss, that of each row, and the gradient.
type Loss = (f64, Vec<f64>, Vec<f64>);

fn loss(objective: &dyn Objective, params: &Params, batch: &Batch) -> Loss {
    let mut rng = generator(0, Stream::Objective, 0);
    let (loss, gradient) = objective.loss_and_gradients(params, batch, &mut rng).unwrap();
    (loss, objective.row_losses(params, batch, &mut rng).unwrap(), gradient)
}

fn reference_loss(reference: &Reference, batch: &Batch, workers: &Workers) -> Loss {
    let objective = objectives::MaximumLikelihood::new(&reference.flow, workers);
    loss(&objective, &reference.params, batch)
}

pub(super) fn fast_loss(pair: &Pair, level: Level, batch: &Batch, workers: &Workers) -> Loss {
    let program = Arc::new(pair.program(level).unwrap());
    let objective = fast::MaximumLikelihood::new(&program, &pair.single.flow, workers);
    loss(&objective, &pair.single.params, batch)
}

fn largest(gradient: &[f64]) -> f64 {
    gradient.iter().fold(0.0, |largest, g| g.abs().max(largest))
}

/// Compares gradients parameter by parameter.
fn check_gradients(pair: &Pair, [fast, slow, exact]: [&[f64]; 3]) -> Verdict {
    let largest = largest(exact);
    let mut start = 0;
    for param in pair.single.params.trainable() {
        let places = start..start + param.var().elem_count();
        start = places.end;
        let [fast, slow, exact] = [fast, slow, exact].map(|all| &all[places.clone()]);
        Compared { fast, slow, exact }
            .gradient(largest, pair.case.is_steep())
            .map_err(|problem| format!("{}: {problem}", param.name()))?;
    }
    assert_eq!([start; 3], [fast, slow, exact].map(<[f64]>::len));
    Ok(())
}

#[test]
fn losses_and_gradients_agree_in_batches_of_any_size() {
    let workers = Workers::new(1).unwrap();
    for pair in pairs() {
        let all = batch(&pair, ROWS);
        let references = |rows: Range<usize>, without: &[usize]| {
            let batch = all.narrow(rows.start, rows.len()).unwrap();
            let batch =
                Batch { weights: batch.weights.map(|w| without_rows(&w, without)), ..batch };
            let slow = reference_loss(&pair.single, &batch, &workers);
            (slow, reference_loss(&pair.double, &in_double(&batch), &workers), batch)
        };
        for rows in ROW_COUNTS {
            let (slow, exact, batch) = references(0..rows, &[]);
            for level in levels() {
                let fast = fast_loss(&pair, level, &batch, &workers);
                let what = pair.what(level, &format!("{rows} rows"));
                let steep = pair.case.is_steep();
                let [one, two, three] = [&fast, &slow, &exact].map(|loss| [loss.0]);
                let compared = Compared { fast: &one, slow: &two, exact: &three };
                assert_agrees(&format!("{what}, loss"), compared.values(steep));
                let compared = Compared { fast: &fast.1, slow: &slow.1, exact: &exact.1 };
                assert_agrees(&format!("{what}, losses"), compared.values(steep));
                let whole = check_gradients(&pair, [&fast.2, &slow.2, &exact.2]);
                assert_nearly_all_agree(&what, rows, whole, |rows, without| {
                    let (slow, exact, batch) = references(rows, without);
                    let fast = fast_loss(&pair, level, &batch, &workers);
                    check_gradients(&pair, [&fast.2, &slow.2, &exact.2])
                });
            }
        }
    }
}

/// Gradients of the points and then of all parameters, of a sum that weighs every image and
/// log-determinant in its own way.
fn of_points(
    params: &Params,
    (x, without): (&Tensor, &[usize]),
    map: impl Fn(&Tensor) -> diffeo_flows::Result<Mapped>,
) -> [Vec<f64>; 2] {
    let (rows, d) = x.dims2().unwrap();
    let weights = |columns, seed| {
        without_rows(&normals(rows, columns, seed), without).to_dtype(x.dtype()).unwrap()
    };
    let x = Var::from_tensor(x).unwrap();
    let mapped = map(&x).unwrap();
    let images = (mapped.points * weights(d, 5)).unwrap().sum_all().unwrap();
    let log_det = mapped.log_det.unsqueeze(1).unwrap();
    let log_dets = (log_det * weights(1, 6)).unwrap().sum_all().unwrap();
    let store = (images + log_dets).unwrap().backward().unwrap();
    let of = |var: &Var| {
        store.get(var).map_or_else(|| vec![0.0; var.elem_count()], |g| to_f64(g).unwrap())
    };
    [of(&x), params.trainable().flat_map(|param| of(param.var())).collect()]
}

/// The same on the reference tier, in single and double precision.
fn references_of_points(
    pair: &Pair,
    (x, without): (&Tensor, &[usize]),
    context: Option<&Tensor>,
) -> [[Vec<f64>; 2]; 2] {
    [(&pair.single, DType::F32), (&pair.double, DType::F64)].map(|(reference, dtype)| {
        let context = context.map(|context| context.to_dtype(dtype).unwrap());
        of_points(&reference.params, (&x.to_dtype(dtype).unwrap(), without), |x| {
            reference.flow.transform().forward(x, context.as_ref())
        })
    })
}

/// What the references are of some points and their context.
type References = ([[Vec<f64>; 2]; 2], Tensor, Option<Tensor>);

#[test]
fn gradients_of_points_agree() {
    for pair in pairs() {
        let all = normals(POINTS, pair.case.config.features, 2);
        let context = pair.context(POINTS);
        let theta = flat_theta(&pair.single.params).unwrap();
        let references = |rows: Range<usize>, without: &[usize]| {
            let cut = |tensor: &Tensor| {
                tensor.narrow(0, rows.start, rows.len()).unwrap().contiguous().unwrap()
            };
            let (x, context) = (cut(&all), context.as_ref().map(cut));
            (references_of_points(&pair, (&x, without), context.as_ref()), x, context)
        };
        let check = |level, ([slow, exact], x, context): &References, without: &[usize]| {
            let transform = FastTransform::new(pair.program(level).unwrap());
            let fast = of_points(&pair.single.params, (x, without), |x| {
                transform.forward(x, &theta, context.as_ref())
            });
            let compared = Compared { fast: &fast[0], slow: &slow[0], exact: &exact[0] };
            compared.gradient(0.0, pair.case.is_steep())?;
            check_gradients(&pair, [&fast[1], &slow[1], &exact[1]])
        };
        let of_all = references(0..POINTS, &[]);
        for level in levels() {
            let what = pair.what(level, "points");
            let whole = check(level, &of_all, &[]);
            assert_nearly_all_agree(&what, POINTS, whole, |rows, without| {
                check(level, &references(rows, without), without)
            });
        }
    }
}
