use super::*;
use crate::densities;
use crate::density::Density;
use crate::fast::against_reference::{
    Reference, assert_gradient, assert_tile, params, random, randomise, reference, theta, tile,
};
use crate::fast::simd::Level;
use crate::fast::tile::ROWS;
use crate::params::{Params, write};
use candle_core::Tensor;

const PATH: &str = "base";
/// Features and components.
const SIZES: [(usize, usize); 11] =
    [(1, 1), (1, 8), (2, 1), (2, 8), (2, 64), (5, 1), (5, 8), (8, 8), (9, 8), (43, 1), (43, 8)];

/// A density whose variables and buffers are random.
fn density(d: usize, m: usize) -> (Params, densities::GaussianMixture) {
    let mut params = params();
    let density = densities::GaussianMixture::new(params.scope(PATH), d, m).unwrap();
    // So that components of many features overlap.
    randomise(&params, 5, 0.7 / (d as f64).sqrt());
    let set = |name: &str, values: Vec<f64>| {
        write(params.get(&format!("{PATH}.{name}")).unwrap().var(), &values).unwrap();
    };
    set("broad_mean", random(d, 6, 0.5));
    set("broad_scale", random(d, 7, 0.5).iter().map(|scale| 1.0 + scale.abs()).collect());
    (params, density)
}

/// The kernel, and its parameters prepared.
fn kernel(params: &Params, d: usize, m: usize) -> (GaussianMixture, Vec<f32>) {
    let mut layout = Layout::new(params);
    layout.reserve(3);
    let kernel = GaussianMixture::new(&mut layout, PATH, d, m).unwrap();
    layout.reserve(3);
    let mut theta = theta(params, &layout);
    kernel.prepare(&mut theta);
    (kernel, theta)
}

struct Found {
    log_prob: Column,
    d_x: Vec<Column>,
    gradient: Vec<f32>,
}

/// The mean over two rounds: what one leaves behind must not matter to the next, and sums add up.
fn run(kernel: &GaussianMixture, pass: &Pass, x: &[Column], d_log: &Column) -> Found {
    let mut tape = vec![Column::splat(7.0); kernel.tape()];
    let mut log_prob = Column::ZERO;
    let mut d_x = vec![Column::splat(7.0); x.len()];
    let mut gradient = vec![0.0; pass.theta.len()];
    for _ in 0..2 {
        kernel.log_prob(pass, x, &mut log_prob, &mut tape);
        let (tape, d_points, gradient) = (&mut tape[..], &mut d_x[..], &mut gradient[..]);
        let reverse = Reverse { tape, scratch: &mut [], d_log_det: d_log, d_points, gradient };
        kernel.backward(pass, x, reverse);
    }
    for sum in gradient.iter_mut().chain(&mut log_prob.0) {
        *sum *= 0.5;
    }
    kernel.finish(pass.theta, &mut gradient);
    Found { log_prob, d_x, gradient }
}

fn expected(
    (params, density): &(Params, densities::GaussianMixture),
    x: &[f64],
    d_log: &[f64],
) -> Reference {
    let map = |x: &Tensor| (x.zeros_like().unwrap(), density.log_prob(x, None).unwrap());
    reference(params, map, x, (&vec![0.0; x.len()], d_log))
}

/// Compares with the reference at points of that size; what is far away counts as nothing there.
fn check(d: usize, m: usize, size: impl Fn(usize) -> f64) {
    let model = density(d, m);
    let mut x = random(ROWS * d, 1, 1.0);
    for (r, row) in x.chunks_exact_mut(d).enumerate() {
        for x in row {
            *x = f64::from((*x * size(r)) as f32);
        }
    }
    let far = |r: usize| x[r * d..(r + 1) * d].iter().map(|x| x.abs()).sum::<f64>() > 1e12;
    let all_d_log = random(ROWS, 3, 1.0);
    let near = |r: usize| if far(r) { 0.0 } else { all_d_log[r] };
    let mut expected = expected(&model, &x, &(0..ROWS).map(near).collect::<Vec<_>>());
    let (kernel, theta) = kernel(&model.0, d, m);
    let (x_tile, d_log) = (tile(&x, d), tile(&all_d_log, 1)[0]);
    for level in Level::available() {
        let what = format!("{} {d} features {m} components", level.name());
        let pass = Pass { level, theta: &theta, context: &[] };
        let mut found = run(&kernel, &pass, &x_tile, &d_log);
        for r in (0..ROWS).filter(|r| far(*r)) {
            assert_eq!(found.log_prob.0[r].to_bits(), f32::NEG_INFINITY.to_bits(), "{what}");
            (found.log_prob.0[r], expected.log[r]) = (0.0, 0.0);
        }
        let close = |value: f64| 1e-5 * value.abs().max(1.0);
        assert_tile(&what, &[found.log_prob], &expected.log, close);
        for (r, expected) in expected.d_x.chunks_exact(d).enumerate() {
            let row: Vec<_> = found.d_x.iter().map(|column| Column::splat(column.0[r])).collect();
            let largest = expected.iter().fold(1.0, |largest, g| f64::max(largest, g.abs()));
            let tolerance = if far(r) { f64::MIN_POSITIVE } else { 1e-5 * largest };
            assert_tile(&what, &row, expected, |_| tolerance);
        }
        assert_gradient(&what, &model.0, &found.gradient, &expected.d_params, 1e-4);
    }
}

#[test]
fn agrees_with_the_reference_near_the_centre() {
    for (d, m) in SIZES {
        check(d, m, |_| 1.0);
    }
}

#[test]
fn agrees_with_the_reference_in_the_tails() {
    for (d, m) in SIZES {
        check(d, m, |_| 50.0);
    }
}

#[test]
fn agrees_with_the_reference_near_and_far() {
    for (d, m) in SIZES {
        check(d, m, |r| [1.0, 50.0, 1e6, 1e13][r % 4]);
    }
}

#[test]
fn narrow_components_far_from_0_keep_their_digits() {
    let mut params = params();
    let density = densities::GaussianMixture::new(params.scope(PATH), 2, 1).unwrap();
    // Logit, mean, upper, log-diagonal.
    params.write_flat(&[0.0, 100.0, -50.0, 0.0, 300.0, 0.0, 0.0, 8.0, 8.0]).unwrap();
    let offsets = random(ROWS * 2, 1, 1.0 / 512.0);
    let x: Vec<f64> = offsets.chunks_exact(2).flat_map(|x| [100.0 + x[0], x[1] - 50.0]).collect();
    let x: Vec<f64> = x.iter().map(|x| f64::from(*x as f32)).collect();
    let (kernel, theta) = kernel(&params, 2, 1);
    let expected = expected(&(params, density), &x, &[1.0; ROWS]);
    for level in Level::available() {
        let pass = Pass { level, theta: &theta, context: &[] };
        let found = run(&kernel, &pass, &tile(&x, 2), &Column::splat(1.0));
        assert_tile(level.name(), &[found.log_prob], &expected.log, |value| {
            1e-5 * value.abs().max(1.0)
        });
    }
}

#[test]
fn nan_stays_and_infinity_is_far_away() {
    for (d, m) in [(2, 8), (9, 8)] {
        let (params, _) = density(d, m);
        let (kernel, theta) = kernel(&params, d, m);
        let mut x = tile(&random(ROWS * d, 1, 1.0), d);
        (x[1].0[3], x[0].0[4], x[1].0[5]) = (f32::NAN, f32::INFINITY, f32::MAX);
        (x[0].0[6], x[1].0[6]) = (f32::INFINITY, f32::NAN);
        for level in Level::available() {
            let pass = Pass { level, theta: &theta, context: &[] };
            let mut d_log = Column::splat(1.0);
            let found = run(&kernel, &pass, &x, &d_log);
            assert!(found.log_prob.0[3].is_nan() && found.log_prob.0[6].is_nan());
            assert!(found.d_x[1].0[3].is_nan() && found.gradient[0].is_nan());
            for r in [4, 5] {
                assert_eq!(found.log_prob.0[r].to_bits(), f32::NEG_INFINITY.to_bits());
                assert!(found.d_x.iter().all(|d| d.0[r].abs() < f32::MIN_POSITIVE));
            }
            assert!(found.log_prob.0[7].is_finite() && found.d_x[1].0[7].is_finite());
            // Without the rows of NaN all is finite.
            let mut x = x.clone();
            (x[1].0[3], x[1].0[6]) = (0.0, 0.0);
            d_log.0[4] = -1.0;
            let found = run(&kernel, &pass, &x, &d_log);
            assert!(found.gradient.iter().all(|gradient| gradient.is_finite()));
        }
    }
}

#[test]
fn a_missing_name_is_no_density() {
    let params = params();
    assert!(GaussianMixture::new(&mut Layout::new(&params), PATH, 2, 2).is_none());
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    for (d, m) in [(1, 8), (2, 8), (2, 64), (5, 8), (8, 8), (9, 8), (43, 8), (43, 64)] {
        let (params, _) = density(d, m);
        let (kernel, theta) = kernel(&params, d, m);
        let x = tile(&random(ROWS * d, 1, 1.0), d);
        for level in Level::available() {
            let pass = Pass { level, theta: &theta, context: &[] };
            let mut tape = vec![Column::ZERO; kernel.tape()];
            let (mut log_prob, mut d_x, d_log_det) = (Column::ZERO, x.clone(), Column::splat(0.01));
            let mut gradient = vec![0.0; theta.len()];
            let mut times = [f64::MAX; 2];
            for _ in 0..2000 {
                let start = std::time::Instant::now();
                kernel.log_prob(&pass, &x, &mut log_prob, &mut tape);
                let middle = start.elapsed().as_secs_f64();
                let (tape, d_points, gradient) = (&mut tape[..], &mut d_x[..], &mut gradient[..]);
                let scratch = &mut [];
                let reverse = Reverse { tape, scratch, d_log_det: &d_log_det, d_points, gradient };
                kernel.backward(&pass, &x, reverse);
                times[0] = times[0].min(middle);
                times[1] = times[1].min(start.elapsed().as_secs_f64() - middle);
            }
            let [forward, backward] = times.map(|time| time * 1e6);
            eprintln!("{} d {d} M {m}: {forward:.2} + {backward:.2} us", level.name());
        }
    }
}
