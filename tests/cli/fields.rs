//! `field`, `log-prob --errors` and pictures of fields.

use super::{Bench, Column, TINY, csv, numbers};
use std::fmt::Write;

/// A continuous flow that has left its start, `run`, and twenty points, `points.csv`: without rows to
/// choose by, the last weights stay.
fn bench(flags: &str) -> Bench {
    let bench = Bench::new();
    let moves = "--steps 40 --lr 0.02 --warmup 0 --average-decay 0 --evaluate-every 20 --valid 0";
    let tiny = TINY.replace("--steps 12 --evaluate-every 4", moves);
    bench.run(&format!("fit two-moons {tiny} {flags} -o run")).good();
    bench.run("toy two-moons -n 20 -o points.csv --seed 9").good();
    bench
}

fn header(text: &str) -> &str {
    text.lines().next().unwrap()
}

/// The columns of a CSV of so many, from this one on.
fn column(csv: &str, width: usize, i: usize) -> Vec<f64> {
    numbers(csv).into_iter().skip(i).step_by(width).collect()
}

#[test]
fn a_velocity_is_a_table_with_divergence_and_curl() {
    let bench = bench("--flow flow-matching");
    let plain = bench.run("field run points.csv").good().out;
    assert_eq!(header(&plain), "velocity_x1,velocity_x2");
    assert!(plain.lines().count() == 21 && numbers(&plain).iter().any(|v| v.abs() > 1e-3));
    let all = bench.run("field run points.csv --divergence --curl").good().out;
    assert_eq!(header(&all), "velocity_x1,velocity_x2,divergence,curl");
    for i in 0..2 {
        assert_eq!(column(&all, 4, i), column(&plain, 2, i));
    }
    let curl = bench.run("field run points.csv --curl").good().out;
    assert_eq!(header(&curl), "velocity_x1,velocity_x2,curl");
    assert_eq!(column(&curl, 3, 2), column(&all, 4, 3));
    assert!(column(&all, 4, 3).iter().any(|curl| curl.abs() > 1e-3), "no gradient");
    let at = |time: &str| bench.run(&format!("field run points.csv --time {time}")).good().out;
    assert!(at("0") == plain && at("0.5") != plain && at("1") != at("0.5"));
    let said = bench.run("field run points.csv --time 0.5 -o field.csv --json").good().json();
    assert_eq!((&said["rows"], &said["field"]), (&20.into(), &"velocity".into()));
    assert_eq!((&said["time"], bench.text("field.csv")), (&0.5.into(), at("0.5")));
}

#[test]
fn a_score_is_the_slope_of_log_prob() {
    let bench = bench("--flow ffjord --atol 1e-9 --rtol 1e-9 --dtype f64");
    let said = bench.run("field run points.csv --score --divergence").good().out;
    assert_eq!(header(&said), "score_x1,score_x2,divergence");
    assert_eq!(numbers(&said).len(), 60);
    let points = numbers(&bench.text("points.csv"));
    for i in 0..2 {
        let at = |by: f64| {
            let mut text = "x1,x2".to_owned();
            for row in points.chunks_exact(2) {
                let mut row = row.to_vec();
                row[i] += by;
                write!(text, "\n{},{}", row[0], row[1]).unwrap();
            }
            bench.run_on("log-prob run -", &(text + "\n")).good().numbers()
        };
        let (after, before) = (at(1e-4), at(-1e-4));
        let slopes = after.iter().zip(before).map(|(after, before)| (after - before) / 2e-4);
        for (score, slope) in column(&said, 3, i).iter().zip(slopes) {
            assert!((score - slope).abs() < 1e-4 * slope.abs().max(1.0), "{score} {slope}");
        }
    }
    let other = Bench::with_model();
    other.run("toy two-moons -n 20 -o points.csv").good();
    let said = other.run("field run points.csv --curl").good().out;
    assert_eq!(header(&said), "score_x1,score_x2,curl");
}

#[test]
fn fields_that_there_are_not() {
    let bench = Bench::with_model();
    let three: [Column; 3] =
        [("a", |i| (1.3 * i).sin()), ("b", |i| (0.7 * i).cos()), ("c", |i| (2.1 * i).sin())];
    bench.write("rows.csv", csv(&three, 200));
    bench.run("toy two-moons -n 5 -o points.csv").good();
    bench.run(&format!("fit rows.csv --flow ffjord {TINY} -o cube")).good();
    bench.run(&format!("fit two-moons --flow ffjord {TINY} -o plane")).good();
    for (arguments, words) in [
        ("field run points.csv --time 0.5", ["velocity", "continuous"]),
        ("field plane points.csv --time 2", ["time: 2", "latent"]),
        ("field plane points.csv --time -1", ["time: -1", "latent"]),
        ("field plane points.csv --time 0.5 --score", ["--time", "--score"]),
        ("field cube rows.csv --curl", ["curl", "3 features"]),
        ("field plane rows.csv", ["rows.csv", "x1"]),
        ("field plane none.csv", ["none.csv", ""]),
        ("plot density plane --streamlines -o no.png", ["--streamlines", "no use"]),
        ("plot samples plane --time 0.5 -o no.png", ["--time", "no use"]),
        ("plot flow plane --score -o no.png", ["--score", "no use"]),
        ("plot trajectories run -o no.png", ["trajectories", "continuous"]),
        ("plot field run --time 0.2 -o no.png", ["velocity", "continuous"]),
        ("plot field two-moons -o no.png", ["two-moons", "needs a model"]),
        ("log-prob plane points.csv --log-prob-se 0", ["--log-prob-se", "positive"]),
        ("log-prob plane points.csv --log-prob-se nan -o no.png", ["--log-prob-se", "positive"]),
    ] {
        bench.run(arguments).refused(&words);
        assert!(!bench.exists("no.png"), "{arguments}");
    }
    let said = bench.run("field cube rows.csv --divergence").good().out;
    assert_eq!(header(&said), "velocity_a,velocity_b,velocity_c,divergence");
    bench.run("plot field cube -o no.png").refused(&["two columns"]);
}

#[test]
fn log_densities_have_errors() {
    let bench = bench("--flow ffjord --divergence hutchinson --probes 8 --atol 1e-3 --rtol 1e-3");
    let plain = bench.run("log-prob run points.csv").good().numbers();
    let said = bench.run("log-prob run points.csv --errors").good().out;
    assert_eq!(header(&said), "log_prob,standard_error");
    let (values, errors) = (column(&said, 2, 0), column(&said, 2, 1));
    assert!(errors.iter().all(|error| *error > 0.0 && *error < 1.0), "{said}");
    let asked = bench.run("log-prob run points.csv --log-prob-se 0.002").good().out;
    assert_eq!(header(&asked), header(&said));
    assert!(errors.iter().any(|error| *error > 0.002), "{said}");
    assert!(column(&asked, 2, 1).iter().all(|error| *error > 0.0 && *error <= 0.002), "{asked}");
    let close = column(&asked, 2, 0);
    for (((value, error), close), plain) in values.iter().zip(&errors).zip(&close).zip(&plain) {
        assert!((value - close).abs() < 6.0 * (error + 0.002), "{value} ± {error}, {close}");
        assert!((plain - close).abs() < 1.0, "{plain} {close}");
    }
    let other = Bench::with_model();
    other.run("toy two-moons -n 5 -o points.csv").good();
    let said = other.run("log-prob run points.csv --errors").good().out;
    assert_eq!(column(&said, 2, 1), [0.0; 5]);
}

#[test]
fn fields_and_paths_are_drawn() {
    let (continuous, other) = (bench("--flow flow-matching"), Bench::with_model());
    let kinds = ["field run", "divergence run", "field run --streamlines"];
    let timed = ["field run --time 0.5", "divergence run --score", "trajectories run", "flow run"];
    for (bench, subjects) in
        [(&continuous, [&kinds[..], &timed[..]].concat()), (&other, kinds.to_vec())]
    {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for (i, subject) in subjects.iter().enumerate() {
            bench.run(&format!("plot {subject} -o {i}.png --quiet")).good();
            let picture = bench.bytes(&format!("{i}.png"));
            assert!(picture.starts_with(b"\x89PNG") && picture.len() > 5_000, "{subject}");
            assert!(!seen.contains(&picture), "{subject} looks like another");
            seen.push(picture);
        }
        bench.run("plot divergence run -o d.svg").good();
        assert!(bench.text("d.svg").contains("</svg>"));
    }
}
