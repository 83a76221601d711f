pub mod peak;
pub mod simd;

mod base;
mod dense;
mod kernel;
mod layout;
mod math;
mod tile;
mod univariate;
