use super::super::checks;
use super::*;
use crate::densities::Toy;
use crate::rng::{Stream, generator};

fn workers(threads: usize) -> Workers {
    Workers::new(threads).unwrap()
}

fn fitted(rows: &[f64], d: usize, given: usize) -> KernelDensity {
    let mut rng = generator(3, Stream::Baseline, 0);
    KernelDensity::fit(rows, d, given, None, &mut rng, &workers(2)).unwrap()
}

fn moons(n: usize) -> Vec<f64> {
    Toy::named("two-moons").unwrap().sample_points(n, &mut checks::rng()).concat()
}

/// ln Σ wᵢ N(x; xᵢ, h² Σ) over the first columns, straight from the definition.
fn by_definition(of: &KernelParts, x: &[f64], columns: usize) -> f64 {
    let d = of.features;
    let u = whiten(x, &of.centre, &of.whitening);
    let volume: f64 = (0..columns).map(|j| of.whitening[j * d + j]).product();
    let normal = volume / (of.bandwidth * TAU.sqrt()).powf(columns as f64);
    let term = |(kernel, w): (&[f32], &f64)| {
        let squares: f64 =
            kernel.iter().zip(&u).take(columns).map(|(k, u)| (u - f64::from(*k)).powi(2)).sum();
        w * normal * (-0.5 * squares / of.bandwidth.powi(2)).exp()
    };
    of.kernels.chunks(d).zip(&of.weights).map(term).sum::<f64>().ln()
}

#[test]
fn is_a_density() {
    let density = fitted(&moons(500), 2, 0);
    checks::integral_is_one(&density, &checks::grid_2d([-4.0, 4.0], 300), 1e-9);
    let entropy = checks::entropy_on(&density, &checks::grid_2d([-4.0, 4.0], 300));
    checks::entropy_is(&density, entropy);
    checks::house_rules(&density);
    checks::gradients(&density, None, &[0.3, 1.8, -2.0, 0.1, 5.0, -6.0]);
}

#[test]
fn both_ways_of_evaluation_are_the_definition() {
    let rows = moons(700);
    let density = fitted(&rows, 2, 0);
    let points = [0.0, 2.0, 1.9, 0.4, -0.1, 0.1, 3.0, -3.0];
    let quick = density.log_prob_rows(&points, 0, &workers(1)).unwrap();
    let tensors = checks::log_prob(&density, &points);
    for (i, x) in points.chunks(2).enumerate() {
        let expected = by_definition(density.parts(), x, 2);
        assert!((tensors[i] - expected).abs() < 1e-9 * expected.abs().max(1.0), "{tensors:?}");
        // Distances over the bandwidth reach 50 in single precision.
        assert!(
            (quick[i] - expected).abs() < 2e-6 * expected.abs().max(5.0),
            "{quick:?} {expected}"
        );
    }
    let conditional = density.log_prob_rows(&points, 1, &workers(1)).unwrap();
    for (i, x) in points.chunks(2).enumerate().take(2) {
        let expected = by_definition(density.parts(), x, 2) - by_definition(density.parts(), x, 1);
        assert!(
            (conditional[i] - expected).abs() < 1e-5 * expected.abs().max(1.0),
            "{conditional:?}"
        );
    }
    let far = density.log_prob_rows(&[1e6, 0.0, f64::INFINITY, 0.0, 1e300, 1e300], 0, &workers(1));
    let far = far.unwrap();
    assert!(far[0] < -1e10 && far[0].is_finite(), "{far:?}");
    assert!(far[1..].iter().all(|l| *l == f64::NEG_INFINITY), "{far:?}");
}

/// Leaves rows out one by one, at every bandwidth of a fine grid.
#[test]
fn the_bandwidth_has_the_largest_likelihood_of_rows_left_out() {
    // A context of two values, which each row shares with half of the others.
    let binary: Vec<f64> = moons(300)
        .chunks(2)
        .enumerate()
        .flat_map(|(i, x)| [(i % 2) as f64, x[0] + 3.0 * (i % 2) as f64])
        .collect();
    for (rows, given) in [(moons(300), 0), (moons(300), 1), (binary, 1)] {
        let parts = fitted(&rows, 2, given).parts().clone();
        let score = |h: f64| {
            let without = |i: usize| {
                let mut parts = KernelParts { bandwidth: h, ..parts.clone() };
                parts.kernels.drain(i * 2..i * 2 + 2);
                parts.weights.pop();
                let joint = by_definition(&parts, &rows[i * 2..i * 2 + 2], 2);
                let marginal = if given > 0 {
                    by_definition(&parts, &rows[i * 2..i * 2 + 2], given)
                } else {
                    0.0
                };
                joint - marginal
            };
            (0..300).map(without).sum::<f64>() / 300.0
        };
        let best = (0..60).map(|i| score(0.02 * 1.07f64.powi(i))).fold(f64::NEG_INFINITY, f64::max);
        assert!(score(parts.bandwidth) > best - 0.003, "{} {best}", parts.bandwidth);
        assert!(score(parts.bandwidth) > score(1.5 * parts.bandwidth), "{}", parts.bandwidth);
        assert!(score(parts.bandwidth) > score(parts.bandwidth / 1.5), "{}", parts.bandwidth);
    }
}

#[test]
fn a_weight_is_a_number_of_rows() {
    let rows = moons(400);
    let weights: Vec<f64> = (0..400).map(|i| f64::from(i % 3)).collect();
    let repeated: Vec<f64> =
        rows.chunks(2).zip(&weights).flat_map(|(row, w)| row.repeat(*w as usize)).collect();
    let mut rng = generator(0, Stream::Baseline, 0);
    let weighted = KernelDensity::fit(&rows, 2, 0, Some(&weights), &mut rng, &workers(2)).unwrap();
    let repeated = fitted(&repeated, 2, 0);
    // Equal rows are left out together: of weights 2, both.
    let ratio = weighted.parts().bandwidth / repeated.parts().bandwidth;
    assert!((ratio - 1.0).abs() < 1e-3, "{ratio}");
    let points = [0.0, 2.0, 1.9, 0.4];
    let [a, b] = [&weighted, &repeated].map(|k| k.log_prob_rows(&points, 0, &workers(1)).unwrap());
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-2), "{a:?} {b:?}");
}

#[test]
fn no_result_depends_on_the_threads() {
    let rows = moons(3000);
    let run = |threads| {
        let mut rng = generator(3, Stream::Baseline, 0);
        let workers = workers(threads);
        let density = KernelDensity::fit(&rows, 2, 0, None, &mut rng, &workers).unwrap();
        (density.parts().clone(), density.log_prob_rows(&rows, 0, &workers).unwrap())
    };
    assert!(run(1) == run(3));
}

#[test]
fn repeated_rows_do_not_close_the_kernels() {
    let coarse: Vec<f64> = moons(2000).iter().map(|x| (x * 4.0).round() / 4.0).collect();
    let density = fitted(&coarse, 2, 0);
    assert!(density.parts().bandwidth > 0.05, "{}", density.parts().bandwidth);
    let many = moons(10_500);
    assert_eq!(fitted(&many, 2, 0).parts().weights.len(), KernelDensity::MOST_KERNELS);
}

#[test]
fn refuses_unusable_rows() {
    let refusal = |rows: &[f64], d, given| {
        let mut rng = generator(3, Stream::Baseline, 0);
        KernelDensity::fit(rows, d, given, None, &mut rng, &workers(1)).unwrap_err().to_string()
    };
    assert!(refusal(&[1.0, 2.0, 3.0], 2, 0).contains("expected shape"));
    assert!(refusal(&[1.0, 2.0], 1, 1).contains("given"));
    assert!(refusal(&[1.0], 1, 0).contains("at least 2"));
    assert!(refusal(&[1.0, 2.0, 2.0, 4.0, 3.0, 6.0], 2, 0).contains("others determine"));
    let parts = KernelParts { bandwidth: f64::NAN, ..fitted(&moons(10), 2, 0).parts().clone() };
    assert!(KernelDensity::from_parts(parts).is_err());
}
