//! Axes, ticks, legends and colour bars.

pub(crate) mod colour_bar;
pub(crate) mod heading;
pub(crate) mod panel;
pub(crate) mod ticks;

pub(crate) use colour_bar::ColourBar;
pub(crate) use heading::{Heading, Swatch};
pub(crate) use panel::{Axis, Margins, Panel, View};
