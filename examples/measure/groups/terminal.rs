//! What a terminal shows.

use super::{Setting, Shown};
use crate::Failure;
use crate::quoting::Entry;

/// Key, what is typed, and what is run for it: in a folder of its own, whatever lies there.
const COMMANDS: [(&str, &str, &str); 2] = [
    ("terminal.two-moons", "diffeo fit two-moons", "fit two-moons --force"),
    (
        "terminal.faithful",
        "diffeo fit examples/data/faithful.csv",
        "fit ../../../examples/data/faithful.csv --force",
    ),
];

pub(super) fn measure(setting: &Setting<'_>) -> Result<Vec<(String, Entry)>, Failure> {
    let mut results = Vec::new();
    for (key, typed, run) in COMMANDS {
        let said = setting.program.terminal(run)?.replace("../../../", "");
        let shown = Shown::Terminal(format!("$ {typed}\n{said}"));
        let about = ["what a terminal shows", typed, "20,000 rows of the toy, seed 0", ""];
        let mut entry = setting.entry(about, shown, Vec::new());
        if key == "terminal.faithful" {
            "the 272 rows of the table, seed 0".clone_into(&mut entry.rows);
        }
        results.push((key.to_owned(), entry));
    }
    Ok(results)
}
