//! Layers of flows, the fast tier of [`crate::transforms`]: one file each, and one line in a list.

mod act_norm;
mod coupling;
mod elementwise;
mod free;
mod inverse_autoregressive;
mod lu_linear;
mod masked_autoregressive;
mod permutation;
mod rotation;
#[cfg(test)]
mod tests;

use super::dense::row_sum;
use super::kernel::{Built, Kernel, Site, first_of};
use super::simd::vectorised;
use super::tile::Column;
use crate::config::LayerConfig;

/// The kernel of a layer; none where the settings are of another kind.
type Find = fn(&LayerConfig, &mut Site) -> Option<Built<dyn Kernel>>;

const KERNELS: [Find; 8] = [
    act_norm::kernel,
    coupling::kernel,
    elementwise::kernel,
    inverse_autoregressive::kernel,
    lu_linear::kernel,
    masked_autoregressive::kernel,
    permutation::kernel,
    rotation::kernel,
];

/// The kernel of a layer.
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Built<dyn Kernel> {
    first_of(layer.name(), KERNELS.iter().map(|find| find(layer, site)))
}

vectorised! {
    /// Adds the same number to all rows.
    fn add_to_all<S>(s, value: f32, column: &mut Column) {
        for v in 0..S::VECTORS {
            s.store(s.add(s.load(column, v), s.splat(value)), column, v);
        }
    }
}
