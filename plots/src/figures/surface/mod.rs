//! Surfaces in space.

mod bands;
mod camera;
mod cells;
mod figure;
mod floor;
mod frame;
mod names;
mod space;

pub use figure::Surface;
