//! `fit --flow auto`: the choice, its record, and going on after an interruption.

use super::{Bench, TINY, csv};
use serde_json::Value;
use std::time::{Duration, Instant};

const CANDIDATES: [&str; 4] = ["nsf-gmm", "nsf-ar", "maf", "realnvp"];

fn selection(bench: &Bench, folder: &str) -> Value {
    serde_json::from_str(&bench.text(&format!("{folder}/candidates.json"))).unwrap()
}

#[test]
fn the_choice_is_the_one_that_its_record_says() {
    let bench = Bench::new();
    let fit = format!("fit two-moons {TINY} --flow auto -o run --json");
    let report = bench.run(&fit).good().json();
    let record = selection(&bench, "run");
    assert_eq!(report["auto"], record);
    assert_eq!((&report["flow"], &record["chosen"]), (&record["chosen"], &report["flow"]));
    let candidates = record["candidates"].as_array().unwrap();
    let names: Vec<&str> = candidates.iter().map(|c| c["flow"].as_str().unwrap()).collect();
    assert_eq!(names, CANDIDATES);
    let mean = |c: &Value| c["valid"]["mean"].as_f64().unwrap();
    let best = candidates.iter().max_by(|a, b| mean(a).total_cmp(&mean(b))).unwrap();
    for candidate in candidates {
        let behind = candidate["behind"]["mean"].as_f64().unwrap();
        assert!((behind - mean(best) + mean(candidate)).abs() < 1e-9, "{candidate}");
        // The rows that judge were shown to the chosen flow alone.
        let name = candidate["flow"].as_str().unwrap();
        let info = bench.run(&format!("info run/candidates/{name} --json")).good().json();
        assert!(info["training"]["test_log_likelihood"].is_null(), "{info}");
    }
    let within =
        |c: &&Value| c["behind"]["mean"].as_f64() <= c["behind"]["standard_error"].as_f64();
    let simplest =
        candidates.iter().filter(within).map(|c| c["parameters"].as_u64()).min().unwrap();
    let chosen = candidates.iter().find(|c| c["flow"] == record["chosen"]).unwrap();
    assert_eq!(chosen["parameters"].as_u64(), simplest, "{record}");
    assert!(report["log_likelihood"]["test"].is_f64() && report["baselines"]["kde"].is_f64());

    let info = bench.run("info run --json").good().json();
    assert_eq!(info["recipe"], record["chosen"]);
    let settings: toml::Table = bench.text("run/config.toml").parse().unwrap();
    assert_eq!(settings["flow"].as_str(), Some("auto"));
    assert!(settings.get("lr").is_none(), "each flow has its own: {settings:?}");
    let again = bench.run("fit --config run/config.toml -o again --json").good().json();
    assert_eq!(again["auto"], report["auto"]);
    assert!(bench.bytes("run/model.safetensors") == bench.bytes("again/model.safetensors"));
    let resumed = bench.run(&format!("{fit} --resume")).good();
    assert!(resumed.err.contains("complete") && resumed.json()["auto"] == record, "{resumed:?}");
    bench.run(&format!("fit two-moons {TINY} -o run --force")).good();
    assert!(!bench.exists("run/candidates") && !bench.exists("run/candidates.json"));
}

#[test]
fn a_choice_without_validation_rows_or_with_foreign_settings_is_refused() {
    let bench = Bench::new();
    let fit = format!("fit two-moons {TINY} --flow auto -o run");
    bench.run(&format!("{fit} --valid 0")).refused(&["auto", "validation", "--valid"]);
    bench.run(&format!("{fit} --bins 5")).refused(&["auto", "maf", "bins"]);
    bench.run(&format!("{fit} --lr -1")).refused(&["lr"]);
    bench.run(&format!("{fit} --support x1=positive")).refused(&["x1", "support"]);
    assert!(!bench.exists("run"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_choice_goes_on_where_it_was() {
    let bench = Bench::new();
    let long = "fit two-moons --rows 400 --batch-size 32 --steps 800 --evaluate-every 20 --layers 1 \
                --hidden 8 --no-plots --flow auto";
    let mut child = bench.start(&format!("{long} -o broken"));
    let started = Instant::now();
    while !bench.exists("broken/candidates/nsf-ar/checkpoint.safetensors") {
        assert!(started.elapsed() < Duration::from_mins(1), "no checkpoint");
        assert!(child.try_wait().unwrap().is_none(), "ended before the second flow");
        std::thread::sleep(Duration::from_millis(2));
    }
    let killed = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!bench.exists("broken/model.safetensors"));
    let first = bench.bytes("broken/candidates/nsf-gmm/model.safetensors");
    bench.run(&format!("{long} -o broken")).refused(&["broken exists", "--resume"]);
    bench.run(&format!("{long} -o broken --resume")).good();
    assert!(bench.bytes("broken/candidates/nsf-gmm/model.safetensors") == first);
    bench.run(&format!("{long} -o whole")).good();
    for name in ["model.safetensors", "config.toml", "candidates.json"] {
        let [a, b] = ["broken", "whole"].map(|folder| bench.bytes(&format!("{folder}/{name}")));
        assert!(a == b, "{name}");
    }
}

/// One validation row has no error, which JSON writes as null.
#[test]
fn a_finished_choice_with_infinite_errors_is_read_again() {
    let bench = Bench::new();
    bench.write("few.csv", csv(&[("a", |i| 2.0 * i), ("b", |i| i * 5.0 % 12.0)], 12));
    let fit = "fit few.csv --steps 4 --evaluate-every 2 --layers 1 --hidden 8 --no-plots --flow auto \
               -o run";
    bench.run(fit).good();
    assert!(bench.text("run/candidates.json").contains("null"));
    assert!(bench.run(&format!("{fit} --resume")).good().err.contains("complete"));
}

#[test]
fn one_column_is_fitted_by_the_flows_that_take_one() {
    let bench = Bench::new();
    bench.write("one.csv", csv(&[("a", |i| (i * 0.7).sin())], 200));
    let tiny = TINY.replace("--rows 400 ", "");
    let said = bench.run(&format!("fit one.csv {tiny} --flow auto -o run --json")).good();
    assert!(said.err.contains("realnvp: left out"), "{said:?}");
    let json = said.json();
    let tried = json["auto"]["candidates"].as_array().unwrap().iter();
    let names: Vec<&str> = tried.map(|c| c["flow"].as_str().unwrap()).collect();
    assert_eq!(names, ["nsf-gmm", "nsf-ar", "maf"], "affine couplings need two columns");
}

#[test]
fn a_choice_destroys_nothing_before_it_refuses() {
    let bench = Bench::new();
    bench.write("three.csv", csv(&[("a", f64::sin), ("b", f64::cos), ("c", |i| 2.0 * i)], 100));
    let tiny = TINY.replace("--rows 400 ", "");
    let plain = format!("fit three.csv {tiny} -o run");
    bench.run(&format!("{plain} --flow auto")).good();
    let names = ["model.safetensors", "candidates.json", "config.toml", "metrics.jsonl"];
    let content = || names.map(|name| bench.bytes(&format!("run/{name}")));
    let before = content();
    bench.run(&format!("{plain} --flow auto --film --force")).refused(&["--film"]);
    assert!(content() == before && bench.exists("run/candidates/maf/model.safetensors"));
    bench.run(&format!("{plain} --flow realnvp --force")).good();
    let before = bench.bytes("run/model.safetensors");
    let said = bench.run(&format!("{plain} --flow auto --resume"));
    said.refused(&["of one flow", "--force"]);
    assert!(bench.bytes("run/model.safetensors") == before);
}

#[test]
fn a_choice_interrupted_over_a_model_is_not_taken_for_it() {
    let bench = Bench::with_model();
    let old = ["model.safetensors", "config.toml"].map(|n| bench.bytes(&format!("run/{n}")));
    let long = "fit two-moons --rows 400 --batch-size 32 --steps 800 --evaluate-every 20 --layers 1 \
                --hidden 8 --no-plots --flow auto -o run";
    let mut child = bench.start(&format!("{long} --force"));
    let started = Instant::now();
    while !bench.exists("run/candidates/nsf-gmm/checkpoint.safetensors") {
        assert!(started.elapsed() < Duration::from_mins(1), "no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = ["model.safetensors", "config.toml"].map(|n| bench.bytes(&format!("run/{n}")));
    assert!(kept == old, "the old model and its settings stay");
    bench.run("info run").refused(&["interrupted", "--resume", "run/model.safetensors"]);
    bench
        .run(&format!("fit two-moons {TINY} -o run --resume"))
        .refused(&["--flow auto", "--force"]);
    bench.run(&format!("{long} --resume")).good();
    let settings: toml::Table = bench.text("run/config.toml").parse().unwrap();
    assert_eq!(settings["flow"].as_str(), Some("auto"));
    bench.run("info run").good();
}
