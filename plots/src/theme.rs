//! Holds the one visual language of all figures.

use crate::ramp::Ramp;
use crate::{Colour, ColourMap, PlotError, Result};

/// Colours, text sizes and resolution of a figure; lengths in points of 1/96 inch.
///
/// ```
/// use diffeo_plots::Theme;
/// let mut theme = Theme::dark().for_print();
/// theme.title_size = 15.0;
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Theme {
    /// Paper.
    pub background: Colour,
    /// Titles and axis labels.
    pub ink: Colour,
    /// Tick labels, notes.
    pub muted: Colour,
    /// Axis lines and ticks.
    pub axis: Colour,
    /// Grid lines.
    pub grid: Colour,
    /// Everything observed.
    pub data: Colour,
    /// Everything the model says.
    pub model: Colour,
    /// Colours of density values.
    pub colour_map: ColourMap,
    /// Title text.
    pub title_size: f64,
    /// Axis labels and panel titles.
    pub label_size: f64,
    /// Tick labels, legends and notes.
    pub tick_size: f64,
    /// Width of a curve.
    pub line_width: f64,
    /// Pixels of a PNG per point, 1 to 8; 2 by default.
    pub pixel_ratio: u32,
    /// Width of figures in points, unless a figure is told another; by default each takes its own.
    pub width: Option<f64>,
}

impl Theme {
    /// Dark ink on white paper; the default.
    #[must_use]
    pub fn light() -> Self {
        Self {
            background: Colour::hex(0xFF_FF_FF),
            ink: Colour::hex(0x1B_1F_24),
            muted: Colour::hex(0x57_60_6A),
            axis: Colour::hex(0x6E_77_81),
            grid: Colour::hex(0xE9_EC_EF),
            data: Colour::hex(0x2B_6C_B0),
            model: Colour::hex(0xD9_5F_0E),
            colour_map: ColourMap::Viridis,
            title_size: 14.0,
            label_size: 12.0,
            tick_size: 10.5,
            line_width: 1.6,
            pixel_ratio: 2,
            width: None,
        }
    }

    /// Light ink on nearly black paper.
    #[must_use]
    pub fn dark() -> Self {
        Self {
            background: Colour::hex(0x14_17_1C),
            ink: Colour::hex(0xE9_ED_F2),
            muted: Colour::hex(0xA3_AD_B8),
            axis: Colour::hex(0x7B_85_90),
            grid: Colour::hex(0x2A_2F_37),
            data: Colour::hex(0x6C_B4_EE),
            model: Colour::hex(0xF6_A0_4D),
            ..Self::light()
        }
    }

    /// The same look with 4 pixels a point, 384 dots an inch.
    #[must_use]
    pub fn for_print(self) -> Self {
        Self { pixel_ratio: 4, ..self }
    }

    /// The same look for figures that are so many millimetres wide on paper, as a column of a
    /// journal is 85 to 90 and a page 170 to 180; the sizes of texts stay.
    ///
    /// ```
    /// use diffeo_plots::Theme;
    /// let points = Theme::light().millimetres_wide(88.9).width;
    /// assert!((points.unwrap() - 336.0).abs() < 1e-9);
    /// ```
    #[must_use]
    pub fn millimetres_wide(self, width: f64) -> Self {
        Self { width: Some(width / 25.4 * 96.0), ..self }
    }

    /// Refuses lengths that cannot be drawn.
    pub(crate) fn check(&self) -> Result<()> {
        for (what, value, least) in [
            ("title size", self.title_size, 1.0),
            ("label size", self.label_size, 1.0),
            ("tick size", self.tick_size, 1.0),
            ("line width", self.line_width, 0.1),
        ] {
            if !(least..=100.0).contains(&value) {
                return Err(PlotError::Theme { what, value });
            }
        }
        Ok(())
    }

    /// The colour of `of` laid with opacity `alpha` on the paper, itself opaque.
    pub(crate) fn tint(&self, of: Colour, alpha: f64) -> Colour {
        of.over(self.background, alpha)
    }

    /// The colours of areas.
    pub(crate) fn shades(&self) -> Ramp {
        Ramp::Part { map: self.colour_map, from: 0.0, to: 1.0 }
    }

    /// The colours of lines and small marks: dark to light, but never close to the paper.
    pub(crate) fn inks(&self) -> Ramp {
        let (from, to) = if self.is_dark() { (0.35, 1.0) } else { (0.0, 0.82) };
        Ramp::Part { map: self.colour_map, from, to }
    }

    /// The colours of signed values, zero in the middle.
    pub(crate) fn signed(&self) -> Ramp {
        if self.is_dark() {
            return Ramp::FromDark(self.background);
        }
        Ramp::Part { map: ColourMap::Diverging, from: 0.0, to: 1.0 }
    }

    fn is_dark(&self) -> bool {
        self.background.rgb.iter().all(|&v| v < 128)
    }
}

impl Default for Theme {
    fn default() -> Self {
        Self::light()
    }
}
