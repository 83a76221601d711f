//! Vector fields over the plane.

mod arrows;
mod behind;
mod carried;
mod lengths;
mod lines;
mod map;
mod panel;
mod panels;
mod spacing;
mod streamlines;
mod style;

use lengths::Lengths;
pub use map::FieldMap;
pub use panel::FieldPanel;
pub use panels::FieldPanels;
pub use style::FieldStyle;
use style::draw_field;
