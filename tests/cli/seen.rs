//! Rows that a model was fitted to are not taken for new ones in silence.

use super::{Bench, TINY};

/// A table, a model fitted to it, and rows of the same kind that the fit has not seen.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.run("toy two-moons -n 300 --seed 1 -o seen.csv").good();
    bench.run("toy two-moons -n 300 --seed 2 -o new.csv").good();
    bench.run(&format!("fit seen.csv {TINY} -o run")).good();
    bench
}

#[test]
fn the_table_of_the_fit_is_told_by_every_command_that_judges() {
    let bench = bench();
    let told = "seen.csv is the table that the model was fitted to: 240 of its 300 rows trained it";
    let checked = bench.run("check run seen.csv");
    assert!(checked.err.contains(told), "{checked:?}");
    assert!(checked.err.contains("calibration-coverage: not checked"), "{checked:?}");
    let evaluated = bench.run("evaluate run seen.csv --json").good();
    assert!(evaluated.err.contains(told), "{evaluated:?}");
    let seen = &evaluated.json()["seen_in_training"];
    assert_eq!(*seen, serde_json::json!({"same_table": true, "rows": 240, "of": 300}));
    bench.run("outliers run new.csv --against seen.csv").refused(&[told, "leave --against out"]);
    let json = bench.run("outliers run seen.csv --json").good().json();
    assert_eq!(json["seen_in_training"]["rows"], 240);
    let drawn = bench.run("plot calibration run --data seen.csv -o c.png").good();
    assert!(drawn.err.contains(told), "{drawn:?}");
}

#[test]
fn new_rows_are_new() {
    let bench = bench();
    let checked = bench.run("check run new.csv --json");
    assert_eq!(
        checked.json()["seen_in_training"],
        serde_json::json!({"same_table": false, "rows": 0, "of": 300})
    );
    assert!(!checked.err.contains("calibration-coverage: not checked"), "{checked:?}");
    let evaluated = bench.run("evaluate run new.csv").good();
    assert!(!evaluated.err.contains("warning"), "{evaluated:?}");
    bench.run("outliers run new.csv --against new.csv").good();
}

#[test]
fn some_rows_of_the_fit_among_others_are_counted() {
    let bench = bench();
    let (seen, new) = (bench.text("seen.csv"), bench.text("new.csv"));
    let some: Vec<&str> = seen.lines().take(101).chain(new.lines().skip(1).take(100)).collect();
    bench.write("some.csv", some.join("\n"));
    let evaluated = bench.run("evaluate run some.csv --json").good();
    let found = evaluated.json()["seen_in_training"].clone();
    let rows = found["rows"].as_u64().unwrap();
    assert!((60..=100).contains(&rows) && found["same_table"] == false, "{found}");
    let told = format!("{rows} of 200 rows of some.csv are training rows of the model");
    assert!(evaluated.err.contains(&told), "{evaluated:?}");
    // Without the run folder the hash of the table is all that is known.
    std::fs::copy(bench.path("run/model.safetensors"), bench.path("alone.safetensors")).unwrap();
    let json = bench.run("check alone.safetensors seen.csv --json").json();
    let expected = serde_json::json!({"same_table": true, "rows": null, "of": 300});
    assert_eq!(json["seen_in_training"], expected);
}

#[test]
fn the_table_is_known_by_the_columns_that_were_read() {
    let bench = bench();
    bench.run(&format!("fit seen.csv {TINY} --columns x2 -o one")).good();
    let json = bench.run("check one seen.csv --json").json();
    assert_eq!(json["seen_in_training"]["same_table"], true);
}
