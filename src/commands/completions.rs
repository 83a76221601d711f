//! `diffeo completions`: shell completions on stdout.

use crate::args::{Cli, CompletionArgs};
use clap::CommandFactory;

pub fn run(args: &CompletionArgs) {
    clap_complete::generate(args.shell, &mut Cli::command(), "diffeo", &mut std::io::stdout());
}
