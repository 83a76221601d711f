//! Maps numbers to colours, evenly for the eye.

use crate::Colour;

/// A colour for every number between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ColourMap {
    /// Dark violet to yellow; the default for densities.
    #[default]
    Viridis,
    /// Black over purple to cream.
    Magma,
    /// Dark blue to yellow, the same to colour-blind eyes.
    Cividis,
    /// Blue over white to red, for values on both sides of zero, which belongs at 0.5.
    Diverging,
}

impl ColourMap {
    /// The colour at `t`; below 0 and NaN count as 0, above 1 as 1.
    ///
    /// ```
    /// use diffeo_plots::ColourMap;
    /// assert_eq!(ColourMap::Viridis.at(-3.0), ColourMap::Viridis.at(0.0));
    /// assert_eq!(ColourMap::Viridis.at(f64::NAN), ColourMap::Viridis.at(0.0));
    /// ```
    #[must_use]
    pub fn at(self, t: f64) -> Colour {
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        let colour = match self {
            Self::Viridis => colorous::VIRIDIS.eval_continuous(t),
            Self::Magma => colorous::MAGMA.eval_continuous(t),
            Self::Cividis => colorous::CIVIDIS.eval_continuous(t),
            Self::Diverging => colorous::RED_BLUE.eval_continuous(1.0 - t),
        };
        Colour { rgb: [colour.r, colour.g, colour.b], alpha: 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brightness(colour: Colour) -> f64 {
        let [r, g, b] = colour.rgb.map(f64::from);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    #[test]
    fn sequential_maps_grow_brighter() {
        for map in [ColourMap::Viridis, ColourMap::Magma, ColourMap::Cividis] {
            let steps: Vec<f64> =
                (0..=20).map(|i| brightness(map.at(f64::from(i) / 20.0))).collect();
            assert!(steps.windows(2).all(|w| w[0] < w[1] + 0.5), "{map:?} {steps:?}");
        }
    }

    #[test]
    fn the_diverging_map_is_lightest_at_zero() {
        let middle = brightness(ColourMap::Diverging.at(0.5));
        assert!(middle > brightness(ColourMap::Diverging.at(0.2)));
        assert!(middle > brightness(ColourMap::Diverging.at(0.8)));
    }
}
