//! Runs the program, and keeps what it found for a group that is interrupted.

use super::Failure;
use super::machine::load;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The program as it was built, and a folder for what it writes.
#[derive(Debug)]
pub(crate) struct Program {
    exe: PathBuf,
    folder: PathBuf,
}

impl Program {
    /// Builds the program and the gallery; forgets what is kept of this build when `anew`.
    pub(crate) fn build(anew: bool) -> Result<Self, Failure> {
        let build = ["build", "--release", "--bin", "diffeo", "--example", "gallery"];
        if !Command::new("cargo").args(build).status()?.success() {
            return Err("the program cannot be built".into());
        }
        let own = std::env::current_exe()?;
        let built = own.parent().and_then(Path::parent).ok_or("no build folder")?;
        let exe = built.join(format!("diffeo{}", std::env::consts::EXE_SUFFIX));
        let hash = blake3::hash(&std::fs::read(&exe)?).to_hex();
        let folder = std::env::current_dir()?.join("target/measure").join(&hash[..12]);
        if anew && folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(Self { exe, folder })
    }

    /// An example that was built beside the program.
    pub(crate) fn example(&self, name: &str) -> PathBuf {
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        self.exe.with_file_name("examples").join(name)
    }

    /// Where the commands run and what they write lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What a command prints as JSON, and in `wall_seconds` how long it took from start to end; from
    /// what is kept, where it has run before. `round` tells repetitions apart.
    pub(crate) fn json(&self, line: &str, round: usize) -> Result<Value, Failure> {
        self.kept(line, round, || {
            let (out, seconds) = self.run(&format!("{line} --json --quiet"))?;
            let mut value: Value = serde_json::from_str(&out)?;
            value["wall_seconds"] = json!(seconds);
            Ok(value)
        })
    }

    /// How long a command takes from start to end, in seconds, and the load before.
    pub(crate) fn time(&self, line: &str, round: usize) -> Result<Value, Failure> {
        self.kept(line, round, || {
            let before = load();
            let (_, seconds) = self.run(&format!("{line} --quiet"))?;
            Ok(json!({ "command": line, "wall_seconds": seconds, "load_before": before }))
        })
    }

    /// All that a command writes to a terminal, in its order.
    pub(crate) fn terminal(&self, line: &str) -> Result<String, Failure> {
        let path = self.folder.join("terminal.txt");
        let file = std::fs::File::create(&path)?;
        let mut command = self.command(line)?;
        let status = command.stdout(file.try_clone()?).stderr(file).status()?;
        let said = std::fs::read_to_string(path)?;
        if status.success() { Ok(said) } else { Err(format!("diffeo {line}: {said}").into()) }
    }

    fn command(&self, line: &str) -> Result<Command, Failure> {
        let words = shlex::split(line).ok_or_else(|| format!("not a command: {line}"))?;
        let mut command = Command::new(&self.exe);
        command.args(words).current_dir(&self.folder).stdin(Stdio::null());
        Ok(command)
    }

    /// What a command prints, and how long it takes. A check that fails is a result, too.
    fn run(&self, line: &str) -> Result<(String, f64), Failure> {
        eprint_line(line);
        let started = Instant::now();
        let output = self.command(line)?.output()?;
        let seconds = started.elapsed().as_secs_f64();
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(
                format!("diffeo {line}: {}", String::from_utf8_lossy(&output.stderr)).into()
            );
        }
        Ok((String::from_utf8(output.stdout)?, seconds))
    }

    fn kept(
        &self,
        line: &str,
        round: usize,
        made: impl FnOnce() -> Result<Value, Failure>,
    ) -> Result<Value, Failure> {
        let name = blake3::hash(format!("{round} {line}").as_bytes()).to_hex();
        let path = self.folder.join("kept").join(&name[..16]).with_extension("json");
        if let Ok(text) = std::fs::read_to_string(&path) {
            return Ok(serde_json::from_str(&text)?);
        }
        let value = made()?;
        std::fs::create_dir_all(self.folder.join("kept"))?;
        std::fs::write(path, serde_json::to_string(&value)?)?;
        Ok(value)
    }
}

#[expect(clippy::print_stderr, reason = "an example says what it does meanwhile")]
fn eprint_line(line: &str) {
    eprintln!("diffeo {line}");
}
