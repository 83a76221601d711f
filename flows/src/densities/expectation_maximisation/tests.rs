use super::super::Toy;
use super::super::checks;
use super::*;
use rand_distr::StandardNormal;
use statrs::distribution::{Continuous, Normal};

/// 3000 rows around (1000, −2), 1000 around (1010, 2), with sds (1, 0.5) and (2, 0.1).
fn two_clusters() -> Vec<f64> {
    let mut rng = checks::rng();
    let mut normal = |mean: f64, sd: f64| mean + sd * rng.sample::<f64, _>(StandardNormal);
    (0..4000)
        .flat_map(|i| {
            if i % 4 == 0 {
                [normal(1010.0, 2.0), normal(2.0, 0.1)]
            } else {
                [normal(1000.0, 1.0), normal(-2.0, 0.5)]
            }
        })
        .collect()
}

fn log_likelihood(mixture: &DiagonalMixture, rows: &[f64], d: usize) -> f64 {
    let density = |row: &[f64]| -> f64 {
        let parts = mixture.means.chunks(d).zip(mixture.scales.chunks(d));
        let terms = mixture.weights.iter().zip(parts).map(|(w, (means, scales))| {
            let features = row.iter().zip(means).zip(scales);
            w * features.map(|((x, m), s)| Normal::new(*m, *s).unwrap().pdf(*x)).product::<f64>()
        });
        terms.sum()
    };
    rows.chunks(d).map(|row| density(row).ln()).sum::<f64>() / (rows.len() / d) as f64
}

#[test]
fn one_component_has_the_moments_of_the_rows() {
    let rows = [1.0, 2.0, 3.0, 6.0];
    let mixture = fit(&rows, 1, &Settings::new(1), &mut checks::rng()).unwrap();
    assert!((mixture.means[0] - 3.0).abs() < 1e-12);
    assert!((mixture.scales[0] - 3.5f64.sqrt()).abs() < 1e-12);
    assert_eq!(mixture.weights, [1.0]);
}

#[test]
fn finds_two_clusters() {
    let rows = two_clusters();
    let mixture = fit(&rows, 2, &Settings::new(2), &mut checks::rng()).unwrap();
    let big = usize::from(mixture.weights[0] < 0.5);
    assert!((mixture.weights[big] - 0.75).abs() < 1e-3);
    let expected_means = [[1000.0, -2.0], [1010.0, 2.0]];
    let expected_scales = [[1.0, 0.5], [2.0, 0.1]];
    for (k, cluster) in [(big, 0), (1 - big, 1)] {
        for j in 0..2 {
            let scale = expected_scales[cluster][j];
            // Four to five standard errors of a mean and of a standard deviation of 1000 rows.
            assert!((mixture.means[k * 2 + j] - expected_means[cluster][j]).abs() < 0.14 * scale);
            assert!((mixture.scales[k * 2 + j] / scale - 1.0).abs() < 0.1);
        }
    }
}

#[test]
fn states_the_likelihood_of_what_it_returns() {
    let rows = two_clusters();
    for iterations in [0, 3, 50] {
        let settings = Settings { iterations, ..Settings::new(5) };
        let mixture = fit(&rows, 2, &settings, &mut checks::rng()).unwrap();
        let expected = log_likelihood(&mixture, &rows, 2);
        assert!((mixture.mean_log_likelihood - expected).abs() < 1e-9, "{iterations}");
    }
}

#[test]
fn never_loses_likelihood() {
    let toy = Toy::named("two-moons").unwrap();
    let rows: Vec<f64> = toy.sample_points(3000, &mut checks::rng()).concat();
    let reached = |iterations| {
        let settings = Settings { iterations, tolerance: 0.0, ..Settings::new(6) };
        fit(&rows, 2, &settings, &mut checks::rng()).unwrap().mean_log_likelihood
    };
    let values: Vec<f64> = (0..12).map(reached).collect();
    assert!(values.windows(2).all(|pair| pair[1] >= pair[0] - 1e-12), "{values:?}");
    assert!(values[11] > values[0] + 0.02, "{values:?}");
}

#[test]
fn reaches_eight_gaussians() {
    let toy = Toy::named("eight-gaussians").unwrap();
    let points = toy.sample_points(20_000, &mut checks::rng());
    let truth = points.iter().map(|x| toy.log_prob_at(*x)).sum::<f64>() / points.len() as f64;
    let mixture = fit(&points.concat(), 2, &Settings::new(12), &mut checks::rng()).unwrap();
    assert!((mixture.mean_log_likelihood - truth).abs() < 0.01, "{truth} {mixture:?}");
}

#[test]
fn survives_repeated_rows_and_revives_components() {
    // Three distinct values and six components: some components must die or share a value.
    let rows: Vec<f64> = (0..300).map(|i| f64::from(i % 3)).collect();
    let mixture = fit(&rows, 1, &Settings::new(6), &mut checks::rng()).unwrap();
    assert!(mixture.mean_log_likelihood.is_finite());
    let sd = (2.0f64 / 3.0).sqrt();
    assert!(mixture.scales.iter().all(|s| *s >= 0.01 * sd - 1e-12));
    assert!((mixture.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!(mixture.weights.iter().all(|w| *w > 0.0));

    let mut sums = Sums::zero(2, 1);
    rows.chunks(1).for_each(|row| sums.add_row(0, row, 1.0));
    let (components, revived) = sums.components(&rows, 300, &mut checks::rng());
    assert!(revived && rows.contains(&components.means[1]) && components.weights[1] > 0.0);
}

#[test]
fn is_deterministic() {
    let rows = two_clusters();
    let run = || fit(&rows, 2, &Settings::new(4), &mut checks::rng()).unwrap();
    assert_eq!(run(), run());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(run(), pool.install(run));
}

#[test]
fn refuses_unusable_rows() {
    let refusal = |rows: &[f64], d, components| {
        fit(rows, d, &Settings::new(components), &mut checks::rng()).unwrap_err().to_string()
    };
    assert!(refusal(&[1.0, 2.0], 1, 0).contains("components"));
    assert!(refusal(&[1.0, 2.0], 1, 3).contains("fewer components"));
    assert!(refusal(&[1.0, 2.0, 3.0], 2, 1).contains("expected shape"));
    assert!(refusal(&[1.0, 2.0, f64::NAN, 3.0], 2, 1).contains("row 1, column 0"));
    assert!(refusal(&[1.0, 2.0, 1.0, 3.0], 2, 1).contains("column 0"));
}
