//! Scales the vectors of a field.

use crate::axes::ColourBar;
use crate::stats::{Interval, NARROW};
use crate::{Theme, VectorGrid};

/// How long the vectors of a field are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lengths {
    /// The length of the strongest colour, zero for a field of zeros.
    pub(super) scale: f64,
    longest: f64,
}

impl Lengths {
    pub(super) fn of(field: &VectorGrid) -> Self {
        let (scale, longest) = field.robust_length();
        Self { scale, longest }
    }

    /// A scale for both, that of the longer vectors.
    pub(super) fn or_longer(self, other: Self) -> Self {
        Self { scale: self.scale.max(other.scale), longest: self.longest.max(other.longest) }
    }

    pub(super) fn bar<'a>(&self, theme: &'a Theme, name: &str) -> ColourBar<'a> {
        let high = if self.scale > NARROW { self.scale } else { 1.0 };
        let range = Interval { low: 0.0, high };
        let beyond = [false, self.longest > self.scale];
        ColourBar { beyond, ..ColourBar::new(theme, theme.inks(), range, name) }
    }
}
