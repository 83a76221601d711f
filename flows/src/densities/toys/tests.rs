//! Laws that hold for every toy.

use super::toy::Toy;
use crate::densities::checks;
use crate::density::Density;
use crate::rng::{Stream, generator};
use candle_core::{DType, Device};
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::collections::HashSet;

/// Distance of quadrature points. The midpoint rule is exact on the cells, whose edges are multiples
/// of it, and better than 1e-8 for bells of standard deviation 0.05 or more.
const H: f64 = 0.025;
const SAMPLES: usize = 100_000;
/// Cells along each side of the grid on which samples are counted.
const CELLS: i64 = 16;
/// A correct sampler fails with this probability.
const P_VALUE: f64 = 1e-4;

fn toys() -> impl Iterator<Item = Toy> {
    Toy::all().iter().map(Toy::from)
}

/// Midpoints of all squares of side `H` in a box, with log p at them.
fn quadrature(toy: &Toy, window: [[f64; 2]; 2]) -> Vec<([f64; 2], f64)> {
    let steps = window.map(|[low, high]| ((low / H).floor() as i64, (high / H).ceil() as i64));
    let at = |i: i64| (i as f64 + 0.5) * H;
    let points: Vec<f64> = (steps[0].0..steps[0].1)
        .flat_map(|i| (steps[1].0..steps[1].1).flat_map(move |j| [at(i), at(j)]))
        .collect();
    let log_prob = checks::log_prob(toy, &points);
    points.chunks(2).map(|x| [x[0], x[1]]).zip(log_prob).collect()
}

/// A box that holds all but 1e-7 of the mass.
fn whole(toy: &Toy) -> [[f64; 2]; 2] {
    let wide = match toy.info().name {
        "funnel" => [80.0, 2.5],
        "banana" => [2.0, 10.0],
        _ => [2.0, 2.0],
    };
    let [a, b] = toy.window();
    [[a[0] - wide[0], a[1] + wide[0]], [b[0] - wide[1], b[1] + wide[1]]]
}

#[test]
fn integrate_to_one_and_windows_hold_nearly_all() {
    for toy in toys() {
        let name = toy.info().name;
        let mass: f64 = quadrature(&toy, whole(&toy)).iter().map(|(_, l)| l.exp() * H * H).sum();
        assert!((mass - 1.0).abs() < 1e-6, "{name}: {mass}");
        let inside: f64 = quadrature(&toy, toy.window()).iter().map(|(_, l)| l.exp() * H * H).sum();
        assert!(inside > 1.0 - 2e-4, "{name}: window holds {inside}");
    }
}

#[test]
fn samples_agree_with_the_entropy() {
    for toy in toys() {
        let terms = quadrature(&toy, whole(&toy));
        let finite = terms.iter().map(|(_, l)| l).filter(|l| l.is_finite());
        checks::entropy_is(&toy, -finite.map(|l| l * l.exp() * H * H).sum::<f64>());
    }
}

#[test]
fn samples_fall_where_the_density_is() {
    for toy in toys() {
        // Square cells whose edges quadrature knows, and everything else as one more.
        let [[low, high], _] = toy.window();
        let steps = ((high - low) / H / CELLS as f64).ceil() as i64;
        let side = steps as f64 * H;
        let cell = |x: [f64; 2]| -> usize {
            let [i, j] = x.map(|x| (x / side).floor() as i64 + CELLS / 2);
            let inside = (0..CELLS).contains(&i) && (0..CELLS).contains(&j);
            if inside { (i * CELLS + j) as usize } else { (CELLS * CELLS) as usize }
        };
        let mut expected = vec![0.0; (CELLS * CELLS + 1) as usize];
        for (x, l) in quadrature(&toy, whole(&toy)) {
            expected[cell(x)] += l.exp() * H * H * SAMPLES as f64;
        }
        let mut counted = vec![0.0; expected.len()];
        for x in toy.sample_points(SAMPLES, &mut checks::rng()) {
            counted[cell(x)] += 1.0;
        }
        let p = chi_square(&expected, &counted);
        assert!(p > P_VALUE, "{}: p = {p}", toy.info().name);
    }
}

/// The probability of counts as far from the expected ones; cells that expect few are put together.
fn chi_square(expected: &[f64], counted: &[f64]) -> f64 {
    let mut rare = (0.0, 0.0);
    let mut cells = vec![];
    for (e, c) in expected.iter().zip(counted) {
        if *e < 10.0 {
            rare = (rare.0 + e, rare.1 + c);
        } else {
            cells.push((*e, *c));
        }
    }
    if rare.0 > 10.0 {
        cells.push(rare);
    } else {
        assert!(rare.1 < 40.0, "{} samples where {} were expected", rare.1, rare.0);
    }
    let statistic: f64 = cells.iter().map(|(e, c)| (c - e).powi(2) / e).sum();
    assert!(cells.len() > 20, "{} cells test nothing", cells.len());
    ChiSquared::new((cells.len() - 1) as f64).unwrap().sf(statistic)
}

#[test]
fn chi_square_tells_toys_apart() {
    let expected: Vec<f64> = (0..30).map(|i| 1000.0 + f64::from(i)).collect();
    let mut counted = expected.clone();
    assert!(chi_square(&expected, &counted) > 0.999);
    (counted[0], counted[1]) = (counted[0] + 200.0, counted[1] - 200.0);
    assert!(chi_square(&expected, &counted) < P_VALUE);
}

#[test]
fn are_never_nan_where_numbers_are_given() {
    let far = [0.0, 1.0, 40.0, 1e3, 1e6, 1e9, 1e100, 1e200, f64::MAX, f64::INFINITY];
    for toy in toys() {
        for x in far.iter().flat_map(|x| [*x, -x]) {
            for y in far.iter().flat_map(|y| [*y, -y]) {
                let l = toy.log_prob_at([x, y]);
                assert!(l < 10.0, "{}: {l} at {x}, {y}", toy.info().name);
                if x.is_infinite() || y.is_infinite() {
                    assert!(l.is_infinite());
                } else if x.abs() >= 1e3 && y.abs() >= 1e3 {
                    assert!(l < -1e3, "{}: {l} at {x}, {y}", toy.info().name);
                }
            }
        }
        assert!(toy.log_prob_at([f64::NAN, 0.0]).is_nan());
        assert!(toy.log_prob_at([f64::INFINITY, f64::NAN]).is_nan());
    }
}

#[test]
fn keep_the_house_rules() {
    toys().for_each(|toy| checks::house_rules(&toy));
}

#[test]
fn log_prob_has_the_dtype_of_its_points() {
    let toy = Toy::named("rings").unwrap().on(DType::F32, &Device::Cpu);
    let x = toy.sample(5, None, &mut checks::rng()).unwrap();
    let log_prob = toy.log_prob(&x, None).unwrap();
    assert_eq!((x.dtype(), log_prob.dtype()), (DType::F32, DType::F32));
}

/// Changing a toy changes what its name means: this is to be noticed.
#[test]
fn samples_are_the_same_bits_everywhere() {
    let mut hash = blake3::Hasher::new();
    for toy in toys() {
        for x in toy.sample_points(1000, &mut generator(1, Stream::Sample, 0)) {
            hash.update(&x[0].to_le_bytes());
            hash.update(&x[1].to_le_bytes());
        }
    }
    assert_eq!(&hash.finalize().to_hex()[..16], "feb18c766e08eb9b");
}

#[test]
fn have_names_of_their_own() {
    let names: HashSet<_> = Toy::all().iter().map(|info| info.name).collect();
    assert_eq!(names.len(), Toy::all().len());
    for info in Toy::all() {
        assert!(!info.summary.is_empty());
        assert_eq!(Toy::named(info.name).unwrap().info().name, info.name);
    }
    let message = Toy::named("spirals").unwrap_err().to_string();
    assert!(message.contains("there is no `spirals`") && message.contains("checkerboard"));
    assert!(message.contains("did you mean `two-spirals`"), "{message}");
}
