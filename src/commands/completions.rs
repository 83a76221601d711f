//! `diffeo completions`: shell completions on stdout.

use crate::args::{Cli, Common, CompletionArgs};
use crate::failure::Usage;
use anyhow::Result;
use clap::CommandFactory;

pub fn run(common: &Common, args: &CompletionArgs) -> Result<()> {
    if common.json {
        let message = "--json: completions are a script for a shell; leave it out";
        return Err(Usage(message.to_owned()).into());
    }
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "diffeo", &mut script);
    common.voice().result(&(), |()| String::from_utf8_lossy(&script).trim_end().to_owned())
}
