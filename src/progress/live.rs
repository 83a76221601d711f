//! A small density in the terminal.

use diffeo::flows::model::Model;
use diffeo::flows::rows::Rows;
use diffeo::flows::{Error, Result, Workers};
use diffeo::pictures::Studio;
use diffeo::plots::{ColourMap, Theme};
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Characters across and down; each shows two cells, one above the other.
const SIZE: [usize; 2] = [56, 18];
/// Least time between pictures.
const EVERY: Duration = Duration::from_millis(300);
/// A picture may take this share of the time, one in so many parts.
const SHARE: u32 = 20;
/// From empty to full, where there are no colours.
const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// Draws a model now and then, never more often than a twentieth of the time allows.
#[derive(Debug)]
pub(super) struct Live<'a> {
    rows: &'a Rows,
    workers: &'a Workers,
    next: Instant,
    colours: Colours,
}

/// What the terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Colours {
    None,
    /// A cube of 6 by 6 by 6.
    Few,
    All,
}

impl Colours {
    fn of_terminal() -> Self {
        let is = |name: &str, words: &[&str]| {
            std::env::var(name).is_ok_and(|value| words.iter().any(|word| value.contains(word)))
        };
        if std::env::var_os("NO_COLOR").is_some() || is("TERM", &["dumb"]) {
            Self::None
        } else if is("COLORTERM", &["truecolor", "24bit"]) {
            Self::All
        } else {
            Self::Few
        }
    }

    /// The code of a colour, after "38;" for ink or "48;" for paper.
    fn code(self, [r, g, b]: [u8; 3]) -> String {
        let step = |c: u8| (u16::from(c) * 5 + 127) / 255;
        match self {
            Self::All => format!("2;{r};{g};{b}"),
            _ => format!("5;{}", 16 + 36 * step(r) + 6 * step(g) + step(b)),
        }
    }
}

impl<'a> Live<'a> {
    pub(super) fn new(rows: &'a Rows, workers: &'a Workers) -> Self {
        Self { rows, workers, next: Instant::now(), colours: Colours::of_terminal() }
    }

    /// The picture, when one is due.
    pub(super) fn draw(&mut self, model: &Model) -> Result<Option<String>> {
        let now = Instant::now();
        if now < self.next {
            return Ok(None);
        }
        let (data, workers) = (Some(self.rows), self.workers);
        let studio = Studio { model, data, name: "", workers, theme: Theme::light() };
        let [width, height] = SIZE;
        let heights = studio
            .preview([width, 2 * height])
            .map_err(|e| Error::config("live", e.to_string(), "leave --live out"))?;
        let text = lines(&heights, width, self.colours);
        let cost = now.elapsed();
        self.next = Instant::now() + (cost * SHARE).max(EVERY);
        Ok(Some(text))
    }
}

/// Cells as lines of text, two rows of cells in each.
fn lines(heights: &[f64], width: usize, colours: Colours) -> String {
    let mut text = String::new();
    for pair in heights.chunks_exact(2 * width) {
        let (upper, lower) = pair.split_at(width);
        text.push('\n');
        for (&up, &low) in upper.iter().zip(lower) {
            if colours == Colours::None {
                let shade = 0.5 * (up + low) * (SHADES.len() - 1) as f64;
                text.push(SHADES[(shade.round() as usize).min(SHADES.len() - 1)]);
            } else {
                let code = |height: f64| colours.code(ColourMap::Viridis.at(height).rgb);
                // Writing to a string does not fail.
                let _ = write!(text, "\x1b[38;{};48;{}m▀", code(up), code(low));
            }
        }
        if colours != Colours::None {
            text.push_str("\x1b[0m");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rows_of_cells_share_a_line() {
        let cells = [0.0, 1.0, 0.0, 1.0, 0.5, 0.5, 0.5, 0.5];
        assert_eq!(lines(&cells, 2, Colours::None), "\n █\n▒▒");
        let coloured = lines(&cells, 2, Colours::All);
        assert_eq!(coloured.matches('▀').count(), 4);
        assert!(coloured.contains("38;2;253;231;37;48;2;253;231;37m"), "{coloured:?}");
        assert!(coloured.lines().skip(1).all(|line| line.ends_with("\x1b[0m")));
    }

    #[test]
    fn colours_fall_into_the_cube() {
        assert_eq!(Colours::Few.code([0, 0, 0]), "5;16");
        assert_eq!(Colours::Few.code([255, 255, 255]), "5;231");
        assert_eq!(Colours::Few.code([255, 0, 0]), "5;196");
    }
}
