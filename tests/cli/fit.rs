//! The run folder, its settings and what `fit` prints.

use super::{Bench, TINY, keys};
use serde_json::Value;

#[test]
fn a_run_folder_is_complete() {
    let bench = Bench::new();
    bench.run("fit two-moons --rows 600 --steps 30 --evaluate-every 10 -o run").good();
    for name in ["config.toml", "model.safetensors", "metrics.jsonl"] {
        assert!(!bench.bytes(&format!("run/{name}")).is_empty(), "{name}");
    }
    for name in ["density.png", "samples.png", "training.png", "flow.png"] {
        let picture = bench.bytes(&format!("run/{name}"));
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000, "{name}");
    }
    assert!(!bench.exists("run/checkpoint.safetensors"));
    let lines = bench.text("run/metrics.jsonl");
    let metrics: Vec<Value> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let steps: Vec<u64> = metrics.iter().map(|m| m["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, [10, 20, 30]);
    for line in &metrics {
        for key in ["loss", "valid_loss", "seconds"] {
            assert!(line[key].as_f64().is_some_and(f64::is_finite), "{key} in {line}");
        }
    }
}

#[test]
fn fit_prints_one_object_with_the_promised_keys() {
    let bench = Bench::new();
    let said = bench.run(&format!("fit two-moons {TINY} --seed 3 -o run --json")).good();
    let report = said.json();
    assert_eq!(
        keys(&report),
        [
            "baselines",
            "best_step",
            "certificate",
            "diverged",
            "features",
            "flow",
            "improved_on_start",
            "log_likelihood",
            "model",
            "next",
            "over_gaussian",
            "report",
            "rows",
            "seconds",
            "seed",
            "skipped",
            "steps",
            "steps_per_second",
            "stop",
            "unjudged"
        ]
    );
    assert_eq!(keys(&report["rows"]), ["test", "train", "valid"]);
    assert_eq!(keys(&report["log_likelihood"]), ["test", "test_standard_error", "train", "valid"]);
    assert_eq!((&report["model"], &report["flow"]), (&"run".into(), &"nsf-gmm".into()));
    assert_eq!((&report["features"], &report["steps"]), (&2.into(), &12.into()));
    assert_eq!(report["seed"], 3);
    assert_eq!(report["rows"], serde_json::json!({"train": 320, "valid": 40, "test": 40}));
    for key in ["train", "valid", "test", "test_standard_error"] {
        assert!(report["log_likelihood"][key].as_f64().is_some_and(f64::is_finite), "{report}");
    }
    let rate = report["steps"].as_f64().unwrap() / report["seconds"].as_f64().unwrap();
    assert!((report["steps_per_second"].as_f64().unwrap() / rate - 1.0).abs() < 1e-6);
}

#[test]
fn parts_that_are_not_held_out_have_no_likelihood() {
    let bench = Bench::new();
    let said = bench.run(&format!("fit two-moons {TINY} --valid 0 --test 0 -o run --json"));
    let report = said.good().json();
    assert_eq!(report["rows"], serde_json::json!({"train": 400, "valid": 0, "test": 0}));
    assert!(report["log_likelihood"]["valid"].is_null());
    assert!(report["log_likelihood"]["test"].is_null());
    assert!(report["log_likelihood"]["train"].is_f64());
}

/// The report's path and a command to go on with come last; a start that nothing beats is called so.
#[test]
fn fit_ends_with_what_it_found_and_what_comes_next() {
    let bench = Bench::new();
    let said = bench.run(&format!("fit two-moons {TINY} -o run")).good();
    let lines: Vec<&str> = said.out.lines().collect();
    let [.., report, next] = lines[..] else { panic!("{said:?}") };
    assert_eq!(report, "report                run/report.html");
    assert_eq!(next, "next                  diffeo plot density run");
    assert!(bench.exists("run/report.html"));
    bench
        .run(&format!(
            "{} -o density.png",
            next.trim_start_matches("next").trim_start().trim_start_matches("diffeo ")
        ))
        .good();
    // A learning rate that does nothing leaves the weights of the start.
    let still = format!("fit two-moons {TINY} --lr 1e-300 --components 3 -o still");
    let said = bench.run(&still).good();
    let line =
        "training did not improve on its start: the model is the initial mixture of 3 components";
    assert!(said.out.contains(line), "{said:?}");
    let report = bench.run(&format!("{still} --resume --json")).good().json();
    assert_eq!((&report["best_step"], &report["improved_on_start"]), (&0.into(), &false.into()));
    assert_eq!((&report["diverged"], &report["stop"]), (&false.into(), &"completed".into()));
    assert_eq!(report["report"], "still/report.html");
}

/// One row in a hundred has weight: no batch is a reason to stop, and rows far away set no scale.
#[test]
fn a_weight_column_of_hardly_any_weight_trains() {
    let bench = Bench::new();
    let row = |i: u32| {
        let (x, y) = (f64::from(i * 37 % 101), f64::from(i * 53 % 89));
        let (far, weight) = if i % 100 < 3 { (0.0, 1) } else { (1e4, 0) };
        format!("{},{},{weight}\n", x + far, y + far)
    };
    let table: String = (0..4000).map(row).collect();
    bench.write("light.csv", format!("x,y,w\n{table}"));
    let fit =
        "fit light.csv --weight w --steps 40 --layers 1 --hidden 8 --batch-size 16 --no-plots";
    let report = bench.run(&format!("{fit} -o run --json")).good().json();
    assert_eq!((&report["stop"], &report["skipped"]), (&"completed".into(), &0.into()));
    // Uniform over 101 by 89: −ln 8989 = −9.1; a scale of 1e4 costs more than five nats a column.
    let test = report["log_likelihood"]["test"].as_f64().unwrap();
    assert!((-13.0..-8.5).contains(&test), "{report}");
}

#[test]
fn results_go_to_stdout_and_messages_to_stderr() {
    let bench = Bench::new();
    let loud = bench.run(&format!("fit two-moons {TINY} -o loud")).good();
    assert!(loud.out.contains("mean log-likelihood") && loud.out.contains("seed 0"));
    assert!(loud.err.contains("fitting nsf-gmm") && loud.err.contains("seed 0"));
    assert!(!loud.err.contains('\u{1b}'), "no colours or bars away from a terminal: {loud:?}");
    let quiet = bench.run(&format!("fit two-moons {TINY} -o quiet --quiet")).good();
    assert!(quiet.err.is_empty() && quiet.out.contains("mean log-likelihood"), "{quiet:?}");
    let sampled = bench.run("sample quiet -n 3 -q").good();
    assert!(sampled.err.is_empty() && sampled.out.lines().count() == 4, "{sampled:?}");
    let refused = bench.run("sample nothing -q");
    assert!(refused.err.contains("nothing"), "errors are said also when quiet: {refused:?}");
}

#[test]
fn a_run_is_repeated_from_the_settings_in_its_folder() {
    let bench = Bench::new();
    let flags = "--flow realnvp --seed 5 --lr 0.01 --batch-size 64 --weight-decay 0.01 \
                 --average-decay 0.9 --clip-norm 1 --patience 9 --warmup 3 --dtype f64";
    bench.run(&format!("fit banana {TINY} {flags} -o first")).good();
    bench.run("fit --config first/config.toml -o second").good();
    assert!(bench.bytes("first/model.safetensors") == bench.bytes("second/model.safetensors"));
    assert_eq!(bench.text("first/config.toml"), bench.text("second/config.toml"));
    let defaults = format!("fit banana {TINY} -o third");
    bench.run(&defaults).good();
    assert!(bench.bytes("first/model.safetensors") != bench.bytes("third/model.safetensors"));
}

#[test]
fn flags_beat_the_file_and_the_file_beats_the_defaults() {
    let bench = Bench::new();
    let file = "data = 'rings'\nflow = 'nsf'\nsteps = 8\nseed = 4\nrows = 300\nlayers = 2\n\
                hidden = [4]\nbins = 5\nlr = 0.02\nevaluate-every = 4\nno-plots = true\n";
    bench.write("settings.toml", file);
    bench.run("fit --config settings.toml --lr 0.03 --bins 6 --seed 7 -o run").good();
    let settings: toml::Table = bench.text("run/config.toml").parse().unwrap();
    let shown = |key: &str| settings[key].to_string();
    for (key, value) in [
        ("data", "\"rings\""),
        ("flow", "\"nsf\""),
        ("steps", "8"),
        ("rows", "300"),
        ("layers", "2"),
        ("hidden", "[4]"),
        ("no-plots", "true"),
        ("lr", "0.03"),
        ("bins", "6"),
        ("seed", "7"),
        ("batch-size", "512"),
        ("valid", "0.1"),
        ("dtype", "\"f32\""),
        ("device", "\"cpu\""),
    ] {
        assert_eq!(shown(key), value, "{key}");
    }
    let info = bench.run("info run --json").good().json();
    assert_eq!(info["train"]["learning_rate"], 0.03);
    assert_eq!((&info["seed"], &info["recipe"]), (&7.into(), &"nsf".into()));
    assert_eq!(info["flow"]["layers"].as_array().unwrap().len(), 2);
    assert_eq!(info["flow"]["layers"][0]["univariate"]["bins"], 6);
    assert!(!bench.exists("run/density.png"));
}

#[test]
fn the_run_folder_has_a_name_without_one_being_given() {
    let bench = Bench::new();
    let said = bench.run(&format!("fit two-moons {TINY} --json")).good();
    assert_eq!(said.json()["model"], "runs/two-moons");
    assert!(bench.exists("runs/two-moons/model.safetensors"));
}

#[test]
fn a_film_of_the_training_is_a_gif() {
    let bench = Bench::new();
    let said = bench.run(&format!("fit two-moons {TINY} --film --live -o run")).good();
    assert!(said.err.contains("no terminal"), "{said:?}");
    let film = bench.bytes("run/training.gif");
    assert!(film.starts_with(b"GIF89a") && film.len() < 2_000_000, "{}", film.len());
    // A frame for the start and each of three evaluations.
    let frames = film.windows(3).filter(|bytes| *bytes == [0x21, 0xf9, 0x04]).count();
    assert_eq!(frames, 4);
    bench.run(&format!("fit two-moons {TINY} --columns x1 --film -o one")).refused(&["--film"]);
    assert!(!bench.exists("one"));
}

/// The verdict of the certificate is where scripts look for it.
#[test]
fn the_certificate_is_told_by_fit_and_info() {
    let bench = Bench::new();
    let fitted = bench.run(&format!("fit two-moons {TINY} -o run --json")).good().json();
    let stored: Value = serde_json::from_str(&bench.text("run/certificate.json")).unwrap();
    let checks = stored["checks"].as_array().unwrap();
    let names = |checks: &[Value]| -> Vec<Value> {
        checks.iter().filter(|c| c["passed"] == false).map(|c| c["name"].clone()).collect()
    };
    let verdict = serde_json::json!({"passed": stored["passed"], "failed": names(checks)});
    assert_eq!(fitted["certificate"], verdict);
    let mut bad = stored.clone();
    bad["passed"] = false.into();
    bad["checks"][0]["passed"] = false.into();
    bench.write("run/certificate.json", bad.to_string());
    let failed = names(bad["checks"].as_array().unwrap());
    let info = bench.run("info run --json").good().json();
    assert_eq!(info["certificate"], serde_json::json!({"passed": false, "failed": failed}));
    let listed: Vec<&str> = failed.iter().filter_map(Value::as_str).collect();
    let (all, passed) = (checks.len(), checks.len() - failed.len());
    let line = format!("certificate  {passed} of {all} checks pass, failed: {}", listed.join(", "));
    let text = bench.run("info run").good().out;
    assert!(text.contains(&line), "{line} is not in {text}");
    assert!(bench.run("info run/model.safetensors --json").good().json()["certificate"].is_null());
}

/// Messages that nobody reads are no reason to stop.
#[test]
fn a_closed_stderr_stops_nothing() {
    let bench = Bench::new();
    let fit = format!("fit two-moons {TINY} -o run");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_diffeo"))
        .current_dir(bench.path(""))
        .args(fit.split_whitespace())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    assert!(bench.exists("run/report.html"));
}

#[test]
fn pictures_of_a_training_that_does_not_happen_are_not_missed_in_silence() {
    let bench = Bench::new();
    let fit = format!("fit two-moons {TINY} -o run");
    bench.run(&fit).good();
    let said = bench.run(&format!("{fit} --resume --film --live")).good();
    assert!(
        said.err.contains("--live: nothing") && said.err.contains("--film: nothing"),
        "{said:?}"
    );
    let said = bench.run(&format!("{fit} --resume")).good();
    assert!(!said.err.contains("--film"), "{said:?}");
}
