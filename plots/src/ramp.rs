//! Chooses the part of a colour map that can be seen on the paper.

use crate::{Colour, ColourMap};

/// A colour for every number between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ramp {
    /// A colour map between two of its numbers.
    Part { map: ColourMap, from: f64, to: f64 },
    /// The hues of the diverging map growing out of dark paper, which is the colour of 0.5: a
    /// white middle would glare.
    FromDark(Colour),
}

impl Ramp {
    /// The colour at `t`; below 0 and NaN count as 0, above 1 as 1.
    pub(crate) fn at(self, t: f64) -> Colour {
        let t = if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) };
        match self {
            Self::Part { map, from, to } => map.at(from + t * (to - from)),
            Self::FromDark(paper) => {
                let far = (2.0 * t - 1.0).abs();
                // The map is darkest at its ends: walked inwards it grows brighter.
                let place = 0.5 + (t - 0.5).signum() * (0.36 - 0.12 * far);
                ColourMap::Diverging.at(place).over(paper, far.powf(0.75))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Theme;

    fn brightness(colour: Colour) -> f64 {
        let [r, g, b] = colour.rgb.map(f64::from);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    #[test]
    fn signed_colours_are_neutral_at_zero_and_leave_it_steadily() {
        for (theme, sign) in [(Theme::light(), -1.0), (Theme::dark(), 1.0)] {
            let ramp = theme.signed();
            let [r, g, b] = ramp.at(0.5).rgb;
            let spread = r.max(g).max(b) - r.min(g).min(b);
            assert!(spread <= 8, "{:?}", ramp.at(0.5));
            for side in [-0.5, 0.5] {
                let steps = (0..=20).map(|k| ramp.at(0.5 + side * f64::from(k) / 20.0));
                let steps: Vec<f64> = steps.map(|c| sign * brightness(c)).collect();
                assert!(steps.windows(2).all(|w| w[1] > w[0] - 0.5), "{theme:?} {steps:?}");
            }
            let ([r, _, b], [red, _, blue]) = (ramp.at(0.1).rgb, ramp.at(0.9).rgb);
            assert!(b > r && red > blue);
        }
    }
}
