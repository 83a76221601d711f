//! Writes frames into a GIF, of each only what changed.

use std::borrow::Cow;
use std::fmt::Display;

use crate::palette::Palette;
use crate::{Picture, PlotError, Result};

/// An unfinished GIF.
pub(super) struct Encoder {
    gif: gif::Encoder<Vec<u8>>,
    palette: Palette,
    size: [u16; 2],
    /// Colours of the frame before.
    before: Vec<u8>,
}

/// Columns and rows from the first to before the last.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part {
    x: [usize; 2],
    y: [usize; 2],
}

impl Encoder {
    pub(super) fn new(size: [u16; 2], palette: Palette, forever: bool) -> Result<Self> {
        let mut gif =
            gif::Encoder::new(Vec::new(), size[0], size[1], &palette.bytes()).map_err(refused)?;
        if forever {
            gif.set_repeat(gif::Repeat::Infinite).map_err(refused)?;
        }
        Ok(Self { gif, palette, size, before: Vec::new() })
    }

    /// Adds a frame to be shown for a time in hundredths of a second.
    pub(super) fn add(&mut self, picture: &Picture, delay: u16) -> Result<()> {
        let now = self.palette.indices(picture.pixels());
        let part = self.changed(&now);
        let width = usize::from(self.size[0]);
        let mut buffer = Vec::with_capacity((part.x[1] - part.x[0]) * (part.y[1] - part.y[0]));
        for row in part.y[0]..part.y[1] {
            for at in row * width + part.x[0]..row * width + part.x[1] {
                let same = self.before.get(at) == now.get(at);
                buffer.push(if same { self.palette.transparent() } else { now[at] });
            }
        }
        let frame = gif::Frame {
            delay,
            dispose: gif::DisposalMethod::Keep,
            transparent: Some(self.palette.transparent()),
            left: part.x[0] as u16,
            top: part.y[0] as u16,
            width: (part.x[1] - part.x[0]) as u16,
            height: (part.y[1] - part.y[0]) as u16,
            buffer: Cow::Owned(buffer),
            ..gif::Frame::default()
        };
        self.before = now;
        self.gif.write_frame(&frame).map_err(refused)
    }

    /// The smallest part that holds all changes, at least one pixel.
    fn changed(&self, now: &[u8]) -> Part {
        let [width, height] = self.size.map(usize::from);
        if self.before.len() != now.len() {
            return Part { x: [0, width], y: [0, height] };
        }
        let (mut x, mut y) = ([width, 0], [height, 0]);
        let rows = self.before.chunks_exact(width).zip(now.chunks_exact(width));
        for (row, (old, new)) in rows.enumerate().filter(|(_, (old, new))| old != new) {
            let differs = |&column: &usize| old[column] != new[column];
            let first = (0..width).find(differs).unwrap_or(0);
            let last = (0..width).rev().find(differs).unwrap_or(0);
            x = [x[0].min(first), x[1].max(last + 1)];
            y = [y[0].min(row), row + 1];
        }
        if x[0] < x[1] { Part { x, y } } else { Part { x: [0, 1], y: [0, 1] } }
    }

    pub(super) fn finish(self) -> Result<Vec<u8>> {
        self.gif.into_inner().map_err(refused)
    }
}

fn refused(error: impl Display) -> PlotError {
    PlotError::Backend(error.to_string())
}
