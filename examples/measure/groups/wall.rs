//! Seconds from the start of a command to its end.

use super::{Setting, number, table};
use crate::Failure;
use crate::machine::load;
use crate::quoting::{Entry, Shown};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Instant;

/// Key of each fit, its flow, and how often it is repeated.
const FITS: [(&str, &str, usize); 4] = [
    ("nsf-gmm", "", 3),
    ("ffjord", " --flow ffjord", 1),
    ("flow-matching", " --flow flow-matching", 1),
    ("score", " --flow score", 1),
];

/// Rows of a long table.
const LONG: usize = 1_000_000;

pub(super) fn measure(setting: &Setting<'_>) -> Result<Vec<(String, Entry)>, Failure> {
    Ok(vec![
        ("wall.fits".to_owned(), fits(setting)?),
        ("wall.log-prob".to_owned(), log_prob(setting)?),
        ("wall.gallery".to_owned(), gallery(setting)?),
    ])
}

fn fits(setting: &Setting<'_>) -> Result<Entry, Failure> {
    let (mut rows, mut runs) = (Vec::new(), Vec::new());
    for (flow, flag, repeats) in FITS {
        let mut seconds = Vec::new();
        for round in 0..repeats {
            let line = format!("fit two-moons{flag} -o wall-{flow} --force");
            let run = setting.program.json(&line, round)?;
            seconds.push(number(&run, "/wall_seconds")?);
            runs.push(json!({
                "flow": flow,
                "wall_seconds": run["wall_seconds"],
                "training_seconds": run["seconds"],
                "steps": run["steps"],
            }));
        }
        let training = runs.last().map_or(Ok(f64::NAN), |run| number(run, "/training_seconds"))?;
        rows.push(vec![
            format!("`diffeo fit two-moons{flag}`"),
            format!("{:.1}", median(&mut seconds)),
            format!("{training:.1}"),
        ]);
    }
    let about = [
        "Seconds from the start of the command to the finished run folder with certificate, baselines, pictures and report, and those of training",
        "diffeo fit two-moons --flow FLOW",
        "20,000 rows of the toy, of which 16,000 are trained on, seed 0; the median of three runs for the first",
        "s",
    ];
    let columns = ["command", "in all, s", "training, s"];
    Ok(setting.entry(about, table(&columns, rows), runs))
}

fn log_prob(setting: &Setting<'_>) -> Result<Entry, Failure> {
    let program = setting.program;
    program.time(&format!("toy two-moons -n {LONG} -o long.csv --force"), 0)?;
    let mut runs = Vec::new();
    for round in 0..3 {
        let line = "log-prob wall-nsf-gmm long.csv -o long.npy --threads 1 --force";
        runs.push(program.time(line, round)?);
    }
    let mut seconds: Vec<f64> =
        runs.iter().map(|run| number(run, "/wall_seconds")).collect::<Result<_, _>>()?;
    let about = [
        "Seconds of log-prob on a CSV table on one thread",
        "diffeo log-prob runs/two-moons million.csv -o values.npy --threads 1",
        "a million rows of two-moons; the median of three runs",
        "s",
    ];
    Ok(setting.entry(about, Shown::Value(format!("{:.2}", median(&mut seconds))), runs))
}

fn gallery(setting: &Setting<'_>) -> Result<Entry, Failure> {
    let (before, started) = (load(), Instant::now());
    let folder = setting.program.folder().join("gallery");
    // What the example draws is checked elsewhere; here only its time counts.
    let status = Command::new(setting.program.example("gallery")).arg(&folder).status()?;
    if !status.success() {
        return Err(format!("the gallery: {status}").into());
    }
    let seconds = started.elapsed().as_secs_f64();
    let about = [
        "Seconds of the gallery, training of its models included",
        "cargo run --release --example gallery",
        "the rows of its models",
        "s",
    ];
    let runs: Vec<Value> = vec![json!({ "wall_seconds": seconds, "load_before": before })];
    Ok(setting.entry(about, Shown::Value(format!("{seconds:.0}")), runs))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
