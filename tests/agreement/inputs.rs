use super::flows::TAIL_BOUND;
use super::gradients::{batch, fast_loss};
use super::pair::{Pair, levels, normals, pairs};
use super::values::Values;
use candle_core::{Device, Tensor};
use diffeo_flows::objective::Batch;
use diffeo_flows::{Density, Workers};

/// More than a tile, and no multiple of one.
const ROWS: usize = 70;
/// Rows in which a number is spoilt, in both tiles, and in the first one, which others are padded with.
const SPOILT: [usize; 4] = [0, 5, 64, 69];

/// How often far points are moved to see how steep a flow is there.
const MOVES: u64 = 3;

/// Points of these numbers in turn, in other combinations from row to row.
fn in_turn(numbers: &[f32], d: usize) -> Tensor {
    let number = |i: usize| numbers[(i % d * 3 + i / d) % numbers.len()];
    let values: Vec<f32> = (0..ROWS * d).map(number).collect();
    Tensor::from_vec(values, (ROWS, d), &Device::Cpu).unwrap()
}

/// The ends of the splines of all flows here, and their neighbours.
fn edges() -> Vec<f32> {
    let ends = [TAIL_BOUND as f32, 4.0, 5.0];
    let around = |b: f32| [b, b.next_up(), b.next_down()];
    let both = |b: f32| [b, -b];
    let mut edges = vec![0.0, -0.0, 1.5, -1.5];
    edges.extend(ends.into_iter().flat_map(around).flat_map(both));
    edges
}

/// Normal numbers, every other one so far out.
fn tails(far: f32, d: usize) -> Tensor {
    let normal = normals(ROWS, d, 8).flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let number = |(i, x): (usize, f32)| if i % 3 == 1 { x.signum() * far + x } else { x };
    let values: Vec<f32> = normal.into_iter().enumerate().map(number).collect();
    Tensor::from_vec(values, (ROWS, d), &Device::Cpu).unwrap()
}

#[test]
fn values_agree_at_edges_and_far_out() {
    for pair in pairs() {
        let d = pair.case.config.features;
        let inputs = [
            ("edges", in_turn(&edges(), d)),
            ("nought", in_turn(&[0.0], d)),
            ("1e3", tails(1e3, d)),
            ("1e6", tails(1e6, d)),
        ];
        for (name, x) in inputs {
            let references = Values::references(&pair, &x);
            let far = name.starts_with("1e");
            let moved: Vec<Values> =
                (0..if far { MOVES } else { 0 }).map(|i| Values::moved(&pair, &x, i)).collect();
            for level in levels() {
                let fast = Values::fast(&pair, level, &x);
                let what = pair.what(level, name);
                if far {
                    fast.check_far(&what, &references, &moved);
                } else {
                    fast.check(&what, &references, ROWS, pair.case.is_steep());
                }
                assert!(fast.log_prob().iter().all(|value| !value.is_nan()), "{what}");
            }
        }
    }
}

/// Normal points, with `number` in one column of some rows.
fn spoilt(pair: &Pair, number: f32, column: usize) -> Batch {
    let d = pair.case.config.features;
    let batch = batch(pair, ROWS);
    let mut values = batch.points.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for row in SPOILT {
        values[row * d + column] = number;
    }
    Batch { points: Tensor::from_vec(values, (ROWS, d), &Device::Cpu).unwrap(), ..batch }
}

#[test]
fn what_is_no_number_is_seen_in_its_row_alone() {
    let workers = Workers::new(1).unwrap();
    for pair in pairs() {
        let d = pair.case.config.features;
        for level in levels() {
            let fast = pair.fast(level);
            let log_prob = |batch: &Batch| {
                let values = fast.log_prob(&batch.points, batch.context.as_ref()).unwrap();
                values.to_vec1::<f32>().unwrap()
            };
            for column in [0, d / 2, d - 1] {
                let batch = spoilt(&pair, f32::NAN, column);
                let pure = log_prob(&spoilt(&pair, 0.5, column));
                for (row, (got, pure)) in log_prob(&batch).iter().zip(pure).enumerate() {
                    let what = pair.what(level, &format!("row {row}, column {column}"));
                    if SPOILT.contains(&row) {
                        assert!(got.is_nan(), "{what}: {got}");
                    } else {
                        assert_eq!(got.to_bits(), pure.to_bits(), "{what}: {got} for {pure}");
                    }
                }
                let (loss, losses, _) = fast_loss(&pair, level, &batch, &workers);
                assert!(!loss.is_finite(), "{}", pair.what(level, "loss"));
                let spoilt = losses.iter().filter(|loss| loss.is_nan()).count();
                assert_eq!(spoilt, SPOILT.len(), "{}", pair.what(level, "losses"));
            }
            let (loss, ..) = fast_loss(&pair, level, &spoilt(&pair, f32::INFINITY, 0), &workers);
            assert!(!loss.is_finite(), "{}", pair.what(level, "infinity"));
        }
    }
}
