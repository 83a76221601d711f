//! The program end to end, with settings so small that a fit takes a tenth of a second.

/// Several flows, of which the validation rows choose one.
mod auto;
/// Models that cannot be loaded, and folders that cannot be written.
mod bad_models;
/// Settings that cannot be used.
mod bad_settings;
/// Tables that cannot be used.
mod bad_tables;
/// Simpler densities beside a model.
mod baselines;
/// Contexts outside what training saw, of labels, of one value; weights of any unit.
mod contexts;
/// Settings of continuous flows, from flags and files.
mod continuous;
/// `field`, `log-prob --errors` and pictures of fields.
mod fields;
/// The run folder, its settings and what `fit` prints.
mod fit;
/// `--missing` wherever a table is read.
mod gaps;
/// Tables of every odd kind.
mod inputs;
/// What columns of tables are taken for.
mod intake;
/// Ctrl-C, kill, and going on.
mod interrupt;
/// One fit at a time in a folder.
mod lock;
/// What is said of a table before a fit.
mod notes;
/// list, info, completions, toy and evaluate.
mod others;
/// Rows ranked by how unusual they are.
mod outliers;
/// Nothing is replaced without `--force`.
mod overwrite;
/// Pictures of models and data.
mod plots;
/// The report.
mod report;
/// Columns to model, to be given, and to weigh by; supports.
mod roles;
/// Same seed, same bytes, whatever the threads.
mod same;
/// `fit --schema`.
mod schema;
/// Pictures, checks and descriptions of score models.
mod scores;
/// Rows that a model was fitted to.
mod seen;
/// log-prob and sample in every format.
mod tables;

use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;
use tempfile::TempDir;

/// Settings of a fit that takes next to no time.
const TINY: &str = "--rows 400 --steps 12 --evaluate-every 4 --layers 1 --hidden 8 --no-plots";

/// A folder of its own to run the program in.
struct Bench(TempDir);

/// What a run of the program left.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Bench {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// A folder with a model of two moons called `run`.
    fn with_model() -> Self {
        let bench = Self::new();
        bench.run(&format!("fit two-moons {TINY} -o run")).good();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// Starts the program in the background, with nothing said.
    #[cfg(unix)]
    fn start(&self, arguments: &str) -> std::process::Child {
        std::process::Command::new(env!("CARGO_BIN_EXE_diffeo"))
            .current_dir(self.0.path())
            .args(arguments.split_whitespace())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Runs a command that the program printed, as a shell would.
    fn run_printed(&self, command: &str) -> Said {
        let words = shlex::split(command).unwrap();
        assert_eq!(words[0], "diffeo", "{command}");
        self.run_words(&words[1..], "")
    }

    /// Runs the program with arguments parted by spaces.
    fn run(&self, arguments: &str) -> Said {
        self.run_on(arguments, "")
    }

    /// As [`Bench::run`], with text on stdin.
    fn run_on(&self, arguments: &str, stdin: impl AsRef<[u8]>) -> Said {
        let words: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        self.run_words(&words, stdin)
    }

    /// Runs the program with these arguments.
    fn run_words(&self, words: &[String], stdin: impl AsRef<[u8]>) -> Said {
        let output = assert_cmd::Command::new(env!("CARGO_BIN_EXE_diffeo"))
            .current_dir(self.0.path())
            .args(words)
            .write_stdin(stdin.as_ref().to_vec())
            // Against runs that hang; a busy machine takes its time.
            .timeout(std::time::Duration::from_mins(5))
            .output()
            .unwrap();
        Said {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Said {
    /// Fails unless the exit code is 0.
    fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Fails unless it is a refusal: exit code 2, nothing on stdout, and one error, the last that is said,
    /// with all of these words in it. A table of columns or a warning may come before.
    fn refused(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(2), "{self:?}");
        assert!(!self.err.contains("panicked") && self.out.is_empty(), "{self:?}");
        let errors: Vec<usize> = self.err.match_indices("error: ").map(|(at, _)| at).collect();
        let starts = |at: &&usize| **at == 0 || self.err.as_bytes()[**at - 1] == b'\n';
        let starts: Vec<&usize> = errors.iter().filter(starts).collect();
        let [error] = starts[..] else { panic!("not one error in {self:?}") };
        for word in words {
            assert!(self.err[*error..].contains(word), "no `{word}` in {self:?}");
        }
        self
    }

    /// The one JSON object on stdout.
    fn json(&self) -> Value {
        let value: Value =
            serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        assert!(value.is_object(), "{self:?}");
        value
    }

    /// The numbers of a CSV on stdout, without its header.
    fn numbers(&self) -> Vec<f64> {
        numbers(&self.out)
    }
}

/// The numbers of a CSV, without its header.
fn numbers(csv: &str) -> Vec<f64> {
    csv.lines().skip(1).flat_map(|l| l.split([',', '\t'])).map(|v| v.parse().unwrap()).collect()
}

/// A name, and the value in each row.
type Column = (&'static str, fn(f64) -> f64);

/// A CSV of so many rows, each column the value of a function of the row's number.
fn csv(columns: &[Column], rows: usize) -> String {
    let mut text = columns.iter().map(|c| c.0).collect::<Vec<_>>().join(",");
    for i in 0..rows {
        let row: Vec<String> = columns.iter().map(|c| c.1(i as f64).to_string()).collect();
        write!(text, "\n{}", row.join(",")).unwrap();
    }
    text + "\n"
}

/// The keys of a JSON object, sorted.
fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
