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
        let shown = if self.json { serde_json::to_string(value)? } else { shown(&text(value)) };
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
    let _ = writeln!(std::io::stderr(), "{}", shown(message));
}

/// The text as a terminal may have it: names, labels and paths come from files of others, and what in
/// them would move the cursor, change colours or turn the direction of writing is written as its code.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' | '\t' => shown.push(letter),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(letter.escape_unicode());
            }
            letter if letter.is_control() => shown.extend(letter.escape_unicode()),
            letter => shown.push(letter),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn controls_are_shown_as_codes() {
        assert_eq!(
            shown("a\u{1b}[31mé\n\tb\u{9b}\u{202e}c"),
            "a\\u{1b}[31mé\n\tb\\u{9b}\\u{202e}c"
        );
    }
}
