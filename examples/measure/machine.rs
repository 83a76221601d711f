//! When, where and of which commit something was measured.

use super::Failure;
use super::quoting::Measured;
use std::process::Command;

/// Now, here, and of what is checked out.
pub(crate) fn measured() -> Result<Measured, Failure> {
    Ok(Measured {
        by: "script".to_owned(),
        date: said("date", &["-u", "+%F"])?,
        commit: commit()?,
        processor: processor(),
    })
}

fn said(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(program).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("{program} {}: {}", arguments.join(" "), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The commit, and whether the code differs from it; documents may.
fn commit() -> Result<String, Failure> {
    let commit = said("git", &["rev-parse", "--short=7", "HEAD"])?;
    let code = ["src", "flows", "plots", "examples", "Cargo.toml", "Cargo.lock"];
    let changes = said("git", &[&["status", "--porcelain", "--"], &code[..]].concat())?;
    Ok(if changes.is_empty() { commit } else { commit + "+changes" })
}

/// The processor's name, its widest vector instructions, and the number of its cores.
fn processor() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        line.split_once(':').map(|(_, value)| value.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let flags = field("flags").unwrap_or_default();
    let has = |wanted: &str| flags.split(' ').any(|flag| flag == wanted);
    let vectors = match () {
        () if has("avx512f") => ", AVX-512",
        () if has("avx2") => ", AVX2",
        () if cfg!(target_arch = "aarch64") => ", Neon",
        () => "",
    };
    format!("{name}, {cores} cores{vectors}")
}

/// How many programs wanted to run in the last minute, where the system tells.
pub(crate) fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}
