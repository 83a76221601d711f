pub mod peak;
pub mod simd;

#[cfg(test)]
mod against_reference;
mod base;
mod dense;
mod kernel;
mod layers;
mod layout;
mod math;
mod tile;
mod triangular;
mod univariate;
