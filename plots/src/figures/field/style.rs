//! Chooses how a field is drawn.

use super::Lengths;
use super::arrows::draw_arrows;
use super::carried::Carried;
use super::lines::draw_streamlines;
use crate::axes::{ColourBar, View};
use crate::{Scene, VectorGrid};

/// How a vector field is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldStyle {
    /// Arrows as long as the vectors, up to the 95 % quantile of the lengths.
    #[default]
    Arrows,
    /// Evenly spaced lines along the field.
    Streamlines,
}

/// Draws a field in the colours of a bar, the longest vectors by `lengths`.
pub(super) fn draw_field(
    scene: &mut Scene,
    field: &VectorGrid,
    view: &View,
    style: FieldStyle,
    (bar, lengths): (&ColourBar<'_>, Lengths),
) {
    let field = Carried { field, view, scale: lengths.scale };
    match style {
        FieldStyle::Arrows => draw_arrows(scene, &field, bar),
        FieldStyle::Streamlines => draw_streamlines(scene, &field, bar),
    }
}
