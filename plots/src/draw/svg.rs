//! Writes a scene as SVG with plotters' vector backend.
//!
//! plotters knows whole units only and embeds no images, so it draws on a finer lattice under a
//! matching `viewBox`, and pictures and clouds of dots are written between its elements.

use std::fmt::Write as _;

use plotters::prelude::SVGBackend;
use plotters::style::FontTransform;
use plotters_backend::DrawingBackend;

use super::dash::dashes;
use super::geometry::Rect;
use super::raster::{style, text_style};
use super::scene::{Label, Mark, Pen, Scene};
use super::{Picture, text};
use crate::{Colour, PlotError, Result};

/// Units of the drawing per point.
const SCALE: f64 = 16.0;
/// Dots in one path: they share their opacity, so where they overlap the later hides the earlier.
const CLOUD: usize = 64;

/// The text of an SVG file.
pub(crate) fn write(scene: &Scene) -> Result<String> {
    text::register()?;
    let (width, height) = (scene.width, scene.height);
    let (wide, high) = (width * SCALE, height * SCALE);
    let mut file = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {wide} {high}\" stroke-linejoin=\"round\">\n"
    );
    let paper = Mark::Box { area: Rect::new(0.0, 0.0, width, height), fill: scene.background };
    file.push_str(&plain(scene, &[&paper])?);
    let special = |mark: &Mark| matches!(mark, Mark::Image { .. } | Mark::Dots { .. });
    for run in scene.marks.chunk_by(|a, b| !special(a) && !special(b)) {
        match run {
            [Mark::Image { area, picture }] => image(&mut file, area, picture)?,
            [Mark::Dots { points, radius, fill }] => dots(&mut file, points, *radius, *fill),
            marks => file.push_str(&plain(scene, &marks.iter().collect::<Vec<_>>())?),
        }
    }
    file.push_str("</svg>\n");
    Ok(file)
}

/// The elements plotters writes for ordinary marks, without the enclosing `svg` element.
fn plain(scene: &Scene, marks: &[&Mark]) -> Result<String> {
    let refused = |e: &dyn std::fmt::Display| PlotError::Backend(e.to_string());
    let mut document = String::new();
    let size = ((scene.width * SCALE) as u32, (scene.height * SCALE) as u32);
    let mut backend = SVGBackend::with_string(&mut document, size);
    for mark in marks {
        draw(&mut backend, mark).map_err(|e| refused(&e))?;
    }
    backend.present().map_err(|e| refused(&e))?;
    drop(backend);
    let inner = document.split_once('\n').and_then(|(_, rest)| rest.strip_suffix("</svg>\n"));
    inner.map(str::to_owned).ok_or_else(|| refused(&"unexpected form of plotters' SVG"))
}

type Drawn = std::result::Result<(), plotters_backend::DrawingErrorKind<std::io::Error>>;

fn draw(backend: &mut SVGBackend<'_>, mark: &Mark) -> Drawn {
    match mark {
        Mark::Box { area, fill } => {
            let corners = (unit([area.x, area.y]), unit([area.right(), area.bottom()]));
            backend.draw_rect(corners.0, corners.1, &style(*fill), true)
        }
        Mark::Line { points, pen } => line(backend, points, *pen),
        Mark::Polygon { points, fill } => {
            backend.fill_polygon(points.iter().map(|&p| unit(p)), &style(*fill))
        }
        Mark::Text(label) => write_text(backend, label),
        Mark::Image { .. } | Mark::Dots { .. } => Ok(()),
    }
}

fn unit([x, y]: [f64; 2]) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

fn line(backend: &mut SVGBackend<'_>, points: &[[f64; 2]], pen: Pen) -> Drawn {
    if let Some((dash, gap)) = pen.dash {
        let plain = Pen { dash: None, ..pen };
        return dashes(points, dash, gap).iter().try_for_each(|piece| line(backend, piece, plain));
    }
    let mut stroke = style(pen.colour);
    stroke.stroke_width = (pen.width * SCALE).round().max(1.0) as u32;
    backend.draw_path(points.iter().map(|&p| unit(p)), &stroke)
}

fn write_text(backend: &mut SVGBackend<'_>, label: &Label) -> Drawn {
    // plotters divides the size by 1.24 and puts the baseline 0.76 em below the point.
    let drop = 0.76 * label.size;
    let [x, y] = label.at;
    let (at, turn) = if label.upright {
        ([x - drop, y], FontTransform::Rotate270)
    } else {
        ([x, y - drop], FontTransform::None)
    };
    let font = text::font(label.size * SCALE * 1.24, label.bold).transform(turn);
    backend.draw_text(&label.text, &text_style(font, label), unit(at))
}

/// Embeds a picture as a PNG inside the file.
fn image(file: &mut String, area: &Rect, picture: &Picture) -> Result<()> {
    let ((x, y), (right, bottom)) = (unit([area.x, area.y]), unit([area.right(), area.bottom()]));
    let (width, height) = (right - x, bottom - y);
    let _ = write!(
        file,
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
         preserveAspectRatio=\"none\" href=\"data:image/png;base64,"
    );
    base64(file, &picture.png()?);
    file.push_str("\"/>\n");
    Ok(())
}

/// Writes dots as strokes without length and with round ends, a tenth of the size of circles.
fn dots(file: &mut String, points: &[[f64; 2]], radius: f64, fill: Colour) {
    let width = (2.0 * radius * SCALE).round().max(1.0);
    let [red, green, blue] = fill.rgb;
    let paths = points.len().div_ceil(CLOUD).max(1);
    let _ = writeln!(
        file,
        "<g fill=\"none\" stroke=\"#{red:02X}{green:02X}{blue:02X}\" stroke-width=\"{width}\" \
         stroke-linecap=\"round\" stroke-opacity=\"{:.3}\">",
        fill.alpha
    );
    // Far neighbours in the order of the points share a path: they seldom overlap.
    for first in 0..paths {
        file.push_str("<path d=\"");
        for &point in points.iter().skip(first).step_by(paths) {
            let (x, y) = unit(point);
            let _ = write!(file, "M{x},{y}h0");
        }
        file.push_str("\"/>\n");
    }
    file.push_str("</g>\n");
}

fn base64(text: &mut String, bytes: &[u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_agrees_with_rfc_4648() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            let mut text = String::new();
            base64(&mut text, plain.as_bytes());
            assert_eq!(text, coded);
        }
    }
}
