//! Densities whose integral is known, and what is judged of several.

use super::*;
use crate::checks::{Claims, Evidence};
use diffeo_flows::Workers;
use diffeo_flows::fit::{Fit, Parts};
use diffeo_flows::model::{Images, Model};
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::train::Quiet;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use statrs::distribution::{Continuous, LogNormal, Normal, StudentsT};
use std::sync::OnceLock;

fn found((value, error, trusted): (f64, f64, bool)) -> Found {
    Found { value, error, trusted, detail: format!("{value}") }
}

fn of(all: &[(f64, f64, bool)]) -> Outcome {
    judged(&all.iter().copied().map(found).collect::<Vec<_>>())
}

/// One that is 5 % off beside others that are further off, of which nothing is known.
#[test]
fn a_wrong_context_is_not_hidden_by_others() {
    let wrong = (1.05, 1e-3, true);
    for other in [(0.4, 0.1, false), (1.3, 0.5, true), (0.0, f64::INFINITY, false)] {
        for all in [[wrong, other], [other, wrong]] {
            let Outcome::Checked(check) = of(&all) else { panic!("{all:?} is skipped") };
            assert!(!check.passed && (check.value - 0.05).abs() < 1e-9, "{check:?}");
        }
    }
    // Nor by one that is further off within its error.
    let Outcome::Checked(check) = of(&[wrong, (1.15, 0.19, true)]) else { panic!("skipped") };
    assert!(!check.passed && (check.value - 0.05).abs() < 1e-9, "{check:?}");
    let Outcome::Checked(check) = of(&[(1.0, 1e-3, true), (f64::NAN, f64::NAN, true)]) else {
        panic!("skipped")
    };
    assert!(!check.passed);
}

#[test]
fn what_says_nothing_is_left_out() {
    let (right, unknown) = ((1.001, 1e-3, true), (0.4, 0.1, false));
    let Outcome::Checked(check) = of(&[unknown, right, unknown]) else { panic!("skipped") };
    assert!(check.passed && check.detail.contains("worst of 1 contexts; 2 more"), "{check:?}");
    assert!(matches!(of(&[unknown, unknown]), Outcome::Skipped { .. }));
    assert!(matches!(of(&[(1.1, 0.5, true)]), Outcome::Skipped { .. }));
    assert!(matches!(of(&[]), Outcome::Skipped { .. }));
}

/// A law of one column: its location and scale, and for Student's its degrees of freedom.
#[derive(Debug, Clone, Copy)]
enum Law {
    Normal(f64, f64),
    Student(f64, f64, f64),
    LogNormal(f64, f64),
}

impl Law {
    fn ln_pdf(self, x: f64) -> f64 {
        match self {
            Self::Normal(m, s) => Normal::new(m, s).unwrap().ln_pdf(x),
            Self::Student(m, s, n) => StudentsT::new(m, s, n).unwrap().ln_pdf(x),
            Self::LogNormal(m, s) => LogNormal::new(m, s).unwrap().ln_pdf(x),
        }
    }

    fn draw(self, rng: &mut impl Rng) -> f64 {
        match self {
            Self::Normal(m, s) => m + s * rng.sample::<f64, _>(StandardNormal),
            Self::Student(m, s, n) => m + s * rand_distr::StudentT::new(n).unwrap().sample(rng),
            Self::LogNormal(m, s) => (m + s * rng.sample::<f64, _>(StandardNormal)).exp(),
        }
    }
}

/// A mixture of products of laws, exactly known, and what is wrong with its density.
#[derive(Debug, Clone)]
struct Mixture {
    parts: Vec<(f64, Vec<Law>)>,
    /// Its density is so many times the right one.
    factor: f64,
    /// Above it in the first column the density is nothing.
    cut: f64,
}

impl Mixture {
    fn of(parts: &[(f64, &[Law])]) -> Self {
        let parts = parts.iter().map(|(weight, laws)| (*weight, laws.to_vec())).collect();
        Self { parts, factor: 1.0, cut: f64::INFINITY }
    }

    fn features(&self) -> usize {
        self.parts[0].1.len()
    }

    fn as_they_are(rows: &Rows) -> Images {
        Images { points: rows.points().to_vec(), log_det: vec![0.0; rows.len()] }
    }
}

impl Claims for Mixture {
    fn log_prob(&self, rows: &Rows) -> Result<Vec<f64>> {
        let at = |x: &[f64]| {
            let of_part = |(weight, laws): &(f64, Vec<Law>)| {
                weight * laws.iter().zip(x).map(|(law, x)| law.ln_pdf(*x)).sum::<f64>().exp()
            };
            let sum: f64 = self.parts.iter().map(of_part).sum();
            if x[0] > self.cut { f64::NEG_INFINITY } else { (self.factor * sum).ln() }
        };
        Ok(rows.points().chunks_exact(self.features()).map(at).collect())
    }

    fn sample(&self, n: usize, _: Option<&[f64]>, seed: u64) -> Result<Vec<f64>> {
        let mut rng = generator(seed, Stream::Sample, 0);
        let mut points = Vec::new();
        for _ in 0..n {
            let mut left: f64 = rng.random();
            let part = self.parts.iter().find(|(weight, _)| {
                left -= weight;
                left < 0.0
            });
            let (_, laws) = part.unwrap_or(&self.parts[0]);
            points.extend(laws.iter().map(|law| law.draw(&mut rng)));
        }
        Ok(points)
    }

    fn to_latent(&self, rows: &Rows) -> Result<Images> {
        Ok(Self::as_they_are(rows))
    }

    fn to_data(&self, latent: &Rows) -> Result<Images> {
        Ok(Self::as_they_are(latent))
    }

    fn base_log_prob(&self, latent: &Rows) -> Result<Vec<f64>> {
        self.log_prob(latent)
    }

    fn score(&self, rows: &Rows) -> Result<Vec<f64>> {
        Ok(vec![0.0; rows.points().len()])
    }

    fn in_double(&self) -> Result<Box<dyn Claims + '_>> {
        Ok(Box::new(self.clone()))
    }
}

/// A model of so many columns, of which the check needs no more than their number.
fn model(features: usize) -> &'static Model {
    static MODELS: [OnceLock<Model>; 2] = [OnceLock::new(), OnceLock::new()];
    MODELS[features - 1].get_or_init(|| {
        let mut fit = Fit::new("nsf-gmm").unwrap();
        (fit.config.steps, fit.config.evaluate_every) = (1, 1);
        let law = Mixture::of(&[(1.0, &[Law::Normal(0.0, 1.0)])]);
        let rows = Rows::new(features, law.sample(100 * features, None, 1).unwrap()).unwrap();
        let parts = Parts { train: &rows, valid: None, test: None };
        fit.run(parts, None, &Workers::new(1).unwrap(), &mut Quiet).unwrap().0
    })
}

/// The check of what a mixture claims, whose data are none.
fn checked(mixture: &Mixture, seed: u64) -> Outcome {
    let workers = Workers::new(2).unwrap();
    let claims = Box::new(mixture.clone());
    let of = (seed, &workers);
    let subject =
        Subject::claiming(claims, model(mixture.features()), Evidence::default(), of).unwrap();
    check(&subject).unwrap()
}

/// The mixtures whose integral is one and is hard to see: named, with the mass above `cut` known.
fn hard() -> Vec<(&'static str, Mixture)> {
    use Law::{LogNormal, Normal, Student};
    let unit = Normal(0.0, 1.0);
    vec![
        ("outlier", Mixture::of(&[(0.96, &[unit]), (0.04, &[Normal(1e4, 1e-2)])])),
        ("rare outlier", Mixture::of(&[(0.996, &[unit]), (0.004, &[Normal(300.0, 1e-3)])])),
        ("Cauchy", Mixture::of(&[(1.0, &[Student(0.0, 1.0, 1.0)])])),
        ("Student, three degrees", Mixture::of(&[(1.0, &[Student(5.0, 0.1, 3.0)])])),
        ("heavier than Cauchy", Mixture::of(&[(1.0, &[Student(0.0, 1.0, 0.5)])])),
        ("sentinel", Mixture::of(&[(0.9, &[Normal(4.0, 1.0)]), (0.1, &[Normal(-99.0, 1e-6)])])),
        ("far apart", Mixture::of(&[(0.5, &[unit]), (0.5, &[Normal(1e6, 1.0)])])),
        ("far apart and uneven", Mixture::of(&[(0.98, &[unit]), (0.02, &[Normal(1e9, 1.0)])])),
        ("lognormal", Mixture::of(&[(1.0, &[LogNormal(0.0, 2.0)])])),
        (
            "outlier of the plane",
            Mixture::of(&[
                (0.96, &[Normal(3.0, 1.0), Normal(2.5, 0.8)]),
                (0.04, &[Normal(6654.0, 0.5), Normal(5712.0, 0.5)]),
            ]),
        ),
        (
            "rare outliers of the plane",
            Mixture::of(&[
                (0.99, &[unit, unit]),
                (0.004, &[Normal(40.0, 1e-3), Normal(-7.0, 1e-3)]),
                (0.006, &[Normal(0.5, 1e-4), Normal(0.5, 1e-4)]),
            ]),
        ),
        (
            "Cauchy of the plane",
            Mixture::of(&[(1.0, &[Student(0.0, 1.0, 1.0), Student(0.0, 1.0, 1.0)])]),
        ),
        (
            "Student of the plane",
            Mixture::of(&[(1.0, &[Student(0.0, 1.0, 3.0), Student(0.0, 1.0, 3.0)])]),
        ),
        (
            "sentinel of the plane",
            Mixture::of(&[
                (0.93, &[Normal(5.0, 1.0), Normal(2.2, 0.5)]),
                (0.07, &[Normal(-99.0, 1e-3), Normal(2.2, 0.5)]),
            ]),
        ),
        (
            "far apart in the plane",
            Mixture::of(&[(0.5, &[unit, unit]), (0.5, &[Normal(1e6, 1.0), Normal(1e6, 1.0)])]),
        ),
        (
            "lognormal of the plane",
            Mixture::of(&[(1.0, &[LogNormal(0.0, 1.0), LogNormal(1.0, 1.5)])]),
        ),
    ]
}

/// One to within two in a thousand, and known to that.
#[test]
fn tables_with_outliers_and_tails_raise_no_alarm() {
    for (name, mixture) in hard() {
        let Outcome::Checked(check) = checked(&mixture, 3) else { panic!("{name} is skipped") };
        assert!(check.passed && check.value < 2e-3, "{name}: {check:?}");
        assert!(check.tolerance < 4.5e-3, "{name}: {check:?}");
    }
}

/// Half a per cent too much and too little, and the last hundredth of a tail cut away.
#[test]
fn what_is_really_off_is_seen() {
    for (name, right) in hard() {
        for factor in [1.005, 0.995] {
            let Outcome::Checked(check) = checked(&Mixture { factor, ..right.clone() }, 3) else {
                panic!("{name} is skipped")
            };
            assert!(!check.passed && (check.value - 5e-3).abs() < 1.5e-3, "{name}: {check:?}");
        }
    }
    for (name, right, cut) in [
        ("normal", Mixture::of(&[(1.0, &[Law::Normal(0.0, 1.0)])]), 2.326_347_874),
        // tan(0.49 π)
        ("Cauchy", Mixture::of(&[(1.0, &[Law::Student(0.0, 1.0, 1.0)])]), 31.820_515_95),
        ("plane", Mixture::of(&[(1.0, &[Law::Normal(0.0, 1.0); 2])]), 2.326_347_874),
    ] {
        let Outcome::Checked(check) = checked(&Mixture { cut, ..right }, 3) else {
            panic!("{name} is skipped")
        };
        assert!(!check.passed && (check.value - 0.01).abs() < 1.5e-3, "{name}: {check:?}");
    }
}

/// Components of any place, width and weight: the stated error holds the true one.
///
/// Of a hundred and twenty, four may be outside: peaks that no draw lies in have more mass than stated
/// once in twenty times at most, and the mixtures are such that few have any of that mass.
#[test]
fn the_stated_error_covers_the_true_one() {
    let mut rng = generator(11, Stream::Sample, 0);
    let mut outside = Vec::new();
    for i in 0..120 {
        let (d, count) = (1 + i % 2, rng.random_range(1..=6));
        let weights: Vec<f64> =
            (0..count).map(|_| 10_f64.powf(rng.random_range(-3.0..0.0))).collect();
        let mut law = || {
            let place =
                10_f64.powf(rng.random_range(-1.0..3.0)) * f64::from(rng.random_range(-1..=1));
            let width = 10_f64.powf(rng.random_range(-2.0..1.0));
            match rng.random_range(0..3) {
                0 => Law::Student(place, width, rng.random_range(1.0..5.0)),
                _ => Law::Normal(place, width),
            }
        };
        let parts = weights
            .iter()
            .map(|w| (w / weights.iter().sum::<f64>(), (0..d).map(|_| law()).collect()));
        let mixture = Mixture { parts: parts.collect(), factor: 1.0, cut: f64::INFINITY };
        match checked(&mixture, i) {
            // The tolerance is the stated error and two in a thousand.
            Outcome::Checked(check) if check.value <= check.tolerance - MOST => (),
            other => outside.push((mixture, other)),
        }
    }
    assert!(outside.len() <= 4, "{} outside: {outside:#?}", outside.len());
}

/// What importance sampling says otherwise is told, and does not hide what cubature found.
#[test]
fn ways_that_disagree_are_told() {
    let off = |value, error| found((value, error, true));
    let judged = |cubature, sampling| compared(cubature, Ok(sampling));
    let told = judged(off(0.956, 1e-5), off(1.003, 0.016));
    assert!(told.is_wrong() && told.detail.contains("another way disagrees: 1.003"));
    // They agree, or importance sampling says nothing.
    for (value, error) in [(0.99, 0.05), (0.95, 0.02), (1.0, 0.5)] {
        let plain = judged(off(0.956, 1e-5), off(value, error));
        assert!(plain.is_wrong() && plain.detail == "0.956", "{value} ± {error}");
    }
}
