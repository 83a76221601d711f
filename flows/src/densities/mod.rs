//! Normalised densities, one file each.
//!
//! They serve as bases of flows or as models of their own.
//!
//! None of them is conditional: a context is accepted and ignored.

mod normal;
mod placement;
mod student_t;
mod uniform;

pub use normal::{DiagonalNormal, StandardNormal};
pub use student_t::StudentT;
pub use uniform::UniformBox;

#[cfg(test)]
mod checks;
