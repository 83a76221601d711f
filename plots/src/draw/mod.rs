//! Everything between a list of marks and the bytes of a file.

mod dash;
pub(crate) mod file;
pub(crate) mod geometry;
mod picture;
mod raster;
pub(crate) mod scene;
mod spans;
mod svg;
pub(crate) mod text;

pub use picture::{Distance, Picture};
pub use scene::Scene;
