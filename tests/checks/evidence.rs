//! Rows that do not go with the model, or with each other.

use super::{Fitted, fails, named, toy};
use candle_core::Device;
use diffeo::checks::{Certificate, Evidence, Subject};
use diffeo_flows::Workers;
use diffeo_flows::densities::Toy;
use diffeo_flows::model::{Column, Model};
use diffeo_flows::rng::{Stream, generator};
use diffeo_flows::rows::Rows;
use rand::Rng;
use rand_distr::StandardNormal;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

fn moons() -> &'static Fitted {
    static MOONS: OnceLock<Fitted> = OnceLock::new();
    MOONS.get_or_init(|| Fitted::moons("nsf-gmm"))
}

/// The certificate of a right model with these rows instead of those held out.
fn with_held_out(fitted: &Fitted, held_out: &Rows) -> Certificate {
    let workers = Workers::new(2).unwrap();
    let evidence =
        Evidence { train: Some(&fitted.train), held_out: Some(held_out), recorded: None };
    let subject = Subject::new(&fitted.model, evidence, 7, &workers).unwrap();
    Certificate::of(&subject).unwrap()
}

fn changed(rows: &Rows, change: impl Fn(&mut [f64])) -> Rows {
    let mut points = rows.points().to_vec();
    points.chunks_exact_mut(rows.features()).for_each(change);
    Rows::new(rows.features(), points).unwrap()
}

/// A density narrower than the data by 30 %.
#[test]
fn a_narrow_density_is_seen() {
    let wide = changed(&moons().held_out, |x| {
        (x[0], x[1]) = (0.5 + (x[0] - 0.5) / 0.7, 0.25 + (x[1] - 0.25) / 0.7);
    });
    fails(&with_held_out(moons(), &wide), &["calibration-coverage"]);
}

/// Both columns as they should be, but not together: correlated by 0.95, and by −0.95.
#[test]
fn columns_that_do_not_belong_together_are_seen() {
    let mut rng = generator(6, Stream::Sample, 9);
    let mut normal = || -> f64 { rng.sample(StandardNormal) };
    let row = |_| {
        let x = normal();
        [x, 0.95 * x + 0.31 * normal()]
    };
    let rows = Rows::new(2, (0..3000).flat_map(row).collect()).unwrap();
    let fitted = Fitted::of("nsf", &rows, |fit| fit.config.steps = 100);
    let certificate = with_held_out(&fitted, &changed(&fitted.held_out, |x| x[1] = -x[1]));
    fails(&certificate, &["maximum-mean-discrepancy", "classifier-two-sample"]);
    assert!(named(&certificate, "calibration-pit").passed);
}

/// Training rows of the law that was learnt, held-out rows from elsewhere.
#[test]
fn rows_from_elsewhere_are_seen() {
    let moved = changed(&moons().held_out, |x| x[1] += 0.6);
    let found = with_held_out(moons(), &moved);
    fails(&found, &["overfitting", "calibration-coverage"]);
    for name in ["overfitting", "calibration-coverage"] {
        assert!(named(&found, name).detail.contains("give more rows"), "{found:?}");
    }
}

/// Where half of a column is one value, that is said to be the cause.
#[test]
fn ties_are_named_as_the_cause() {
    let tied = changed(&moons().held_out, |x| x[1] = if x[0] > 0.5 { 3.0 } else { x[1] });
    let count = tied.points().chunks_exact(2).filter(|x| x[1] > 2.9).count();
    let found = with_held_out(moons(), &tied);
    fails(&found, &["calibration-coverage"]);
    let expected = format!("{count} of 2000 values of column x2 are equal, 3,");
    let detail = &named(&found, "calibration-coverage").detail;
    assert!(detail.contains("ties are the cause") && detail.contains(&expected), "{detail}");
}

#[test]
fn rows_outside_the_splines_are_seen() {
    let far = changed(&moons().held_out, |x| x[0] *= 10.0);
    fails(&with_held_out(moons(), &far), &["spline-tails"]);
}

/// Every row of a table comes twice, and the table was split by chance: as most training rows come
/// twice among themselves, too, nothing tells them from others but that they are the same.
#[test]
fn rows_that_come_twice_are_seen() {
    let once = toy("two-moons", 1500);
    let mut numbers: Vec<usize> = (0..1500).chain(0..1500).collect();
    rand::seq::SliceRandom::shuffle(&mut numbers[..], &mut generator(3, Stream::Sample, 9));
    let fitted = Fitted::of("nsf", &once.take(&numbers), |fit| fit.config.steps = 30);
    let found = fitted.certificate(2);
    let leakage = named(&found, "leakage");
    assert!(!leakage.passed && leakage.value > 0.5, "{leakage:?}");
    assert!(leakage.detail.contains("remove the copies"), "{leakage:?}");
}

/// One row in ten, and one in fifty.
#[test]
fn some_training_rows_among_the_held_out_ones_are_seen() {
    let Fitted { train, held_out, .. } = moons();
    let leaking = |every: usize| {
        let mut points = held_out.points().to_vec();
        for (x, seen) in points.chunks_exact_mut(2 * every).zip(train.points().chunks_exact(2)) {
            x[..2].copy_from_slice(seen);
        }
        with_held_out(moons(), &Rows::new(2, points).unwrap())
    };
    fails(&leaking(10), &["leakage"]);
    assert!(named(&leaking(50), "leakage").passed);
}

/// A model of two columns of whole numbers up to so many, and the rows as the noise of training and as
/// that of held-out rows spread them.
fn whole(most: u32) -> (Fitted, Rows) {
    let mut rng = generator(4, Stream::Sample, 9);
    let column = |name: &str| Column::integer(name, Some(0.0), Some(f64::from(most))).unwrap();
    let columns = vec![column("a"), column("b")];
    let (mut of_train, mut again) = (Vec::new(), Vec::new());
    for i in 0..3000 {
        let value = f64::from(rng.random_range(0..=most));
        let mut point = || columns[i % 2].encode(value, rng.random_range(0.1..0.9)).unwrap();
        of_train.push(point());
        again.push(point());
    }
    let rows = Rows::new(2, of_train).unwrap();
    let fitted = Fitted::of("nsf", &rows, |fit| {
        (fit.config.steps, fit.columns) = (100, columns.clone());
    });
    (fitted, Rows::new(2, again).unwrap())
}

#[test]
fn noise_does_not_hide_rows_of_whole_numbers() {
    let (fitted, again) = whole(1000);
    let leakage = named(&fitted.certificate(2), "leakage").clone();
    assert!(leakage.passed && leakage.value < 0.01, "{leakage:?}");
    // The first are training rows.
    let leaked = again.take(&(0..500).collect::<Vec<_>>());
    let found = with_held_out(&fitted, &leaked);
    assert!(named(&found, "leakage").value > 0.95, "{:?}", named(&found, "leakage"));
    fails(&found, &["leakage"]);
}

#[test]
fn few_values_repeat_themselves_without_a_leak() {
    let certificate = whole(4).0.certificate(2);
    let found = certificate.skipped.iter().find(|skipped| skipped.name == "leakage");
    assert!(found.is_some_and(|skipped| skipped.why.contains("few values")), "{certificate:?}");
    // Of rounded ones some repeat themselves; new ones do as often.
    let rounded = changed(&toy("two-moons", 3000), |x| {
        (x[0], x[1]) = ((x[0] * 40.0).round() / 40.0, (x[1] * 40.0).round() / 40.0);
    });
    let fitted = Fitted::of("nsf-gmm", &rounded, |fit| fit.config.steps = 200);
    let leakage = named(&fitted.certificate(2), "leakage").clone();
    assert!(leakage.passed && leakage.value.abs() < 0.05, "{leakage:?}");
    assert!(leakage.detail.contains("rounded, which is no leak"), "{leakage:?}");
    assert!(!leakage.detail.contains("remove"), "{leakage:?}");
}

/// `check RUN TOY` judges by new rows of the toy, not by those that `fit TOY` was given.
#[test]
fn a_toy_gives_rows_that_the_model_has_not_seen() {
    let folder = tempfile::TempDir::new().unwrap();
    let run = |line: &str| {
        let words = line.split_whitespace();
        let program = Path::new(env!("CARGO_BIN_EXE_diffeo"));
        Command::new(program).args(words).current_dir(folder.path()).output().unwrap()
    };
    let tiny = "--steps 12 --evaluate-every 4 --layers 1 --hidden 8 --no-plots";
    assert!(run(&format!("fit two-moons --rows 2000 {tiny} -o run")).status.success());
    assert!(run("toy two-moons -n 2000 -o seen.csv").status.success());
    let said = run("check run two-moons --json").stdout;
    let found: Certificate = serde_json::from_slice(&said).unwrap();
    // The rows that it is judged by, drawn here.
    let rng = &mut generator(0, Stream::Evaluation, 0);
    let fresh = Toy::named("two-moons").unwrap().sample_points(2000, rng);
    let rows = Rows::new(2, fresh.concat()).unwrap();
    let model = Model::load(folder.path().join("run"), &Device::Cpu).unwrap();
    let workers = Workers::new(2).unwrap();
    let evidence = Evidence { held_out: Some(&rows), ..Evidence::default() };
    let subject = Subject::new(&model, evidence, 0, &workers).unwrap();
    assert_eq!(found, Certificate::of(&subject).unwrap());
    // None of them is one that `fit` was given.
    let seen = std::fs::read_to_string(folder.path().join("seen.csv")).unwrap();
    let seen: Vec<f64> =
        seen.lines().skip(1).flat_map(|l| l.split(',')).map(|v| v.parse().unwrap()).collect();
    let is_seen = |x: &[f64; 2]| {
        seen.chunks_exact(2).any(|row| row.iter().zip(x).all(|(a, b)| (a - b).abs() < 1e-12))
    };
    assert_eq!((seen.len(), fresh.iter().filter(|x| is_seen(x)).count()), (4000, 0));
}
