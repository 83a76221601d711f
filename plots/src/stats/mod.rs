//! What is computed from the caller's numbers before anything is drawn.

pub(crate) mod contour;
mod grid;
pub(crate) mod histogram;
mod interval;
mod lattice;
mod points;
mod quantile;
pub(crate) mod region;
pub(crate) mod uniform;
mod vector_grid;

pub use grid::Grid;
pub(crate) use interval::{Interval, NARROW, usable};
pub use points::Points;
pub(crate) use quantile::quantile;
pub use vector_grid::VectorGrid;
