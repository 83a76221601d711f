//! Collects the marks of a figure before any of them is painted.

use std::path::Path;

use super::geometry::Rect;
use super::text;
use crate::draw::{Picture, file, raster, svg};
use crate::{Colour, PlotError, Result};

/// Where a text stands with respect to its point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text on a baseline; `upright` text reads upwards.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) at: [f64; 2],
    pub(crate) text: String,
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) colour: Colour,
    pub(crate) anchor: Anchor,
    pub(crate) upright: bool,
}

impl Label {
    /// The box around the letters, in points.
    pub(crate) fn bounds(&self) -> Rect {
        let width = text::width(&self.text, self.size, self.bold);
        let before = match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let (up, down) = (0.8 * self.size, 0.22 * self.size);
        let [x, y] = self.at;
        if self.upright {
            Rect::new(x - up, y + before - width, up + down, width)
        } else {
            Rect::new(x - before, y - up, width, up + down)
        }
    }
}

/// How a line is drawn; `dash` gives the lengths of dash and gap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pen {
    pub(crate) colour: Colour,
    pub(crate) width: f64,
    pub(crate) dash: Option<(f64, f64)>,
}

impl Pen {
    pub(crate) const fn solid(colour: Colour, width: f64) -> Self {
        Self { colour, width, dash: None }
    }

    pub(crate) const fn dashed(colour: Colour, width: f64, dash: f64, gap: f64) -> Self {
        Self { colour, width, dash: Some((dash, gap)) }
    }
}

/// One mark, in points.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    Box { area: Rect, fill: Colour },
    Line { points: Vec<[f64; 2]>, pen: Pen },
    Polygon { points: Vec<[f64; 2]>, fill: Colour },
    Dots { points: Vec<[f64; 2]>, radius: f64, fill: Colour },
    Image { area: Rect, picture: Picture },
    Text(Label),
}

/// A figure laid out but not yet painted: the same marks become a PNG or an SVG.
#[derive(Clone, Debug)]
pub struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) background: Colour,
    pub(crate) pixel_ratio: u32,
    pub(crate) marks: Vec<Mark>,
}

impl Scene {
    pub(crate) fn new(width: f64, height: f64, theme: &crate::Theme) -> Result<Self> {
        theme.check()?;
        let ratio = theme.pixel_ratio.clamp(1, 8);
        let fits = |v: f64| v.is_finite() && (20.0..=10_000.0).contains(&v);
        if !fits(width) || !fits(height) {
            return Err(PlotError::Canvas { width, height });
        }
        let (width, height) = (width.ceil(), height.ceil());
        let background = theme.background;
        Ok(Self { width, height, background, pixel_ratio: ratio, marks: Vec::new() })
    }

    /// Width and height in points of 1/96 inch.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// Paints the scene into pixels, as many a point as the theme asks for.
    ///
    /// # Errors
    /// [`PlotError::Pixels`] for more than 25 million pixels, [`PlotError::Backend`] when plotters
    /// refuses.
    pub fn picture(&self) -> Result<Picture> {
        raster::paint(self, self.pixel_ratio)
    }

    /// The letters that the embedded fonts do not have, each once, in the order of the alphabet: a PNG
    /// shows their code points, as in U+4E2D, an SVG the letters where its viewer has a font for them.
    ///
    /// # Example
    /// ```
    /// use diffeo_plots::{Figure, Training};
    /// let scene = Training::new(&[(0.0, 3.0), (1.0, 2.5)]).title("质量 (M☉)").scene()?;
    /// assert_eq!(scene.letters_lacked(), ['☉', '质', '量']);
    /// # Ok::<(), diffeo_plots::PlotError>(())
    /// ```
    pub fn letters_lacked(&self) -> Vec<char> {
        let texts = self.marks.iter().filter_map(|mark| match mark {
            Mark::Text(label) => Some(label.text.as_str()),
            _ => None,
        });
        let letters: std::collections::BTreeSet<char> = texts.flat_map(text::missing).collect();
        letters.into_iter().collect()
    }

    /// Paints the scene with `ratio` pixels a point.
    pub(crate) fn picture_at(&self, ratio: u32) -> Result<Picture> {
        raster::paint(self, ratio)
    }

    /// Pixels of a PNG per point.
    pub(crate) fn ratio(&self) -> f64 {
        f64::from(self.pixel_ratio)
    }

    /// Writes the scene as the text of an SVG file.
    ///
    /// # Errors
    /// [`PlotError::Backend`] when plotters or the PNG encoder of embedded images refuses.
    pub fn svg(&self) -> Result<String> {
        svg::write(self)
    }

    /// Writes the scene to a `.png` or `.svg` file, replacing it in one step if it exists.
    ///
    /// # Errors
    /// [`PlotError::Extension`] for other files, [`PlotError::Io`] with the path.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        file::save(self, path.as_ref())
    }

    pub(crate) fn fill(&mut self, area: Rect, fill: Colour) {
        self.marks.push(Mark::Box { area, fill });
    }

    pub(crate) fn line(&mut self, points: Vec<[f64; 2]>, pen: Pen) {
        if points.len() > 1 {
            self.marks.push(Mark::Line { points, pen });
        }
    }

    /// Draws the parts of a line that lie inside `area`.
    pub(crate) fn line_in(&mut self, area: &Rect, points: &[[f64; 2]], pen: Pen) {
        for piece in area.clip(points) {
            self.line(piece, pen);
        }
    }

    pub(crate) fn polygon(&mut self, points: Vec<[f64; 2]>, fill: Colour) {
        if points.len() > 2 {
            self.marks.push(Mark::Polygon { points, fill });
        }
    }

    /// Draws a square on its corner, `half` as far from the middle to each.
    pub(crate) fn diamond(&mut self, [x, y]: [f64; 2], half: f64, fill: Colour) {
        self.polygon(vec![[x, y - half], [x + half, y], [x, y + half], [x - half, y]], fill);
    }

    /// Draws the dots that lie inside `area`.
    pub(crate) fn dots_in(
        &mut self,
        area: &Rect,
        points: impl IntoIterator<Item = [f64; 2]>,
        radius: f64,
        fill: Colour,
    ) {
        let points: Vec<_> = points.into_iter().filter(|&p| area.contains(p)).collect();
        if !points.is_empty() {
            self.marks.push(Mark::Dots { points, radius, fill });
        }
    }

    pub(crate) fn image(&mut self, area: Rect, picture: Picture) {
        self.marks.push(Mark::Image { area, picture });
    }

    pub(crate) fn text(&mut self, label: Label) {
        if !label.text.trim().is_empty() {
            self.marks.push(Mark::Text(label));
        }
    }
}
