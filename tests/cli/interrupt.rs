//! Ctrl-C, kill, and going on.

#![cfg(unix)]

use super::{Bench, TINY};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// A fit of a second or two with many checkpoints.
const LONG: &str = "fit two-moons --rows 400 --batch-size 32 --steps 1500 --evaluate-every 20 \
                    --layers 1 --hidden 8 --no-plots";

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
    let child = bench.start(&format!("{LONG} -o broken"));
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

/// A signal before the first step ends the program at once and leaves nothing: many columns take a while.
#[test]
fn a_signal_before_the_first_step_is_heard() {
    let bench = Bench::new();
    let row = |i: u32| {
        let value = |j: u32| {
            (f64::from((i * 7919 + j * 104_729 + i * i * j) % 10_007) / 10_007.0).to_string()
        };
        (0..40).map(value).collect::<Vec<_>>().join(",") + "\n"
    };
    let head: Vec<String> = (0..40).map(|j| format!("c{j}")).collect();
    bench.write("wide.csv", head.join(",") + "\n" + &(0..9000).map(row).collect::<String>());
    for signal in ["-INT", "-TERM"] {
        let mut child = bench.start("fit wide.csv -o wide");
        std::thread::sleep(Duration::from_millis(400));
        assert!(child.try_wait().unwrap().is_none(), "still preparing");
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let (asked, mut code) = (Instant::now(), None);
        while code.is_none() && asked.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
            code = child.try_wait().unwrap();
        }
        if code.is_none() {
            child.kill().unwrap();
        }
        assert_eq!(code.and_then(|c| c.code()), Some(130), "{signal}");
        let left = std::fs::read_dir(bench.path("wide")).map_or(0, |files| {
            files.filter(|f| f.as_ref().unwrap().file_name() != ".lock").count()
        });
        assert_eq!(left, 0, "nothing was written");
    }
}

/// A signal after training keeps the model, and going on makes the rest.
#[test]
fn a_signal_after_training_is_not_swallowed() {
    let bench = Bench::new();
    let fit = "fit two-moons --rows 400 --steps 12 --evaluate-every 4 --layers 1 --hidden 8 -o run";
    let mut child = bench.start(fit);
    let started = Instant::now();
    while !bench.exists("run/model.safetensors") {
        assert!(started.elapsed() < Duration::from_mins(1), "no model");
        std::thread::sleep(Duration::from_millis(1));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!bench.exists("run/report.html"));
    let model = bench.bytes("run/model.safetensors");
    bench.run(&format!("{fit} --resume")).good();
    assert!(bench.exists("run/report.html") && bench.bytes("run/model.safetensors") == model);
}

#[test]
fn a_killed_run_goes_on() {
    let bench = Bench::new();
    let child = bench.start(&format!("{LONG} -o broken"));
    assert_eq!(stop(&bench, child, "-KILL").code(), None);
    ends_as_an_unbroken_run(&bench);
}

#[test]
fn a_run_stopped_in_a_forced_folder_is_not_taken_for_the_old_one() {
    let bench = Bench::new();
    bench.run(&format!("fit rings {TINY} -o broken")).good();
    let old = bench.bytes("broken/model.safetensors");
    let child = bench.start(&format!("{LONG} -o broken --force"));
    stop(&bench, child, "-KILL");
    bench.run("info broken").refused(&["interrupted", "--resume", "broken/model.safetensors"]);
    assert!(bench.bytes("broken/model.safetensors") == old, "lost before there is a new one");
    ends_as_an_unbroken_run(&bench);
}

/// Killed before its first checkpoint, a run leaves the model before it with its own settings.
#[test]
fn a_run_that_only_began_leaves_the_old_one_whole() {
    let bench = Bench::new();
    bench.run(&format!("fit rings {TINY} -o broken")).good();
    let names = ["model.safetensors", "config.toml", "metrics.jsonl"];
    let content = || names.map(|name| bench.bytes(&format!("broken/{name}")));
    let old = content();
    // A checkpoint that cannot be written ends the run where a kill would.
    let script = format!(
        "trap '' XFSZ; ulimit -f 4; exec {} {LONG} -o broken --force",
        env!("CARGO_BIN_EXE_diffeo")
    );
    let ended =
        Command::new("sh").current_dir(bench.0.path()).args(["-c", &script]).output().unwrap();
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(content() == old, "the old model, its settings and its metrics stay");
    bench.run("info broken").good();
    // The old command finds its model finished; the new one begins again.
    bench.run(&format!("fit rings {TINY} -o broken --resume")).good();
    assert!(content() == old);
    ends_as_an_unbroken_run(&bench);
    let left: Vec<_> = std::fs::read_dir(bench.path("broken")).unwrap().flatten().collect();
    let is_hidden = |f: &std::fs::DirEntry| f.file_name().to_string_lossy().starts_with('.');
    assert!(!left.iter().any(is_hidden), "{left:?}");
}

/// Killed again and again, at any moment, a run goes on from where it was, to the same end.
#[test]
fn a_run_killed_many_times_ends_as_an_unbroken_one() {
    const KILLS: u64 = 50;
    /// Kills that must hit a fit between its first checkpoint and its model.
    const HITS: usize = 20;
    let bench = Bench::new();
    let short = "fit two-moons --rows 300 --steps 2400 --evaluate-every 3 --layers 1 --hidden 8 \
                 --patience 0 --no-plots";
    bench.run(&format!("{short} -o whole")).good();
    let length = || std::fs::metadata(bench.path("broken/metrics.jsonl")).map_or(0, |m| m.len());
    let mut hits = 0;
    for kill in 0..KILLS {
        let before = length();
        let mut child = bench.start(&format!("{short} -o broken --resume --quiet"));
        if kill % 5 == 0 {
            // From before the folder exists to after the last file is written.
            std::thread::sleep(Duration::from_millis(10 + kill * 37 % 331));
        } else {
            // Soon after an evaluation, which is a checkpoint.
            while length() == before && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(kill % 3));
        }
        // A run that has ended on its own cannot be killed.
        let _ = child.kill();
        let was_killed = child.wait().unwrap().code().is_none();
        hits += usize::from(was_killed && bench.exists("broken/checkpoint.safetensors"));
        if bench.exists("broken") {
            let said = bench.run("info broken --json");
            let is_resumable =
                said.err.contains("interrupted") || said.err.contains("finished fit");
            assert!(said.code == Some(0) || said.code == Some(2) && is_resumable, "{said:?}");
        }
    }
    assert!(hits >= HITS, "{hits} of {KILLS} kills hit a running fit");
    bench.run(&format!("{short} -o broken --resume")).good();
    for name in ["model.safetensors", "certificate.json", "config.toml"] {
        let path = |folder: &str| format!("{folder}/{name}");
        assert!(bench.bytes(&path("broken")) == bench.bytes(&path("whole")), "{name}");
    }
    assert_eq!(steps(&bench, "broken"), steps(&bench, "whole"));
    let left: Vec<_> = std::fs::read_dir(bench.path("broken")).unwrap().flatten().collect();
    let is_hidden = |f: &std::fs::DirEntry| f.file_name().to_string_lossy().starts_with('.');
    assert!(!left.iter().any(is_hidden), "{left:?}");
}

/// A disk without room, played by a limit on the size of files.
#[test]
fn a_full_disk_leaves_the_old_model() {
    let bench = Bench::with_model();
    let old = bench.bytes("run/model.safetensors");
    let fit = format!("fit rings {TINY} -o run --force");
    let script = format!("trap '' XFSZ; ulimit -f 4; exec {} {fit}", env!("CARGO_BIN_EXE_diffeo"));
    let output =
        Command::new("sh").current_dir(bench.0.path()).args(["-c", &script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("checkpoint.safetensors") && said.contains("too large"), "{said}");
    assert!(bench.bytes("run/model.safetensors") == old);
    bench.run("sample run -n 3").good();
}

#[test]
fn a_film_of_the_rest_says_so() {
    let bench = Bench::new();
    let film = format!("{LONG} --film -o broken");
    stop(&bench, bench.start(&film), "-INT");
    let said = bench.run(&format!("{film} --resume")).good();
    assert!(said.err.contains("training.gif starts at step"), "{said:?}");
    assert!(bench.exists("broken/training.gif"));
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
    let child = bench.start(&format!("{LONG} -o broken"));
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
