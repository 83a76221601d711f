//! Holds pixels and encodes them as PNG.

use crate::stats::quantile;
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

/// Share of the distances that the high one is not below.
const HIGH: f64 = 0.995;

/// How far apart two pictures look, in levels of a channel, of 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// The mean distance.
    pub mean: f64,
    /// The distance that 99.5 % do not exceed: a line that moved shows here, a dot or the rounding of
    /// another processor does not.
    pub high: f64,
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

    /// The picture with another number of pixels, each the mean of the old ones it covers; no side is
    /// shorter than a pixel.
    ///
    /// # Example
    /// ```
    /// use diffeo_plots::{Figure, Training};
    /// let picture = Training::new(&[(0.0, 3.0), (1.0, 2.5)]).width(200.0).picture()?;
    /// let small = picture.clone().resized(picture.width() / 4, 30);
    /// assert_eq!((small.width(), small.height()), (100, 30));
    /// # Ok::<(), diffeo_plots::PlotError>(())
    /// ```
    #[must_use]
    pub fn resized(self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if (self.width, self.height) == (width, height) {
            return self;
        }
        let means = self.in_parts([width, height]);
        let pixels = means.into_iter().map(|mean| mean.round() as u8).collect();
        Self { width, height, pixel_ratio: self.pixel_ratio, pixels }
    }

    /// Encodes the picture as a PNG file.
    ///
    /// # Errors
    /// [`PlotError::Backend`] when the encoder refuses.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = self.encoder(&mut bytes);
        encoder.set_compression(png::Compression::Balanced);
        write(encoder, &self.pixels)?;
        Ok(bytes)
    }

    /// The same as [`Picture::png`] in fewer bytes, which takes several times as long: for pages that
    /// show many.
    ///
    /// # Errors
    /// [`PlotError::Backend`] when the encoder refuses.
    pub fn compact_png(&self) -> Result<Vec<u8>> {
        let with = |filter: png::Filter| {
            let mut bytes = Vec::new();
            let mut encoder = self.encoder(&mut bytes);
            encoder.set_deflate_compression(png::DeflateCompression::Level(9));
            encoder.set_filter(filter);
            write(encoder, &self.pixels)?;
            Ok(bytes)
        };
        // Large even areas suit no filter, shades an adaptive one.
        let (plain, adaptive) = (with(png::Filter::NoFilter)?, with(png::Filter::Adaptive)?);
        Ok(if plain.len() < adaptive.len() { plain } else { adaptive })
    }

    /// Reads a PNG file of 8-bit red, green and blue, as [`Picture::png`] writes it.
    ///
    /// # Errors
    /// [`PlotError::Backend`] for what is no such file.
    pub fn from_png(bytes: &[u8]) -> Result<Self> {
        let refused = |e: png::DecodingError| PlotError::Backend(e.to_string());
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().map_err(refused)?;
        let (colour, depth) = reader.output_color_type();
        if (colour, depth) != (png::ColorType::Rgb, png::BitDepth::Eight) {
            let problem = format!("a PNG of {colour:?} in {depth:?} bits, not of Rgb in Eight");
            return Err(PlotError::Backend(problem));
        }
        let size = reader.output_buffer_size();
        let mut pixels = vec![0; size.ok_or_else(|| PlotError::Backend("a huge PNG".into()))?];
        let frame = reader.next_frame(&mut pixels).map_err(refused)?;
        pixels.truncate(frame.buffer_size());
        let per_point = reader.info().pixel_dims.map_or(1.0, |dims| {
            (f64::from(dims.xppu) * 0.0254 / DOTS_PER_INCH).round().clamp(1.0, 8.0)
        });
        let (width, height) = (frame.width, frame.height);
        Ok(Self { width, height, pixel_ratio: per_point as u32, pixels })
    }

    /// How far apart two pictures look: the distances of the mean colours of squares of `block` pixels.
    ///
    /// # Errors
    /// [`PlotError::Size`] for pictures of different sizes.
    ///
    /// # Example
    /// ```
    /// use diffeo_plots::{Figure, Picture, Training};
    /// let picture = |loss| Training::new(&[(0.0, 3.0), (1.0, loss)]).width(200.0).picture();
    /// let (a, b) = (picture(2.5)?, Picture::from_png(&picture(2.5)?.png()?)?);
    /// assert_eq!(a.distance(&b, 4)?.mean, 0.0);
    /// let other = picture(1.0)?.resized(a.width(), a.height());
    /// assert!(a.distance(&other, 4)?.high > 0.0);
    /// # Ok::<(), diffeo_plots::PlotError>(())
    /// ```
    pub fn distance(&self, other: &Self, block: u32) -> Result<Distance> {
        for (what, expected, got) in [
            ("pixels across a picture", self.width, other.width),
            ("pixels down a picture", self.height, other.height),
        ] {
            if expected != got {
                return Err(PlotError::Size {
                    what,
                    expected: expected as usize,
                    got: got as usize,
                });
            }
        }
        let parts = [self.width, self.height].map(|length| length.div_ceil(block.max(1)).max(1));
        let (a, b) = (self.in_parts(parts), other.in_parts(parts));
        let mut apart: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).collect();
        apart.sort_by(f64::total_cmp);
        let mean = apart.iter().sum::<f64>() / apart.len().max(1) as f64;
        Ok(Distance { mean, high: quantile(&apart, HIGH) })
    }

    /// The mean colours of so many equal parts across and down, row by row.
    fn in_parts(&self, [across, down]: [u32; 2]) -> Vec<f64> {
        let (columns, rows) = (shares(self.width, across), shares(self.height, down));
        let mut means = Vec::with_capacity(3 * columns.len() * rows.len());
        for row in &rows {
            for column in &columns {
                let mut sum = [0.0; 3];
                for (&(y, high), &(x, wide)) in
                    row.iter().flat_map(|y| column.iter().map(move |x| (y, x)))
                {
                    let rgb = self.pixel(x, y).unwrap_or_default();
                    (0..3).for_each(|k| sum[k] += high * wide * f64::from(rgb[k]));
                }
                means.extend(sum);
            }
        }
        means
    }

    fn encoder<'b>(&self, bytes: &'b mut Vec<u8>) -> png::Encoder<'static, &'b mut Vec<u8>> {
        let mut encoder = png::Encoder::new(bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
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
    fn both_kinds_of_png_come_back_as_they_were_drawn() {
        let shade = |column: u32, row: u32| Colour::hex(column * 0x05_01_00 + row * 0x00_02_07);
        let mut picture = Picture::from_fn(31, 17, shade);
        picture.pixel_ratio = 4;
        for bytes in [picture.png().unwrap(), picture.compact_png().unwrap()] {
            assert_eq!(Picture::from_png(&bytes).unwrap(), picture);
            assert!(Picture::from_png(&bytes[..bytes.len() / 2]).is_err());
        }
        assert!(Picture::from_png(b"GIF89a").is_err());
    }

    /// One of 16 squares is 32 levels away: 2 on average.
    #[test]
    fn distances_are_those_of_mean_colours() {
        let grey = |level: u32| move |_, _| Colour::hex(0x01_01_01 * level);
        let plain = Picture::from_fn(40, 40, grey(100));
        let corner = |column, row| if column < 10 && row < 10 { 132 } else { 100 };
        let other = Picture::from_fn(40, 40, |x, y| grey(corner(x, y))(x, y));
        let apart = plain.distance(&other, 10).unwrap();
        assert!((apart.mean - 2.0).abs() < 1e-9 && (apart.high - 32.0).abs() < 3.0, "{apart:?}");
        let all = plain.distance(&other, 40).unwrap();
        assert!((all.mean - 2.0).abs() < 1e-9 && (all.high - 2.0).abs() < 1e-9, "{all:?}");
        let small = Picture::from_fn(39, 40, grey(100));
        assert!(matches!(plain.distance(&small, 10), Err(PlotError::Size { .. })));
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
