//! Mixes colours.

/// A colour in sRGB with an opacity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    /// Red, green and blue, 0 to 255.
    pub rgb: [u8; 3],
    /// Opacity, 0 (invisible) to 1.
    pub alpha: f64,
}

impl Colour {
    /// An opaque colour from its hexadecimal code, as in `Colour::hex(0x1F77B4)`.
    #[must_use]
    pub const fn hex(code: u32) -> Self {
        let [_, red, green, blue] = code.to_be_bytes();
        Self { rgb: [red, green, blue], alpha: 1.0 }
    }

    /// The same hue with another opacity.
    #[must_use]
    pub const fn with_alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// The opaque colour seen when this one lies with opacity `alpha` over `below`.
    ///
    /// ```
    /// use diffeo_plots::Colour;
    /// let grey = Colour::hex(0x00_00_00).over(Colour::hex(0xFF_FF_FF), 0.5);
    /// assert_eq!(grey, Colour::hex(0x80_80_80));
    /// ```
    #[must_use]
    pub fn over(self, below: Self, alpha: f64) -> Self {
        let alpha = if alpha.is_finite() { alpha.clamp(0.0, 1.0) } else { 1.0 };
        let mut rgb = [0; 3];
        for ((mixed, &top), &bottom) in rgb.iter_mut().zip(&self.rgb).zip(&below.rgb) {
            *mixed = (alpha * f64::from(top) + (1.0 - alpha) * f64::from(bottom)).round() as u8;
        }
        Self { rgb, alpha: 1.0 }
    }
}
