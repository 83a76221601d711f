//! Real tables: mean log-likelihoods on rows that chose nothing.

use super::{Setting, number, table};
use crate::Failure;
use crate::quoting::Entry;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Splits of each table into rows for training, validation and test.
const SPLITS: usize = 5;

/// The default flow, and the one to take where it overfits.
const FLOWS: [(&str, &str); 2] = [("nsf-gmm", ""), ("nsf-ar", " --flow nsf-ar")];

pub(super) fn measure(setting: &Setting<'_>) -> Result<Vec<(String, Entry)>, Failure> {
    let (mut rows, mut runs) = (Vec::new(), Vec::new());
    for path in tables(setting.tables)? {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for (flow, flag) in FLOWS {
            let (mut row, found) = judged(setting, (&name, flow, flag), &path)?;
            row.insert(1, format!("`{flow}`"));
            rows.push(row);
            runs.extend(found);
        }
    }
    let about = [
        "Mean log-likelihood in nats a row on test rows of the default flow `nsf-gmm` and of `nsf-ar`, with their default settings: mean and standard deviation over five splits; on how many of them every check of the certificate passes, and which fail on the others",
        "diffeo fit TABLE --flow FLOW --seed S",
        "a tenth of each table, which chose nothing, seeds 0 to 4",
        "nats",
    ];
    let columns = [
        "table",
        "flow",
        "columns",
        "rows trained on",
        "the flow",
        "full Gaussian",
        "Gaussian mixture",
        "kernel estimate",
        "certificate",
    ];
    Ok(vec![("tables".to_owned(), setting.entry(about, table(&columns, rows), runs))])
}

/// The table of the repository and those of a folder, by name.
fn tables(folder: Option<&Path>) -> Result<Vec<PathBuf>, Failure> {
    let mut tables = vec![std::env::current_dir()?.join("examples/data/faithful.csv")];
    if let Some(folder) = folder {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path().canonicalize()?;
            let kind = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if ["csv", "tsv", "npy", "parquet"].contains(&kind.as_str()) {
                found.push(path);
            }
        }
        found.sort();
        tables.extend(found);
    }
    Ok(tables)
}

fn judged(
    setting: &Setting<'_>,
    (name, flow, flag): (&str, &str, &str),
    path: &Path,
) -> Result<(Vec<String>, Vec<Value>), Failure> {
    let path = path.display().to_string();
    let path = shlex::try_quote(&path)?;
    let mut runs = Vec::new();
    for seed in 0..SPLITS {
        let line =
            format!("fit {path}{flag} --seed {seed} -o {name}-{flow}-{seed} --force --no-plots");
        let fitted = setting.program.json(&line, 0)?;
        runs.push(json!({
            "table": name,
            "flow": flow,
            "seed": seed,
            "features": fitted["features"],
            "rows": fitted["rows"],
            "log_likelihood": fitted["log_likelihood"],
            "baselines": fitted["baselines"],
            "certificate": fitted["certificate"],
        }));
    }
    let first = runs.first().ok_or("no splits")?;
    let mut row = vec![
        name.to_owned(),
        format!("{:.0}", number(first, "/features")?),
        format!("{:.0}", number(first, "/rows/train")?),
    ];
    for figure in ["log_likelihood/test", "baselines/gaussian", "baselines/gmm", "baselines/kde"] {
        let values: Vec<Option<f64>> = runs
            .iter()
            .map(|run| run.pointer(&format!("/{figure}")).and_then(Value::as_f64))
            .collect();
        row.push(spread(&values));
    }
    row.push(certificates(&runs));
    Ok((row, runs))
}

/// Mean and standard deviation; a split on which there is no value, or an infinite one, is said.
fn spread(values: &[Option<f64>]) -> String {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    if known.is_empty() {
        return "none".to_owned();
    }
    let n = known.len() as f64;
    let mean = known.iter().sum::<f64>() / n;
    let variance = known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let missing = values.len() - known.len();
    let note = if missing > 0 { format!(", −∞ on {missing}") } else { String::new() };
    format!("{mean:.2} ± {:.2}{note}", variance.sqrt())
}

/// On how many splits all checks pass, and the names of those that fail.
fn certificates(runs: &[Value]) -> String {
    let passed = runs.iter().filter(|run| run["certificate"]["passed"] == json!(true)).count();
    let mut failed: Vec<&str> = runs
        .iter()
        .filter_map(|run| run["certificate"]["failed"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    failed.sort_unstable();
    failed.dedup();
    let names =
        if failed.is_empty() { String::new() } else { format!("; fails {}", failed.join(", ")) };
    format!("passes on {passed} of {}{names}", runs.len())
}
