//! Paints a scene into pixels with plotters' bitmap backend.
//!
//! plotters knows whole pixels only, so the scene is painted several times too large and shrunk:
//! edges come out smooth and positions exact to a fraction of a pixel.

use plotters::prelude::BitMapBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontTransform, RGBAColor, ShapeStyle, TextStyle};
use plotters_backend::{BackendColor, DrawingBackend, DrawingErrorKind};

use super::dash::dashes;
use super::geometry::Rect;
use super::scene::{Anchor, Label, Mark, Pen, Scene};
use super::spans::spans;
use super::{Picture, text};
use crate::{Colour, PlotError, Result};

/// Most pixels of the enlarged painting, 3 bytes each, for edges as smooth as can be, and at all.
const SMOOTH: u64 = 50_000_000;
const PAINTED: u64 = 100_000_000;

/// Paints all marks of a scene, in order, with `ratio` pixels a point.
pub(crate) fn paint(scene: &Scene, ratio: u32) -> Result<Picture> {
    text::register()?;
    let finer = finer(scene, ratio)?;
    let scale = ratio * finer;
    let (width, height) = (scene.width as u32 * scale, scene.height as u32 * scale);
    let mut large = Picture::filled(width, height, ratio, scene.background);
    let backend = BitMapBackend::with_buffer(large.pixels_mut(), (width, height));
    let mut painter = Painter { backend, scale: f64::from(scale), snap: i64::from(finer) };
    for mark in &scene.marks {
        painter.mark(mark).map_err(|e| PlotError::Backend(e.to_string()))?;
    }
    drop(painter);
    Ok(large.shrunk(finer, ratio))
}

/// How many times too large a scene is painted before it is shrunk.
fn finer(scene: &Scene, ratio: u32) -> Result<u32> {
    let [width, height] = [scene.width, scene.height].map(|v| v as u64 * u64::from(ratio));
    let painted = |finer: u64| width * height * finer * finer;
    if painted(3) <= SMOOTH {
        return Ok(3);
    }
    if painted(2) <= PAINTED {
        return Ok(2);
    }
    Err(PlotError::Pixels { width, height, most: PAINTED / 4 })
}

struct Painter<'a> {
    backend: BitMapBackend<'a>,
    /// Pixels of the painting per point.
    scale: f64,
    /// Pixels of the painting per pixel of the result.
    snap: i64,
}

type Painted = std::result::Result<(), DrawingErrorKind<plotters_bitmap_error::Error>>;

/// Names the error type of the backend, which plotters does not export under a name.
mod plotters_bitmap_error {
    use plotters::prelude::BitMapBackend;
    use plotters_backend::DrawingBackend;

    pub(super) type Error = <BitMapBackend<'static> as DrawingBackend>::ErrorType;
}

impl Painter<'_> {
    fn mark(&mut self, mark: &Mark) -> Painted {
        match mark {
            Mark::Box { area, fill } => self.rect(area, *fill),
            Mark::Line { points, pen } => self.line(points, *pen),
            Mark::Polygon { points, fill } => {
                let corners: Vec<_> = points.iter().map(|&p| self.pixel(p)).collect();
                self.backend.fill_polygon(corners, &style(*fill))
            }
            Mark::Dots { points, radius, fill } => points.iter().try_for_each(|&p| {
                let (centre, radius) = (self.pixel(p), self.length(*radius).max(1));
                self.backend.draw_circle(centre, radius, &style(*fill), true)
            }),
            Mark::Image { area, picture } => self.image(area, picture),
            Mark::Text(label) => self.text(label),
        }
    }

    fn pixel(&self, [x, y]: [f64; 2]) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn length(&self, points: f64) -> u32 {
        (points * self.scale).round() as u32
    }

    fn rect(&mut self, area: &Rect, fill: Colour) -> Painted {
        let (from, to) = (self.pixel([area.x, area.y]), self.pixel([area.right(), area.bottom()]));
        self.backend.draw_rect(from, to, &style(fill), true)
    }

    fn line(&mut self, points: &[[f64; 2]], pen: Pen) -> Painted {
        if let Some((dash, gap)) = pen.dash {
            let plain = Pen { dash: None, ..pen };
            return dashes(points, dash, gap).iter().try_for_each(|piece| self.line(piece, plain));
        }
        let width = (pen.width * self.scale).max(2.0);
        let along_axes = |pair: &[[f64; 2]]| {
            let apart = |k: usize| (pair[0][k] - pair[1][k]).abs() * self.scale >= 0.01;
            !(apart(0) && apart(1))
        };
        let is_veil = pen.colour.alpha < 1.0 && points.len() > 2;
        if points.windows(2).all(along_axes) && !is_veil {
            return points
                .windows(2)
                .try_for_each(|pair| self.straight(pair[0], pair[1], width, pen.colour));
        }
        let line: Vec<_> = points.iter().map(|p| p.map(|v| v * self.scale)).collect();
        // The backend leaves out the last column and row.
        spans(&line, width).into_iter().try_for_each(|(row, from, to)| {
            self.backend.draw_rect((from, row), (to + 1, row + 1), &style(pen.colour), true)
        })
    }

    /// A stroke along an axis, moved to whole pixels of the result so that it is sharp.
    fn straight(&mut self, a: [f64; 2], b: [f64; 2], width: f64, colour: Colour) -> Painted {
        let snap = self.snap as f64;
        let width = (width / snap).round().max(1.0) * snap;
        let edge = |v: f64| ((v * self.scale - width / 2.0) / snap).round() * snap;
        let corner = |k: usize| (edge(a[k].min(b[k])), edge(a[k].max(b[k])) + width);
        let ((left, right), (top, bottom)) = (corner(0), corner(1));
        let (from, to) = ((left as i32, top as i32), (right as i32, bottom as i32));
        self.backend.draw_rect(from, to, &style(colour), true)
    }

    fn image(&mut self, area: &Rect, picture: &Picture) -> Painted {
        let (x0, y0) = self.pixel([area.x, area.y]);
        let (x1, y1) = self.pixel([area.right(), area.bottom()]);
        let (width, height) = ((x1 - x0).max(1) as u32, (y1 - y0).max(1) as u32);
        let enlarged = picture.enlarged(width, height);
        self.backend.blit_bitmap((x0, y0), (width, height), enlarged.pixels())
    }

    fn text(&mut self, label: &Label) -> Painted {
        let size = label.size * text::LINE * self.scale;
        let (x, y) = self.pixel(label.at);
        // plotters puts the baseline half a size below the top of the text.
        let up = (size / 2.0).round() as i32;
        let (at, turn) = if label.upright {
            ((x - up, y), FontTransform::Rotate270)
        } else {
            ((x, y - up), FontTransform::None)
        };
        let font = text::font(size, label.bold).transform(turn);
        self.backend.draw_text(&text::painted(&label.text), &text_style(font, label), at)
    }
}

/// The colours and anchor of a label, for any backend.
pub(super) fn text_style<'a>(font: plotters::style::FontDesc<'a>, label: &Label) -> TextStyle<'a> {
    let horizontal = match label.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    TextStyle { font, color: colour(label.colour), pos: Pos::new(horizontal, VPos::Top) }
}

pub(super) fn colour(colour: Colour) -> BackendColor {
    let [red, green, blue] = colour.rgb;
    BackendColor { rgb: (red, green, blue), alpha: colour.alpha }
}

pub(super) fn style(colour: Colour) -> ShapeStyle {
    let [red, green, blue] = colour.rgb;
    ShapeStyle { color: RGBAColor(red, green, blue, colour.alpha), filled: true, stroke_width: 1 }
}

/// What is enlarged to be smooth counts: 1000 × 1000 points at 8 pixels each would take 768 megabytes.
#[test]
fn more_pixels_than_can_be_painted_are_an_error() {
    let scene = |side: f64| Scene::new(side, side, &crate::Theme::light()).unwrap();
    assert_eq!(finer(&scene(500.0), 2).unwrap(), 3);
    assert_eq!(finer(&scene(600.0), 8).unwrap(), 2);
    let refused = finer(&scene(1000.0), 8).unwrap_err();
    assert!(matches!(refused, PlotError::Pixels { width: 8000, height: 8000, most: 25_000_000 }));
    assert!(refused.to_string().contains("8000 × 8000 pixels"), "{refused}");
    assert!(matches!(scene(1000.0).picture_at(8), Err(PlotError::Pixels { .. })));
    assert!(scene(1000.0).svg().is_ok());
}
