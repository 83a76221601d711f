//! Measures every figure that README and docs quote, and writes them into `docs/results.json`:
//!
//! ```sh
//! cargo run --release --example measure                          # names the groups
//! cargo run --release --example measure -- terminal wall         # measures two of them
//! cargo run --release --example measure -- tables --tables DIR   # with tables of your own
//! cargo run --release --example measure -- quote                 # documents anew, nothing measured
//! ```
//!
//! Leave the machine to it. What one command of a group found is kept in `target/measure`, a folder for
//! each build of the program, so that a group that was interrupted goes on where it stopped.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod groups;
mod machine;
mod program;
mod quoting;

use groups::{Group, Setting};
use machine::measured;
use program::Program;
use quoting::{DOCUMENTS, FILE, Results, keys_in};
use std::collections::BTreeSet;
use std::path::PathBuf;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (mut asked, mut tables, mut anew) = (Vec::new(), None, false);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--tables" => {
                let folder = arguments.next().ok_or("--tables: name a folder")?;
                tables = Some(PathBuf::from(folder));
            }
            "--anew" => anew = true,
            _ => asked.push(argument),
        }
    }
    if asked.is_empty() {
        usage();
        return Ok(());
    }
    let groups: Vec<Group> = asked
        .iter()
        .filter(|name| *name != "quote")
        .map(|name| Group::named(name))
        .collect::<Result<_, _>>()?;
    let mut results = Results::parse(
        &std::fs::read_to_string(FILE)
            .map_err(|e| format!("{FILE}: {e}; run this in the folder of the repository"))?,
    )?;
    if !groups.is_empty() {
        let program = Program::build(anew)?;
        for group in groups {
            let setting =
                Setting { program: &program, measured: measured()?, tables: tables.as_deref() };
            for (key, entry) in group.measure(&setting)? {
                println!("{key}: {:?}", entry.shown);
                results.results.insert(key, entry);
            }
            // After each group: what is measured is kept when a later one fails.
            std::fs::write(FILE, serde_json::to_string_pretty(&results)? + "\n")?;
        }
    }
    quote(&results)
}

/// Writes every document with its quotations made anew.
fn quote(results: &Results) -> Result<(), Failure> {
    let mut unquoted: BTreeSet<String> = results.results.keys().cloned().collect();
    for name in DOCUMENTS {
        let text = std::fs::read_to_string(name).map_err(|e| format!("{name}: {e}"))?;
        let quoted = results.quoted_in(&text).map_err(|e| format!("{name}: {e}"))?;
        if quoted != text {
            std::fs::write(name, quoted)?;
            println!("{name} quotes {FILE} anew");
        }
        for key in keys_in(&text) {
            unquoted.remove(&key);
        }
    }
    for key in &unquoted {
        println!("no document quotes {key}");
    }
    Ok(())
}

fn usage() {
    println!("Give groups to measure, or `quote` to write the documents anew:");
    for group in Group::ALL {
        println!("  {:<11} {}", group.name(), group.about());
    }
    println!("--tables DIR  where `tables` finds more tables than the repository has");
    println!("--anew        forget what an interrupted group has measured");
}
