//! Two-dimensional densities with an exact log-density and an exact sampler.
//!
//! A family of toys has one file: what its densities have in common, and its toys as data. Their
//! names are listed in `catalogue.rs`. To add one, write it beside its family and add a line there;
//! the tests compare log-density, sampler and window of every toy in the list.

mod catalogue;
mod checkerboard;
mod conditional;
mod curves;
mod draw;
mod gaussians;
mod pinwheel;
mod plane;
mod rings;
mod toy;
mod two_moons;

pub use toy::{Toy, ToyInfo};

#[cfg(test)]
mod tests;
