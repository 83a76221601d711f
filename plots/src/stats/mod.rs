//! What is computed from the caller's numbers before anything is drawn.

pub(crate) mod contour;
mod grid;
pub(crate) mod histogram;
mod interval;
mod points;
mod quantile;

pub use grid::Grid;
pub(crate) use interval::{Interval, usable};
pub use points::Points;
pub(crate) use quantile::quantile;
