//! zᵢ = x_π(i)

use crate::config::LayerConfig;
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::layout::Layout;
use crate::fast::tile::Column;
use crate::transforms::{ReverseConfig, ShuffleConfig};

/// The fast tier of [`crate::transforms::Permutation`].
#[derive(Debug)]
pub(super) struct Permutation {
    order: Vec<usize>,
    back: Vec<usize>,
}

impl Permutation {
    fn new(layout: &mut Layout, path: &str, features: usize) -> Option<Self> {
        let read = |name: &str| {
            let values = layout.buffer(&format!("{path}.{name}"))?;
            let order: Vec<usize> = values.iter().map(|i| *i as usize).collect();
            let usable = order.len() == features && order.iter().all(|i| *i < features);
            usable.then_some(order)
        };
        Some(Self { order: read("order")?, back: read("back")? })
    }
}

/// The kernel of [`ReverseConfig`] and [`ShuffleConfig`]: the order is a buffer.
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    if layer.of::<ReverseConfig>().is_none() {
        layer.of::<ShuffleConfig>()?;
    }
    let kernel = Permutation::new(site.layout, site.path, site.sizes.0);
    Some(placed(kernel).map(|kernel| Box::new(kernel) as _))
}

/// Puts the columns into this order, by a copy of them.
fn permute(columns: &mut [Column], order: &[usize], copy: &mut [Column]) {
    copy.copy_from_slice(columns);
    for (column, from) in columns.iter_mut().zip(order) {
        *column = copy[*from];
    }
}

impl Kernel for Permutation {
    /// A copy of the points.
    fn tape(&self) -> usize {
        self.order.len()
    }

    fn scratch(&self) -> usize {
        0
    }

    fn prepare(&self, _: &mut [f32]) {}

    fn forward(&self, _: &Pass, points: &mut [Column], _: &mut Column, tape: &mut [Column]) {
        permute(points, &self.order, tape);
    }

    fn backward(&self, _: &Pass, reverse: Reverse) {
        permute(reverse.d_points, &self.back, reverse.tape);
    }

    fn inverse(&self, _: &Pass, points: &mut [Column], _: &mut Column, tape: &mut [Column]) {
        permute(points, &self.back, tape);
    }

    fn finish(&self, _: &[f32], _: &mut [f32]) {}
}
