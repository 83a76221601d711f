//! Layers of flows, the fast tier of [`crate::transforms`].

mod act_norm;
mod coupling;
mod elementwise;
mod free;
mod inverse_autoregressive;
mod lu_linear;
mod masked_autoregressive;
mod permutation;
#[cfg(test)]
mod tests;

pub(super) use act_norm::ActNorm;
pub(super) use coupling::Coupling;
pub(super) use elementwise::Elementwise;
pub(super) use inverse_autoregressive::InverseAutoregressive;
pub(super) use lu_linear::LuLinear;
pub(super) use masked_autoregressive::MaskedAutoregressive;
pub(super) use permutation::Permutation;

use super::dense::row_sum;
use super::simd::vectorised;
use super::tile::Column;

vectorised! {
    /// Adds the same number to all rows.
    fn add_to_all<S>(s, value: f32, column: &mut Column) {
        for v in 0..S::VECTORS {
            s.store(s.add(s.load(column, v), s.splat(value)), column, v);
        }
    }
}
