//! Pairings against brute force and closed forms.

use super::sinkhorn::{TOLERANCE, plan};
use super::{GROUP, Pairing, costs};
use crate::error::Error;
use crate::rng::{Stream, generator};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

fn rng(index: u64) -> ChaCha8Rng {
    generator(3, Stream::Objective, index)
}

fn normal(n: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..n).map(|_| rng.sample(StandardNormal)).collect()
}

fn pair(pairing: Pairing, x: &[f64], z: &[f64], d: usize) -> Vec<u32> {
    pairing.pair(x, z, d, &mut rng(99)).unwrap()
}

fn total(costs: &[f64], pairs: &[u32]) -> f64 {
    pairs.iter().enumerate().map(|(i, j)| costs[i * pairs.len() + *j as usize]).sum()
}

fn assert_permutation(pairs: &[u32]) {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    assert!(sorted.iter().enumerate().all(|(i, j)| i == *j as usize), "{pairs:?}");
}

/// The least total cost over all permutations that extend `used`.
fn brute_force(costs: &[f64], n: usize, row: usize, used: u32) -> f64 {
    if row == n {
        return 0.0;
    }
    (0..n)
        .filter(|j| used & (1 << j) == 0)
        .map(|j| costs[row * n + j] + brute_force(costs, n, row + 1, used | 1 << j))
        .fold(f64::INFINITY, f64::min)
}

#[test]
fn the_exact_pairing_is_the_best_of_all_permutations() {
    for case in 0..400 {
        let rng = &mut rng(case);
        let (n, d) = (rng.random_range(1..=7), rng.random_range(1..=3));
        let (mut x, z) = (normal(n * d, rng), normal(n * d, rng));
        if case % 3 == 0 {
            // Many duplicates, hence many ties.
            for value in &mut x {
                *value = value.round();
            }
        }
        let pairs = pair(Pairing::OptimalTransport, &x, &z, d);
        assert_permutation(&pairs);
        let costs = costs(&x, &z, d).unwrap();
        let (got, best) = (total(&costs, &pairs), brute_force(&costs, n, 0, 0));
        assert!((got - best).abs() < 1e-12 * best.max(1.0), "case {case}: {got} {best}");
    }
}

#[test]
fn on_the_line_the_exact_pairing_is_the_sorted_one() {
    let ranks = |values: &[f64]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
        order
    };
    for n in [1, 2, 50, GROUP] {
        let rng = &mut rng(n as u64);
        let (x, z) = (normal(n, rng), normal(n, rng));
        let pairs = pair(Pairing::OptimalTransport, &x, &z, 1);
        for (i, j) in ranks(&x).into_iter().zip(ranks(&z)) {
            assert_eq!(pairs[i] as usize, j);
        }
    }
}

#[test]
fn equal_sets_of_points_cost_nothing() {
    let x = normal(80, &mut rng(1));
    let shuffled: Vec<f64> = (0..40).rev().flat_map(|i| [x[2 * i], x[2 * i + 1]]).collect();
    let pairs = pair(Pairing::OptimalTransport, &x, &shuffled, 2);
    assert!(pairs.iter().enumerate().all(|(i, j)| *j as usize == 39 - i));
    // All points the same: every pairing is as good, and every one must be a permutation.
    let same = [0.5; 30];
    assert_permutation(&pair(Pairing::OptimalTransport, &same, &same, 3));
    assert_eq!(pair(Pairing::Sinkhorn { regularisation: 0.1 }, &same, &same, 3).len(), 10);
}

#[test]
fn longer_batches_are_paired_group_by_group() {
    let rng = &mut rng(2);
    let n = GROUP + 30;
    let (x, z) = (normal(2 * n, rng), normal(2 * n, rng));
    let pairs = pair(Pairing::OptimalTransport, &x, &z, 2);
    assert_permutation(&pairs);
    let alone = pair(Pairing::OptimalTransport, &x[..2 * GROUP], &z[..2 * GROUP], 2);
    assert_eq!(pairs[..GROUP], alone);
    let last = pair(Pairing::OptimalTransport, &x[2 * GROUP..], &z[2 * GROUP..], 2);
    assert!(pairs[GROUP..].iter().zip(&last).all(|(a, b)| *a == GROUP as u32 + b));
    assert_eq!(pair(Pairing::Independent, &x, &z, 2), (0..n as u32).collect::<Vec<_>>());
    assert!(pair(Pairing::OptimalTransport, &[], &[], 2).is_empty());
}

#[test]
fn a_plan_has_its_marginals_and_its_cost_falls_to_the_exact_one() {
    let n = 40;
    let rng = &mut rng(4);
    let (x, z) = (normal(2 * n, rng), normal(2 * n, rng));
    let costs = costs(&x, &z, 2).unwrap();
    let exact = total(&costs, &pair(Pairing::OptimalTransport, &x, &z, 2));
    let mut excess = Vec::new();
    for regularisation in [1.0, 0.3, 0.1, 0.03, 0.01, 0.003] {
        let plan = plan(&costs, n, regularisation).unwrap();
        let column = |j: usize| (0..n).map(|i| plan[i * n + j]).sum::<f64>();
        let wrong: f64 = (0..n).map(|j| (column(j) - 1.0).abs()).sum();
        assert!(wrong <= TOLERANCE * n as f64 * 1.001, "{wrong}");
        assert!(plan.chunks(n).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        excess.push(plan.iter().zip(&costs).map(|(p, c)| p * c).sum::<f64>() / exact - 1.0);
    }
    println!("excess cost {excess:?}");
    assert!(excess.windows(2).all(|pair| pair[1] < pair[0]), "{excess:?}");
    assert!(excess[5] < 0.01 && excess[5] > -1e-3, "{excess:?}");
}

#[test]
fn partners_are_drawn_as_often_as_the_plan_says() {
    let (x, z) = ([0.0, 0.4, 1.0], [0.1, 0.6, 0.9]);
    let pairing = Pairing::Sinkhorn { regularisation: 0.5 };
    let plan = plan(&costs(&x, &z, 1).unwrap(), 3, 0.5).unwrap();
    let (draws, mut counts) = (20_000, [0.0; 9]);
    let rng = &mut rng(5);
    for _ in 0..draws {
        for (i, j) in pairing.pair(&x, &z, 1, rng).unwrap().into_iter().enumerate() {
            counts[3 * i + j as usize] += 1.0;
        }
    }
    for (count, p) in counts.iter().zip(&plan) {
        let n = f64::from(draws);
        assert!((count - n * p).abs() < 4.0 * (n * p * (1.0 - p)).sqrt(), "{counts:?} {plan:?}");
    }
}

#[test]
fn the_generator_alone_decides() {
    let (x, z) = (normal(60, &mut rng(6)), normal(60, &mut rng(7)));
    let pairing = Pairing::Sinkhorn { regularisation: 0.2 };
    assert_eq!(pair(pairing, &x, &z, 2), pair(pairing, &x, &z, 2));
    assert_ne!(pair(pairing, &x, &z, 2), pairing.pair(&x, &z, 2, &mut rng(8)).unwrap());
}

#[test]
fn what_cannot_be_paired_is_an_error() {
    let (x, z) = (normal(100, &mut rng(6)), normal(100, &mut rng(7)));
    let try_pair = |p: Pairing, x: &[f64], d| p.pair(x, &z, d, &mut rng(0));
    let sinkhorn = |regularisation| Pairing::Sinkhorn { regularisation };
    let mut holed = x.clone();
    holed[3] = f64::NAN;
    for pairing in [Pairing::OptimalTransport, sinkhorn(0.1)] {
        assert!(matches!(try_pair(pairing, &holed, 2), Err(Error::Data { .. })));
        assert!(matches!(try_pair(pairing, &x[1..], 2), Err(Error::Shape { .. })));
        assert!(matches!(try_pair(pairing, &x, 3), Err(Error::Shape { .. })));
        assert!(matches!(try_pair(pairing, &x, 0), Err(Error::Shape { .. })));
    }
    for regularisation in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-9] {
        let result = try_pair(sinkhorn(regularisation), &x, 2);
        assert!(matches!(result, Err(Error::Config { .. })), "{regularisation}");
    }
}
