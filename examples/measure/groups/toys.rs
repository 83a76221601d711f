//! KL divergence of the default flow, and of simpler densities of the same rows, from the truth.

use super::{Setting, TOYS, nats, number, range, table};
use crate::Failure;
use crate::quoting::Entry;
use serde_json::json;

const SEEDS: usize = 5;

pub(super) fn measure(setting: &Setting<'_>) -> Result<Vec<(String, Entry)>, Failure> {
    let (mut rows, mut runs) = (Vec::new(), Vec::new());
    let (mut largest_error, mut kept_start) = (0.0_f64, 0);
    for toy in TOYS {
        let (mut flow, mut gmm, mut kde) = (Vec::new(), Vec::new(), Vec::new());
        for seed in 0..SEEDS {
            let (rows, run) = (format!("{toy}-{seed}.csv"), format!("{toy}-{seed}"));
            let program = setting.program;
            program.time(&format!("toy {toy} -n 20000 --seed {seed} -o {rows} --force"), 0)?;
            let fit = format!("fit {rows} --seed {seed} --test 0 -o {run} --force --no-plots");
            let fitted = program.json(&fit, 0)?;
            let found = program.json(&format!("evaluate {run} {toy} --seed {seed}"), 0)?;
            let info = program.json(&format!("info {run}"), 0)?;
            let kl = number(&found, "/kl_to_truth/mean")?;
            // The baselines are judged on the same rows, so that the truth's own mean is known.
            let truth = number(&found, "/log_likelihood/mean")? + kl;
            flow.push(kl);
            gmm.push(truth - number(&found, "/baselines/gmm")?);
            kde.push(truth - number(&found, "/baselines/kde")?);
            largest_error = largest_error.max(number(&found, "/kl_to_truth/standard_error")?);
            let best_step = number(&info, "/training/best_step")?;
            kept_start += usize::from(best_step < 0.5);
            runs.push(json!({
                "toy": toy,
                "seed": seed,
                "kl": found["kl_to_truth"],
                "gmm": gmm.last(),
                "kde": kde.last(),
                "best_step": best_step,
                "certificate": fitted["certificate"],
            }));
        }
        rows.push(vec![toy.to_owned(), range(&flow), range(&gmm), range(&kde)]);
    }
    let about = [
        "KL divergence from the truth in nats after `diffeo fit` with default settings, and of the Gaussian mixture and the kernel estimate that it fits beside, the lowest and highest of five seeds",
        "diffeo toy NAME -n 20000 --seed S -o rows.csv; diffeo fit rows.csv --seed S --test 0 -o run; diffeo evaluate run NAME --seed S",
        "50,000 fresh rows, the model fitted to 20,000 of which a tenth chose the weights, seeds 0 to 4",
        "nats",
    ];
    let columns = ["toy", "`diffeo fit`", "Gaussian mixture", "kernel estimate"];
    let mut entry = setting.entry(about, table(&columns, rows), runs);
    entry.remark = Some(format!(
        "Standard errors of the flow's are at most {}. In {kept_start} of the {} fits training did not \
         improve on the mixture that the flow starts from, and the model is that mixture.",
        nats(largest_error),
        TOYS.len() * SEEDS
    ));
    Ok(vec![("kl.toys".to_owned(), entry)])
}
