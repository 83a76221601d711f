//! KL divergence of the continuous flows from the truth, and the error of the score itself.

use super::{Setting, TOYS, nats, number, table};
use crate::Failure;
use crate::quoting::Entry;
use serde_json::{Value, json};

const FLOWS: [&str; 3] = ["ffjord", "flow-matching", "score"];

/// Noise in data units that the score is judged at.
const NOISE: [&str; 4] = ["0.05", "0.1", "0.3", "1"];

/// A standard error in nats above which it is given beside its mean.
const LARGE: f64 = 0.0012;

pub(super) fn measure(setting: &Setting<'_>) -> Result<Vec<(String, Entry)>, Failure> {
    let (mut kl, mut score, mut counts, mut runs) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for toy in TOYS {
        let mut row = vec![toy.to_owned()];
        let mut evaluations = vec![toy.to_owned()];
        for flow in FLOWS {
            let run = format!("{flow}-{toy}");
            let program = setting.program;
            let fit = format!("fit {toy} --flow {flow} -o {run} --force --no-plots");
            let fitted = program.json(&fit, 0)?;
            let noise = if flow == "score" {
                format!(" --noise {}", NOISE.join(","))
            } else {
                String::new()
            };
            let found = program.json(&format!("evaluate {run} {toy}{noise}"), 0)?;
            let error = number(&found, "/kl_to_truth/standard_error")?;
            let mean = nats(number(&found, "/kl_to_truth/mean")?);
            row.push(if error > LARGE { format!("{mean} ± {}", nats(error)) } else { mean });
            let count = |what: &str| number(&fitted, &format!("/evaluations/{what}"));
            evaluations.push(format!("{:.0} / {:.0}", count("log_prob")?, count("sample")?));
            if flow == "score" {
                score.push(errors(toy, &found)?);
            }
            runs.push(json!({ "toy": toy, "flow": flow, "kl": found["kl_to_truth"], "score": found["score"] }));
        }
        kl.push(row);
        counts.push(evaluations);
    }
    let columns = ["toy", "`ffjord`", "`flow-matching`", "`score`"];
    let rows = "50,000 fresh rows, the model fitted to 16,000 of 20,000, seed 0";
    let command = "diffeo fit NAME --flow FLOW; diffeo evaluate RUN NAME";
    let about = ["KL divergence from the truth in nats, default settings", command, rows, "nats"];
    let mut of_kl = setting.entry(about, table(&columns, kl), runs);
    of_kl.remark = Some("Standard errors are below .0012 unless given.".to_owned());
    let what = "Evaluations of the field for a log-density / for a sample, at a tolerance of 1e-5";
    let of_counts = setting.entry(
        [what, command, "512 held-out rows, seed 0", ""],
        table(&columns, counts),
        Vec::new(),
    );
    let about = [
        "Relative error of the score, E‖s − ∇log p_σ‖² / E‖∇log p_σ‖², against the exact score of the toy with noise of standard deviation σ in data units",
        "diffeo fit NAME --flow score; diffeo evaluate RUN NAME --noise 0.05,0.1,0.3,1",
        "10,000 fresh rows with noise, the model fitted to 16,000 of 20,000, seed 0",
        "%",
    ];
    let titles: Vec<String> =
        std::iter::once("toy".to_owned()).chain(NOISE.map(|n| format!("σ = {n}"))).collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let of_score = setting.entry(about, table(&titles, score), Vec::new());
    Ok(vec![
        ("kl.continuous".to_owned(), of_kl),
        ("evaluations.continuous".to_owned(), of_counts),
        ("score.error".to_owned(), of_score),
    ])
}

/// Relative errors of the score at each noise level in per cent.
fn errors(toy: &str, found: &Value) -> Result<Vec<String>, Failure> {
    let mut row = vec![toy.to_owned()];
    for level in 0..NOISE.len() {
        let share = 100.0 * number(found, &format!("/score/{level}/fisher/relative/mean"))?;
        row.push(if share < 0.1 { format!("{share:.2} %") } else { format!("{share:.1} %") });
    }
    Ok(row)
}
