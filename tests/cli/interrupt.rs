//! Ctrl-C, kill, and going on.

#![cfg(unix)]

use super::{Bench, TINY};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A fit of a second or two with many checkpoints.
const LONG: &str = "fit two-moons --rows 400 --batch-size 32 --steps 1500 --evaluate-every 20 \
                    --layers 1 --hidden 8 --no-plots";

fn start(bench: &Bench, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_diffeo"))
        .current_dir(bench.0.path())
        .args(arguments.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Sends a signal as soon as there is a checkpoint.
fn stop(bench: &Bench, mut child: Child, signal: &str) -> ExitStatus {
    let started = Instant::now();
    while !bench.exists("broken/checkpoint.safetensors") {
        assert!(started.elapsed() < Duration::from_secs(30), "no checkpoint");
        assert!(child.try_wait().unwrap().is_none(), "ended before its first checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    child.wait().unwrap()
}

fn steps(bench: &Bench, folder: &str) -> Vec<u64> {
    let text = bench.text(&format!("{folder}/metrics.jsonl"));
    let step = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["step"].as_u64();
    text.lines().map(|line| step(line).unwrap()).collect()
}

fn ends_as_an_unbroken_run(bench: &Bench) {
    let resumed = bench.run(&format!("{LONG} -o broken --resume --json")).good();
    assert_eq!(resumed.json()["steps"], 1500);
    bench.run(&format!("{LONG} -o whole")).good();
    assert!(bench.bytes("broken/model.safetensors") == bench.bytes("whole/model.safetensors"));
    assert_eq!(bench.text("broken/config.toml"), bench.text("whole/config.toml"));
    assert_eq!(steps(bench, "broken"), steps(bench, "whole"));
    assert!(!bench.exists("broken/checkpoint.safetensors"), "a finished run needs none");
}

#[test]
fn an_interrupted_run_goes_on() {
    let bench = Bench::new();
    let child = start(&bench, &format!("{LONG} -o broken"));
    assert_eq!(stop(&bench, child, "-INT").code(), Some(130));
    assert!(bench.exists("broken/checkpoint.safetensors"));
    bench.run("info broken").refused(&["broken", "interrupted", "--resume"]);
    let config = bench.text("broken/config.toml");
    for (settings, differs) in [
        ("--seed 1", "seed"),
        ("--flow nsf", "flow"),
        ("--dtype f64", "dtype"),
        ("--lr 0.001", "training settings"),
        ("--valid 0.2", "data"),
    ] {
        let said = bench.run(&format!("{LONG} {settings} -o broken --resume"));
        said.refused(&["resume", &format!("another {differs}"), "--force"]);
        assert_eq!(bench.text("broken/config.toml"), config, "{settings}");
    }
    ends_as_an_unbroken_run(&bench);
}

#[test]
fn a_killed_run_goes_on() {
    let bench = Bench::new();
    let child = start(&bench, &format!("{LONG} -o broken"));
    assert_eq!(stop(&bench, child, "-KILL").code(), None);
    ends_as_an_unbroken_run(&bench);
}

#[test]
fn a_run_stopped_in_a_forced_folder_is_not_taken_for_the_old_one() {
    let bench = Bench::new();
    bench.run(&format!("fit rings {TINY} -o broken")).good();
    let child = start(&bench, &format!("{LONG} -o broken --force"));
    stop(&bench, child, "-KILL");
    assert!(!bench.exists("broken/model.safetensors"), "the old model is gone");
    ends_as_an_unbroken_run(&bench);
}

#[test]
fn a_finished_run_has_nothing_to_resume() {
    let bench = Bench::with_model();
    let before = bench.bytes("run/model.safetensors");
    let said = bench.run(&format!("fit two-moons {TINY} -o run --resume --json")).good();
    assert_eq!(said.json()["steps"], 12);
    assert!(said.err.contains("complete"), "{said:?}");
    let other = bench.run(&format!("fit two-moons {TINY} --seed 1 -o run --resume"));
    other.refused(&["another seed", "--force"]);
    assert!(bench.bytes("run/model.safetensors") == before);
    bench.run(&format!("fit two-moons {TINY} -o fresh --resume")).good();
    assert!(bench.bytes("fresh/model.safetensors") == before, "without a checkpoint it starts");
    bench.run("fit two-moons -o run --resume --force").refused(&["--resume", "--force"]);
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let bench = Bench::new();
    let child = start(&bench, &format!("{LONG} -o broken"));
    stop(&bench, child, "-KILL");
    let bytes = bench.bytes("broken/checkpoint.safetensors");
    bench.write("broken/checkpoint.safetensors", &bytes[..bytes.len() - 9]);
    let said = bench.run(&format!("{LONG} -o broken --resume"));
    said.refused(&["checkpoint.safetensors", "truncated"]);
    bench.run("info broken/checkpoint.safetensors").refused(&["truncated"]);
    bench.write("broken/checkpoint.safetensors", &bytes);
    bench.run("info broken/checkpoint.safetensors").refused(&["not a diffeo model", "checkpoint"]);
}

#[test]
fn a_folder_that_is_no_run_is_not_resumed() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("run")).unwrap();
    bench.write("run/density.png", "a picture of mine");
    bench.run(&format!("fit two-moons {TINY} --resume -o run")).refused(&["run exists", "--force"]);
    assert_eq!(bench.text("run/density.png"), "a picture of mine");
}
