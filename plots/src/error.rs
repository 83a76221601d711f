//! Names every way in which a picture can fail to appear.

use std::io;
use std::path::PathBuf;

/// The result of drawing or saving a picture.
pub type Result<T> = std::result::Result<T, PlotError>;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// Nothing finite is left to draw.
    #[error("nothing to draw: {what} has no finite values")]
    Empty {
        /// The argument that was empty.
        what: &'static str,
    },
    /// A range has ends that are not finite, or not in increasing order.
    #[error(
        "the range of {what} must be finite, increasing and wide enough for its places to be told apart, \
         with ends within ±1e152, not {} to {}",
        brief(*low), brief(*high)
    )]
    Range {
        /// The axis or argument.
        what: &'static str,
        /// Its lower end.
        low: f64,
        /// Its upper end.
        high: f64,
    },
    /// Two sizes that must agree do not.
    #[error("{what}: expected {expected}, got {got}")]
    Size {
        /// What was counted.
        what: &'static str,
        /// The number that was needed.
        expected: usize,
        /// The number that was given.
        got: usize,
    },
    /// The picture would be too small to hold its axes, or too large to hold in memory.
    #[error("a picture of {width:.0} × {height:.0} points cannot be drawn")]
    Canvas {
        /// Width in points.
        width: f64,
        /// Height in points.
        height: f64,
    },
    /// The picture has more pixels than are painted at once.
    #[error(
        "a picture of {width} × {height} pixels is too large to paint: at most {} million pixels; \
         lower the scale or the width, or write an SVG",
        most / 1_000_000
    )]
    Pixels {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// Most pixels of a picture.
        most: u64,
    },
    /// A length of the theme is not between 1 (a line: 0.1) and 100 points.
    #[error("the {what} of the theme cannot be {value} points")]
    Theme {
        /// The name of the length.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// The file name ends in nothing that can be written.
    #[error("cannot write {}: the extension must be .png or .svg, or .gif for an animation", path.display())]
    Extension {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file that was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// plotters or the PNG library refused, as a file that is no PNG.
    #[error("drawing failed: {0}")]
    Backend(String),
}

/// A number as it is, unless that takes many digits.
fn brief(value: f64) -> String {
    let text = value.to_string();
    if text.len() <= 18 { text } else { format!("{value:.6e}") }
}

#[test]
fn no_message_has_a_hundred_digits() {
    let range = |low, high| PlotError::Range { what: "x", low, high }.to_string();
    assert!(range(-3.6e150, 3.7e150).ends_with("not -3.600000e150 to 3.700000e150"));
    assert!(range(1_126_259_462.4, 0.0).ends_with("not 1126259462.4 to 0"));
}
