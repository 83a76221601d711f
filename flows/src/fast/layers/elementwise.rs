//! A univariate map of each feature with free parameters.

use super::free::Free;
use crate::config::LayerConfig;
use crate::fast::dense::{Dense, Reach, Store};
use crate::fast::kernel::{Built, Kernel, Pass, Reverse, Site, placed};
use crate::fast::layout::Layout;
use crate::fast::tile::Column;
use crate::fast::univariate::{self, Univariate};
use crate::transforms::ElementwiseConfig;

/// The fast tier of [`crate::transforms::Elementwise`].
#[derive(Debug)]
pub(super) struct Elementwise {
    features: usize,
    univariate: Box<dyn Univariate>,
    free: Free,
    from_context: Option<Dense>,
}

impl Elementwise {
    /// The map below `path`.
    pub(super) fn new(
        layout: &Layout,
        path: &str,
        (features, context): (usize, usize),
        univariate: Box<dyn Univariate>,
    ) -> Option<Self> {
        let count = features * univariate.params_per_feature();
        let free = Free { place: layout.place(&format!("{path}.params"), count)?, count };
        let from_context = match context {
            0 => None,
            inputs => Some(Dense {
                inputs,
                outputs: count,
                weight: layout.place(&format!("{path}.context.weight"), inputs * count)?,
                bias: layout.place(&format!("{path}.context.bias"), count)?,
                reach: Reach::Full,
            }),
        };
        Some(Self { features, univariate, free, from_context })
    }

    fn params(&self, pass: &Pass, params: &mut [Column]) {
        self.free.fill(pass, params);
        if let Some(dense) = &self.from_context {
            let all = 0..self.free.count;
            dense.forward(pass.level, pass.theta, pass.context, params, all, (Store::Add, true));
        }
    }
}

/// The kernel of [`ElementwiseConfig`].
pub(super) fn kernel(layer: &LayerConfig, site: &mut Site) -> Option<Built<dyn Kernel>> {
    let settings: &ElementwiseConfig = layer.of()?;
    Some(univariate::kernel(&settings.univariate).and_then(|map| {
        let kernel = placed(Elementwise::new(site.layout, site.path, site.sizes, map))?;
        Ok(Box::new(kernel) as _)
    }))
}

impl Kernel for Elementwise {
    fn tape(&self) -> usize {
        self.features + self.free.count
    }

    fn scratch(&self) -> usize {
        0
    }

    fn prepare(&self, _: &mut [f32]) {}

    fn forward(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        let (x, params) = tape.split_at_mut(self.features);
        x.copy_from_slice(points);
        self.params(pass, params);
        self.univariate.forward(pass.level, params, points, log_det);
    }

    fn backward(&self, pass: &Pass, reverse: Reverse) {
        let Reverse { tape, d_log_det, d_points, gradient, .. } = reverse;
        let (x, params) = tape.split_at_mut(self.features);
        self.univariate.backward(pass.level, params, x, d_log_det, d_points);
        self.free.collect(pass, params, gradient);
        if let Some(dense) = &self.from_context {
            dense.backward_weights(pass.level, pass.context, params, gradient, true);
        }
    }

    fn inverse(
        &self,
        pass: &Pass,
        points: &mut [Column],
        log_det: &mut Column,
        tape: &mut [Column],
    ) {
        let params = &mut tape[..self.free.count];
        self.params(pass, params);
        self.univariate.inverse(pass.level, params, points, log_det);
    }

    fn finish(&self, _: &[f32], _: &mut [f32]) {}
}
