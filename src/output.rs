//! The only places where something is printed.

use serde::Serialize;
use std::io::Write;

/// How a command speaks.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    /// One JSON object on stdout instead of text.
    pub json: bool,
    /// No messages on stderr.
    pub quiet: bool,
}

impl Voice {
    /// Prints the result: as JSON, or the text made by `text`.
    ///
    /// # Errors
    /// When the result cannot be written as JSON, or stdout is closed.
    pub fn result<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let shown = if self.json { serde_json::to_string(value)? } else { text(value) };
        match writeln!(std::io::stdout(), "{shown}") {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Prints a message for people.
    pub fn note(self, message: &str) {
        if !self.quiet {
            complain(message);
        }
    }
}

/// Prints an error or a warning, also when quiet.
pub fn complain(message: &str) {
    // A closed stderr is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{message}");
}
