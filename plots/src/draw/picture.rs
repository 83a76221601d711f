//! Holds pixels and encodes them as PNG.

use crate::palette::Palette;
use crate::{Colour, PlotError, Result};

/// Dots an inch when a picture has one pixel a point.
const DOTS_PER_INCH: f64 = 96.0;

/// An image of 8-bit red, green and blue, row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    pixel_ratio: u32,
    pixels: Vec<u8>,
}

impl Picture {
    pub(crate) fn filled(width: u32, height: u32, pixel_ratio: u32, colour: Colour) -> Self {
        let pixels = colour.rgb.repeat(width as usize * height as usize);
        Self { width, height, pixel_ratio, pixels }
    }

    /// Asks `colour` for every pixel, given its column and row.
    pub(crate) fn from_fn(width: u32, height: u32, colour: impl Fn(u32, u32) -> Colour) -> Self {
        let mut pixels = Vec::with_capacity(3 * width as usize * height as usize);
        for row in 0..height {
            for column in 0..width {
                pixels.extend_from_slice(&colour(column, row).rgb);
            }
        }
        Self { width, height, pixel_ratio: 1, pixels }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes, three a pixel, `3 · width · height` in all.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(crate) fn pixels_mut(&mut self) -> &mut [u8] {
        &mut self.pixels
    }

    /// Red, green and blue at a pixel, or nothing outside the picture.
    pub fn pixel(&self, column: u32, row: u32) -> Option<[u8; 3]> {
        if column >= self.width || row >= self.height {
            return None;
        }
        let at = 3 * (row as usize * self.width as usize + column as usize);
        self.pixels.get(at..at + 3)?.try_into().ok()
    }

    /// The picture with so many pixels, each the one of the old that its corner falls into.
    pub(crate) fn enlarged(&self, width: u32, height: u32) -> Self {
        let nearest = |i: u32, from: u32, to: u32| {
            (u64::from(i) * u64::from(to) / u64::from(from.max(1))) as usize
        };
        let columns: Vec<usize> =
            (0..width).map(|column| 3 * nearest(column, width, self.width)).collect();
        let row_bytes = 3 * self.width as usize;
        let mut pixels = Vec::with_capacity(3 * width as usize * height as usize);
        let mut before = None;
        for row in 0..height {
            let source = nearest(row, height, self.height);
            if before == Some(source) {
                // The same row again, of which there are several as a rule.
                let start = pixels.len() - 3 * width as usize;
                pixels.extend_from_within(start..);
                continue;
            }
            let line = &self.pixels[source * row_bytes..(source + 1) * row_bytes];
            for &at in &columns {
                pixels.extend_from_slice(&line[at..at + 3]);
            }
            before = Some(source);
        }
        Self { width, height, pixel_ratio: self.pixel_ratio, pixels }
    }

    /// A picture `factor` times smaller, each pixel the mean of a square of old ones.
    pub(crate) fn shrunk(&self, factor: u32, pixel_ratio: u32) -> Self {
        let (width, height) = (self.width / factor, self.height / factor);
        let (f, row_bytes) = (factor as usize, 3 * self.width as usize);
        let area = (f * f) as u32;
        let mut pixels = Vec::with_capacity(3 * width as usize * height as usize);
        for row in 0..height as usize {
            for column in 0..width as usize {
                let mut sum = [0_u32; 3];
                for y in row * f..(row + 1) * f {
                    let start = y * row_bytes + 3 * column * f;
                    for pixel in self.pixels[start..start + 3 * f].chunks_exact(3) {
                        sum.iter_mut().zip(pixel).for_each(|(s, &p)| *s += u32::from(p));
                    }
                }
                pixels.extend(sum.map(|s| ((s + area / 2) / area) as u8));
            }
        }
        Self { width, height, pixel_ratio, pixels }
    }

    /// The picture with another number of pixels, each the mean of the old ones it covers.
    pub(crate) fn resized(self, width: u32, height: u32) -> Self {
        if (self.width, self.height) == (width, height) {
            return self;
        }
        let (across, down) = (shares(self.width, width), shares(self.height, height));
        let colour = |column: u32, row: u32| {
            let mut sum = [0.0; 3];
            for &(y, high) in &down[row as usize] {
                for &(x, wide) in &across[column as usize] {
                    let rgb = self.pixel(x, y).unwrap_or_default();
                    (0..3).for_each(|k| sum[k] += high * wide * f64::from(rgb[k]));
                }
            }
            Colour { rgb: sum.map(|s| s.round() as u8), alpha: 1.0 }
        };
        Self { pixel_ratio: self.pixel_ratio, ..Self::from_fn(width, height, colour) }
    }

    /// Encodes the picture as a PNG file.
    ///
    /// # Errors
    /// [`PlotError::Backend`] when the encoder refuses.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = self.encoder(&mut bytes);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_compression(png::Compression::Balanced);
        write(encoder, &self.pixels)?;
        Ok(bytes)
    }

    /// The same in at most 255 colours, those that suit the picture best: half as large or less, for
    /// pages that show many.
    ///
    /// # Errors
    /// [`PlotError::Backend`] when the encoder refuses.
    pub fn small_png(&self) -> Result<Vec<u8>> {
        let mut palette = Palette::of(std::iter::once(self.pixels.as_slice()));
        let (indices, colours) = (palette.indices(&self.pixels), palette.bytes());
        let mut bytes = Vec::new();
        let mut encoder = self.encoder(&mut bytes);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(colours);
        // Neighbouring indices say nothing of each other's size, so that filters only cost.
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
        write(encoder, &indices)?;
        Ok(bytes)
    }

    fn encoder<'b>(&self, bytes: &'b mut Vec<u8>) -> png::Encoder<'static, &'b mut Vec<u8>> {
        let mut encoder = png::Encoder::new(bytes, self.width, self.height);
        encoder.set_depth(png::BitDepth::Eight);
        let per_metre = (f64::from(self.pixel_ratio) * DOTS_PER_INCH / 0.0254).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: per_metre,
            yppu: per_metre,
            unit: png::Unit::Meter,
        }));
        encoder
    }
}

fn write(encoder: png::Encoder<'_, &mut Vec<u8>>, data: &[u8]) -> Result<()> {
    let refused = |e: png::EncodingError| PlotError::Backend(e.to_string());
    let mut writer = encoder.write_header().map_err(refused)?;
    writer.write_image_data(data).map_err(refused)?;
    writer.finish().map_err(refused)
}

/// For each of `to` equal parts of `from` pixels, the pixels it covers and their shares of it.
fn shares(from: u32, to: u32) -> Vec<Vec<(u32, f64)>> {
    let part = f64::from(from) / f64::from(to);
    let covered = |i: u32| {
        let (start, end) = (f64::from(i) * part, f64::from(i + 1) * part);
        let inside = |x: u32| (end.min(f64::from(x + 1)) - start.max(f64::from(x))) / part;
        let pixels = start as u32..(end.ceil() as u32).min(from);
        pixels.map(|x| (x, inside(x))).filter(|(_, share)| *share > 1e-9).collect()
    };
    (0..to).map(covered).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resizing_keeps_the_mean_and_the_shares_add_up() {
        for (from, to) in [(7, 3), (3, 7), (10, 5), (1, 1)] {
            for parts in shares(from, to) {
                assert!((parts.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
        let grey = |column: u32, _| Colour::hex(0x01_01_01 * 60 * column);
        let small = Picture::from_fn(4, 4, grey).resized(2, 3);
        assert_eq!((small.pixel(0, 0), small.pixel(1, 2)), (Some([30; 3]), Some([150; 3])));
    }

    #[test]
    fn an_enlarged_picture_repeats_its_pixels() {
        let small =
            Picture::from_fn(2, 3, |column, row| Colour::hex(0x01_01_01 * (10 * row + column)));
        let large = small.enlarged(5, 6);
        for (column, row) in [(0, 0), (2, 1), (3, 2), (4, 5)] {
            let source = small.pixel(column * 2 / 5, row * 3 / 6);
            assert_eq!(large.pixel(column, row), source, "{column} {row}");
        }
        assert_eq!(large.pixels().len(), 5 * 6 * 3);
    }
}
