//! The command line: reads arguments, runs one command, turns errors into exit codes.

#![allow(unreachable_pub, reason = "a program has no users of its modules")]

mod args;
mod commands;
mod failure;
mod fit_flags;
mod fit_settings;
mod input;
mod notes;
mod output;
mod progress;
mod run_folder;
mod schema_file;
mod signals;

use args::Cli;
use clap::Parser;
use std::process::ExitCode;

/// glibc gives large blocks back to the system at every step; candle is three times faster without.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // candle and its products would start threads of their own: ours share the rows instead, so
    // that `--threads` bounds them all. No thread runs yet.
    std::env::set_var("RAYON_NUM_THREADS", "1");
    std::env::set_var("CANDLE_NUM_THREADS", "1");
    failure::quiet_decoders();
    let cli = Cli::parse();
    match commands::run(&cli) {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
