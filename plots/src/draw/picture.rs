//! Holds pixels and encodes them as PNG.

use std::io::Write;

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

    /// Encodes the picture as a PNG file.
    ///
    /// # Errors
    /// [`PlotError::Backend`] when the encoder refuses.
    pub fn png(&self) -> Result<Vec<u8>> {
        let refused = |e: png::EncodingError| PlotError::Backend(e.to_string());
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let per_metre = (f64::from(self.pixel_ratio) * DOTS_PER_INCH / 0.0254).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: per_metre,
            yppu: per_metre,
            unit: png::Unit::Meter,
        }));
        let mut writer = encoder.write_header().map_err(refused)?;
        writer.write_image_data(&self.pixels).map_err(refused)?;
        writer.finish().map_err(refused)?;
        bytes.flush().map_err(|e| PlotError::Backend(e.to_string()))?;
        Ok(bytes)
    }
}
